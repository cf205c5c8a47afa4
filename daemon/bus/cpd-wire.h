/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The first bytes of every message, which give the length of the rest. */
#define CPD_WIRE_START_BYTES 16

/* The header of a message. The texts point into its bytes; NULL: there is none. */
typedef struct
{
  GDBusMessageType type;
  GDBusMessageFlags flags;
  gboolean swapped; /* its byte order is not that of this machine */
  guint32 body_bytes;
  guint32 serial;
  guint32 n_fds;
  const char *sender, *destination, *path, *interface, *member, *signature;
} CpdWireHeader;

guint64 cpd_wire_measure_header (const guint8 start[CPD_WIRE_START_BYTES]);
guint32 cpd_wire_measure_body (const guint8 start[CPD_WIRE_START_BYTES]);
gboolean cpd_wire_read_header (const guint8 *bytes, gsize size, CpdWireHeader *header);
gboolean
cpd_wire_has_more_values (const CpdWireHeader *header, const guint8 *body, unsigned int most);
void cpd_wire_empty (guint8 *bytes, gsize size);

G_END_DECLS
