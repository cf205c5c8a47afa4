/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a group which is read without GKeyFile says what GKeyFile says of it: in whatever
 * texts a few characters make. */

#include "config.h"

#include "daemon/core/base/cpd-key-file.h"

#include <string.h>

#define ROUNDS   50000
#define MOST     24
#define ALPHABET "AAAAE==== ;;;\\\\sn#[]\t\r\n\n\n-"

static char *
make_text (GRand *rand)
{
  GString *text = g_string_new (g_rand_int_range (rand, 0, 8) > 0 ? "[a]\nA=" : "[");
  int length = g_rand_int_range (rand, 0, MOST);

  for (int i = 0; i < length; i++)
    {
      char next = ALPHABET[g_rand_int_range (rand, 0, sizeof ALPHABET - 1)];

      /* Of two wrong escapes, GLib complains with a warning. */
      if (next != '\\' || strchr (text->str, '\\') == NULL)
        g_string_append_c (text, next);
    }
  return g_string_free (text, FALSE);
}

/* Of one key, which both have. */
static void
assert_same_value (CpdKeyFile *file, GKeyFile *expected, const char *key)
{
  g_autoptr (GError) error = NULL, expected_error = NULL;
  g_autofree char *text = cpd_key_file_get_text (file, key, &error);
  g_autofree char *expected_text
      = g_key_file_get_string (expected, file->group, key, &expected_error);
  g_auto (GStrv) list = cpd_key_file_get_list (file, key);
  g_auto (GStrv) expected_list
      = g_key_file_get_string_list (expected, file->group, key, NULL, NULL);

  g_assert_cmpint (error == NULL, ==, expected_error == NULL);
  if (expected_error == NULL)
    g_assert_cmpstr (text, ==, expected_text);
  g_assert_cmpint (list == NULL, ==, expected_list == NULL);
  if (list != NULL)
    g_assert_cmpstrv (list, expected_list);
}

/* Returns: whether it was read without GKeyFile */
static gboolean
compare_group (CpdKeyFile *file, const char *text)
{
  g_autoptr (GKeyFile) expected = g_key_file_new ();
  g_autofree char *group = NULL;
  g_auto (GStrv) keys = NULL;
  gboolean was_plain = file->is_plain;

  g_assert_true (
      g_key_file_load_from_data (expected, text, -1, G_KEY_FILE_KEEP_TRANSLATIONS, NULL));
  group = g_key_file_get_start_group (expected);
  g_assert_cmpstr (file->group, ==, group);
  keys = g_key_file_get_keys (expected, group, NULL, NULL);
  g_assert_cmpuint (g_hash_table_size (file->lines), ==, g_strv_length (keys));
  g_assert_cmpint (cpd_key_file_has_only (file, (const char *const *)keys), ==, was_plain);
  for (size_t i = 0; keys[i] != NULL; i++)
    assert_same_value (file, expected, keys[i]);
  g_assert_false (cpd_key_file_has_key (file, "B"));
  g_assert_null (cpd_key_file_get_text (file, "B", NULL));
  return was_plain;
}

/* Of files of one group in which nothing is wrong. What is wrong is refused, and never read. */
static void
test_like_glib (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  unsigned int plain = 0, others = 0;

  for (int i = 0; i < ROUNDS; i++)
    {
      g_autofree char *text = make_text (rand);
      g_autoptr (CpdKeyFile) file = cpd_key_file_new ("/nowhere");

      g_assert_true (cpd_key_file_open (file, text, strlen (text)));
      if (!cpd_key_file_next_group (file) || *file->next != '\0' || file->faults->len > 0)
        continue;
      if (compare_group (file, text))
        plain++;
      else
        others++;
    }
  g_assert_cmpuint (plain, >, ROUNDS / 50);
  g_assert_cmpuint (others, >, ROUNDS / 50);
}

/* Pins and their neighbours in one file are read without GKeyFile: 100 000 of them depend on it. */
static void
test_pins_are_plain (void)
{
  static const char text[] = "[Pin File]\nVersion=1\n\n# of mine\n[a.example (1)]\n"
                             "Host=*.a.example\nKeys=sha256/AA==;sha256/BB==;\nNote=ä b\n";
  g_autoptr (CpdKeyFile) file = cpd_key_file_new (NULL);
  g_auto (GStrv) keys = NULL;
  g_autofree char *note = NULL;

  g_assert_true (cpd_key_file_open (file, text, strlen (text)));
  g_assert_true (cpd_key_file_next_group (file));
  g_assert_true (file->is_plain);
  g_assert_true (cpd_key_file_next_group (file));
  g_assert_true (file->is_plain);
  g_assert_cmpstr (file->group, ==, "a.example (1)");
  keys = cpd_key_file_get_list (file, "Keys");
  g_assert_cmpuint (g_strv_length (keys), ==, 2);
  g_assert_cmpstr (keys[1], ==, "sha256/BB==");
  note = cpd_key_file_get_text (file, "Note", NULL);
  g_assert_cmpstr (note, ==, "ä b");
  g_assert_null (file->content);
  g_assert_cmpuint (file->faults->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/key-file/like-glib", test_like_glib);
  g_test_add_func ("/core/key-file/pins-are-plain", test_pins_are_plain);
  return g_test_run ();
}
