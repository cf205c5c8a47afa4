/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bytes of an OCSP response (RFC 6960, section 4.2.1), strictly as DER. It says what stands
 * where, and trusts nothing of it: no signature is looked at here. */

#include "config.h"

#include "daemon/core/trust/cpd-ocsp-response.h"

#include <string.h>

#define TAG_INTEGER    0x02
#define TAG_BIT_STRING 0x03
#define TAG_OCTETS     0x04
#define TAG_NULL       0x05
#define TAG_OID        0x06
#define TAG_ENUMERATED 0x0A
#define TAG_SEQUENCE   0x30
#define TAG_0          0xA0
#define TAG_1          0xA1
#define TAG_2          0xA2

static const guint8 successful[] = { 0x00 };

/* id-pkix-ocsp-basic, the one kind of response that there is. */
static const guint8 basic[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };

static gboolean
is_bytes (CpdSlice slice, const guint8 *bytes, size_t length)
{
  return slice.length == length && memcmp (slice.data, bytes, length) == 0;
}

/* Whether the list, within its explicit tag, has no critical extension: none is known here. */
static gboolean
are_extensions_ignorable (CpdSlice tagged)
{
  CpdSlice list;

  if (tagged.data == NULL)
    return TRUE;
  if (!cpd_der_take (&tagged, TAG_SEQUENCE, NULL, &list) || tagged.length != 0)
    return FALSE;
  while (list.length > 0)
    {
      CpdSlice extension;

      /* DER does not write a FALSE that is the default: whatever stands between is critical. */
      if (!cpd_der_take (&list, TAG_SEQUENCE, NULL, &extension)
          || !cpd_der_take (&extension, TAG_OID, NULL, NULL)
          || !cpd_der_take (&extension, TAG_OCTETS, NULL, NULL) || extension.length != 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
parse_signed_data (CpdSlice data, CpdOcspShape *shape)
{
  CpdSlice responder, extensions = { NULL, 0 }, whole;
  guint8 tag;

  /* A version that is written is another one than the first, which is the default. */
  return cpd_der_take_any (&data, &tag, &whole, &responder) && (tag == TAG_1 || tag == TAG_2)
         && cpd_der_take_time (&data, NULL)
         && cpd_der_take (&data, TAG_SEQUENCE, NULL, &shape->entries)
         && cpd_der_take_optional (&data, TAG_1, &extensions) && data.length == 0
         && are_extensions_ignorable (extensions);
}

static gboolean
parse_basic (CpdSlice response, CpdOcspShape *shape)
{
  CpdSlice data, algorithm, certificates = { NULL, 0 };

  if (!cpd_der_take (&response, TAG_SEQUENCE, NULL, &response)
      || !cpd_der_take (&response, TAG_SEQUENCE, &shape->signed_data, &data)
      || !cpd_der_take (&response, TAG_SEQUENCE, NULL, &algorithm)
      || !cpd_der_take (&algorithm, TAG_OID, &shape->algorithm, NULL)
      || !cpd_der_take (&response, TAG_BIT_STRING, NULL, &shape->signature)
      || !cpd_der_take_optional (&response, TAG_0, &certificates) || response.length != 0)
    return FALSE;
  if (shape->signature.length == 0 || shape->signature.data[0] != 0) /* whole octets */
    return FALSE;
  shape->signature.data++;
  shape->signature.length--;
  shape->certificates = (CpdSlice){ NULL, 0 };
  if (certificates.data != NULL
      && (!cpd_der_take (&certificates, TAG_SEQUENCE, NULL, &shape->certificates)
          || certificates.length != 0))
    return FALSE;
  return parse_signed_data (data, shape);
}

/* Whether the bytes are exactly one successful response; `shape` points into them. */
gboolean
cpd_ocsp_response_parse (CpdSlice response, CpdOcspShape *shape)
{
  CpdSlice rest = response, status, tagged, bytes, kind, octets;

  return response.length <= CPD_OCSP_MAX_BYTES
         && cpd_der_take (&rest, TAG_SEQUENCE, NULL, &response) && rest.length == 0
         && cpd_der_take (&response, TAG_ENUMERATED, NULL, &status)
         && is_bytes (status, successful, sizeof successful)
         && cpd_der_take (&response, TAG_0, NULL, &tagged) && response.length == 0
         && cpd_der_take (&tagged, TAG_SEQUENCE, NULL, &bytes) && tagged.length == 0
         && cpd_der_take (&bytes, TAG_OID, NULL, &kind) && is_bytes (kind, basic, sizeof basic)
         && cpd_der_take (&bytes, TAG_OCTETS, NULL, &octets) && bytes.length == 0
         && parse_basic (octets, shape);
}

/* The functions by which responders name an issuer. */
static gboolean
read_hash (CpdSlice algorithm, GChecksumType *hash)
{
  static const struct
  {
    GChecksumType type;
    guint8 length;
    guint8 oid[9];
  } known[] = {
    { G_CHECKSUM_SHA1, 5, { 0x2B, 0x0E, 0x03, 0x02, 0x1A } },
    { G_CHECKSUM_SHA256, 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 } },
    { G_CHECKSUM_SHA384, 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02 } },
    { G_CHECKSUM_SHA512, 9, { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03 } },
  };
  CpdSlice oid, none;

  if (!cpd_der_take (&algorithm, TAG_OID, NULL, &oid)
      || !cpd_der_take_optional (&algorithm, TAG_NULL, &none) || algorithm.length != 0)
    return FALSE;
  for (size_t i = 0; i < G_N_ELEMENTS (known); i++)
    if (is_bytes (oid, known[i].oid, known[i].length))
      {
        *hash = known[i].type;
        return TRUE;
      }
  return FALSE;
}

static gboolean
parse_id (CpdSlice id, CpdOcspEntry *entry)
{
  CpdSlice algorithm;

  return cpd_der_take (&id, TAG_SEQUENCE, NULL, &algorithm) && read_hash (algorithm, &entry->hash)
         && cpd_der_take (&id, TAG_OCTETS, NULL, &entry->name_hash)
         && cpd_der_take (&id, TAG_OCTETS, NULL, &entry->key_hash)
         && cpd_der_take (&id, TAG_INTEGER, NULL, &entry->serial) && id.length == 0;
}

/* A RevokedInfo begins with its time; the others are empty. */
static gboolean
take_status (CpdSlice *rest, CpdOcspEntryStatus *status)
{
  CpdSlice whole, content;
  guint8 tag;

  if (!cpd_der_take_any (rest, &tag, &whole, &content))
    return FALSE;
  *status = (CpdOcspEntryStatus)tag;
  switch (*status)
    {
    case CPD_OCSP_ENTRY_GOOD:
    case CPD_OCSP_ENTRY_UNKNOWN:
      return content.length == 0;
    case CPD_OCSP_ENTRY_REVOKED:
      return cpd_der_take_time (&content, NULL);
    }
  return FALSE;
}

/* Reads one entry off the front of a response's. */
gboolean
cpd_ocsp_response_take_entry (CpdSlice *entries, CpdOcspEntry *entry)
{
  CpdSlice rest, id, next = { NULL, 0 }, extensions = { NULL, 0 };

  if (!cpd_der_take (entries, TAG_SEQUENCE, NULL, &rest)
      || !cpd_der_take (&rest, TAG_SEQUENCE, NULL, &id) || !parse_id (id, entry)
      || !take_status (&rest, &entry->status) || !cpd_der_take_time (&rest, &entry->this_update)
      || !cpd_der_take_optional (&rest, TAG_0, &next)
      || !cpd_der_take_optional (&rest, TAG_1, &extensions) || rest.length != 0)
    return FALSE;
  entry->next_update = G_MAXINT64;
  if (next.data != NULL && (!cpd_der_take_time (&next, &entry->next_update) || next.length != 0))
    return FALSE;
  return are_extensions_ignorable (extensions);
}
