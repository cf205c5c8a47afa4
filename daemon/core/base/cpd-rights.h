/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <sys/types.h>
#include <sys/uio.h>

G_BEGIN_DECLS

/* The most descriptors that Linux passes at a time. */
#define CPD_RIGHTS_MAX 253

ssize_t
cpd_rights_receive (int socket, struct iovec *parts, gsize count, int flags, GArray *rights);
ssize_t cpd_rights_send (int socket, const struct iovec *parts, gsize count, int flags,
                         const GArray *rights);

G_END_DECLS
