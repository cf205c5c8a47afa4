/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which URLs are proxies, which hosts take none, and that a request may choose only what the
 * administrator listed. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-no-proxy.h"
#include "daemon/core/base/cpd-proxies.h"

#include <string.h>

static const struct
{
  const char *url;
  const char *text; /* NULL: refused */
  const char *name;
} urls[] = {
  { "http://proxy.example:3128", "http://proxy.example:3128", "proxy.example" },
  { "https://proxy.example:443/", "https://proxy.example:443", "proxy.example" },
  { "HTTP://Proxy.Example.:3128", "http://proxy.example:3128", "proxy.example" },
  { "http://b\xc3\xbc"
    "cher.example:1",
    "http://xn--bcher-kva.example:1", "xn--bcher-kva.example" },
  { "http://192.0.2.1:8080", "http://192.0.2.1:8080", "192.0.2.1" },
  { "http://[2001:DB8:0::1]:8080", "http://[2001:db8::1]:8080", "2001:db8::1" },
  { "http://my_proxy:65535", "http://my_proxy:65535", "my_proxy" },
  { "proxy.example:3128" },
  { "http://proxy.example" },
  { "http://proxy.example:0" },
  { "http://proxy.example:65536" },
  { "http://:3128" },
  { "http://user:secret@proxy.example:3128" },
  { "http://@proxy.example:3128" },
  { "http://proxy.example:3128/path" },
  { "http://proxy.example:3128?query" },
  { "http://proxy.example:3128#fragment" },
  { "socks5://proxy.example:1080" },
  { "http://pro%2fxy:1" },
  { "http://pro xy:1" },
  { "http://a..b:1" },
  { "http://[fe80::1%25eth0]:1" },
  { "" },
};

static void
test_urls (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CpdProxy) proxy = cpd_proxy_new (urls[i].url, &error);

      g_test_message ("%s: %s", urls[i].url, error != NULL ? error->message : "a proxy");
      if (urls[i].text == NULL)
        {
          g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
          g_assert_null (strstr (error->message, "secret"));
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (proxy->text, ==, urls[i].text);
      g_assert_cmpstr (proxy->name, ==, urls[i].name);
      g_assert_true (proxy->is_secure == g_str_has_prefix (urls[i].text, "https:"));
      g_assert_null (proxy->authorization);
    }
}

static const struct
{
  const char *rule;
  const char *name;
  guint16 port;
  gboolean matches;
} exceptions[] = {
  { "h.example", "h.example", 443, TRUE },
  { "h.example", "a.b.h.example", 443, TRUE },
  { "h.example", "ah.example", 443, FALSE },
  { "h.example", "example", 443, FALSE },
  { "H.Example.", "h.example", 443, TRUE },
  { ".h.example", "h.example", 443, FALSE },
  { ".h.example", "a.b.h.example", 443, TRUE },
  { "*.h.example", "h.example", 443, FALSE },
  { "*.h.example", "a.b.h.example", 443, TRUE },
  { "h.example:8443", "a.h.example", 8443, TRUE },
  { "h.example:8443", "h.example", 443, FALSE },
  { "localhost", "localhost", 443, TRUE },
  { ".local", "printer.local", 443, TRUE },
  { "b\xc3\xbc"
    "cher.example",
    "xn--bcher-kva.example", 443, TRUE },
  { "*", "h.example", 443, TRUE },
  { "*", "192.0.2.1", 443, TRUE },
  { "192.0.2.1", "192.0.2.1", 443, TRUE },
  { "192.0.2.1", "192.0.2.10", 443, FALSE },
  { "192.0.2.1:8443", "192.0.2.1", 8443, TRUE },
  { "192.0.2.1:8443", "192.0.2.1", 443, FALSE },
  { "192.0.2.0/24", "192.0.2.255", 443, TRUE },
  { "192.0.2.0/24", "192.0.3.1", 443, FALSE },
  { "192.0.2.0/24", "h.example", 443, FALSE },
  { "192.0.2.0/24", "::ffff:192.0.2.1", 443, TRUE },
  { "192.0.2.0/24", "::ffff:192.0.3.1", 443, FALSE },
  { "192.0.2.1:8443", "::ffff:192.0.2.1", 8443, TRUE },
  { "::/0", "::ffff:192.0.2.1", 443, FALSE },
  { "0.0.0.0/0", "192.0.3.1", 443, TRUE },
  { "0.0.0.0/0", "2001:db8::1", 443, FALSE },
  { "2001:db8::/32", "2001:db8:1::1", 443, TRUE },
  { "2001:db8::1", "2001:db8::1", 443, TRUE },
  { "[2001:db8::1]", "2001:db8::1", 443, TRUE },
  { "[2001:db8::1]:8443", "2001:db8::1", 8443, TRUE },
  { "[2001:db8::1]:8443", "2001:db8::1", 443, FALSE },
};

static void
test_exceptions (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (exceptions); i++)
    {
      g_autoptr (CpdNoProxy) rule = cpd_no_proxy_new (exceptions[i].rule);

      g_test_message ("%s, %s:%u", exceptions[i].rule, exceptions[i].name, exceptions[i].port);
      g_assert_nonnull (rule);
      g_assert_true (cpd_no_proxy_matches (rule, exceptions[i].name, exceptions[i].port)
                     == exceptions[i].matches);
    }
}

static void
test_no_exceptions (void)
{
  static const char *const texts[] = { "",
                                       ".",
                                       "*.",
                                       "a*b",
                                       "h.example:",
                                       "h.example:0",
                                       "h.example:x",
                                       "a..b",
                                       "h.example/x",
                                       "192.0.2.0/33",
                                       "192.0.2.1/24",
                                       "0.0.0.0/",
                                       "10.0.0.0/+8",
                                       "[::ffff:192.0.2.1]",
                                       "::ffff:192.0.2.0/120",
                                       "::ffff:c000:201",
                                       "1:2:3:4:5:6:7:8:443",
                                       "http://h.example",
                                       "[h.example]",
                                       "[192.0.2.1" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_test_message ("‘%s’", texts[i]);
      g_assert_null (cpd_no_proxy_new (texts[i]));
    }
}

static CpdProxies *
new_proxies (const char *first, const char *second)
{
  CpdProxies *proxies = cpd_proxies_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (cpd_proxies_add (proxies, first, &error));
  g_assert_true (second == NULL || cpd_proxies_add (proxies, second, &error));
  g_assert_no_error (error);
  return proxies;
}

static const char *
choose (CpdProxies *proxies, const char *wanted, const char *name)
{
  return cpd_proxy_get_text (cpd_proxies_choose (proxies, wanted, name, 443));
}

static void
test_first_is_usual (void)
{
  g_autoptr (CpdProxies) none = cpd_proxies_new ();
  g_autoptr (CpdProxies) proxies = new_proxies ("http://a.example:1", "http://b.example:2");
  g_autoptr (CpdProxies) direct = new_proxies ("direct", "http://b.example:2");

  g_assert_cmpstr (choose (none, NULL, "h.example"), ==, "direct");
  g_assert_cmpstr (choose (proxies, NULL, "h.example"), ==, "http://a.example:1");
  g_assert_cmpstr (choose (direct, NULL, "h.example"), ==, "direct");
}

static void
test_exceptions_go_directly (void)
{
  g_autoptr (CpdProxies) proxies = new_proxies ("http://a.example:1", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (cpd_proxies_add_exception (proxies, ".h.example", NULL));
  g_assert_true (cpd_proxies_add_exception (proxies, "192.0.2.0/24", NULL));
  g_assert_cmpstr (choose (proxies, NULL, "a.h.example"), ==, "direct");
  g_assert_cmpstr (choose (proxies, NULL, "192.0.2.9"), ==, "direct");
  g_assert_cmpstr (choose (proxies, NULL, "h.example"), ==, "http://a.example:1");
  g_assert_cmpstr (choose (proxies, "http://a.example:1", "a.h.example"), ==, "http://a.example:1");
  g_assert_false (cpd_proxies_add_exception (proxies, "a..b", &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
assert_choice (CpdProxies *proxies, const char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chosen = cpd_proxies_check_choice (proxies, text, &error);

  g_assert_cmpstr (chosen, ==, expected);
  if (expected != NULL)
    g_assert_no_error (error);
  else
    g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_choices (void)
{
  g_autoptr (CpdProxies) none = cpd_proxies_new ();
  g_autoptr (CpdProxies) proxies = new_proxies ("http://a.example:1", "https://b.example:2");
  g_autoptr (CpdProxies) with_direct = new_proxies ("http://a.example:1", "direct");

  assert_choice (none, "direct", "direct");
  assert_choice (none, "http://a.example:1", NULL);
  assert_choice (proxies, "http://a.example:1", "http://a.example:1");
  assert_choice (proxies, "HTTPS://B.example:2/", "https://b.example:2");
  assert_choice (proxies, "http://b.example:2", NULL);
  assert_choice (proxies, "http://a.example:2", NULL);
  assert_choice (proxies, "direct", NULL);
  assert_choice (proxies, "", NULL);
  assert_choice (with_direct, "direct", "direct");
  g_assert_cmpstr (choose (proxies, "https://b.example:2", "h.example"), ==, "https://b.example:2");
  g_assert_cmpstr (choose (with_direct, "direct", "h.example"), ==, "direct");
}

static void
test_refusal_names_the_choices (void)
{
  g_autoptr (CpdProxies) proxies = new_proxies ("http://a.example:1", "https://b.example:2");
  g_autoptr (GError) error = NULL;

  g_assert_null (cpd_proxies_check_choice (proxies, "http://c.example:3", &error));
  g_assert_nonnull (strstr (error->message, "‘http://a.example:1’ or ‘https://b.example:2’"));
}

static void
test_twice (void)
{
  g_autoptr (CpdProxies) proxies = new_proxies ("http://a.example:1", "direct");

  g_assert_false (cpd_proxies_add (proxies, "http://A.example:1/", NULL));
  g_assert_false (cpd_proxies_add (proxies, "direct", NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/proxies/urls", test_urls);
  g_test_add_func ("/core/proxies/exceptions", test_exceptions);
  g_test_add_func ("/core/proxies/no-exceptions", test_no_exceptions);
  g_test_add_func ("/core/proxies/first-is-usual", test_first_is_usual);
  g_test_add_func ("/core/proxies/exceptions-go-directly", test_exceptions_go_directly);
  g_test_add_func ("/core/proxies/choices", test_choices);
  g_test_add_func ("/core/proxies/refusal-names-the-choices", test_refusal_names_the_choices);
  g_test_add_func ("/core/proxies/twice", test_twice);
  return g_test_run ();
}
