/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in a file with certificates, as a value. The file may hold anything. */

#include "config.h"

#include "cli/reader/reader-describe.h"

#include "cli/reader/reader-formats.h"
#include "client-lib/certpin-error.h"
#include "daemon/core/pins/cpd-pin.h"
#include "daemon/core/trust/cpd-not-certificate.h"

#define CERTIFICATES_MAX 64

/* The warnings do not depend on the host if that is NULL. */
static GVariant *
describe_warnings (CpdCertificate *certificate, CpdHost *host)
{
  g_autoptr (CpdPin) pin = cpd_pin_new (host, CPD_LAYER_USER);

  cpd_pin_take_certificate (pin, certificate, g_get_real_time () / G_USEC_PER_SEC);
  return g_variant_new_strv ((const char *const *)pin->warnings, -1);
}

/* `host`: (nullable). Returns: `a{sv}`, floating */
static GVariant *
describe (CpdCertificate *certificate, CpdHost *host)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *subject = cpd_certificate_dup_subject (certificate);
  g_autofree char *issuer = cpd_certificate_dup_issuer (certificate);
  g_autofree char *key = certpin_key_to_text (cpd_certificate_get_key (certificate));

  g_variant_dict_insert_value (&dict, "der",
                               g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING,
                                                         cpd_certificate_get_der (certificate),
                                                         TRUE));
  g_variant_dict_insert (&dict, "subject", "s", subject);
  g_variant_dict_insert (&dict, "issuer", "s", issuer);
  g_variant_dict_insert (&dict, "key", "s", key);
  g_variant_dict_insert (&dict, "not-before", "x", cpd_certificate_get_not_before (certificate));
  g_variant_dict_insert (&dict, "not-after", "x", cpd_certificate_get_not_after (certificate));
  g_variant_dict_insert (&dict, "authority", "b", cpd_certificate_is_ca (certificate));
  g_variant_dict_insert (&dict, "self-signed", "b", cpd_certificate_is_self_signed (certificate));
  if (host != NULL)
    g_variant_dict_insert_value (&dict, "warnings", describe_warnings (certificate, host));
  return g_variant_dict_end (&dict);
}

static GVariant *
describe_fault (GBytes *der, const char *fault)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert_value (&dict, "der",
                               g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, der, TRUE));
  g_variant_dict_insert (&dict, "fault", "s", fault);
  return g_variant_dict_end (&dict);
}

/* A container has its certificates in any order.
 * Returns: (transfer full): `aa{sv}`: those of servers first, otherwise in their order */
static GVariant *
describe_all (GPtrArray *ders, CpdHost *host)
{
  g_auto (GVariantBuilder) servers = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GPtrArray) authorities
      = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);

  for (unsigned int i = 0; i < ders->len; i++)
    {
      g_autoptr (GError) fault = NULL;
      g_autoptr (CpdCertificate) certificate = cpd_certificate_new (ders->pdata[i], &fault);

      if (certificate == NULL)
        g_variant_builder_add_value (&servers, describe_fault (ders->pdata[i], fault->message));
      else if (cpd_certificate_is_ca (certificate))
        g_ptr_array_add (authorities, g_variant_ref_sink (describe (certificate, host)));
      else
        g_variant_builder_add_value (&servers, describe (certificate, host));
    }
  for (unsigned int i = 0; i < authorities->len; i++)
    g_variant_builder_add_value (&servers, authorities->pdata[i]);
  return g_variant_ref_sink (g_variant_builder_end (&servers));
}

/* `host`: (nullable): of which a pin would be.
 * Errors: CERTPIN_ERROR_WRONG_FORMAT.
 * Returns: (transfer full): `(saa{sv})`, as in reader.c */
GVariant *
reader_describe (GBytes *file, CpdHost *host, GError **error)
{
  const char *format = "";
  g_autoptr (GPtrArray) ders = reader_formats_find (file, &format, error);
  g_autoptr (CpdCertificate) only = NULL;
  g_autoptr (GVariant) described = NULL;

  if (ders == NULL)
    return NULL;
  if (ders->len > CERTIFICATES_MAX || !cpd_certificates_are_few (ders, NULL))
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT,
                   "it has more than %d certificates, or larger ones than are accepted",
                   CERTIFICATES_MAX);
      return NULL;
    }
  if (ders->len == 1 && (only = cpd_certificate_new (ders->pdata[0], error)) == NULL)
    return NULL;
  described = describe_all (ders, host);
  return g_variant_ref_sink (g_variant_new ("(s@aa{sv})", format, described));
}
