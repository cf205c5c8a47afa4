/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The outer structure of a certificate (RFC 5280, section 4.1), read by tag and length only, so
 * that the bytes of the key are the original ones and not re-encoded by a library; also the parts
 * of dates and name constraints that GnuTLS reads too leniently. DER only: definite, minimal
 * lengths, each part in its place and nothing after the last (X.690, section 10.1). */

#include "config.h"

#include "daemon/core/trust/cpd-der.h"

#include <libtasn1.h>
#include <string.h>

#define TAG_INTEGER    0x02
#define TAG_BIT_STRING 0x03
#define TAG_OCTETS     0x04
#define TAG_SEQUENCE   0x30
#define TAG_VERSION    0xA0
#define TAG_ISSUER_ID  0x81
#define TAG_SUBJECT_ID 0x82
#define TAG_EXTENSIONS 0xA3

#define TAG_UTC_TIME         0x17
#define TAG_GENERALIZED_TIME 0x18
#define TAG_PERMITTED        0xA0
#define TAG_EXCLUDED         0xA1

/* Takes one element from the front of `rest`. `whole` includes its header, `content` does not. */
gboolean
cpd_der_take_any (CpdSlice *rest, guint8 *tag, CpdSlice *whole, CpdSlice *content)
{
  guint8 minimal[ASN1_MAX_LENGTH_SIZE];
  int minimal_size, length_size;
  long length;

  /* One octet of tag: the high-tag form (X.690, section 8.1.2.4) occurs nowhere on this level. */
  if (rest->length < 2 || rest->length > G_MAXINT || (rest->data[0] & 0x1F) == 0x1F)
    return FALSE;
  length = asn1_get_length_der (rest->data + 1, (int)rest->length - 1, &length_size);
  if (length < 0 || (size_t)length > rest->length - 1 - (size_t)length_size)
    return FALSE;
  asn1_length_der ((unsigned long)length, minimal, &minimal_size);
  if (minimal_size != length_size)
    return FALSE;

  *tag = rest->data[0];
  *whole = (CpdSlice){ rest->data, 1 + (size_t)length_size + (size_t)length };
  *content = (CpdSlice){ rest->data + 1 + length_size, (size_t)length };
  rest->data += whole->length;
  rest->length -= whole->length;
  return TRUE;
}

/* Likewise, of that tag alone. FALSE: nothing was read */
gboolean
cpd_der_take (CpdSlice *rest, guint8 expected, CpdSlice *whole, CpdSlice *content)
{
  CpdSlice before = *rest, some_whole, some_content;
  guint8 tag;

  if (!cpd_der_take_any (rest, &tag, &some_whole, &some_content))
    return FALSE;
  if (tag != expected)
    {
      *rest = before;
      return FALSE;
    }
  if (whole != NULL)
    *whole = some_whole;
  if (content != NULL)
    *content = some_content;
  return TRUE;
}

/* Likewise, where it is there. FALSE: it is malformed */
gboolean
cpd_der_take_optional (CpdSlice *rest, guint8 expected, CpdSlice *content)
{
  return rest->length == 0 || rest->data[0] != expected
         || cpd_der_take (rest, expected, NULL, content);
}

static gboolean
is_algorithm_and_bits (CpdSlice spki)
{
  return cpd_der_take (&spki, TAG_SEQUENCE, NULL, NULL)
         && cpd_der_take (&spki, TAG_BIT_STRING, NULL, NULL) && spki.length == 0;
}

static gboolean
parse_tbs (CpdSlice tbs, CpdCertificateShape *shape, CpdSlice *algorithm)
{
  CpdSlice ignored, extensions = { NULL, 0 }, spki;

  if (!cpd_der_take_optional (&tbs, TAG_VERSION, &ignored)
      || !cpd_der_take (&tbs, TAG_INTEGER, NULL, NULL)
      || !cpd_der_take (&tbs, TAG_SEQUENCE, algorithm, NULL)
      || !cpd_der_take (&tbs, TAG_SEQUENCE, &shape->issuer, NULL)
      || !cpd_der_take (&tbs, TAG_SEQUENCE, &shape->validity, NULL)
      || !cpd_der_take (&tbs, TAG_SEQUENCE, &shape->subject, NULL)
      || !cpd_der_take (&tbs, TAG_SEQUENCE, &shape->spki, &spki))
    return FALSE;
  if (!is_algorithm_and_bits (spki) || !cpd_der_take_optional (&tbs, TAG_ISSUER_ID, &ignored)
      || !cpd_der_take_optional (&tbs, TAG_SUBJECT_ID, &ignored)
      || !cpd_der_take_optional (&tbs, TAG_EXTENSIONS, &extensions))
    return FALSE;
  if (extensions.data != NULL
      && (!cpd_der_take (&extensions, TAG_SEQUENCE, NULL, NULL) || extensions.length != 0))
    return FALSE;
  return tbs.length == 0;
}

/* Whether the bytes are exactly one certificate in DER; `shape` points into them. */
gboolean
cpd_der_parse_certificate (const guint8 *data, size_t length, CpdCertificateShape *shape)
{
  CpdSlice rest = { data, length }, certificate, tbs, algorithm, signed_algorithm;

  /* The algorithm occurs twice, and both must be equal (RFC 5280, section 4.1.1.2): only one of
   * them is signed. */
  return cpd_der_take (&rest, TAG_SEQUENCE, NULL, &certificate) && rest.length == 0
         && cpd_der_take (&certificate, TAG_SEQUENCE, NULL, &tbs)
         && cpd_der_take (&certificate, TAG_SEQUENCE, &algorithm, NULL)
         && cpd_der_take (&certificate, TAG_BIT_STRING, NULL, NULL) && certificate.length == 0
         && parse_tbs (tbs, shape, &signed_algorithm) && algorithm.length == signed_algorithm.length
         && memcmp (algorithm.data, signed_algorithm.data, algorithm.length) == 0;
}

/* `spki`: of a certificate.
 * Returns: its subjectPublicKey, without the octet that counts unused bits */
CpdSlice
cpd_der_read_key_bits (CpdSlice spki)
{
  CpdSlice bits = { NULL, 0 };

  if (!cpd_der_take (&spki, TAG_SEQUENCE, NULL, &spki)
      || !cpd_der_take (&spki, TAG_SEQUENCE, NULL, NULL)
      || !cpd_der_take (&spki, TAG_BIT_STRING, NULL, &bits) || bits.length == 0)
    return (CpdSlice){ NULL, 0 };
  return (CpdSlice){ bits.data + 1, bits.length - 1 };
}

static unsigned int
read_two_digits (const guint8 *text)
{
  return (unsigned int)(text[0] - '0') * 10 + (unsigned int)(text[1] - '0');
}

static gint64
read_time (unsigned int year, const guint8 *rest)
{
  g_autoptr (GDateTime) time = g_date_time_new_utc (
      (int)year, (int)read_two_digits (rest), (int)read_two_digits (rest + 2),
      (int)read_two_digits (rest + 4), (int)read_two_digits (rest + 6), read_two_digits (rest + 8));

  return time != NULL ? g_date_time_to_unix (time) : G_MININT64;
}

/* A UTCTime or GeneralizedTime to the second and in UTC (RFC 5280, section 4.1.2.5), of a day that
 * exists. `unix_s`: (nullable) */
gboolean
cpd_der_take_time (CpdSlice *rest, gint64 *unix_s)
{
  CpdSlice whole, text;
  guint8 tag;
  unsigned int year;
  size_t digits;

  if (!cpd_der_take_any (rest, &tag, &whole, &text)
      || (tag != TAG_UTC_TIME && tag != TAG_GENERALIZED_TIME))
    return FALSE;
  digits = tag == TAG_UTC_TIME ? strlen ("YYMMDDHHMMSS") : strlen ("YYYYMMDDHHMMSS");
  if (text.length != digits + 1 || text.data[digits] != 'Z')
    return FALSE;
  for (size_t i = 0; i < digits; i++)
    if (!g_ascii_isdigit (text.data[i]))
      return FALSE;
  year = read_two_digits (text.data);
  if (tag == TAG_UTC_TIME)
    year += year < 50 ? 2000 : 1900;
  else
    year = 100 * year + read_two_digits (text.data + 2);
  if (year == 0) /* “always”, which has the days of any leap year; GLib begins with 1 */
    year = 4;
  text.data += digits - strlen ("MMDDHHMMSS");
  if (!g_date_valid_dmy ((GDateDay)read_two_digits (text.data + 2),
                         (GDateMonth)read_two_digits (text.data), (GDateYear)year)
      || read_two_digits (text.data + 4) >= 24 || read_two_digits (text.data + 6) >= 60
      || read_two_digits (text.data + 8) >= 60)
    return FALSE;
  if (unix_s != NULL)
    *unix_s = read_time (year, text.data);
  return TRUE;
}

/* Whether a Validity is two dates, written as RFC 5280 requires. */
gboolean
cpd_der_is_validity (CpdSlice validity)
{
  CpdSlice dates;

  return cpd_der_take (&validity, TAG_SEQUENCE, NULL, &dates) && validity.length == 0
         && cpd_der_take_time (&dates, NULL) && cpd_der_take_time (&dates, NULL)
         && dates.length == 0;
}

/* Whether each of the GeneralSubtrees is a base and nothing else. */
static gboolean
are_bases (CpdSlice subtrees)
{
  while (subtrees.length > 0)
    {
      CpdSlice subtree, whole, content;
      guint8 tag;

      if (!cpd_der_take (&subtrees, TAG_SEQUENCE, NULL, &subtree)
          || !cpd_der_take_any (&subtree, &tag, &whole, &content) || subtree.length != 0)
        return FALSE;
    }
  return TRUE;
}

/* Whether a NameConstraints has neither a minimum nor a maximum: RFC 5280, section 4.2.1.10, allows
 * only a minimum of 0, which DER omits, and no maximum. */
gboolean
cpd_der_is_name_constraints (CpdSlice value)
{
  CpdSlice lists, whole, list;
  guint8 tag;

  if (!cpd_der_take (&value, TAG_SEQUENCE, NULL, &lists) || value.length != 0)
    return FALSE;
  while (lists.length > 0)
    if (!cpd_der_take_any (&lists, &tag, &whole, &list)
        || (tag != TAG_PERMITTED && tag != TAG_EXCLUDED) || !are_bases (list))
      return FALSE;
  return TRUE;
}

#define CONSTRUCTED 0x20
#define DEPTH_MAX   32

/* Like take_any (), but accepts everything that a decoder might. */
static gboolean
take_leniently (CpdSlice *rest, guint8 *tag, CpdSlice *content)
{
  size_t at = 1;
  int length_size;
  long length;

  *tag = rest->data[0];
  if ((*tag & 0x1F) == 0x1F)
    while (at < rest->length && (rest->data[at++] & 0x80) != 0)
      ;
  if (at >= rest->length || rest->length > G_MAXINT)
    return FALSE;
  length = asn1_get_length_der (rest->data + at, (int)(rest->length - at), &length_size);
  if (length < 0 || (size_t)length > rest->length - at - (size_t)length_size)
    return FALSE;
  at += (size_t)length_size;
  *content = (CpdSlice){ rest->data + at, (size_t)length };
  rest->data += at + (size_t)length;
  rest->length -= at + (size_t)length;
  return TRUE;
}

/* `left`: how many more are allowed. FALSE: there are too many. */
static gboolean
count (CpdSlice rest, unsigned int *left, unsigned int depth)
{
  if (depth > DEPTH_MAX)
    return FALSE;
  while (rest.length > 0)
    {
      CpdSlice content;
      guint8 tag;

      if (*left == 0)
        return FALSE;
      --*left;
      if (!take_leniently (&rest, &tag, &content))
        return TRUE; /* no decoder gets further */
      if (((tag & CONSTRUCTED) != 0
           || (tag == TAG_OCTETS && content.length > 0 && content.data[0] == TAG_SEQUENCE))
          && !count (content, left, depth + 1))
        return FALSE;
    }
  return TRUE;
}

/* Counts the elements at all levels, including those in the octets of extensions: this is the cost
 * of decoding them.
 * Returns: at most `most` + 1 */
unsigned int
cpd_der_count_elements (CpdSlice slice, unsigned int most)
{
  unsigned int left = most;

  return count (slice, &left, 0) ? most - left : most + 1;
}

/* The length that the first element claims, including its header, even if there are fewer bytes.
 * FALSE: the bytes do not begin with a SEQUENCE of a definite length. */
gboolean
cpd_der_outer_length (const guint8 *data, size_t length, size_t *outer)
{
  size_t octets, content = 0;

  if (length < 2 || data[0] != TAG_SEQUENCE || data[1] == 0x80 || data[1] > 0x84)
    return FALSE;
  octets = data[1] > 0x80 ? data[1] & 0x7Fu : 0;
  if (length < 2 + octets)
    return FALSE;
  for (size_t i = 0; i < octets; i++)
    content = content << 8 | data[2 + i];
  *outer = 2 + octets + (octets > 0 ? content : data[1]);
  return TRUE;
}
