/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many threads a uid may have: `most` at a time. */
typedef struct
{
  guint32 uid;
  unsigned int most;
} CpdApart;

/* On its thread. It ends by itself; nobody waits for that. */
typedef void (*CpdApartFunc) (gpointer data);

gboolean cpd_apart_start (const CpdApart *apart, CpdApartFunc work, gpointer data, GError **error);

G_END_DECLS
