/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* With much data, each copy of it counts: the buffers into which GnuTLS decrypts are kept until all
 * that is in them has gone on. */

#include "config.h"

#include "daemon/transport/cpd-records.h"

#include <string.h>

/* Whether there is room for another one, of whatever size, with which they are no more than
 * `max_bytes`. */
gboolean
cpd_records_has_room (const CpdRecords *records, gsize max_bytes)
{
  return records->count < CPD_RECORDS_MAX && records->bytes + CPD_RECORD_MAX_BYTES <= max_bytes;
}

/* Where there is room. `packet`: (transfer full): not empty */
void
cpd_records_add (CpdRecords *records, gnutls_packet_t packet)
{
  gnutls_datum_t data;

  gnutls_packet_get (packet, &data, NULL);
  records->parts[records->count] = (struct iovec){ data.data, data.size };
  records->packets[records->count] = packet;
  records->count++;
  records->bytes += data.size;
}

/* The first of their bytes have gone on: no more than there are. */
void
cpd_records_skip (CpdRecords *records, gsize bytes)
{
  unsigned int done = 0;

  records->bytes -= bytes;
  for (; done < records->count && records->parts[done].iov_len <= bytes; done++)
    {
      bytes -= records->parts[done].iov_len;
      gnutls_packet_deinit (records->packets[done]);
    }
  records->count -= done;
  memmove (records->parts, records->parts + done, records->count * sizeof *records->parts);
  memmove (records->packets, records->packets + done, records->count * sizeof *records->packets);
  if (bytes == 0)
    return;
  records->parts[0].iov_base = (guint8 *)records->parts[0].iov_base + bytes;
  records->parts[0].iov_len -= bytes;
}

void
cpd_records_clear (CpdRecords *records)
{
  cpd_records_skip (records, records->bytes);
}
