/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gnutls/gnutls.h>

#include <glib.h>
#include <sys/uio.h>

G_BEGIN_DECLS

/* Each has a buffer for the largest record, however small it is. */
#define CPD_RECORDS_MAX 16

/* RFC 8446, section 5.1 */
#define CPD_RECORD_MAX_BYTES (16 * 1024)

/* Records of a TLS connection, which wait where GnuTLS decrypted them. Zeros: none. */
typedef struct
{
  struct iovec parts[CPD_RECORDS_MAX]; /* what is left of each */
  gnutls_packet_t packets[CPD_RECORDS_MAX];
  unsigned int count;
  gsize bytes; /* that are left of all of them */
} CpdRecords;

gboolean cpd_records_has_room (const CpdRecords *records, gsize max_bytes);
void cpd_records_add (CpdRecords *records, gnutls_packet_t packet);
void cpd_records_skip (CpdRecords *records, gsize bytes);
void cpd_records_clear (CpdRecords *records);

G_END_DECLS
