/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a builder of pins makes the options that it was told to, with the names and types of
 * the service. That the service takes them is in test-client.c. */

#include "config.h"

#include <certpin.h>

/* The builder makes these options, in any order. `text`: of an `a{sv}` */
static void
assert_builds (CertpinPinBuilder *builder, const char *text)
{
  g_autoptr (GVariant) options = certpin_pin_builder_build (builder);
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_parsed (text));
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_assert_false (g_variant_is_floating (options));
  g_assert_true (g_variant_is_of_type (options, G_VARIANT_TYPE_VARDICT));
  g_assert_cmpuint (g_variant_n_children (options), ==, g_variant_n_children (expected));
  g_variant_iter_init (&iter, expected);
  while (g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      g_autoptr (GVariant) wanted = value;
      g_autoptr (GVariant) made = g_variant_lookup_value (options, name, NULL);

      g_assert_nonnull (made);
      g_assert_cmpvariant (made, wanted);
    }
}

static void
test_words (void)
{
  g_autoptr (CertpinPinBuilder) builder = certpin_pin_builder_new ();

  assert_builds (builder, "@a{sv} {}");
  certpin_pin_builder_set_scope (builder, CERTPIN_SCOPE_SYSTEM);
  certpin_pin_builder_set_match (builder, CERTPIN_MATCH_PATH);
  certpin_pin_builder_set_mode (builder, CERTPIN_MODE_REPORT);
  certpin_pin_builder_set_note (builder, "für den Laden");
  certpin_pin_builder_set_block_on_failure (builder, FALSE);
  assert_builds (builder, "{'scope': <'system'>, 'match': <'path'>, 'mode': <'report'>, "
                          "'note': <'für den Laden'>, 'on-failure': <'keep'>}");
  certpin_pin_builder_set_scope (builder, CERTPIN_SCOPE_USER);
  certpin_pin_builder_set_match (builder, CERTPIN_MATCH_LEAF);
  certpin_pin_builder_set_mode (builder, CERTPIN_MODE_ENFORCE);
  certpin_pin_builder_set_note (builder, NULL);
  certpin_pin_builder_set_block_on_failure (builder, 17);
  assert_builds (builder, "{'scope': <'user'>, 'match': <'leaf'>, 'mode': <'enforce'>}");
}

/* That an app has a scope of its own, the service knows. */
static void
test_app (void)
{
  g_autoptr (CertpinPinBuilder) builder = certpin_pin_builder_new ();

  certpin_pin_builder_set_app (builder, "flatpak:org.example.App");
  assert_builds (builder, "{'app': <'flatpak:org.example.App'>}");
  certpin_pin_builder_set_scope (builder, CERTPIN_SCOPE_APP);
  assert_builds (builder, "{'app': <'flatpak:org.example.App'>, 'scope': <'app'>}");
  certpin_pin_builder_set_app (builder, NULL);
  assert_builds (builder, "{'scope': <'app'>}");
}

static void
test_expires (void)
{
  g_autoptr (CertpinPinBuilder) builder = certpin_pin_builder_new ();
  g_autoptr (GDateTime) later = g_date_time_new_from_iso8601 ("2040-01-01T01:00:00+01", NULL);
  g_autoptr (GDateTime) epoch = g_date_time_new_from_unix_utc (0);

  certpin_pin_builder_set_expires (builder, later);
  assert_builds (builder, "{'expires': <int64 2208988800>}");
  certpin_pin_builder_set_expires (builder, NULL);
  assert_builds (builder, "@a{sv} {}");
  /* A time of the past must not become “never”, which is 0. */
  certpin_pin_builder_set_expires (builder, epoch);
  assert_builds (builder, "{'expires': <int64 1>}");
}

static void
test_certificates (void)
{
  CertpinPinBuilder *builder = certpin_pin_builder_new ();
  g_autoptr (CertpinPinBuilder) same = certpin_pin_builder_ref (builder);
  g_autoptr (GBytes) first = g_bytes_new_static ("a", 1), second = g_bytes_new_static ("", 0);

  certpin_pin_builder_add_backup_certificate (builder, first);
  certpin_pin_builder_add_trust_anchor (builder, second);
  certpin_pin_builder_add_trust_anchor (builder, first);
  certpin_pin_builder_unref (builder);
  assert_builds (same, "{'backup-certificates': <[[byte 97]]>, "
                       "'trust-anchors': <[@ay [], [byte 97]]>}");
  certpin_pin_builder_add_backup_certificate (same, second);
  assert_builds (same, "{'backup-certificates': <[[byte 97], []]>, "
                       "'trust-anchors': <[@ay [], [byte 97]]>}");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/pin-builder/words", test_words);
  g_test_add_func ("/client/pin-builder/app", test_app);
  g_test_add_func ("/client/pin-builder/expires", test_expires);
  g_test_add_func ("/client/pin-builder/certificates", test_certificates);
  return g_test_run ();
}
