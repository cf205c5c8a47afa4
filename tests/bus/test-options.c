/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that options are taken by name, type and range, and that nothing else is accepted. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-options.h"

/* What the table below writes into. */
typedef struct
{
  const char *text;
  gboolean flag;
  guint32 number;
  guint64 size;
  gint64 moment;
  GVariant *words, *blobs;
} Values;

static gboolean
parse (GVariant *dictionary, Values *values, GError **error)
{
  const CpdOption table[] = {
    { "text", "s", &values->text, 1, 4 },
    { "flag", "b", &values->flag, 0, 0 },
    { "number", "u", &values->number, 2, 10 },
    { "size", "t", &values->size, 0, 1000 },
    { "moment", "x", &values->moment, 5, G_MAXINT64 },
    { "words", "as", &values->words, 1, 2 },
    { "blobs", "aay", &values->blobs, 0, 1 },
  };

  return cpd_options_parse (dictionary, table, G_N_ELEMENTS (table), error);
}

static void
values_clear (Values *values)
{
  g_clear_pointer (&values->words, g_variant_unref);
  g_clear_pointer (&values->blobs, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Values, values_clear)

static void
test_all_types (void)
{
  g_autoptr (GVariant) dictionary = g_variant_ref_sink (g_variant_new_parsed (
      "{'text': <'abcd'>, 'flag': <true>, 'number': <uint32 10>, 'size': <uint64 0>,"
      " 'moment': <int64 5>, 'words': <['a', 'b']>, 'blobs': <[[byte 1]]>}"));
  g_auto (Values) values = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (parse (dictionary, &values, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (values.text, ==, "abcd");
  g_assert_true (values.flag);
  g_assert_cmpuint (values.number, ==, 10);
  g_assert_cmpuint (values.size, ==, 0);
  g_assert_cmpint (values.moment, ==, 5);
  g_assert_cmpuint (g_variant_n_children (values.words), ==, 2);
  g_assert_cmpuint (g_variant_n_children (values.blobs), ==, 1);
}

static void
test_left_out (void)
{
  g_autoptr (GVariant) dictionary = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  g_auto (Values) values = { .text = "usual", .number = 3, .moment = -1 };

  g_assert_true (parse (dictionary, &values, NULL));
  g_assert_cmpstr (values.text, ==, "usual");
  g_assert_cmpuint (values.number, ==, 3);
  g_assert_cmpint (values.moment, ==, -1);
  g_assert_null (values.words);
}

static void
assert_refused (const char *const *texts, size_t n_texts)
{
  for (size_t i = 0; i < n_texts; i++)
    {
      g_autoptr (GVariant) dictionary = g_variant_ref_sink (g_variant_new_parsed (texts[i]));
      g_auto (Values) values = { 0 };
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", texts[i]);
      g_assert_false (parse (dictionary, &values, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_unknown (void)
{
  static const char *const texts[] = {
    "{'other': <'a'>}",
    "{'Text': <'a'>}",
    "{'': <'a'>}",
    "{'text ': <'a'>}",
    "{'text': <'a'>, 'x-text': <'a'>}",
  };

  assert_refused (texts, G_N_ELEMENTS (texts));
}

static void
test_wrong_types (void)
{
  static const char *const texts[] = {
    "{'text': <uint32 1>}",  "{'text': <<'a'>>}",      "{'text': <objectpath '/a'>}",
    "{'flag': <1>}",         "{'number': <3>}",        "{'number': <uint64 3>}",
    "{'size': <uint32 3>}",  "{'moment': <uint64 9>}", "{'moment': <9.0>}",
    "{'words': <'a'>}",      "{'words': <[b'a']>}",    "{'words': <@aay [[1]]>}",
    "{'blobs': <[byte 1]>}", "{'blobs': <['a']>}",     "{'words': <@as []>, 'text': <1>}",
  };

  assert_refused (texts, G_N_ELEMENTS (texts));
}

static void
test_out_of_range (void)
{
  static const char *const texts[] = {
    "{'text': <''>}",
    "{'text': <'abcde'>}",
    "{'number': <uint32 1>}",
    "{'number': <uint32 11>}",
    "{'size': <uint64 1001>}",
    "{'moment': <int64 4>}",
    "{'moment': <int64 -5>}",
    "{'words': <@as []>}",
    "{'words': <['a', 'b', 'c']>}",
    "{'moment': <int64 -9223372036854775808>}",
    "{'size': <uint64 18446744073709551615>}",
    "{'blobs': <[[byte 1], [byte 2]]>}",
  };

  assert_refused (texts, G_N_ELEMENTS (texts));
}

/* A message shows a value as it was given. */
static void
test_shows_value (void)
{
  static const struct
  {
    const char *text;
    const char *shown;
  } cases[]
      = { { "{'moment': <int64 -5>}", "is -5; give 5 to 9223372036854775807" },
          { "{'size': <uint64 18446744073709551615>}", "is 18446744073709551615; give 0 to 1000" },
          { "{'text': <'abcde'>}", "has 5 bytes; give 1 to 4" } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GVariant) dictionary = g_variant_ref_sink (g_variant_new_parsed (cases[i].text));
      g_auto (Values) values = { 0 };
      g_autoptr (GError) error = NULL;

      g_assert_false (parse (dictionary, &values, &error));
      g_test_message ("%s", error->message);
      g_assert_true (g_str_has_suffix (error->message, cases[i].shown));
    }
}

static void
test_twice (void)
{
  g_auto (Values) values = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) dictionary = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "words", g_variant_new_parsed ("['a']"));
  g_variant_builder_add (&builder, "{sv}", "words", g_variant_new_parsed ("['b']"));
  dictionary = g_variant_ref_sink (g_variant_builder_end (&builder));
  g_assert_false (parse (dictionary, &values, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_choices (void)
{
  static const char *const choices[] = { "one", "two", NULL };
  static const char *const wrong[] = { "three", "One", "one ", "" };
  g_autoptr (GError) error = NULL;
  int chosen = 7;

  g_assert_true (cpd_options_take_choice ("name", NULL, choices, &chosen, &error));
  g_assert_cmpint (chosen, ==, 7);
  g_assert_true (cpd_options_take_choice ("name", "one", choices, &chosen, &error));
  g_assert_cmpint (chosen, ==, 0);
  g_assert_true (cpd_options_take_choice ("name", "two", choices, &chosen, &error));
  g_assert_cmpint (chosen, ==, 1);
  g_assert_no_error (error);
  for (size_t i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_false (cpd_options_take_choice ("name", wrong[i], choices, &chosen, &error));
      g_assert_cmpint (chosen, ==, 1);
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
      g_clear_error (&error);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/options/every-type", test_all_types);
  g_test_add_func ("/bus/options/left-out-stays-as-it-was", test_left_out);
  g_test_add_func ("/bus/options/refuses-unknown-ones", test_unknown);
  g_test_add_func ("/bus/options/refuses-wrong-types", test_wrong_types);
  g_test_add_func ("/bus/options/refuses-out-of-range", test_out_of_range);
  g_test_add_func ("/bus/options/shows-what-is-out-of-range", test_shows_value);
  g_test_add_func ("/bus/options/refuses-one-given-twice", test_twice);
  g_test_add_func ("/bus/options/choices", test_choices);
  return g_test_run ();
}
