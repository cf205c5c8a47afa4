/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Recognises what people give instead of one DER certificate, and says how to convert it. It only
 * explains a refusal: nothing that it recognises is accepted. */

#include "config.h"

#include "daemon/core/trust/cpd-not-certificate.h"

#include "daemon/core/trust/cpd-der.h"
#include "daemon/core/trust/cpd-gnutls.h"

#include <string.h>

typedef gboolean (*Recognise) (const gnutls_datum_t *datum);

static gboolean
is_pkcs7 (const gnutls_datum_t *datum)
{
  g_auto (gnutls_pkcs7_t) pkcs7 = NULL;

  return gnutls_pkcs7_init (&pkcs7) >= 0
         && gnutls_pkcs7_import (pkcs7, datum, GNUTLS_X509_FMT_DER) >= 0;
}

static gboolean
is_pkcs12 (const gnutls_datum_t *datum)
{
  g_auto (gnutls_pkcs12_t) pkcs12 = NULL;

  return gnutls_pkcs12_init (&pkcs12) >= 0
         && gnutls_pkcs12_import (pkcs12, datum, GNUTLS_X509_FMT_DER, 0) >= 0;
}

static gboolean
is_request (const gnutls_datum_t *datum)
{
  g_auto (gnutls_x509_crq_t) request = NULL;

  return gnutls_x509_crq_init (&request) >= 0
         && gnutls_x509_crq_import (request, datum, GNUTLS_X509_FMT_DER) >= 0;
}

static gboolean
is_revocation_list (const gnutls_datum_t *datum)
{
  g_auto (gnutls_x509_crl_t) list = NULL;

  return gnutls_x509_crl_init (&list) >= 0
         && gnutls_x509_crl_import (list, datum, GNUTLS_X509_FMT_DER) >= 0;
}

static gboolean
is_private_key (const gnutls_datum_t *datum)
{
  g_auto (gnutls_x509_privkey_t) key = NULL;
  int status;

  if (gnutls_x509_privkey_init (&key) < 0)
    return FALSE;
  status = gnutls_x509_privkey_import2 (key, datum, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
  return status >= 0 || status == GNUTLS_E_DECRYPTION_FAILED;
}

static gboolean
is_public_key (const gnutls_datum_t *datum)
{
  g_auto (gnutls_pubkey_t) key = NULL;

  return gnutls_pubkey_init (&key) >= 0
         && gnutls_pubkey_import (key, datum, GNUTLS_X509_FMT_DER) >= 0;
}

static const struct
{
  Recognise recognise;
  const char *description;
} der_kinds[] = {
  { is_pkcs7,
    "the certificate is a PKCS#7 file, not one DER certificate; extract the server's with: "
    "openssl pkcs7 -inform DER -print_certs, then openssl x509 -outform DER" },
  { is_pkcs12, "the certificate is a PKCS#12 file, not one DER certificate; extract it with: "
               "openssl pkcs12 -nokeys -clcerts, then openssl x509 -outform DER" },
  { is_request,
    "the certificate is a signing request (CSR), not a certificate; give the certificate that "
    "the authority issued for it" },
  { is_revocation_list, "the certificate is a revocation list (CRL), not a certificate" },
  { is_private_key, "the certificate is a private key; keep it secret, and give the certificate" },
  { is_public_key, "the certificate is a bare public key, not a certificate; pin it with PinKeys" },
};

static gboolean
contains (const char *data, size_t length, const char *needle)
{
  return g_strstr_len (data, (gssize)length, needle) != NULL;
}

/* Returns: (nullable): what armoured text it is */
static const char *
describe_pem (const char *data, size_t length)
{
  const char *first = g_strstr_len (data, (gssize)length, "-----BEGIN ");
  const char *second;
  size_t left;

  if (first == NULL)
    return NULL;
  left = length - (size_t)(first - data);
  second = g_strstr_len (first + 1, (gssize)left - 1, "-----BEGIN CERTIFICATE-----");
  if (contains (first, MIN (left, 60), "PRIVATE KEY"))
    return "the certificate is a private key in PEM; keep it secret, and give the certificate";
  if (contains (first, MIN (left, 60), "PUBLIC KEY"))
    return "the certificate is a public key in PEM, not a certificate; pin it with PinKeys";
  if (contains (first, MIN (left, 60), "REQUEST"))
    return "the certificate is a signing request (CSR) in PEM, not a certificate; give the "
           "certificate that "
           "the authority issued for it";
  if (contains (first, MIN (left, 60), "PKCS7"))
    return "the certificate is a PKCS#7 file in PEM, not one DER certificate; extract the server's "
           "with: "
           "openssl pkcs7 -print_certs, then openssl x509 -outform DER";
  if (second != NULL)
    return "the certificate is PEM with several certificates, not one DER certificate; convert the "
           "server's, "
           "which is usually the first, with: openssl x509 -outform DER";
  if (g_strstr_len (first, (gssize)left, "-----END ") == NULL)
    return "the certificate is PEM without its end; get the whole file again";
  return "the certificate is PEM, not DER; convert it with: openssl x509 -in FILE -outform DER "
         "-out FILE.der";
}

/* Returns: (nullable) (transfer full): what is wrong with the length, if the bytes begin like a
 * certificate */
static char *
describe_length (const guint8 *data, size_t length)
{
  size_t outer, second;
  CpdCertificateShape shape;

  if (!cpd_der_outer_length (data, length, &outer))
    return NULL;
  if (outer > length)
    return g_strdup_printf ("the certificate is truncated: it should have %" G_GSIZE_FORMAT
                            " bytes, but has only %" G_GSIZE_FORMAT,
                            outer, length);
  if (outer == length || !cpd_der_parse_certificate (data, outer, &shape))
    return NULL;
  if (cpd_der_outer_length (data + outer, length - outer, &second) && second <= length - outer
      && cpd_der_parse_certificate (data + outer, second, &shape))
    return g_strdup ("there are several certificates, one after the other; give exactly one");
  return g_strdup_printf ("the certificate is followed by %" G_GSIZE_FORMAT
                          " more bytes; give only the certificate",
                          length - outer);
}

static gboolean
is_printable (const guint8 *data, size_t length)
{
  for (size_t i = 0; i < length; i++)
    if (data[i] > '~' || (data[i] < ' ' && !g_ascii_isspace (data[i])))
      return FALSE;
  return TRUE;
}

/* `bytes`: refused as a certificate.
 * Returns: (transfer full): one plain sentence: what it is, and the remedy */
char *
cpd_not_certificate_describe (GBytes *bytes)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  const gnutls_datum_t datum = { (unsigned char *)data, (unsigned int)length };
  const char *pem;
  char *off;

  if (length == 0)
    return g_strdup ("the certificate is empty; give one DER certificate");
  /* The real size is unknown: programs stop reading a file when it is too long. */
  if (length > CPD_CERTIFICATE_MAX_BYTES)
    return g_strdup_printf (
        "the certificate has more than %d bytes (64 KiB); give one DER certificate",
        CPD_CERTIFICATE_MAX_BYTES);
  pem = describe_pem ((const char *)data, length);
  if (pem != NULL)
    return g_strdup (pem);
  for (size_t i = 0; i < G_N_ELEMENTS (der_kinds); i++)
    if (der_kinds[i].recognise (&datum))
      return g_strdup (der_kinds[i].description);
  off = describe_length (data, length);
  if (off != NULL)
    return off;
  if (is_printable (data, length))
    return g_strdup ("the certificate is text, not DER; give the certificate itself");
  return g_strdup (
      "the certificate is not one well-formed DER certificate; look at it with: openssl x509 "
      "-inform DER -in FILE -noout -text");
}
