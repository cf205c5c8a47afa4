/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a host has one canonical form, that what is no host is refused and never taken for
 * another one, and that patterns match what they say and nothing else. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "tests/lib/test-core.h"

#include <string.h>

static void
assert_canonical (const char *given, const char *expected)
{
  g_autoptr (CpdHost) host = test_host (given);

  g_assert_cmpstr (cpd_host_get_text (host), ==, expected);
}

static void
assert_refused (const char *given)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdHost) host = cpd_host_new (given, &error);

  if (host != NULL)
    g_test_message ("‘%s’ came out as ‘%s’", given, cpd_host_get_text (host));
  g_assert_null (host);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST);
}

static void
assert_matches (const char *pattern, const char *target, gboolean expected)
{
  g_autoptr (CpdHost) a = test_host (pattern);
  g_autoptr (CpdHost) b = test_host (target);

  if (cpd_host_matches (a, b) != expected)
    g_test_message ("‘%s’ and ‘%s’", pattern, target);
  g_assert_cmpint (cpd_host_matches (a, b), ==, expected);
}

static void
test_canonical_lower_case (void)
{
  assert_canonical ("H.Example", "h.example");
}

static void
test_canonical_root_dot (void)
{
  assert_canonical ("h.example.", "h.example");
  assert_canonical ("*.h.example.:443", "*.h.example:443");
}

static void
test_canonical_a_label (void)
{
  assert_canonical ("bücher.example", "xn--bcher-kva.example");
  assert_canonical ("BÜCHER.example", "xn--bcher-kva.example");
  assert_canonical ("XN--BCHER-KVA.example", "xn--bcher-kva.example");
  assert_canonical ("straße.example", "xn--strae-oqa.example");
  assert_canonical ("**.bücher.example", "**.xn--bcher-kva.example");
}

static void
test_canonical_ipv4 (void)
{
  g_autoptr (CpdHost) host = test_host ("192.0.2.1");

  g_assert_cmpstr (cpd_host_get_text (host), ==, "192.0.2.1");
  g_assert_true (cpd_host_is_address (host));
  assert_canonical ("192.0.2.1:8443", "192.0.2.1:8443");
}

static void
test_canonical_ipv6 (void)
{
  assert_canonical ("2001:DB8:0:0:0:0:0:1", "2001:db8::1");
  assert_canonical ("[2001:db8::1]", "2001:db8::1");
  assert_canonical ("[2001:db8::1]:443", "[2001:db8::1]:443");
  assert_canonical ("::ffff:c000:201", "::ffff:192.0.2.1");
}

static void
test_canonical_port (void)
{
  g_autoptr (CpdHost) host = test_host ("h.example:8443");

  g_assert_cmpstr (cpd_host_get_text (host), ==, "h.example:8443");
  g_assert_cmpstr (cpd_host_get_name (host), ==, "h.example");
  g_assert_cmpuint (cpd_host_get_port (host), ==, 8443);
}

static void
test_canonical_kinds (void)
{
  g_autoptr (CpdHost) exact = test_host ("h.example");
  g_autoptr (CpdHost) one = test_host ("*.h.example");
  g_autoptr (CpdHost) any = test_host ("**.h.example");

  g_assert_cmpint (cpd_host_get_kind (exact), ==, CPD_HOST_EXACT);
  g_assert_cmpint (cpd_host_get_kind (one), ==, CPD_HOST_ONE_LABEL);
  g_assert_cmpint (cpd_host_get_kind (any), ==, CPD_HOST_ANY_DEPTH);
  g_assert_cmpstr (cpd_host_get_name (any), ==, "h.example");
}

static void
test_canonical_again (void)
{
  static const char *const texts[]
      = { "h.example", "*.h.example:1", "**.h.example", "[2001:db8::1]:65535", "192.0.2.1", "::1" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_canonical (texts[i], texts[i]);
}

static void
test_refused_urls (void)
{
  static const char *const texts[] = { "https://h.example", "h.example/",  "h.example/path",
                                       "user@h.example",    "h.example?q", "h.example#f" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_untrimmed (void)
{
  static const char *const texts[] = { "",
                                       " ",
                                       " h.example",
                                       "h.example ",
                                       "h.exa mple",
                                       "h.example\n",
                                       "\th.example",
                                       "h.example%00",
                                       "h.example\x01" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_labels (void)
{
  static const char *const texts[]
      = { ".",          "..",         ".h.example",    "h..example",   "h.example..",
          "-h.example", "h-.example", "xn--a.example", "xn--.example", "h,example" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_long_label (void)
{
  g_autofree char *just = g_strnfill (63, 'a');
  g_autofree char *over = g_strnfill (64, 'a');
  g_autofree char *good = g_strconcat (just, ".example", NULL);
  g_autofree char *bad = g_strconcat (over, ".example", NULL);

  assert_canonical (good, good);
  assert_refused (bad);
}

static void
test_refused_long_name (void)
{
  g_autoptr (GString) name = g_string_new (NULL);

  while (name->len + 50 < 253)
    g_string_append (name, "aaaaaaaaa.bbbbbbbbb.ccccccccc.ddddddddd.eeeeeeeee.");
  while (name->len < 253)
    g_string_append_c (name, 'f');
  assert_canonical (name->str, name->str);
  g_string_append_c (name, 'f');
  assert_refused (name->str);
}

static void
test_refused_stars (void)
{
  static const char *const texts[] = { "*",
                                       "**",
                                       "*.",
                                       "**.",
                                       "***.h.example",
                                       "h*.example",
                                       "*h.example",
                                       "h.*.example",
                                       "h.**.example",
                                       "h.*",
                                       "**h.example",
                                       "*.*.example",
                                       "*.**.h.example",
                                       "xn--*.example" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_public_suffix (void)
{
  static const char *const texts[]
      = { "*.com",       "**.co.uk",      "*.github.io", "**.kawasaki.jp",
          "*.localhost", "**.unknowntld", "**.net." };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
  assert_canonical ("github.io", "github.io");
  assert_canonical ("s3.amazonaws.com", "s3.amazonaws.com");
  assert_canonical ("**.example.co.uk", "**.example.co.uk");
  assert_canonical ("*.h.github.io", "*.h.github.io");
}

static void
test_refused_old_addresses (void)
{
  static const char *const texts[]
      = { "192.0.2.01",  "3221225985", "0xc0.0.2.1", "192.0.513", "192.0.2.256",
          "192.0.2.1.1", "h.1",        "h.0x1",      "0x7f000001" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_addresses_with_wildcard (void)
{
  static const char *const texts[] = { "*.192.0.2.1", "*.0.2.1", "**.2.1", "*.::1", "**.[::1]" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_ipv6_text (void)
{
  static const char *const texts[]
      = { "[::1",     "::1]", "[h.example]",       "[192.0.2.1]", "fe80::1%eth0",
          "[::1]443", ":::",  "1:2:3:4:5:6:7:8:9", "[]" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_ports (void)
{
  static const char *const texts[]
      = { "h.example:0",     "h.example:65536", "h.example:", "h.example:-1", "h.example:+1",
          "h.example:https", "h.example:443 ",  ":443",       "[::1]:",       "[::1]:0" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

static void
test_refused_not_utf8 (void)
{
  assert_refused ("b\xfc"
                  "cher.example");
}

static void
test_refusal_names_the_host (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_host_new ("a..b", &error));
  g_assert_nonnull (strstr (error->message, "‘a..b’"));
}

/* Not that its port is wrong. */
static void
test_refusal_names_a_url (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_host_new ("https://h.example/", &error));
  g_assert_nonnull (strstr (error->message, "is a URL"));
}

static void
test_refusal_shows_no_control_characters (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_host_new ("a\x1b[31m.\xe2\x80\xae.example", &error));
  g_assert_null (strchr (error->message, '\x1b'));
  g_assert_null (strstr (error->message, "\xe2\x80\xae"));
}

static void
test_match_exact (void)
{
  assert_matches ("h.example", "h.example", TRUE);
  assert_matches ("h.example", "H.EXAMPLE.", TRUE);
  assert_matches ("h.example", "www.h.example", FALSE);
  assert_matches ("www.h.example", "h.example", FALSE);
  assert_matches ("h.example", "xh.example", FALSE);
}

static void
test_match_one_label (void)
{
  assert_matches ("*.h.example", "a.h.example", TRUE);
  assert_matches ("*.h.example", "h.example", FALSE);
  assert_matches ("*.h.example", "a.b.h.example", FALSE);
  assert_matches ("*.h.example", "xh.example", FALSE);
}

static void
test_match_any_depth (void)
{
  assert_matches ("**.h.example", "h.example", TRUE);
  assert_matches ("**.h.example", "a.h.example", TRUE);
  assert_matches ("**.h.example", "a.b.c.d.h.example", TRUE);
  assert_matches ("**.h.example", "xh.example", FALSE);
  assert_matches ("**.h.example", "example", FALSE);
}

static void
test_match_port (void)
{
  assert_matches ("h.example:443", "h.example:443", TRUE);
  assert_matches ("h.example:443", "h.example:8443", FALSE);
  assert_matches ("h.example", "h.example:8443", TRUE);
  assert_matches ("h.example:443", "h.example", FALSE);
  assert_matches ("**.h.example:443", "a.h.example:443", TRUE);
}

static void
test_match_address (void)
{
  assert_matches ("2001:db8::1", "[2001:DB8:0::1]:443", TRUE);
  assert_matches ("192.0.2.1", "192.0.2.1:443", TRUE);
  assert_matches ("192.0.2.1", "192.0.2.2", FALSE);
}

static void
test_target_takes_bare_names (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdHost) named = cpd_host_new_target ("H.example.", 443, &error);
  g_autoptr (CpdHost) address = cpd_host_new_target ("2001:db8::1", 443, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (cpd_host_get_text (named), ==, "h.example:443");
  g_assert_cmpstr (cpd_host_get_text (address), ==, "[2001:db8::1]:443");
}

static void
test_target_refuses_patterns_and_ports (void)
{
  static const char *const texts[] = { "*.h.example", "**.h.example", "h.example:443", "", "a..b" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (cpd_host_new_target (texts[i], 0, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST);
    }
}

static void
test_patterns_most_specific_first (void)
{
  static const char *const expected[] = {
    "a.b.example:443",    "a.b.example",    "*.b.example:443",  "*.b.example",
    "**.a.b.example:443", "**.a.b.example", "**.b.example:443", "**.b.example",
    "**.example:443",     "**.example",
  };
  g_autoptr (CpdHost) target = test_host ("a.b.example:443");
  CpdHostPatterns patterns;

  cpd_host_patterns_init (&patterns, target);
  for (size_t i = 0; i < G_N_ELEMENTS (expected); i++)
    g_assert_cmpstr (cpd_host_patterns_next (&patterns), ==, expected[i]);
  g_assert_null (cpd_host_patterns_next (&patterns));
}

static void
test_patterns_of_an_address (void)
{
  g_autoptr (CpdHost) target = test_host ("192.0.2.1:443");
  CpdHostPatterns patterns;

  cpd_host_patterns_init (&patterns, target);
  g_assert_cmpstr (cpd_host_patterns_next (&patterns), ==, "192.0.2.1:443");
  g_assert_cmpstr (cpd_host_patterns_next (&patterns), ==, "192.0.2.1");
  g_assert_null (cpd_host_patterns_next (&patterns));
}

static void
test_longest_pattern_fits (void)
{
  g_autoptr (GString) text = g_string_new ("**.");

  for (int i = 0; i < 5; i++)
    g_string_append (text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.");
  g_string_append (text, "b:65535");
  g_assert_cmpuint (text->len, <=, CPD_HOST_TEXT_MAX_BYTES);
  assert_canonical (text->str, text->str);
}

static void
add_refusals (void)
{
  g_test_add_func ("/core/host/refused/urls", test_refused_urls);
  g_test_add_func ("/core/host/refused/untrimmed", test_refused_untrimmed);
  g_test_add_func ("/core/host/refused/labels", test_refused_labels);
  g_test_add_func ("/core/host/refused/long-label", test_refused_long_label);
  g_test_add_func ("/core/host/refused/long-name", test_refused_long_name);
  g_test_add_func ("/core/host/refused/stars", test_refused_stars);
  g_test_add_func ("/core/host/refused/wildcard-on-public-suffix", test_refused_public_suffix);
  g_test_add_func ("/core/host/refused/old-address-notations", test_refused_old_addresses);
  g_test_add_func ("/core/host/refused/wildcard-on-address", test_refused_addresses_with_wildcard);
  g_test_add_func ("/core/host/refused/ipv6-text", test_refused_ipv6_text);
  g_test_add_func ("/core/host/refused/ports", test_refused_ports);
  g_test_add_func ("/core/host/refused/not-utf8", test_refused_not_utf8);
  g_test_add_func ("/core/host/refused/names-the-host", test_refusal_names_the_host);
  g_test_add_func ("/core/host/refused/names-a-url", test_refusal_names_a_url);
  g_test_add_func ("/core/host/refused/shows-no-control-characters",
                   test_refusal_shows_no_control_characters);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/host/canonical/lower-case", test_canonical_lower_case);
  g_test_add_func ("/core/host/canonical/root-dot", test_canonical_root_dot);
  g_test_add_func ("/core/host/canonical/a-label", test_canonical_a_label);
  g_test_add_func ("/core/host/canonical/ipv4", test_canonical_ipv4);
  g_test_add_func ("/core/host/canonical/ipv6", test_canonical_ipv6);
  g_test_add_func ("/core/host/canonical/port", test_canonical_port);
  g_test_add_func ("/core/host/canonical/kinds", test_canonical_kinds);
  g_test_add_func ("/core/host/canonical/stays-as-it-is", test_canonical_again);
  g_test_add_func ("/core/host/canonical/longest-pattern-fits", test_longest_pattern_fits);
  add_refusals ();
  g_test_add_func ("/core/host/match/exact", test_match_exact);
  g_test_add_func ("/core/host/match/one-label", test_match_one_label);
  g_test_add_func ("/core/host/match/any-depth", test_match_any_depth);
  g_test_add_func ("/core/host/match/port", test_match_port);
  g_test_add_func ("/core/host/match/address", test_match_address);
  g_test_add_func ("/core/host/target/takes-bare-names", test_target_takes_bare_names);
  g_test_add_func ("/core/host/target/refuses-patterns-and-ports",
                   test_target_refuses_patterns_and_ports);
  g_test_add_func ("/core/host/patterns/most-specific-first", test_patterns_most_specific_first);
  g_test_add_func ("/core/host/patterns/of-an-address", test_patterns_of_an_address);
  return g_test_run ();
}
