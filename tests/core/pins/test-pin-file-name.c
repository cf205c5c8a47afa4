/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the host of a pin file is known from its name, and that no two hosts share one. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file-name.h"
#include "tests/lib/test-core.h"

#include <string.h>

static void
assert_name (const char *host, const char *expected)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autofree char *name = cpd_pin_file_name (parsed);
  g_autoptr (CpdHost) back = cpd_pin_file_name_to_host (name);

  g_assert_cmpstr (name, ==, expected);
  g_assert_cmpstr (cpd_host_get_text (back), ==, cpd_host_get_text (parsed));
}

static void
test_names (void)
{
  assert_name ("h.example", "h.example.pin");
  assert_name ("*.h.example", "%2A.h.example.pin");
  assert_name ("**.h.example:8443", "%2A%2A.h.example%3A8443.pin");
  assert_name ("2001:db8::1", "2001%3Adb8%3A%3A1.pin");
  assert_name ("my_host.example", "my%5Fhost.example.pin");
}

static void
test_long_names_are_told_apart (void)
{
  g_autofree char *label = g_strnfill (63, 'a');
  g_autofree char *a = g_strjoin (".", label, label, label, "a.example", NULL);
  g_autofree char *b = g_strjoin (".", label, label, label, "b.example", NULL);
  g_autoptr (CpdHost) host_a = test_host (a);
  g_autoptr (CpdHost) host_b = test_host (b);
  g_autofree char *name_a = cpd_pin_file_name (host_a);
  g_autofree char *name_b = cpd_pin_file_name (host_b);

  g_assert_cmpuint (strlen (name_a), <=, 204);
  g_assert_cmpstr (name_a, !=, name_b);
  g_assert_null (cpd_pin_file_name_to_host (name_a));
}

static void
test_names_of_no_host (void)
{
  static const char *const names[]
      = { ".pin", "a..b.pin", "%.pin", "%00.pin", "h.example", "%2F.pin" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_null (cpd_pin_file_name_to_host (names[i]));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/pin-file-name/of-host", test_names);
  g_test_add_func ("/core/pin-file-name/long-ones-are-told-apart", test_long_names_are_told_apart);
  g_test_add_func ("/core/pin-file-name/of-no-host", test_names_of_no_host);
  return g_test_run ();
}
