/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-caller.h"

G_BEGIN_DECLS

/* How connections ended, until their callers ask. */
typedef struct _CpdEnds CpdEnds;

/* `result`: (transfer none) (nullable); `error`: (transfer none): NULL if there is a result.
 * `waiter`: (transfer full) */
typedef void (*CpdEndsTellFunc) (gpointer waiter, GVariant *result, const GError *error);

CpdEnds *cpd_ends_new (CpdEndsTellFunc tell);
void cpd_ends_free (CpdEnds *ends);

void cpd_ends_expect (CpdEnds *ends, const char *path, CpdCaller *caller);
void cpd_ends_take (CpdEnds *ends, const char *path, GVariant *result, const GError *error);
gboolean cpd_ends_wait (CpdEnds *ends, const char *path, gpointer waiter);
void cpd_ends_forget (CpdEnds *ends, CpdCaller *caller);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdEnds, cpd_ends_free)

G_END_DECLS
