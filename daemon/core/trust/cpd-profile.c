/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules of RFC 5280 for one certificate in its place on a path that GnuTLS does not check.
 * Rules only for issuers, such as key identifiers, are not checked:
 * tests/conformance/deviations.txt lists them. */

#include "config.h"

#include "daemon/core/trust/cpd-profile.h"

#include "daemon/core/trust/cpd-gnutls.h"
#include "daemon/core/trust/cpd-name-constraints.h"

#include <string.h>

#define OID_KEY_PURPOSES     "2.5.29.37"
#define OID_AUTHORITY_ACCESS "1.3.6.1.5.5.7.1.1"
#define OID_AUTHORITY_KEY    "2.5.29.35"
#define OID_POLICIES         "2.5.29.32"
#define OID_CONSTRAINTS      "2.5.29.19"
#define OID_PROXY            "1.3.6.1.5.5.7.1.14"
#define OID_TLS_FEATURE      "1.3.6.1.5.5.7.1.24"

#define TAG_INTEGER    0x02
#define TAG_SEQUENCE   0x30
#define STATUS_REQUEST 5

/* None of the values that are examined here is longer. */
#define VALUE_MAX_BYTES 4096

/* More constraints would take too long to compare: GnuTLS intersects them one by one. */
#define CONSTRAINTS_MAX_BYTES (16 * 1024)

/* Returns: whether the certificate has the extension; its value, as far as it fits, in `value` */
static gboolean
read_extension (CpdCertificate *certificate, const char *oid, guint8 *value, size_t *length,
                unsigned int *critical)
{
  int status = gnutls_x509_crt_get_extension_by_oid (cpd_certificate_get_handle (certificate), oid,
                                                     0, value, length, critical);

  return status >= 0 || status == GNUTLS_E_SHORT_MEMORY_BUFFER;
}

/* A list of purposes that allows none (RFC 5280, section 4.2.1.12: one or more). */
static gboolean
has_no_purpose (CpdCertificate *certificate)
{
  guint8 value[VALUE_MAX_BYTES];
  size_t length = sizeof value;
  unsigned int critical;

  return read_extension (certificate, OID_KEY_PURPOSES, value, &length, &critical) && length <= 2;
}

/* Section 4.2.1.12: a certificate that lists purposes may be used only for these, and an authority
 * may vouch only for these. GnuTLS also passes authorities that list Server Gated Crypto. */
gboolean
cpd_profile_allows_servers (CpdCertificate *certificate)
{
  gnutls_x509_crt_t handle = cpd_certificate_get_handle (certificate);
  char purpose[128];

  for (unsigned int i = 0;; i++)
    {
      size_t size = sizeof purpose;
      int status = gnutls_x509_crt_get_key_purpose_oid (handle, i, purpose, &size, NULL);

      if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return i == 0;
      if (status >= 0
          && (g_str_equal (purpose, GNUTLS_KP_TLS_WWW_SERVER)
              || g_str_equal (purpose, GNUTLS_KP_ANY)))
        return TRUE;
      /* A value that does not fit into the buffer is longer than both. */
      if (status < 0 && status != GNUTLS_E_SHORT_MEMORY_BUFFER)
        return FALSE;
    }
}

/* `critical`: NULL: it does not matter */
static gboolean
has_extension (CpdCertificate *certificate, const char *oid, unsigned int *critical)
{
  guint8 value[VALUE_MAX_BYTES];
  size_t length = sizeof value;

  return read_extension (certificate, oid, value, &length, critical);
}

/* Sections 4.2.1.1 and 4.2.2.1: extensions that only help to find things must not be critical. */
static gboolean
depends_on (CpdCertificate *certificate, const char *oid)
{
  unsigned int critical = 0;

  return has_extension (certificate, oid, &critical) && critical != 0;
}

static gboolean
has_malformed_access_information (CpdCertificate *certificate)
{
  gnutls_datum_t value = { NULL, 0 };
  unsigned int critical;
  int status = gnutls_x509_crt_get_authority_info_access (
      cpd_certificate_get_handle (certificate), 0, GNUTLS_IA_ACCESSMETHOD_OID, &value, &critical);

  gnutls_free (value.data);
  return status < 0 && status != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE
         && status != GNUTLS_E_UNKNOWN_ALGORITHM;
}

/* Section 4.2.1.4: a critical policy is processed with its qualifiers, or the path is refused. */
static gboolean
has_unknown_critical_qualifier (CpdCertificate *certificate)
{
  gboolean unknown = FALSE;

  for (unsigned int i = 0; !unknown; i++)
    {
      struct gnutls_x509_policy_st policy;
      unsigned int critical = 0;

      if (gnutls_x509_crt_get_policy (cpd_certificate_get_handle (certificate), i, &policy,
                                      &critical)
          < 0)
        break;
      for (unsigned int j = 0; critical != 0 && j < policy.qualifiers; j++)
        unknown |= policy.qualifier[j].type == GNUTLS_X509_QUALIFIER_UNKNOWN;
      gnutls_x509_policy_release (&policy);
    }
  return unknown;
}

/* `unlimited`: whether it may if it does not say for what its key is used */
static gboolean
may_sign_certificates (CpdCertificate *certificate, gboolean unlimited)
{
  unsigned int usage = 0, critical;

  return gnutls_x509_crt_get_key_usage (cpd_certificate_get_handle (certificate), &usage, &critical)
                 >= 0
             ? (usage & GNUTLS_KEY_KEY_CERT_SIGN) != 0
             : unlimited;
}

/* GnuTLS takes a negative path length for no constraint (section 4.2.1.9). */
static gboolean
has_negative_path_length (CpdCertificate *certificate)
{
  static const guint8 of_authority[] = { 0x01, 0x01, 0xFF, 0x02 };
  guint8 value[VALUE_MAX_BYTES];
  size_t length = sizeof value;

  return read_extension (certificate, OID_CONSTRAINTS, value, &length, NULL)
         && length >= 2 + sizeof of_authority + 2
         && memcmp (value + 2, of_authority, sizeof of_authority) == 0
         && (value[2 + sizeof of_authority + 1] & 0x80) != 0;
}

/* What a server must do in TLS (RFC 7633, section 4). A malformed list demands more than can be
 * done. `other`: (out): whether it has features that certpin does not know.
 * Returns: whether it demands a stapled OCSP response */
static gboolean
read_features (CpdCertificate *certificate, gboolean *other)
{
  guint8 value[VALUE_MAX_BYTES];
  size_t length = sizeof value;
  CpdSlice rest, features, feature;
  gboolean demands = FALSE;

  *other = FALSE;
  if (!read_extension (certificate, OID_TLS_FEATURE, value, &length, NULL))
    return FALSE;
  *other = TRUE;
  rest = (CpdSlice){ value, MIN (length, sizeof value) };
  if (!cpd_der_take (&rest, TAG_SEQUENCE, NULL, &features) || rest.length != 0)
    return TRUE;
  *other = FALSE;
  while (features.length > 0)
    {
      gboolean known = cpd_der_take (&features, TAG_INTEGER, NULL, &feature) && feature.length == 1
                       && feature.data[0] == STATUS_REQUEST;

      demands |= known;
      *other |= !known;
    }
  return demands;
}

/* Whether its server must staple an OCSP response. */
gboolean
cpd_profile_demands_ocsp (CpdCertificate *certificate)
{
  gboolean other;

  return read_features (certificate, &other);
}

/* Extensions that GnuTLS knows, but certpin does not process (section 4.2): proxy certificates, RFC
 * 3820; and TLS features, RFC 7633. */
static gboolean
demands_too_much (CpdCertificate *certificate)
{
  gboolean other;

  read_features (certificate, &other);
  return has_extension (certificate, OID_PROXY, NULL)
         || (other && depends_on (certificate, OID_TLS_FEATURE));
}

/* GnuTLS walks a list from its front for each entry, so its time grows with the square of the
 * length.
 * Returns: whether a list is too long */
gboolean
cpd_profile_is_too_long (CpdCertificate *certificate)
{
  static const struct
  {
    const char *oid;
    size_t most;
  } lists[] = {
    { OID_KEY_PURPOSES, VALUE_MAX_BYTES },
    { OID_POLICIES, VALUE_MAX_BYTES },
    { CPD_NAME_CONSTRAINTS_OID, CONSTRAINTS_MAX_BYTES },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      guint8 value[VALUE_MAX_BYTES];
      size_t length = sizeof value;

      if (read_extension (certificate, lists[i].oid, value, &length, NULL)
          && length > lists[i].most)
        return TRUE;
    }
  return FALSE;
}

/* Returns: (transfer none) (nullable): what is wrong with the certificate in that place, as the end
 * of a sentence that begins with its name */
const char *
cpd_profile_find_fault (CpdCertificate *certificate, CpdRole role)
{
  int version = gnutls_x509_crt_get_version (cpd_certificate_get_handle (certificate));
  unsigned int bits = cpd_certificate_get_rsa_bits (certificate);

  if (!cpd_certificate_has_usual_key (certificate))
    return "has a type of key that TLS does not use";
  if (version > 3)
    return "has an unknown X.509 version";
  if (has_negative_path_length (certificate))
    return "has a negative path length constraint";
  if (role != CPD_ROLE_ANCHOR && demands_too_much (certificate))
    return "has an extension that certpin does not support";
  if (bits % 8 != 0)
    return "has an RSA key whose length in bits is not a multiple of 8";
  if (role != CPD_ROLE_ANCHOR && has_no_purpose (certificate))
    return "has an empty extended key usage";
  if (role != CPD_ROLE_ANCHOR && depends_on (certificate, OID_AUTHORITY_ACCESS))
    return "has a critical authority information access";
  if (depends_on (certificate, OID_AUTHORITY_KEY))
    return "has a critical authority key identifier";
  if (role != CPD_ROLE_ANCHOR && has_malformed_access_information (certificate))
    return "has a malformed authority information access";
  if (role != CPD_ROLE_ANCHOR && has_unknown_critical_qualifier (certificate))
    return "has a critical policy with an unknown qualifier";
  if (role == CPD_ROLE_LEAF && has_extension (certificate, CPD_NAME_CONSTRAINTS_OID, NULL))
    return "belongs to a server, but has name constraints";
  if (role == CPD_ROLE_LEAF && may_sign_certificates (certificate, /* unlimited= */ FALSE)
      && !cpd_certificate_is_ca (certificate))
    return "belongs to a server, but may sign certificates";
  if (role != CPD_ROLE_LEAF && !cpd_certificate_has_subject (certificate)) /* section 4.1.2.6 */
    return "belongs to an authority, but has no subject";
  if (role == CPD_ROLE_ANCHOR && version == 3 && !cpd_certificate_is_ca (certificate))
    return "is a trust anchor, but does not belong to an authority";
  return NULL;
}

/* Whether no path can ever end at this anchor: it is no authority (section 4.2.1.9), or one that
 * may not sign certificates (section 4.2.1.3). Before version 3, nothing says so. A server's
 * certificate that is self-signed is its own anchor.
 * Returns: (transfer none) (nullable): why, as the end of a sentence that begins with its name */
const char *
cpd_profile_find_anchor_fault (CpdCertificate *certificate)
{
  int version = gnutls_x509_crt_get_version (cpd_certificate_get_handle (certificate));
  gboolean authority = cpd_certificate_is_ca (certificate);

  if (version < 3 || (authority && may_sign_certificates (certificate, /* unlimited= */ TRUE))
      || cpd_certificate_is_self_signed (certificate))
    return NULL;
  return authority ? "belongs to an authority that may not sign certificates"
                   : "belongs to a server, not to an authority";
}
