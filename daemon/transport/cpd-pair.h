/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <sys/uio.h>

G_BEGIN_DECLS

/* The service's end of a two-way pair of sockets, whose other end a caller has. If it is not
 * closed, but freed or left to the kernel, the caller reads what was sent, and then ECONNRESET. It
 * has one owner at a time, on whatever thread. */
typedef struct _CpdPair CpdPair;

CpdPair *cpd_pair_new (GError **error);
void cpd_pair_free (CpdPair *pair);
int cpd_pair_steal_other (CpdPair *pair);
int cpd_pair_get_fd (CpdPair *pair);

gssize cpd_pair_take (CpdPair *pair, void *buffer, gsize size);
gssize cpd_pair_give (CpdPair *pair, const void *data, gsize size);
gssize cpd_pair_give_parts (CpdPair *pair, struct iovec *parts, gsize count);

void cpd_pair_end_giving (CpdPair *pair);
gboolean cpd_pair_is_left (CpdPair *pair);
void cpd_pair_close (CpdPair *pair);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CpdPair, cpd_pair_free)

G_END_DECLS
