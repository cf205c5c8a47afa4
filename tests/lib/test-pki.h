/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <gnutls/x509.h>

G_BEGIN_DECLS

/* A moment at which all certificates made here are valid, unless they are made not to be. So is
 * today. */
#define TEST_PKI_NOW ((gint64)1800000000)
#define TEST_PKI_DAY ((gint64)(24 * 60 * 60))

#define TEST_PKI_EKU_NONE   ""
#define TEST_PKI_EKU_CLIENT GNUTLS_KP_TLS_WWW_CLIENT

/* A certificate and its private key. A reference-counted value. */
typedef struct _TestIdentity TestIdentity;

/* An extension with a value that is written down in DER, sensible or not. */
typedef struct
{
  const char *oid;
  const char *value;
  size_t length;
  gboolean critical;
} TestExtension;

/* `bytes`: a string literal */
#define TEST_EXTENSION(id, bytes, is_critical)                                                     \
  (&(const TestExtension){                                                                         \
      .oid = (id), .value = (bytes), .length = sizeof (bytes) - 1, .critical = (is_critical) })

/* What a certificate is to be like. Everything may be left out: then it is a self-signed end entity
 * without names, valid for decades, with a P-256 key. */
typedef struct
{
  const char *subject;      /* common name; NULL: "test"; "": an empty Name */
  const char *dns[4];       /* subjectAltName: DNS names */
  const char *addresses[2]; /* subjectAltName: IP addresses, in text */
  gint64 not_before;        /* Unix seconds */
  gint64 not_after;         /* Unix seconds */
  gboolean is_ca;
  TestIdentity *issuer;  /* NULL: itself */
  TestIdentity *key_of;  /* whose key it gets; NULL: a new one */
  TestIdentity *signer;  /* whose key signs; NULL: the issuer's, as it ought to be */
  unsigned int rsa_bits; /* an RSA key; over 8192 it is made up, without a private half; 0: P-256 */
  const char *eku;       /* OID; NULL: server for an end entity, none for a CA */
  unsigned int key_usage; /* of GNUTLS_KEY_; 0: what fits the rest */
  gboolean version_1;     /* X.509 version 1, without extensions */
  gboolean limits_path;   /* whether path_length counts */
  int path_length;
  const char *permitted_dns;        /* name constraint */
  const char *excluded_dns;         /* name constraint */
  const TestExtension *extension;   /* one more; NULL: none */
  gnutls_digest_algorithm_t digest; /* of the signature; 0: SHA-256 */
} TestIdentityOptions;

TestIdentity *test_identity_new (const TestIdentityOptions *options);
TestIdentity *test_identity_ref (TestIdentity *identity);
void test_identity_unref (TestIdentity *identity);

#define TEST_IDENTITY(...) test_identity_new (&(const TestIdentityOptions){ __VA_ARGS__ })

GBytes *test_identity_get_certificate (TestIdentity *identity);
GBytes *test_identity_get_key (TestIdentity *identity);
gnutls_x509_crt_t test_identity_get_crt (TestIdentity *identity);
gnutls_x509_privkey_t test_identity_get_privkey (TestIdentity *identity);
GBytes *test_identity_corrupt_signature (TestIdentity *identity);

GBytes *test_identity_replace (TestIdentity *identity, const char *old, const char *text,
                               TestIdentity *signer);

char *test_identity_to_pem (TestIdentity *identity);
void test_pki_write_certificates (const char *path, TestIdentity *const *chain);
void test_pki_write_key (const char *path, TestIdentity *identity);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestIdentity, test_identity_unref)

G_END_DECLS
