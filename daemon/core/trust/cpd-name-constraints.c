/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Name constraints (RFC 5280, section 4.2.1.10) bind every name below them, including those of
 * intermediates and wildcards, which GnuTLS does not check. */

#include "config.h"

#include "daemon/core/trust/cpd-name-constraints.h"

#include "daemon/core/trust/cpd-gnutls.h"

#include <string.h>

/* Whether one directory name equals another or, RDN by RDN, is below it. Both are in the form of
 * RFC 4514, the last RDN first. */
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

/* Whether the permitted subtrees allow a name that GnuTLS does not check: GnuTLS passes every
 * directory name and URI, and every address of a family that is not listed. If there is any
 * permitted URI, every URI is refused unread, as GnuTLS does if there is any excluded one. */
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

/* The subject, if there is one, is a name like the others. */
static gboolean
has_permitted_subject (CpdCertificate *certificate, gnutls_x509_name_constraints_t constraints)
{
  gnutls_datum_t name = { NULL, 0 };
  gboolean permitted;

  if (!cpd_certificate_has_subject (certificate))
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

/* Whether `*.domain` may stand for a name that is excluded. With a dot in front, a constraint is
 * for names below the domain alone. */
static gboolean
reaches (const char *domain, size_t length, const gnutls_datum_t *excluded)
{
  const char *base = (const char *)excluded->data;

  if (excluded->size > 0 && base[0] == '.')
    return is_below (domain, length, base + 1, excluded->size - 1);
  return is_below (base, excluded->size, domain, length)
         || is_below (domain, length, base, excluded->size);
}

/* Whether a wildcard, as a whole label or a part of one, may match names in an excluded domain;
 * GnuTLS compares letter by letter. */
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
    if (type == GNUTLS_SAN_DNSNAME && reaches (domain, domain_length, &excluded))
      return TRUE;
  return FALSE;
}

/* Section 4.2.1.10: a domain has no leading dot, which is the notation of another type, and no star
 * or other character that names do not have: no name would ever match it. */
static gboolean
is_domain (const gnutls_datum_t *name)
{
  for (unsigned int i = 0; i < name->size; i++)
    if (!g_ascii_isalnum (name->data[i]) && strchr ("-_.", name->data[i]) == NULL)
      return FALSE;
  if (name->size > 0 && name->data[0] == '.' && (name->size == 1 || name->data[1] == '.'))
    return FALSE;
  return memchr (name->data, '\0', name->size) == NULL;
}

/* The permitted or the excluded subtrees. */
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

/* An invalid name can be neither inside nor outside a constraint. */
static gboolean
is_malformed_name (int type, const char *name, size_t size)
{
  if (type == GNUTLS_SAN_IPADDRESS)
    return size != 4 && size != 16;
  return type == GNUTLS_SAN_DNSNAME && (size == 0 || name[0] == '.');
}

/* Whether the names of one certificate satisfy the constraints of one above it. */
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

/* Constraints do not bind an authority's self-issued certificate (section 4.2.1.10). */
static gboolean
is_self_issued (CpdCertificate *certificate)
{
  CpdSlice subject = cpd_certificate_get_raw_subject (certificate);
  CpdSlice issuer = cpd_certificate_get_raw_issuer (certificate);

  return subject.length == issuer.length && memcmp (subject.data, issuer.data, subject.length) == 0;
}

/* The result must not depend on how GnuTLS treats a minimum or maximum. */
static gboolean
has_plain_constraints (CpdCertificate *certificate)
{
  gnutls_datum_t value = { NULL, 0 };
  gboolean plain = gnutls_x509_crt_get_extension_by_oid2 (cpd_certificate_get_handle (certificate),
                                                          CPD_NAME_CONSTRAINTS_OID, 0, &value, NULL)
                       >= 0
                   && cpd_der_is_name_constraints ((CpdSlice){ value.data, value.size });

  gnutls_free (value.data);
  return plain;
}

static gboolean
has_constraints (CpdCertificate *certificate)
{
  size_t length = 0;
  int status = gnutls_x509_crt_get_extension_by_oid (
      cpd_certificate_get_handle (certificate), CPD_NAME_CONSTRAINTS_OID, 0, NULL, &length, NULL);

  return status >= 0 || status == GNUTLS_E_SHORT_MEMORY_BUFFER;
}

static const char *
check_below (GPtrArray *path, unsigned int above)
{
  gnutls_x509_name_constraints_t constraints;
  unsigned int critical;
  const char *fault = NULL;

  if (!has_constraints (path->pdata[above]))
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
 * Returns: (transfer none) (nullable): the violated constraint, as the end of a sentence */
const char *
cpd_name_constraints_find_fault (GPtrArray *path)
{
  const char *fault = NULL;

  for (unsigned int above = path->len - 1; fault == NULL && above > 0; above--)
    fault = check_below (path, above);
  return fault;
}
