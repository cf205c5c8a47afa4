/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that what is taken for a certificate has each part that one has, in its place, and
 * nothing else. The parts here are the smallest that the parser looks at. */

#include "config.h"

#include "daemon/core/trust/cpd-der.h"

#include <string.h>

/* The parts of one, in their order, and the frames that they stand in. */
typedef struct
{
  const char *name;
  const char *der; /* no part of it is a NUL, so it is text */
  gboolean optional;
} Part;

static const Part tbs_parts[] = {
  { "version", "\xA0\x03\x02\x01\x02", TRUE },
  { "serial", "\x02\x01\x01" },
  { "algorithm", "\x30\x02\x06\x7F" },
  { "issuer", "\x30\x02\x31\x7F" },
  { "validity", "\x30\x02\x17\x7F" },
  { "subject", "\x30\x02\x31\x7E" },
  { "key", "\x30\x08\x30\x02\x06\x7F\x03\x02\x01\x7F" },
  { "issuer-id", "\x81\x01\x01", TRUE },
  { "subject-id", "\x82\x01\x01", TRUE },
  { "extensions", "\xA3\x04\x30\x02\x30\x7F", TRUE },
};

static const Part outer_parts[] = {
  { "algorithm", "\x30\x02\x06\x7F" },
  { "signature", "\x03\x02\x01\x7F" },
};

/* What is made of one part. */
typedef struct
{
  const char *part; /* NULL: of none */
  const char *instead;
} Change;

static void
append (GString *der, const Part *parts, size_t n, const Change *change)
{
  for (size_t i = 0; i < n; i++)
    g_string_append (der, change != NULL && g_strcmp0 (change->part, parts[i].name) == 0
                              ? change->instead
                              : parts[i].der);
}

/* Returns: (transfer full): `content` as a SEQUENCE; it is short */
static GString *
wrap (GString *content)
{
  GString *der = g_string_new ("\x30");

  g_assert_cmpuint (content->len, <, 0x80);
  g_string_append_c (der, (char)content->len);
  g_string_append_len (der, content->str, (gssize)content->len);
  g_string_free (content, TRUE);
  return der;
}

/* Returns: whether that is taken for a certificate. `tbs`, `outer`: (nullable): no change there */
static gboolean
parses (const Change *tbs, const Change *outer, CpdCertificateShape *shape)
{
  GString *inner = g_string_new (NULL), *der;
  gboolean parsed;

  append (inner, tbs_parts, G_N_ELEMENTS (tbs_parts), tbs);
  der = wrap (inner);
  append (der, outer_parts, G_N_ELEMENTS (outer_parts), outer);
  der = wrap (der);
  parsed = cpd_der_parse_certificate ((const guint8 *)der->str, der->len, shape);
  g_string_free (der, TRUE);
  return parsed;
}

static void
test_whole (void)
{
  CpdCertificateShape shape;

  g_assert_true (parses (NULL, NULL, &shape));
  g_assert_cmpuint (shape.issuer.length, ==, 4);
  g_assert_cmpuint (shape.subject.length, ==, 4);
  g_assert_cmpuint (shape.spki.length, ==, 10);
}

static void
test_missing (void)
{
  CpdCertificateShape shape;

  for (size_t i = 0; i < G_N_ELEMENTS (tbs_parts); i++)
    g_assert_true (parses (&(const Change){ tbs_parts[i].name, "" }, NULL, &shape)
                   == tbs_parts[i].optional);
  for (size_t i = 0; i < G_N_ELEMENTS (outer_parts); i++)
    g_assert_false (parses (NULL, &(const Change){ outer_parts[i].name, "" }, &shape));
}

static void
test_another_instead (void)
{
  CpdCertificateShape shape;

  for (size_t i = 0; i < G_N_ELEMENTS (tbs_parts); i++)
    g_assert_false (parses (&(const Change){ tbs_parts[i].name, "\x0C\x01x" }, NULL, &shape));
  for (size_t i = 0; i < G_N_ELEMENTS (outer_parts); i++)
    g_assert_false (parses (NULL, &(const Change){ outer_parts[i].name, "\x0C\x01x" }, &shape));
}

static void
test_another_algorithm_outside (void)
{
  const Change inside = { "algorithm", "\x30\x02\x06\x7E" },
               longer = { "algorithm", "\x30\x04\x06\x7F\x05\x7F" };
  CpdCertificateShape shape;

  g_assert_true (parses (&inside, &inside, &shape));
  g_assert_false (parses (&inside, NULL, &shape));
  g_assert_false (parses (NULL, &inside, &shape));
  g_assert_false (parses (NULL, &longer, &shape));
}

static void
test_twice (void)
{
  CpdCertificateShape shape;

  for (size_t i = 0; i < G_N_ELEMENTS (tbs_parts); i++)
    {
      g_autofree char *twice = g_strconcat (tbs_parts[i].der, tbs_parts[i].der, NULL);

      g_assert_false (parses (&(const Change){ tbs_parts[i].name, twice }, NULL, &shape));
    }
  for (size_t i = 0; i < G_N_ELEMENTS (outer_parts); i++)
    {
      g_autofree char *twice = g_strconcat (outer_parts[i].der, outer_parts[i].der, NULL);

      g_assert_false (parses (NULL, &(const Change){ outer_parts[i].name, twice }, &shape));
    }
}

static void
test_wrong_within (void)
{
  static const Change changes[] = {
    { "key", "\x30\x04\x30\x02\x06\x7F" },                         /* no bits */
    { "key", "\x30\x04\x03\x02\x01\x7F" },                         /* no algorithm */
    { "key", "\x30\x0A\x30\x02\x06\x7F\x03\x02\x01\x7F\x05\x7F" }, /* torn after its end */
    { "key", "\x30\x0B\x30\x02\x06\x7F\x03\x02\x01\x7F\x02\x01\x01" },
    { "extensions", "\xA3\x03\x02\x01\x01" },
    { "extensions", "\xA3\x07\x30\x02\x30\x7F\x02\x01\x01" },
    { "version", "\xA0\x7F" },
    { "issuer-id", "\x81\x7F" },
    { "subject-id", "\x82\x7F" },
    { "extensions", "\xA3\x7F" },
    { "serial", "\x1F\x01\x01" },             /* a tag of several octets */
    { "serial", "\x02" },                     /* a tag alone */
    { "issuer", "\x30\x80\x31\x7F" },         /* an indefinite length */
    { "issuer", "\x30\x81\x02\x31\x7F" },     /* a longer length than needed */
    { "issuer", "\x30\x82\x01\x01\x31\x7F" }, /* more than there is */
  };
  CpdCertificateShape shape;

  for (size_t i = 0; i < G_N_ELEMENTS (changes); i++)
    g_assert_false (parses (&changes[i], NULL, &shape));
}

static void
test_outer_length (void)
{
  static const struct
  {
    const char *der;
    size_t length, outer; /* 0: it has none */
  } cases[] = {
    { "\x30\x00", 2, 2 },
    { "\x30\x7F", 2, 129 },
    { "\x30\x81\x80", 3, 131 },
    { "\x30\x82\x01\x00", 4, 260 },
    { "\x30\x84\x00\x00\x00\x01", 6, 7 },
    { "\x30", 1, 0 },
    { "\x31\x00", 2, 0 },
    { "\x30\x80", 2, 0 },
    { "\x30\x85\x00\x00\x00\x00\x01", 7, 0 },
    { "\x30\x82\x01", 3, 0 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      size_t outer = 0;

      g_assert_true (cpd_der_outer_length ((const guint8 *)cases[i].der, cases[i].length, &outer)
                     == (cases[i].outer != 0));
      g_assert_cmpuint (outer, ==, cases[i].outer);
    }
}

static unsigned int
count_elements (const char *der, size_t length, unsigned int most)
{
  return cpd_der_count_elements ((CpdSlice){ (const guint8 *)der, length }, most);
}

#define COUNT(der, most) count_elements (der, sizeof (der) - 1, most)

static void
test_elements_are_counted (void)
{
  static const char two_integers[] = "\x30\x06\x02\x01\x01\x02\x01\x02";

  g_assert_cmpuint (COUNT ("", 9), ==, 0);
  g_assert_cmpuint (COUNT (two_integers, 9), ==, 3);
  g_assert_cmpuint (COUNT (two_integers, 3), ==, 3);
  g_assert_cmpuint (COUNT (two_integers, 2), ==, 3); /* one more than the most */
  g_assert_cmpuint (COUNT (two_integers, 1), ==, 2);
  g_assert_cmpuint (COUNT ("\x04\x05\x30\x03\x02\x01\x01", 9), ==, 3); /* within octets */
  g_assert_cmpuint (COUNT ("\x04\x05\x31\x03\x02\x01\x01", 9), ==, 1);
  g_assert_cmpuint (COUNT ("\xA3\x02\x05\x00", 9), ==, 2);
  g_assert_cmpuint (COUNT ("\xBF\x81\x01\x02\x05\x00", 9), ==, 2);     /* a long tag */
  g_assert_cmpuint (COUNT ("\x30\x81\x02\x05\x00\x05\x00", 9), ==, 3); /* a padded length */
  g_assert_cmpuint (COUNT ("\x05\x00\x30\x7F\x05\x00", 9), ==, 2);     /* cut off */
}

#define SLICE(bytes) ((CpdSlice){ (const guint8 *)(bytes), sizeof (bytes) - 1 })

/* A Validity that begins at a good date. */
#define GOOD_DATE         "\x17\x0D\x32\x33\x31\x31\x31\x34\x32\x32\x31\x33\x32\x30Z"
#define UTC(text)         "\x30\x1E" GOOD_DATE "\x17\x0D" text
#define GENERALIZED(text) "\x30\x20" GOOD_DATE "\x18\x0F" text

static void
test_good_dates (void)
{
  g_assert_true (cpd_der_is_validity (SLICE (UTC ("491231235959Z"))));
  g_assert_true (cpd_der_is_validity (SLICE (UTC ("500101000000Z"))));
  g_assert_true (cpd_der_is_validity (SLICE (UTC ("240229000000Z"))));
  g_assert_true (cpd_der_is_validity (SLICE (GENERALIZED ("20500101000000Z"))));
  g_assert_true (cpd_der_is_validity (SLICE (GENERALIZED ("20240229000000Z"))));
  g_assert_true (cpd_der_is_validity (SLICE (GENERALIZED ("00000101000000Z"))));
  g_assert_true (cpd_der_is_validity (SLICE (GENERALIZED ("99991231235959Z"))));
}

static void
test_dates_that_do_not_exist (void)
{
  static const char *const dates[]
      = { "230229000000Z", "230230000000Z", "230431000000Z", "231301000000Z", "230001000000Z",
          "230100000000Z", "230101240000Z", "230101006000Z", "230101000060Z" };

  for (size_t i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      g_autofree char *validity = g_strconcat (UTC (""), dates[i], NULL);
      const CpdSlice slice = { (const guint8 *)validity, strlen (validity) };

      g_test_message ("%s", dates[i]);
      g_assert_false (cpd_der_is_validity (slice));
    }
  g_assert_false (cpd_der_is_validity (SLICE (GENERALIZED ("21000229000000Z"))));
  g_assert_false (cpd_der_is_validity (SLICE (GENERALIZED ("00000230000000Z"))));
}

static void
test_dates_that_are_written_oddly (void)
{
  static const CpdSlice odd[] = {
#define ODD(bytes) { (const guint8 *)(bytes), sizeof (bytes) - 1 }
    ODD (UTC ("2301010000000")),           /* no Z */
    ODD (UTC ("23010100000-Z")),           /* no digit */
    ODD (UTC ("2301010000.0Z")),           /* a fraction, no seconds */
    ODD (GENERALIZED ("205001010000.5Z")), /* likewise */
    ODD ("\x30\x1C" GOOD_DATE "\x17\x0B"
         "2311142213Z"), /* no seconds */
    ODD ("\x30\x1E" GOOD_DATE "\x18\x0D"
         "202311142213Z"), /* likewise */
    ODD ("\x30\x22" GOOD_DATE "\x17\x11"
         "231114221320+0100"), /* an offset */
    ODD ("\x30\x1E" GOOD_DATE "\x0C\x0D"
         "231114221320Z"), /* a string */
    ODD ("\x30\x0F" GOOD_DATE),
    ODD ("\x30\x2D" GOOD_DATE GOOD_DATE GOOD_DATE),
    ODD ("\x31\x1E" GOOD_DATE GOOD_DATE),
#undef ODD
  };

  for (size_t i = 0; i < G_N_ELEMENTS (odd); i++)
    {
      g_test_message ("number %" G_GSIZE_FORMAT, i);
      g_assert_false (cpd_der_is_validity (odd[i]));
    }
}

/* The domain “a”. */
#define BASE "\x82\x01\x61"

static void
test_name_constraints (void)
{
  static const CpdSlice good[] = {
#define CASE(bytes) { (const guint8 *)(bytes), sizeof (bytes) - 1 }
    CASE ("\x30\x07\xA0\x05\x30\x03" BASE),
    CASE ("\x30\x07\xA1\x05\x30\x03" BASE),
    CASE ("\x30\x13\xA0\x0A\x30\x03" BASE "\x30\x03" BASE "\xA1\x05\x30\x03" BASE),
  };
  static const CpdSlice bad[] = {
    CASE ("\x30\x0A\xA0\x08\x30\x06" BASE "\x80\x01\x01"), /* a minimum of 1 */
    CASE ("\x30\x0A\xA1\x08\x30\x06" BASE "\x80\x01\x00"), /* one of 0 */
    CASE ("\x30\x0A\xA0\x08\x30\x06" BASE "\x81\x01\x05"), /* a maximum */
    CASE ("\x30\x0A\xA0\x08\x30\x06" BASE BASE),           /* two bases */
    CASE ("\x30\x04\xA0\x02\x30\x00"),                     /* none */
    CASE ("\x30\x07\xA2\x05\x30\x03" BASE),                /* a third list */
    CASE ("\x30\x07\xA0\x05\x30\x03" BASE "\x05\x00"),     /* something behind it */
#undef CASE
  };

  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (cpd_der_is_name_constraints (good[i]));
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_message ("number %" G_GSIZE_FORMAT, i);
      g_assert_false (cpd_der_is_name_constraints (bad[i]));
    }
}

/* Whoever goes on would need as much of the stack. */
static void
test_depth_is_bounded (void)
{
  g_autoptr (GByteArray) nested = g_byte_array_new ();

  for (guint8 i = 0; i < 60; i++)
    {
      const guint8 header[] = { 0x30, 2 * (59 - i) };

      g_byte_array_append (nested, header, sizeof header);
    }
  g_assert_cmpuint (count_elements ((char *)nested->data, nested->len, 1000), ==, 1001);
  g_assert_cmpuint (count_elements ((char *)nested->data + 60, nested->len - 60, 1000), ==, 30);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/der/whole", test_whole);
  g_test_add_func ("/core/der/missing", test_missing);
  g_test_add_func ("/core/der/another-instead", test_another_instead);
  g_test_add_func ("/core/der/another-algorithm-outside", test_another_algorithm_outside);
  g_test_add_func ("/core/der/twice", test_twice);
  g_test_add_func ("/core/der/wrong-within", test_wrong_within);
  g_test_add_func ("/core/der/elements-are-counted", test_elements_are_counted);
  g_test_add_func ("/core/der/dates/good", test_good_dates);
  g_test_add_func ("/core/der/dates/that-do-not-exist", test_dates_that_do_not_exist);
  g_test_add_func ("/core/der/dates/written-oddly", test_dates_that_are_written_oddly);
  g_test_add_func ("/core/der/name-constraints", test_name_constraints);
  g_test_add_func ("/core/der/depth-is-bounded", test_depth_is_bounded);
  g_test_add_func ("/core/der/outer-length", test_outer_length);
  return g_test_run ();
}
