/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The formats in which people keep certificates: DER, PEM, PKCS#7, and PKCS#12 without a password.
 * Only certificates are taken out of a file: a private key is never decoded. */

#include "config.h"

#include "cli/reader/reader-formats.h"

#include "client-lib/certpin-error.h"
#include "client-lib/certpin-pem.h"
#include "daemon/core/trust/cpd-gnutls.h"

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_pkcs12_bag_t, gnutls_pkcs12_bag_deinit, NULL)

static GPtrArray *
new_ders (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
}

static void
add_der (GPtrArray *ders, const gnutls_datum_t *der)
{
  g_ptr_array_add (ders, g_bytes_new (der->data, der->size));
}

/* Returns: (nullable) (transfer full): of GBytes; NULL: the file is something else */
static GPtrArray *
read_pkcs7 (const gnutls_datum_t *file, gnutls_x509_crt_fmt_t encoding)
{
  g_auto (gnutls_pkcs7_t) pkcs7 = NULL;
  g_autoptr (GPtrArray) ders = new_ders ();
  gnutls_datum_t der;

  if (gnutls_pkcs7_init (&pkcs7) < 0 || gnutls_pkcs7_import (pkcs7, file, encoding) < 0)
    return NULL;
  for (unsigned int i = 0; gnutls_pkcs7_get_crt_raw2 (pkcs7, i, &der) >= 0; i++)
    {
      add_der (ders, &der);
      gnutls_free (der.data);
    }
  return g_steal_pointer (&ders);
}

/* No password and an empty one are encoded differently, and programs use both (RFC 7292,
 * appendix B). */
static gboolean
open_bag (gnutls_pkcs12_bag_t bag)
{
  return gnutls_pkcs12_bag_get_type (bag, 0) != GNUTLS_BAG_ENCRYPTED
         || gnutls_pkcs12_bag_decrypt (bag, "") >= 0 || gnutls_pkcs12_bag_decrypt (bag, NULL) >= 0;
}

static void
add_certificates_of_bag (GPtrArray *ders, gnutls_pkcs12_bag_t bag)
{
  gnutls_datum_t der; /* belongs to the bag */

  for (int i = 0; i < gnutls_pkcs12_bag_get_count (bag); i++)
    if (gnutls_pkcs12_bag_get_type (bag, (unsigned int)i) == GNUTLS_BAG_CERTIFICATE
        && gnutls_pkcs12_bag_get_data (bag, (unsigned int)i, &der) >= 0)
      add_der (ders, &der);
}

/* Its MAC is not checked: without a password it proves nothing.
 * Returns: (nullable) (transfer full): of GBytes; NULL: the file is something else.
 * `locked`: (out): a part of it needs a password */
static GPtrArray *
read_pkcs12 (const gnutls_datum_t *file, gboolean *locked)
{
  g_auto (gnutls_pkcs12_t) pkcs12 = NULL;
  g_autoptr (GPtrArray) ders = new_ders ();
  int status = 0;

  *locked = FALSE;
  if (gnutls_pkcs12_init (&pkcs12) < 0
      || gnutls_pkcs12_import (pkcs12, file, GNUTLS_X509_FMT_DER, 0) < 0)
    return NULL;
  for (int i = 0; status >= 0; i++)
    {
      g_auto (gnutls_pkcs12_bag_t) bag = NULL;

      if (gnutls_pkcs12_bag_init (&bag) < 0)
        return NULL;
      status = gnutls_pkcs12_get_bag (pkcs12, i, bag);
      if (status >= 0 && open_bag (bag))
        add_certificates_of_bag (ders, bag);
      else if (status >= 0)
        *locked = TRUE;
    }
  return g_steal_pointer (&ders);
}

static gboolean
is_armoured (const char *data, gsize length)
{
  return g_strstr_len (data, (gssize)length, "-----BEGIN ") != NULL;
}

/* Returns: (transfer full) (nullable): of GBytes; NULL: there are none in it, or one has no end */
static GPtrArray *
read_armoured (const gnutls_datum_t *file, const char **format)
{
  g_autoptr (GPtrArray) ders = read_pkcs7 (file, GNUTLS_X509_FMT_PEM);

  *format = "PKCS#7";
  if (ders != NULL)
    return g_steal_pointer (&ders);
  ders = new_ders ();
  *format = "PEM";
  if (certpin_pem_read ((const char *)file->data, file->size, ders) && ders->len > 0)
    return g_steal_pointer (&ders);
  return NULL;
}

/* `format`: (out): its name, for people.
 * Errors: CERTPIN_ERROR_WRONG_FORMAT.
 * Returns: (transfer full): of GBytes: the certificates, which are not parsed yet. A file of no
 * known format is returned whole as one */
GPtrArray *
reader_formats_find (GBytes *file, const char **format, GError **error)
{
  gsize length;
  const void *data = g_bytes_get_data (file, &length);
  const gnutls_datum_t datum = { (unsigned char *)data, (unsigned int)length };
  g_autoptr (GPtrArray) ders = NULL;
  gboolean locked = FALSE;

  if (length > 0 && is_armoured (data, length))
    ders = read_armoured (&datum, format);
  else if ((ders = read_pkcs7 (&datum, GNUTLS_X509_FMT_DER)) != NULL)
    *format = "PKCS#7";
  else if ((ders = read_pkcs12 (&datum, &locked)) != NULL)
    *format = "PKCS#12";
  if (ders != NULL && ders->len > 0)
    return g_steal_pointer (&ders);
  if (ders != NULL)
    {
      g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT,
                   locked ? "it is a %s file with a password; extract the certificate with: "
                            "openssl pkcs12 -nokeys -clcerts"
                          : "it is a %s file without a certificate",
                   *format);
      return NULL;
    }
  *format = "DER";
  ders = new_ders ();
  g_ptr_array_add (ders, g_bytes_ref (file));
  return g_steal_pointer (&ders);
}
