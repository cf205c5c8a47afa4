/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which texts are address ranges, that no notation of an address in one is missed, and in
 * which order the administrator's rules apply. */

#include "config.h"

#include "daemon/core/base/cpd-address-rules.h"

#include <string.h>

static const char *
find (const CpdRanges *ranges, const char *text, gboolean led_to)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);

  g_test_message ("%s", text);
  g_assert_nonnull (address);
  return led_to ? cpd_ranges_find_led_to (ranges, address) : cpd_ranges_find (ranges, address);
}

static CpdRanges *
new_ranges (const char *text)
{
  CpdRanges *ranges = cpd_ranges_new ();

  g_assert_true (cpd_ranges_add (ranges, text));
  return ranges;
}

/* One row: what is in a range, and what is not; up to a NULL. */
static const struct
{
  const char *range;
  const char *within[27];
  const char *beyond[25];
} rows[] = {
  { "link-local",
    { "169.254.0.0",
      "169.254.169.254",
      "169.254.255.255",
      "fe80::1",
      "fe80::ffff:ffff:ffff:ffff",
      "febf::1",
      "::ffff:169.254.169.254",
      "::ffff:a9fe:a9fe",
      "::169.254.169.254",
      "::a9fe:1",
      "64:ff9b::169.254.169.254",
      "64:ff9b::a9fe:a9fe",
      "64:ff9b:1::169.254.169.254",
      "::ffff:0:169.254.169.254",
      "2002:a9fe:a9fe::",
      "2002:a9fe:a9fe:1::1",
      "168.63.129.16",
      "100.100.100.200",
      "::ffff:168.63.129.16",
      "fd00:ec2::254",
      "fd00:ec2::23",
      "fd20:ce::254",
      "fd00:c1::a9fe:a9fe",
      "64:ff9b:1:a9fe:a9:fe00::",
      "64:ff9b:1:12a9:fe:a9fe::",
      "64:ff9b:1:1234:a9:fea9:fe00:0" },
    { "127.0.0.1",
      "169.253.255.255",
      "169.255.0.0",
      "168.254.1.1",
      "10.0.0.1",
      "192.168.1.1",
      "0.0.0.0",
      "::",
      "::1",
      "::ffff:127.0.0.1",
      "::ffff:169.255.1.1",
      "64:ff9b::8.8.8.8",
      "2002:808:808::1",
      "2001:db8::a9fe:a9fe",
      "fec0::1",
      "168.63.129.15",
      "100.100.100.201",
      "fd00:ec2::253",
      "fd20:ce::253",
      "fd00:c1::a9fe:a9ff",
      "fd00:ec2::1:254",
      "fc00::1",
      "64:ff9b:1:808:8:800::",
      "64:ff9b:2:a9fe:a9:fe00::" } },
  { "loopback",
    { "127.0.0.1", "127.255.255.255", "::1", "0.0.0.0", "0.1.2.3", "::", "::ffff:127.0.0.1",
      "::ffff:0.0.0.0", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1", "64:ff9b:1::7f00:1",
      "64:ff9b:1:7f00:0:100::" },
    { "126.255.255.255", "128.0.0.0", "::2", "::ffff:128.0.0.1", "1::1", "169.254.0.1",
      "64:ff9b:1::8.8.8.8", "64:ff9b:1:1234::8.8.8.8" } },
  { "private",
    { "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
      "192.168.255.255", "100.64.0.0", "100.127.255.255", "fc00::1", "fdff::1", "fec0::1",
      "::ffff:10.1.2.3", "64:ff9b::192.168.1.1", "64:ff9b:1:ac10:0:100::" },
    { "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
      "100.63.255.255", "100.128.0.0", "fbff::1", "fe00::1", "127.0.0.1", "::1",
      "::ffff:8.8.8.8" } },
  { "any",
    { "0.0.0.0", "8.8.8.8", "255.255.255.255", "::", "2001:db8::1", "::ffff:8.8.8.8" },
    { NULL } },
  { "0.0.0.0/0", { "8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8" }, { "::1", "2001:db8::1" } },
  { "::/0", { "::1", "2001:db8::1" }, { "8.8.8.8", "::ffff:8.8.8.8" } },
  { "203.0.113.7", { "203.0.113.7", "::ffff:203.0.113.7" }, { "203.0.113.6", "203.0.113.8" } },
  { "203.0.113.128/25", { "203.0.113.128", "203.0.113.255" }, { "203.0.113.127" } },
  { "2001:db8::/33", { "2001:db8:7fff::1" }, { "2001:db8:8000::1", "203.0.113.7" } },
};

static void
test_find (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CpdRanges) ranges = new_ranges (rows[i].range);

      g_test_message ("in %s:", rows[i].range);
      for (size_t j = 0; rows[i].within[j] != NULL; j++)
        g_assert_cmpstr (find (ranges, rows[i].within[j], /* led_to= */ TRUE), ==, rows[i].range);
      g_test_message ("not in %s:", rows[i].range);
      for (size_t j = 0; rows[i].beyond[j] != NULL; j++)
        g_assert_null (find (ranges, rows[i].beyond[j], /* led_to= */ TRUE));
    }
}

/* What another machine may make of an address does not allow it. */
static void
test_find_exact (void)
{
  g_autoptr (CpdRanges) ranges = new_ranges ("10.0.0.0/8");

  g_assert_nonnull (find (ranges, "10.0.0.1", /* led_to= */ FALSE));
  g_assert_nonnull (find (ranges, "::ffff:10.0.0.1", /* led_to= */ FALSE));
  g_assert_null (find (ranges, "64:ff9b::10.0.0.1", /* led_to= */ FALSE));
  g_assert_null (find (ranges, "2002:a00:1::", /* led_to= */ FALSE));
}

static void
test_refuses_texts (void)
{
  static const char *const texts[] = { "",
                                       "10.0.0.1/8",
                                       "10.0.0.0/33",
                                       "10.0.0.0/-1",
                                       "10.0.0.0/",
                                       "10.0.0.0/8x",
                                       "10.0.0.0/+8",
                                       "10.0.0.0/ 8",
                                       "10.0.0.0/99999999999999999999",
                                       "10.0.0.0/4294967304",
                                       "0.0.0.0/",
                                       "::/",
                                       "10.0.0.0/8 ",
                                       "10/8",
                                       "10.0.0",
                                       "fd00::/129",
                                       "fd00::1/64",
                                       "h.example",
                                       "Loopback",
                                       "localhost",
                                       "*",
                                       "!10.0.0.0/8",
                                       "[::1]",
                                       "10.0.0.0-10.1",
                                       "127.1",
                                       "0x7f.0.0.1",
                                       "::ffff:10.0.0.0/104",
                                       "::ffff:10.0.0.1" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (CpdRanges) ranges = cpd_ranges_new ();

      g_test_message ("‘%s’", texts[i]);
      g_assert_false (cpd_ranges_add (ranges, texts[i]));
    }
}

/* `named`: what the sentence must tell; NULL: it passes */
static void
assert_refuses (const CpdAddressRules *rules, const char *text, gboolean for_user,
                const char *named)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  g_autofree char *refusal = cpd_address_rules_refuse (rules, address, for_user);

  g_test_message ("%s: %s", text, refusal);
  if (named == NULL)
    g_assert_null (refusal);
  else
    {
      g_assert_nonnull (strstr (refusal, named));
      g_assert_nonnull (strstr (refusal, text));
    }
}

static void
test_rules (void)
{
  g_autoptr (CpdAddressRules) rules = cpd_address_rules_new ();

  assert_refuses (rules, "127.0.0.1", TRUE, NULL);
  assert_refuses (rules, "10.0.0.1", TRUE, NULL);
  assert_refuses (rules, "169.254.169.254", FALSE, "‘link-local’");
  cpd_ranges_add (rules->deny, "203.0.113.0/24");
  cpd_ranges_add (rules->deny_for_users, "loopback");
  cpd_ranges_add (rules->deny_for_users, "private");
  cpd_ranges_add (rules->allow, "any");
  assert_refuses (rules, "169.254.169.254", FALSE, "‘link-local’");
  assert_refuses (rules, "203.0.113.1", TRUE, NULL);
}

static void
test_rules_in_order (void)
{
  g_autoptr (CpdAddressRules) rules = cpd_address_rules_new ();

  cpd_ranges_add (rules->deny, "203.0.113.0/24");
  cpd_ranges_add (rules->deny_for_users, "loopback");
  cpd_ranges_add (rules->deny_for_users, "private");
  cpd_ranges_add (rules->allow, "203.0.113.7");
  cpd_ranges_add (rules->allow, "10.1.0.0/16");
  assert_refuses (rules, "203.0.113.1", FALSE, "‘203.0.113.0/24’ of Deny=");
  assert_refuses (rules, "203.0.113.1", TRUE, "Deny=");
  assert_refuses (rules, "203.0.113.7", TRUE, NULL);
  assert_refuses (rules, "127.0.0.1", TRUE, "‘loopback’ of DenyForUsers=");
  assert_refuses (rules, "127.0.0.1", FALSE, NULL);
  assert_refuses (rules, "::1", TRUE, "‘loopback’");
  assert_refuses (rules, "10.0.0.1", TRUE, "‘private’");
  assert_refuses (rules, "10.1.0.1", TRUE, NULL);
  assert_refuses (rules, "64:ff9b::a01:1", TRUE, "‘private’"); /* what is there is not known */
  assert_refuses (rules, "8.8.8.8", TRUE, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/ranges/find", test_find);
  g_test_add_func ("/core/ranges/find-exact", test_find_exact);
  g_test_add_func ("/core/ranges/refuses-texts", test_refuses_texts);
  g_test_add_func ("/core/ranges/rules", test_rules);
  g_test_add_func ("/core/ranges/rules-in-order", test_rules_in_order);
  return g_test_run ();
}
