/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds bytes to the certificate parsers: whatever they are, the answer is a value or an error. */

#include "config.h"

#include "daemon/core/trust/cpd-certificate.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (GBytes) der = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdCertificate) certificate = cpd_certificate_new (der, &error);
  g_autofree char *subject = NULL, *issuer = NULL;

  if ((certificate != NULL) == (error != NULL))
    abort ();
  if (certificate == NULL)
    return 0;
  subject = cpd_certificate_dup_subject (certificate);
  issuer = cpd_certificate_dup_issuer (certificate);
  cpd_certificate_is_self_signed (certificate);
  cpd_certificate_names (certificate, "h.example");
  return 0;
}
