/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What RFC 5280 demands of the certificates on a path and GnuTLS leaves out: uses that contradict
 * the place on the path, and name constraints on every name below them, those of intermediates and
 * wildcards too. What binds issuers alone, such as key identifiers, is not demanded:
 * tests/conformance/deviations.txt says which. */

#include "config.h"

#include "daemon/core/trust/cpd-profile.h"

#include "daemon/core/trust/cpd-gnutls.h"

#include <string.h>

#define OID_KEY_PURPOSES     "2.5.29.37"
#define OID_NAME_CONSTRAINTS "2.5.29.30"
#define OID_AUTHORITY_ACCESS "1.3.6.1.5.5.7.1.1"
#define OID_AUTHORITY_KEY    "2.5.29.35"
#define OID_POLICIES         "2.5.29.32"
#define OID_CONSTRAINTS      "2.5.29.19"
#define OID_PROXY            "1.3.6.1.5.5.7.1.14"
#define OID_TLS_FEATURE      "1.3.6.1.5.5.7.1.24"

/* Longer values than that are none of those that are looked at here. */
#define VALUE_MAX_BYTES 4096

/* More constraints than that take too long to be compared: GnuTLS intersects them one by one. */
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

/* Section 4.2.1.12: whoever lists purposes may be used for those alone, and an authority vouch for
 * no others. GnuTLS also lets authorities pass that list Server Gated Crypto. */
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
      /* One that does not fit into the buffer is longer than both of them. */
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

static gboolean
has_name_constraints (CpdCertificate *certificate)
{
  return has_extension (certificate, OID_NAME_CONSTRAINTS, NULL);
}

/* Sections 4.2.1.1 and 4.2.2.1: what only helps to find things must never be what a path depends
 * on. */
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

static gboolean
may_sign_certificates (CpdCertificate *certificate)
{
  unsigned int usage = 0, critical;

  return gnutls_x509_crt_get_key_usage (cpd_certificate_get_handle (certificate), &usage, &critical)
             >= 0
         && (usage & GNUTLS_KEY_KEY_CERT_SIGN) != 0;
}

/* GnuTLS takes a length below zero for none, which is to say for any (section 4.2.1.9). */
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

/* What GnuTLS knows, and certpin does nothing about (section 4.2): that somebody else's proxy holds
 * the key, RFC 3820; and what a server must do in TLS, RFC 7633. */
static gboolean
demands_too_much (CpdCertificate *certificate)
{
  return has_extension (certificate, OID_PROXY, NULL) || depends_on (certificate, OID_TLS_FEATURE);
}

/* GnuTLS walks a list from its front for each entry, which takes time by the square of its length.
 * Returns: whether one is longer than anybody needs */
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
    { OID_NAME_CONSTRAINTS, CONSTRAINTS_MAX_BYTES },
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

/* Section 4.1.2.6: whoever issues certificates has a name. An empty Name is an empty SEQUENCE. */
static gboolean
has_no_subject (CpdCertificate *certificate)
{
  return cpd_certificate_get_raw_subject (certificate).length <= 2;
}

/* Returns: (transfer none) (nullable): what is wrong with the certificate in that place, as the end
 * of a sentence that begins with its name */
const char *
cpd_profile_find_fault (CpdCertificate *certificate, CpdRole role)
{
  int version = gnutls_x509_crt_get_version (cpd_certificate_get_handle (certificate));
  unsigned int bits = cpd_certificate_get_rsa_bits (certificate);

  if (!cpd_certificate_has_usual_key (certificate))
    return "has a kind of key that TLS does not use";
  if (version > 3)
    return "has an unknown version of X.509";
  if (has_negative_path_length (certificate))
    return "has a negative path length";
  if (role != CPD_ROLE_ANCHOR && demands_too_much (certificate))
    return "has an extension that certpin does not support";
  if (bits % 8 != 0)
    return "has an RSA key whose length in bits is not a multiple of 8";
  if (role != CPD_ROLE_ANCHOR && has_no_purpose (certificate))
    return "has an empty list of purposes";
  if (role != CPD_ROLE_ANCHOR && depends_on (certificate, OID_AUTHORITY_ACCESS))
    return "marks its authority information as critical";
  if (depends_on (certificate, OID_AUTHORITY_KEY))
    return "marks its authority's key identifier as critical";
  if (role != CPD_ROLE_ANCHOR && has_malformed_access_information (certificate))
    return "has malformed authority information";
  if (role != CPD_ROLE_ANCHOR && has_unknown_critical_qualifier (certificate))
    return "has a critical policy with a qualifier that certpin does not know";
  if (role == CPD_ROLE_LEAF && has_name_constraints (certificate))
    return "is a server's, but has name constraints";
  if (role == CPD_ROLE_LEAF && may_sign_certificates (certificate)
      && !cpd_certificate_is_ca (certificate))
    return "is a server's, but may sign certificates";
  if (role != CPD_ROLE_LEAF && has_no_subject (certificate))
    return "is an authority's, but has no subject";
  if (role == CPD_ROLE_ANCHOR && version == 3 && !cpd_certificate_is_ca (certificate))
    return "is trusted, but is not an authority's";
  return NULL;
}

/* Whether one directory name is another or, RDN by RDN, below it. Both as RFC 4514 writes them, the
 * last RDN first. */
static gboolean
is_below_directory (const char *name, size_t length, const gnutls_datum_t *base)
{
  size_t head = length - base->size, escapes = 0;

  if (length < base->size || memcmp (name + head, base->data, base->size) != 0)
    return FALSE;
  if (head == 0 || base->size == 0)
    return TRUE;
  while (escapes + 1 < head && name[head - 2 - escapes] == '\\')
    escapes++;
  return name[head - 1] == ',' && escapes % 2 == 0;
}

/* Whether the list of what is permitted has room for a name, where GnuTLS does not ask that: it
 * lets every directory name and URI pass, and an address of the family that is not listed. A URI
 * that some other is permitted for is refused unread, as GnuTLS does where some is excluded. */
static gboolean
is_permitted (int type, const char *name, size_t size, gnutls_x509_name_constraints_t constraints)
{
  gboolean listed = FALSE;
  gnutls_datum_t base;
  unsigned int base_type;

  if (type != GNUTLS_SAN_DN && type != GNUTLS_SAN_URI && type != GNUTLS_SAN_IPADDRESS)
    return TRUE;
  for (unsigned int i = 0;
       gnutls_x509_name_constraints_get_permitted (constraints, i, &base_type, &base) >= 0; i++)
    {
      if (base_type != (unsigned int)type)
        continue;
      listed = TRUE;
      if ((type == GNUTLS_SAN_DN && is_below_directory (name, size, &base))
          || (type == GNUTLS_SAN_IPADDRESS && base.size == 2 * size))
        return TRUE;
    }
  return !listed;
}

/* The subject is a name like the others, where there is one. */
static gboolean
has_permitted_subject (CpdCertificate *certificate, gnutls_x509_name_constraints_t constraints)
{
  gnutls_datum_t name = { NULL, 0 };
  gboolean permitted;

  if (has_no_subject (certificate))
    return TRUE;
  permitted = gnutls_x509_crt_get_dn3 (cpd_certificate_get_handle (certificate), &name, 0) >= 0
              && is_permitted (GNUTLS_SAN_DN, (const char *)name.data, name.size, constraints);
  gnutls_free (name.data);
  return permitted;
}

static const gnutls_x509_subject_alt_name_t constrained_types[]
    = { GNUTLS_SAN_DNSNAME, GNUTLS_SAN_IPADDRESS, GNUTLS_SAN_RFC822NAME, GNUTLS_SAN_URI };

static gboolean
is_below (const char *name, size_t name_length, const char *domain, size_t domain_length)
{
  return name_length >= domain_length
         && g_ascii_strncasecmp (name + name_length - domain_length, domain, domain_length) == 0
         && (name_length == domain_length || domain_length == 0
             || name[name_length - domain_length - 1] == '.');
}

/* Whether a wildcard, be it a whole label or a part of one, may stand for names in an excluded
 * domain, which GnuTLS compares letter by letter. */
static gboolean
wildcard_reaches (const char *wildcard, size_t length, gnutls_x509_name_constraints_t constraints)
{
  const char *dot = memchr (wildcard, '.', length);
  const char *domain = dot != NULL ? dot + 1 : wildcard + length;
  size_t domain_length = length - (size_t)(domain - wildcard);
  gnutls_datum_t excluded;
  unsigned int type;

  if (memchr (wildcard, '*', length) == NULL)
    return FALSE;
  for (unsigned int i = 0;
       gnutls_x509_name_constraints_get_excluded (constraints, i, &type, &excluded) >= 0; i++)
    if (type == GNUTLS_SAN_DNSNAME
        && (is_below ((const char *)excluded.data, excluded.size, domain, domain_length)
            || is_below (domain, domain_length, (const char *)excluded.data, excluded.size)))
      return TRUE;
  return FALSE;
}

/* Section 4.2.1.10: a domain has no dot in front, there it is another thing's notation, and no star
 * or other character that no name has: no name would ever be found below it. */
static gboolean
is_domain (const gnutls_datum_t *name)
{
  for (unsigned int i = 0; i < name->size; i++)
    if (!g_ascii_isalnum (name->data[i]) && strchr ("-_.", name->data[i]) == NULL)
      return FALSE;
  return name->size == 0 || (name->data[0] != '.' && memchr (name->data, '\0', name->size) == NULL);
}

/* What is permitted, or what is excluded. */
typedef int (*ConstraintsGetter) (gnutls_x509_name_constraints_t constraints, unsigned int index,
                                  unsigned int *type, gnutls_datum_t *name);

static gboolean
is_well_formed (gnutls_x509_name_constraints_t constraints)
{
  static const ConstraintsGetter getters[]
      = { gnutls_x509_name_constraints_get_permitted, gnutls_x509_name_constraints_get_excluded };
  gnutls_datum_t name;
  unsigned int type, count = 0;

  for (size_t list = 0; list < G_N_ELEMENTS (getters); list++)
    for (unsigned int i = 0; getters[list](constraints, i, &type, &name) >= 0; i++, count++)
      if (type == GNUTLS_SAN_DNSNAME && !is_domain (&name))
        return FALSE;
  return count > 0;
}

/* A name that stands for nothing can be neither inside nor outside of a constraint. */
static gboolean
is_malformed_name (int type, const char *name, size_t size)
{
  if (type == GNUTLS_SAN_IPADDRESS)
    return size != 4 && size != 16;
  return type == GNUTLS_SAN_DNSNAME && (size == 0 || name[0] == '.');
}

/* Whether the names of one certificate keep to the constraints of one above it. */
static gboolean
keeps_to (CpdCertificate *certificate, gnutls_x509_name_constraints_t constraints)
{
  gnutls_x509_crt_t handle = cpd_certificate_get_handle (certificate);
  gboolean present[GNUTLS_SAN_MAX + 1] = { FALSE };
  char name[1024];

  if (!has_permitted_subject (certificate, constraints))
    return FALSE;
  for (unsigned int i = 0;; i++)
    {
      size_t size = sizeof name;
      int type = gnutls_x509_crt_get_subject_alt_name (handle, i, name, &size, NULL);

      if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        break;
      if (type < 0)
        return FALSE;
      present[MIN (type, GNUTLS_SAN_MAX)] = TRUE;
      if (is_malformed_name (type, name, size) || !is_permitted (type, name, size, constraints)
          || (type == GNUTLS_SAN_DNSNAME && wildcard_reaches (name, size, constraints)))
        return FALSE;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (constrained_types); i++)
    if (present[constrained_types[i]]
        && !gnutls_x509_name_constraints_check_crt (constraints, constrained_types[i], handle))
      return FALSE;
  return TRUE;
}

/* An authority that certifies a new key of its own does not constrain itself (section 4.2.1.10). */
static gboolean
is_self_issued (CpdCertificate *certificate)
{
  CpdSlice subject = cpd_certificate_get_raw_subject (certificate);
  CpdSlice issuer = cpd_certificate_get_raw_issuer (certificate);

  return subject.length == issuer.length && memcmp (subject.data, issuer.data, subject.length) == 0;
}

/* What GnuTLS makes of a minimum or maximum, if anything, must not matter. */
static gboolean
has_plain_constraints (CpdCertificate *certificate)
{
  gnutls_datum_t value = { NULL, 0 };
  gboolean plain = gnutls_x509_crt_get_extension_by_oid2 (cpd_certificate_get_handle (certificate),
                                                          OID_NAME_CONSTRAINTS, 0, &value, NULL)
                       >= 0
                   && cpd_der_is_name_constraints ((CpdSlice){ value.data, value.size });

  gnutls_free (value.data);
  return plain;
}

static const char *
check_below (GPtrArray *path, unsigned int above)
{
  gnutls_x509_name_constraints_t constraints;
  unsigned int critical;
  const char *fault = NULL;

  if (!has_name_constraints (path->pdata[above]))
    return NULL;
  if (gnutls_x509_name_constraints_init (&constraints) < 0)
    return "there is not enough memory to check it";
  if (gnutls_x509_crt_get_name_constraints (cpd_certificate_get_handle (path->pdata[above]),
                                            constraints, 0, &critical)
          < 0
      || !is_well_formed (constraints) || !has_plain_constraints (path->pdata[above]))
    fault = "an authority on it has malformed name constraints";
  for (unsigned int i = 0; fault == NULL && i < above; i++)
    if ((i == 0 || !is_self_issued (path->pdata[i])) && !keeps_to (path->pdata[i], constraints))
      fault = "a certificate on it has a name that an authority above it may not certify";
  gnutls_x509_name_constraints_deinit (constraints);
  return fault;
}

/* `path`: of CpdCertificate, leaf first, anchor last.
 * Returns: (transfer none) (nullable): which name constraint it breaks, as the end of a sentence */
const char *
cpd_profile_find_forbidden_name (GPtrArray *path)
{
  const char *fault = NULL;

  for (unsigned int above = path->len - 1; fault == NULL && above > 0; above--)
    fault = check_below (path, above);
  return fault;
}
