/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Asks the bus what it holds for whom. */
typedef struct _CpdUndelivered CpdUndelivered;

typedef struct
{
  /* The bus has this many undelivered bytes for a connection. */
  void (*figure) (const char *name, guint64 bytes, gpointer user_data);
  /* The question about a connection has ended, with or without an answer. */
  void (*done) (const char *name, gpointer user_data);
} CpdUndeliveredFuncs;

CpdUndelivered *cpd_undelivered_new (GDBusConnection *connection, GDBusConnection *quiet,
                                     const CpdUndeliveredFuncs *funcs, gpointer user_data);
void cpd_undelivered_free (CpdUndelivered *undelivered);

gboolean cpd_undelivered_can_ask (CpdUndelivered *undelivered);
gboolean cpd_undelivered_asks_for_all (CpdUndelivered *undelivered);
void cpd_undelivered_ask (CpdUndelivered *undelivered, const char *name);

G_END_DECLS
