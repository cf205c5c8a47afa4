/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds files to certpin-reader: PEM, PKCS#7, PKCS#12, DER, or none of these. Whatever it is, the
 * answer is a value of its type, or an error that can be shown. What is told of a certificate is
 * told of the bytes that stand beside it.
 *
 * Input: a byte, whether there is a host, and the file. */

#include "config.h"

#include "cli/reader/reader-describe.h"
#include "client-lib/certpin-error.h"
#include "daemon/core/trust/cpd-certificate.h"

#include <stdlib.h>

#define CERTIFICATES_MAX 64

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
require (gboolean holds)
{
  if (!holds)
    abort ();
}

static void
check_certificate (GVariant *described, CpdHost *host)
{
  g_autoptr (GVariant) bytes = g_variant_lookup_value (described, "der", G_VARIANT_TYPE_BYTESTRING);
  g_autoptr (GBytes) der = NULL;
  g_autoptr (CpdCertificate) certificate = NULL;
  g_autofree char *key = NULL;
  const char *fault = NULL, *told = NULL;

  require (bytes != NULL);
  der = g_variant_get_data_as_bytes (bytes);
  certificate = cpd_certificate_new (der, NULL);
  require (g_variant_lookup (described, "fault", "&s", &fault) == (certificate == NULL));
  require (g_variant_lookup (described, "key", "&s", &told) == (certificate != NULL));
  if (certificate == NULL)
    return;
  key = certpin_key_to_text (cpd_certificate_get_key (certificate));
  require (g_str_equal (key, told));
  require (g_variant_lookup (described, "warnings", "as", NULL) == (host != NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (CpdHost) host = NULL;
  g_autoptr (GBytes) file = NULL;
  g_autoptr (GVariant) value = NULL, all = NULL;
  g_autoptr (GError) error = NULL;

  if (size == 0)
    return 0;
  host = data[0] % 2 == 1 ? cpd_host_new ("h.example", NULL) : NULL;
  file = g_bytes_new (data + 1, size - 1);
  value = reader_describe (file, host, &error);
  require ((value == NULL) == (error != NULL));
  if (value == NULL)
    {
      require (error->domain == CERTPIN_ERROR && g_utf8_validate (error->message, -1, NULL));
      return 0;
    }
  require (g_variant_is_of_type (value, G_VARIANT_TYPE ("(saa{sv})")));
  require (g_variant_is_normal_form (value));
  all = g_variant_get_child_value (value, 1);
  require (g_variant_n_children (all) >= 1 && g_variant_n_children (all) <= CERTIFICATES_MAX);
  for (gsize i = 0; i < g_variant_n_children (all); i++)
    {
      g_autoptr (GVariant) described = g_variant_get_child_value (all, i);

      check_certificate (described, host);
    }
  return 0;
}
