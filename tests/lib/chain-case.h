/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/trust/cpd-trust.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* One chain that others made, with what is to be asked of it. */
typedef struct
{
  JsonObject *json; /* all that its authors say */
  const char *id;
  const char *name;   /* what the server is asked for as; NULL: no name is checked */
  GPtrArray *chain;   /* of GBytes, as presented */
  GPtrArray *trusted; /* of GBytes, each one certificate */
  CpdPurpose purpose;
  gint64 now; /* Unix seconds */
} ChainCase;

typedef void (*ChainCaseFunc) (const ChainCase *chain_case, gpointer user_data);

/* The sets of them below the folder of vectors. */
typedef struct
{
  const char *name;
  const char *file;
} ChainSet;

#define CHAIN_SETS 5
extern const ChainSet chain_sets[CHAIN_SETS];

gboolean chain_set_foreach (const char *vectors, const char *file, ChainCaseFunc function,
                            gpointer user_data, GError **error);

G_END_DECLS
