/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds bytes to the parser of OCSP responses and to the judgement of them. What our parser takes
 * and GnuTLS takes, too, must be the same to both.
 *
 * Input: a certificate and its issuer, each behind its length in two bytes, and the response. */

#include "config.h"

#include "daemon/core/trust/cpd-ocsp-response.h"
#include "daemon/core/trust/cpd-ocsp.h"

#include <gnutls/ocsp.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
require (gboolean holds)
{
  if (!holds)
    abort ();
}

/* Returns: (transfer full) (nullable) */
static CpdCertificate *
take_certificate (const guint8 **data, size_t *size)
{
  g_autoptr (GBytes) der = NULL;
  size_t length;

  if (*size < 2)
    return NULL;
  length = MIN ((size_t)(*data)[0] << 8 | (*data)[1], *size - 2);
  der = g_bytes_new (*data + 2, length);
  *data += 2 + length;
  *size -= 2 + length;
  return cpd_certificate_new (der, NULL);
}

static void
compare_entry (gnutls_ocsp_resp_t other, unsigned int at, const CpdOcspEntry *entry)
{
  gnutls_datum_t serial = { NULL, 0 };
  unsigned int status;
  time_t this_update;

  require (gnutls_ocsp_resp_get_single (other, at, NULL, NULL, NULL, &serial, &status, &this_update,
                                        NULL, NULL, NULL)
           >= 0);
  require (serial.size == entry->serial.length
           && memcmp (serial.data, entry->serial.data, serial.size) == 0);
  require ((status == GNUTLS_OCSP_CERT_GOOD) == (entry->status == CPD_OCSP_ENTRY_GOOD));
  require ((status == GNUTLS_OCSP_CERT_REVOKED) == (entry->status == CPD_OCSP_ENTRY_REVOKED));
  gnutls_free (serial.data);
}

/* Goes through what ours has read, beside what GnuTLS reads, where it reads it at all. */
static void
compare (CpdOcspShape shape, const guint8 *data, size_t size)
{
  const gnutls_datum_t whole = { (unsigned char *)data, (unsigned int)size };
  gnutls_ocsp_resp_t other;
  gboolean read;
  CpdOcspEntry entry;

  require (gnutls_ocsp_resp_init (&other) >= 0);
  read = gnutls_ocsp_resp_import (other, &whole) >= 0;
  for (unsigned int i = 0; shape.entries.length > 0; i++)
    {
      if (!cpd_ocsp_response_take_entry (&shape.entries, &entry))
        break;
      require (entry.serial.data >= data && entry.serial.data + entry.serial.length <= data + size);
      if (read)
        compare_entry (other, i, &entry);
    }
  gnutls_ocsp_resp_deinit (other);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (CpdCertificate) certificate = take_certificate (&data, &size);
  g_autoptr (CpdCertificate) issuer = take_certificate (&data, &size);
  g_autoptr (GBytes) response = g_bytes_new (data, size);
  CpdOcspShape shape;
  CpdOcsp ocsp;

  if (cpd_ocsp_response_parse ((CpdSlice){ data, size }, &shape))
    compare (shape, data, size);
  if (certificate == NULL || issuer == NULL)
    return 0;
  ocsp = cpd_ocsp_judge (response, certificate, issuer);
  require (ocsp.status >= CPD_OCSP_INVALID && ocsp.status <= CPD_OCSP_REVOKED);
  require (cpd_ocsp_get_name (&ocsp, 0) != NULL);
  require (!cpd_ocsp_is_good (&ocsp, 0) || ocsp.status == CPD_OCSP_GOOD);
  return 0;
}
