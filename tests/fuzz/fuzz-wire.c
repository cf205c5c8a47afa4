/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds bytes to what reads messages of the bus: what is emptied can still be read, and what GDBus
 * makes a message of has no more values than were counted. */

#include "config.h"

#include "daemon/bus/cpd-wire.h"

#include <stdlib.h>
#include <string.h>

#define MOST 64

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree guint8 *bytes = NULL;
  CpdWireHeader header;
  guint64 header_bytes;

  if (size < CPD_WIRE_START_BYTES)
    return 0;
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
