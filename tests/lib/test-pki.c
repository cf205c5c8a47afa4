/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A small PKI made in memory, so that no test needs a certificate that could expire. It makes good
 * certificates and, where a test asks for it, bad ones. */

#define _GNU_SOURCE /* memmem */

#include "config.h"

#include "test-pki.h"

#include "daemon/core/trust/cpd-gnutls.h"

#include <arpa/inet.h>
#include <string.h>

#define USUAL_NOT_BEFORE ((gint64)1700000000)
#define USUAL_NOT_AFTER  ((gint64)4000000000)

struct _TestIdentity
{
  gnutls_x509_crt_t crt;
  gnutls_x509_privkey_t key; /* NULL where there is only a public half */
  GBytes *der;
  GBytes *key_der; /* PKCS#8; NULL likewise */
};

#define CHECK(call) g_assert_cmpint ((call), >=, 0)

static GBytes *
take_datum (gnutls_datum_t datum)
{
  GBytes *bytes = g_bytes_new (datum.data, datum.size);

  gnutls_free (datum.data);
  return bytes;
}

static gnutls_x509_privkey_t
make_key (const TestIdentityOptions *options)
{
  gnutls_x509_privkey_t key;

  CHECK (gnutls_x509_privkey_init (&key));
  if (options->key_of != NULL)
    CHECK (gnutls_x509_privkey_cpy (key, options->key_of->key));
  else if (options->rsa_bits != 0)
    CHECK (gnutls_x509_privkey_generate (key, GNUTLS_PK_RSA, options->rsa_bits, 0));
  else
    CHECK (gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                                         GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0));
  return key;
}

/* A modulus that nobody knows the factors of: generating a real one of this size takes minutes. */
static void
set_made_up_rsa_key (gnutls_x509_crt_t crt, unsigned int bits)
{
  g_autofree guint8 *modulus = g_malloc (bits / 8);
  guint8 exponent[] = { 1, 0, 1 };
  const gnutls_datum_t m = { modulus, bits / 8 };
  const gnutls_datum_t e = { exponent, sizeof exponent };
  g_auto (gnutls_pubkey_t) pubkey = NULL;

  memset (modulus, 0xA5, bits / 8);
  CHECK (gnutls_pubkey_init (&pubkey));
  CHECK (gnutls_pubkey_import_rsa_raw (pubkey, &m, &e));
  CHECK (gnutls_x509_crt_set_pubkey (crt, pubkey));
}

static void
set_subject_and_dates (gnutls_x509_crt_t crt, const TestIdentityOptions *options)
{
  const char *subject = options->subject != NULL ? options->subject : "test";
  gint64 from = options->not_before != 0 ? options->not_before : USUAL_NOT_BEFORE;
  gint64 until = options->not_after != 0 ? options->not_after : USUAL_NOT_AFTER;
  guint8 serial[8];

  for (size_t i = 0; i < sizeof serial; i++)
    serial[i] = (guint8)g_random_int_range (1, 128);
  CHECK (gnutls_x509_crt_set_serial (crt, serial, sizeof serial));
  CHECK (gnutls_x509_crt_set_version (crt, options->version_1 ? 1 : 3));
  if (*subject != '\0')
    CHECK (gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, subject,
                                          (unsigned int)strlen (subject)));
  CHECK (gnutls_x509_crt_set_activation_time (crt, (time_t)from));
  CHECK (gnutls_x509_crt_set_expiration_time (crt, (time_t)until));
}

static void
set_names (gnutls_x509_crt_t crt, const TestIdentityOptions *options)
{
  for (size_t i = 0; i < G_N_ELEMENTS (options->dns) && options->dns[i] != NULL; i++)
    CHECK (gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_DNSNAME, options->dns[i],
                                                 (unsigned int)strlen (options->dns[i]),
                                                 GNUTLS_FSAN_APPEND));
  for (size_t i = 0; i < G_N_ELEMENTS (options->addresses) && options->addresses[i] != NULL; i++)
    {
      gboolean is_ipv6 = strchr (options->addresses[i], ':') != NULL;
      guint8 address[16];

      g_assert_cmpint (inet_pton (is_ipv6 ? AF_INET6 : AF_INET, options->addresses[i], address), ==,
                       1);
      CHECK (gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_IPADDRESS, address,
                                                   is_ipv6 ? 16 : 4, GNUTLS_FSAN_APPEND));
    }
}

static void
set_name_constraints (gnutls_x509_crt_t crt, const TestIdentityOptions *options)
{
  gnutls_x509_name_constraints_t constraints;
  gnutls_datum_t name;

  if (options->permitted_dns == NULL && options->excluded_dns == NULL)
    return;
  CHECK (gnutls_x509_name_constraints_init (&constraints));
  if (options->permitted_dns != NULL)
    {
      name = (gnutls_datum_t){ (guint8 *)options->permitted_dns,
                               (unsigned int)strlen (options->permitted_dns) };
      CHECK (gnutls_x509_name_constraints_add_permitted (constraints, GNUTLS_SAN_DNSNAME, &name));
    }
  if (options->excluded_dns != NULL)
    {
      name = (gnutls_datum_t){ (guint8 *)options->excluded_dns,
                               (unsigned int)strlen (options->excluded_dns) };
      CHECK (gnutls_x509_name_constraints_add_excluded (constraints, GNUTLS_SAN_DNSNAME, &name));
    }
  CHECK (gnutls_x509_crt_set_name_constraints (crt, constraints, 1));
  gnutls_x509_name_constraints_deinit (constraints);
}

static void
set_key_ids (gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
  guint8 id[64];
  size_t size = sizeof id;

  CHECK (gnutls_x509_crt_get_key_id (crt, 0, id, &size));
  CHECK (gnutls_x509_crt_set_subject_key_id (crt, id, size));
  size = sizeof id;
  if (gnutls_x509_crt_get_subject_key_id (issuer, id, &size, NULL) >= 0)
    CHECK (gnutls_x509_crt_set_authority_key_id (crt, id, size));
}

static void
set_uses (gnutls_x509_crt_t crt, const TestIdentityOptions *options)
{
  const char *eku = options->eku;
  unsigned int usage = options->is_ca ? GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN
                                      : GNUTLS_KEY_DIGITAL_SIGNATURE;

  if (!options->is_ca && options->rsa_bits != 0)
    usage |= GNUTLS_KEY_KEY_ENCIPHERMENT;
  if (options->key_usage != 0)
    usage = options->key_usage;
  CHECK (gnutls_x509_crt_set_basic_constraints (crt, options->is_ca,
                                                options->limits_path ? options->path_length : -1));
  CHECK (gnutls_x509_crt_set_key_usage (crt, usage));
  if (eku == NULL)
    eku = options->is_ca ? TEST_PKI_EKU_NONE : GNUTLS_KP_TLS_WWW_SERVER;
  if (*eku != '\0')
    CHECK (gnutls_x509_crt_set_key_purpose_oid (crt, eku, 0));
}

static void
set_extension (gnutls_x509_crt_t crt, const TestExtension *extension)
{
  if (extension != NULL)
    CHECK (gnutls_x509_crt_set_extension_by_oid (crt, extension->oid, extension->value,
                                                 extension->length, extension->critical));
}

TestIdentity *
test_identity_new (const TestIdentityOptions *options)
{
  TestIdentity *identity = g_atomic_rc_box_new0 (TestIdentity);
  TestIdentity *issuer = options->issuer != NULL ? options->issuer : identity;
  TestIdentity *signer = options->signer != NULL ? options->signer : issuer;
  gnutls_digest_algorithm_t digest = options->digest != 0 ? options->digest : GNUTLS_DIG_SHA256;
  gnutls_datum_t datum;

  CHECK (gnutls_x509_crt_init (&identity->crt));
  if (options->rsa_bits > 8192)
    set_made_up_rsa_key (identity->crt, options->rsa_bits);
  else
    {
      identity->key = make_key (options);
      CHECK (gnutls_x509_crt_set_key (identity->crt, identity->key));
    }
  set_subject_and_dates (identity->crt, options);
  if (!options->version_1)
    {
      set_names (identity->crt, options);
      set_uses (identity->crt, options);
      set_name_constraints (identity->crt, options);
      set_key_ids (identity->crt, issuer->crt);
      set_extension (identity->crt, options->extension);
    }
  g_assert_nonnull (signer->key);
  CHECK (gnutls_x509_crt_sign2 (identity->crt, issuer->crt, signer->key, digest, 0));
  CHECK (gnutls_x509_crt_export2 (identity->crt, GNUTLS_X509_FMT_DER, &datum));
  identity->der = take_datum (datum);
  if (identity->key != NULL)
    {
      CHECK (gnutls_x509_privkey_export2_pkcs8 (identity->key, GNUTLS_X509_FMT_DER, NULL,
                                                GNUTLS_PKCS_PLAIN, &datum));
      identity->key_der = take_datum (datum);
    }
  return identity;
}

TestIdentity *
test_identity_ref (TestIdentity *identity)
{
  return g_atomic_rc_box_acquire (identity);
}

static void
identity_clear (gpointer data)
{
  TestIdentity *identity = data;

  gnutls_x509_crt_deinit (identity->crt);
  gnutls_x509_privkey_deinit (identity->key);
  g_bytes_unref (identity->der);
  g_clear_pointer (&identity->key_der, g_bytes_unref);
}

void
test_identity_unref (TestIdentity *identity)
{
  if (identity != NULL)
    g_atomic_rc_box_release_full (identity, identity_clear);
}

/* Returns: (transfer none): DER */
GBytes *
test_identity_get_certificate (TestIdentity *identity)
{
  return identity->der;
}

/* Returns: (transfer none): PKCS#8 in DER */
GBytes *
test_identity_get_key (TestIdentity *identity)
{
  return identity->key_der;
}

gnutls_x509_crt_t
test_identity_get_crt (TestIdentity *identity)
{
  return identity->crt;
}

gnutls_x509_privkey_t
test_identity_get_privkey (TestIdentity *identity)
{
  return identity->key;
}

/* Returns: (transfer full): the certificate, well-formed, with a signature that does not verify */
GBytes *
test_identity_corrupt_signature (TestIdentity *identity)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (identity->der, &length);
  guint8 *copy = g_memdup2 (data, length);

  copy[length - 1] ^= 1;
  return g_bytes_new_take (copy, length);
}

/* The size of a DER element whose length has two octets, as that of a whole certificate. */
static size_t
long_element (const guint8 *der)
{
  g_assert_cmpuint (der[1], ==, 0x82);
  return 4 + ((size_t)der[2] << 8 | der[3]);
}

/* Puts a certificate together. Returns: (transfer full): DER */
static GBytes *
sign_again (const guint8 *tbs, const guint8 *algorithm, TestIdentity *signer)
{
  const gnutls_datum_t datum = { (guint8 *)tbs, (unsigned int)long_element (tbs) };
  const guint8 header[] = { 0x30, 0x82, 0, 0 };
  guint8 bits[] = { 0x03, 0, 0 };
  GByteArray *der = g_byte_array_new ();
  gnutls_privkey_t key;
  gnutls_datum_t signature;

  CHECK (gnutls_privkey_init (&key));
  CHECK (gnutls_privkey_import_x509 (key, signer->key, GNUTLS_PRIVKEY_IMPORT_COPY));
  CHECK (gnutls_privkey_sign_data (key, GNUTLS_DIG_SHA256, 0, &datum, &signature));
  gnutls_privkey_deinit (key);
  g_assert_cmpuint (signature.size, <, 0x7f);
  bits[1] = (guint8)(signature.size + 1);
  g_byte_array_append (der, header, sizeof header);
  g_byte_array_append (der, tbs, datum.size);
  g_byte_array_append (der, algorithm, 2u + algorithm[1]);
  g_byte_array_append (der, bits, sizeof bits);
  g_byte_array_append (der, signature.data, signature.size);
  gnutls_free (signature.data);
  der->data[2] = (guint8)((der->len - sizeof header) >> 8);
  der->data[3] = (guint8)(der->len - sizeof header);
  return g_byte_array_free_to_bytes (der);
}

/* For what GnuTLS would not make. `text`: in place of `old` in the signed part, and as long.
 * `signer`: has a P-256 key.
 * Returns: (transfer full): DER */
GBytes *
test_identity_replace (TestIdentity *identity, const char *old, const char *text,
                       TestIdentity *signer)
{
  gsize length, end;
  const guint8 *data = g_bytes_get_data (identity->der, &length);
  g_autofree guint8 *der = g_memdup2 (data, length);
  char *at;

  end = 4 + long_element (der + 4);
  at = memmem (der, end, old, strlen (old));
  g_assert_nonnull (at);
  g_assert_cmpuint (strlen (old), ==, strlen (text));
  memcpy (at, text, strlen (text));
  return sign_again (der + 4, der + end, signer);
}

/* Returns: (transfer full) */
char *
test_identity_to_pem (TestIdentity *identity)
{
  gnutls_datum_t datum;
  char *text;

  CHECK (gnutls_x509_crt_export2 (identity->crt, GNUTLS_X509_FMT_PEM, &datum));
  text = g_strndup ((const char *)datum.data, datum.size);
  gnutls_free (datum.data);
  return text;
}

/* `chain`: NULL-terminated; written in this order, as a server sends it */
void
test_pki_write_certificates (const char *path, TestIdentity *const *chain)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; chain[i] != NULL; i++)
    {
      g_autofree char *pem = test_identity_to_pem (chain[i]);
      g_string_append (text, pem);
    }
  g_file_set_contents (path, text->str, (gssize)text->len, &error);
  g_assert_no_error (error);
}

void
test_pki_write_key (const char *path, TestIdentity *identity)
{
  g_autoptr (GError) error = NULL;
  gnutls_datum_t datum;

  CHECK (gnutls_x509_privkey_export2_pkcs8 (identity->key, GNUTLS_X509_FMT_PEM, NULL,
                                            GNUTLS_PKCS_PLAIN, &datum));
  g_file_set_contents_full (path, (const char *)datum.data, datum.size, G_FILE_SET_CONTENTS_NONE,
                            0600, &error);
  gnutls_free (datum.data);
  g_assert_no_error (error);
}
