/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-owner.h"

G_BEGIN_DECLS

/* How many threads a uid may have: `most` at a time. Its apps, together, may have half of these. */
typedef struct
{
  CpdOwner owner; /* a user, or an app */
  unsigned int most;
} CpdApart;

/* On its thread. `fds`: (transfer full): the same descriptors, by numbers that only threads apart
 * have; it closes them. Nobody waits for its end. */
typedef void (*CpdApartFunc) (const int *fds, gpointer data);

gboolean cpd_apart_set_up (GError **error);
void cpd_apart_run (const int *fds, unsigned int n_fds, CpdApartFunc work, gpointer data);
gboolean cpd_apart_start (const CpdApart *apart, const int *fds, unsigned int n_fds,
                          CpdApartFunc work, gpointer data, GError **error);

G_END_DECLS
