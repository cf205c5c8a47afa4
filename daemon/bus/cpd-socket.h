/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <sys/uio.h>

G_BEGIN_DECLS

/* Reads from a Unix stream socket, with descriptors. All calls wait for the other end, and fail
 * when it is gone. */
typedef struct
{
  int socket;
  guint8 *bytes; /* received and not yet read, from `begin` to `end` */
  gsize begin, end;
  guint64 n_read, n_received; /* bytes, since the beginning */
  GArray *fds;                /* of int: received and not yet taken */
  GArray *fd_ends;            /* of guint64: of each, where the bytes that it came with ended */
} CpdSource;

/* Bytes that are sent one after the other. */
typedef struct
{
  struct iovec vector[3];
  unsigned int count;
} CpdSocketParts;

void cpd_source_init (CpdSource *source, int socket);
void cpd_source_clear (CpdSource *source);

gsize cpd_source_peek (CpdSource *source, const guint8 **bytes);
gboolean cpd_source_read (CpdSource *source, guint8 *bytes, gsize size);
gboolean cpd_source_skip (CpdSource *source, gsize size);
GArray *cpd_source_take_fds (CpdSource *source, unsigned int count);
void cpd_source_drop_old_fds (CpdSource *source);

gboolean cpd_socket_is_stream (int fd);
gssize cpd_socket_send_some (int socket, const CpdSocketParts *parts, GArray *fds, gboolean wait);
gboolean cpd_socket_send (int socket, const guint8 *bytes, gsize size, GArray *fds);

G_END_DECLS
