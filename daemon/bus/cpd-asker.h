/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-store.h"

G_BEGIN_DECLS

/* Who makes a call, when, and about whose pins. */
typedef struct
{
  CpdStore *store;
  CpdOwner self;        /* a user, or an app */
  gint64 now;           /* Unix seconds */
  CpdOwner owner;       /* whose pins: the caller's own, unless it names an app of its user */
  gboolean only_looks;  /* at pins that are there: an app that has none need not be known for it */
  CpdOwner *connection; /* where its connection's number is, once that has pins of its own; 0 */
} CpdAsker;

gboolean cpd_asker_take_scope (CpdAsker *asker, const char *scope, const char *app, CpdLayer *layer,
                               GError **error);
gboolean cpd_asker_take_layers (CpdAsker *asker, const char *scope, const char *app,
                                const char **chosen, GError **error);

G_END_DECLS
