/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds bytes to what reads messages of the bus: what is emptied can still be read, and what GDBus
 * makes a message of has no more values than were counted, and the same ones in a call. */

#include "config.h"

#include "daemon/bus/cpd-decode.h"
#include "daemon/bus/cpd-wire.h"

#include <stdlib.h>
#include <string.h>

#define MOST 64

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

/* GDBus may refuse a header that is not read. */
static void
compare_calls (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GDBusMessage) ours = cpd_decode_call (bytes);
  g_autoptr (GDBusMessage) theirs = g_dbus_message_new_from_blob (
      (guchar *)g_bytes_get_data (bytes, NULL), size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  GVariant *body = ours != NULL ? g_dbus_message_get_body (ours) : NULL;
  GVariant *expected = theirs != NULL ? g_dbus_message_get_body (theirs) : NULL;

  if (ours == NULL || theirs == NULL)
    return;
  if ((body == NULL) != (expected == NULL) || (body != NULL && !g_variant_equal (body, expected)))
    abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree guint8 *bytes = NULL;
  CpdWireHeader header;
  guint64 header_bytes;

  if (size < CPD_WIRE_START_BYTES)
    return 0;
  compare_calls (data, size);
  bytes = g_memdup2 (data, size);
  header_bytes = cpd_wire_measure_header (bytes);
  if (header_bytes > size || size - header_bytes != cpd_wire_measure_body (bytes)
      || !cpd_wire_read_header (bytes, header_bytes, &header))
    return 0;
  if (!cpd_wire_has_more_values (&header, bytes + header_bytes, MOST)
      && cpd_wire_has_more_values (&header, bytes + header_bytes, MOST + 1))
    abort ();
  cpd_wire_empty (bytes, header_bytes);
  if (cpd_wire_measure_body (bytes) != 0 || !cpd_wire_read_header (bytes, header_bytes, &header)
      || header.signature != NULL || header.n_fds != 0)
    abort ();
  return 0;
}
