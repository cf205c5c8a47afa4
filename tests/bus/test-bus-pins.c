/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the Pins interface as a program sees it: replies, errors by name, signals, and the order
 * of what is sent without waiting. */

#include "config.h"

#include "tests/lib/test-bus.h"

#include <unistd.h>

#define KEY       "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER_KEY "sha256/AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static GVariant *
none (void)
{
  return g_variant_new_parsed ("@a{sv} {}");
}

static GVariant *
keys_of (const char *host, const char *key, const char *options)
{
  return g_variant_new ("(s@as@a{sv})", host, g_variant_new_parsed ("[%s]", key),
                        g_variant_new_parsed (options));
}

static GVariant *
certificate_of (const char *host, GBytes *der)
{
  return g_variant_new ("(s@ay@a{sv})", host,
                        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, der, TRUE), none ());
}

static GVariant *
host_of (const char *host)
{
  return g_variant_new ("(s@a{sv})", host, none ());
}

static void
pin (TestBus *f, const char *host)
{
  test_call_done (f, "PinKeys", keys_of (host, KEY, "@a{sv} {}"));
}

static void
assert_state (TestBus *f, const char *host, const char *state)
{
  g_autoptr (GVariant) description = test_call_value (f, "GetPin", host_of (host));

  test_bus_assert_text (description, "state", state);
}

static void
test_pin_certificate (TestBus *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "leaf", .issuer = root);
  g_autoptr (CpdCertificate) certificate = test_certificate (leaf);
  g_autofree char *key = certpin_key_to_text (cpd_certificate_get_key (certificate));
  g_autofree char *uid = g_strdup_printf ("(uid %u)", getuid ());
  g_autoptr (GVariant) description = test_call_value (
      f, "PinCertificate", certificate_of ("H.example", test_identity_get_certificate (leaf)));
  g_autofree const char **keys = NULL;
  const char *created_by;

  test_bus_assert_text (description, "host", "h.example");
  test_bus_assert_text (description, "scope", "user");
  test_bus_assert_text (description, "state", "active");
  test_bus_assert_text (description, "subject", "CN=leaf");
  g_assert_true (g_variant_lookup (description, "keys", "^a&s", &keys));
  g_assert_cmpstr (keys[0], ==, key);
  g_assert_true (g_variant_lookup (description, "created-by", "&s", &created_by));
  g_assert_true (g_str_has_suffix (created_by, uid));
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_CHANGED), ==, 1);
}

static void
test_pin_keys_replaces (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) first = NULL, second = NULL;
  guint64 before, after;

  first = test_call_value (f, "PinKeys", keys_of ("h.example", KEY, "@a{sv} {}"));
  second = test_call_value (f, "PinKeys", keys_of ("h.example", OTHER_KEY, "{'note': <'n'>}"));
  test_bus_assert_text (second, "note", "n");
  g_assert_true (g_variant_lookup (first, "generation", "t", &before));
  g_assert_true (g_variant_lookup (second, "generation", "t", &after));
  g_assert_cmpuint (after, >, before);
}

static void
test_errors_change_nothing (TestBus *f, gconstpointer user_data)
{
  pin (f, "h.example");
  test_call_fails (f, "PinKeys", keys_of ("h..example", KEY, "@a{sv} {}"), "InvalidHost");
  test_call_fails (f, "PinKeys", keys_of ("h.example", KEY, "{'no': <1>}"), "InvalidArgument");
  test_call_fails (f, "PinKeys", keys_of ("h.example", "x", "@a{sv} {}"), "InvalidKey");
  test_call_fails (
      f, "PinKeys",
      g_variant_new ("(s@as@a{sv})", "h.example", g_variant_new_strv (NULL, 0), none ()),
      "InvalidArgument");
  test_call_fails (f, "Unpin", host_of ("other.example"), "NotPinned");
  test_call_fails (f, "GetPin", host_of ("other.example"), "NotPinned");
  test_call_fails (f, "GetPin", host_of ("*"), "InvalidHost");
  test_call_fails (f, "LastFailure", g_variant_new ("(s)", "h.example"), "NotPinned");
  assert_state (f, "h.example", "active");
}

static void
test_wrong_format_blocks (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GBytes) text = g_bytes_new_static ("text", 4);

  pin (f, "h.example");
  test_call_fails (f, "PinCertificate", certificate_of ("h.example", text), "WrongFormat");
  assert_state (f, "h.example", "blocked");
  test_bus_wait_for_signal (f, "PinChanged h.example blocked");
  pin (f, "h.example");
  assert_state (f, "h.example", "active");
}

static void
test_keep (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GBytes) text = g_bytes_new_static ("text", 4);
  GVariant *certificate = g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, text, TRUE);

  pin (f, "h.example");
  test_call_fails (
      f, "PinCertificate",
      g_variant_new_parsed ("('h.example', %@ay, {'on-failure': <'keep'>})", certificate),
      "WrongFormat");
  assert_state (f, "h.example", "active");
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_KEPT), ==, 1);
}

static void
test_self_signed_blocks (TestBus *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) self_signed = TEST_IDENTITY (.subject = "self");

  test_call_fails (f, "PinCertificate",
                   certificate_of ("h.example", test_identity_get_certificate (self_signed)),
                   "SelfSigned");
  assert_state (f, "h.example", "blocked");
}

static void
test_authority_does_not_block (TestBus *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.is_ca = TRUE);
  g_autoptr (TestIdentity) middle = TEST_IDENTITY (.is_ca = TRUE, .issuer = root);

  test_call_fails (f, "PinCertificate",
                   certificate_of ("h.example", test_identity_get_certificate (middle)),
                   "InvalidArgument");
  test_call_fails (f, "GetPin", host_of ("h.example"), "NotPinned");
}

static void
test_block_and_unpin (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) description = NULL;

  test_call_done (f, "BlockHost", g_variant_new ("(ss@a{sv})", "h.example", "why", none ()));
  description = test_call_value (f, "GetPin", host_of ("h.example"));
  test_bus_assert_text (description, "state", "blocked");
  test_bus_assert_text (description, "reason", "why");
  test_call_done (f, "Unpin", host_of ("h.example"));
  test_call_fails (f, "GetPin", host_of ("h.example"), "NotPinned");
  test_call_fails (f, "BlockHost", g_variant_new ("(ss@a{sv})", "h.example", "a\nb", none ()),
                   "InvalidArgument");
  test_bus_wait_for_signal (f, "PinChanged h.example removed");
}

static void
test_get_pin (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) winning = NULL, literal = NULL;

  pin (f, "*.h.example");
  winning = test_call_value (f, "GetPin", host_of ("a.h.example"));
  literal = test_call_value (f, "GetPin", host_of ("*.h.example"));
  test_bus_assert_text (winning, "host", "*.h.example");
  test_bus_assert_text (literal, "host", "*.h.example");
  test_call_fails (f, "GetPin", host_of ("**.h.example"), "NotPinned");
}

static void
test_list_pins (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) all = NULL, of_system = NULL;

  pin (f, "b.example");
  pin (f, "a.example");
  all = test_call_value (f, "ListPins", g_variant_new ("(@a{sv})", none ()));
  of_system = test_call_value (f, "ListPins", g_variant_new_parsed ("({'scope': <'system'>},)"));
  g_assert_cmpuint (g_variant_n_children (all), ==, 2);
  g_assert_cmpuint (g_variant_n_children (of_system), ==, 0);
  {
    g_autoptr (GVariant) first = g_variant_get_child_value (all, 0);
    test_bus_assert_text (first, "host", "a.example");
  }
  test_call_fails (f, "ListPins", g_variant_new_parsed ("({'uid': <'0'>},)"), "InvalidArgument");
}

/* By the plain authority only root may do what is not its own. */
static void
test_rights (TestBus *f, gconstpointer user_data)
{
  const char *const methods[] = { "PinKeys", "ListPins", "Reload" };
  GVariant *const parameters[]
      = { g_variant_ref_sink (keys_of ("h.example", KEY, "{'scope': <'system'>}")),
          g_variant_ref_sink (g_variant_new_parsed ("({'uid': <uint32 4200000>},)")),
          g_variant_ref_sink (g_variant_new_parsed ("()")) };

  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      if (getuid () == 0)
        test_call_done (f, methods[i], parameters[i]);
      else
        test_call_fails (f, methods[i], parameters[i], "NotAuthorized");
      g_variant_unref (parameters[i]);
    }
}

static void
test_pins_of_files (TestBus *f, gconstpointer user_data)
{
  g_autofree char *path = test_folder_write (
      f->pins_dir, "a.pin", "[Pin File]\nVersion=1\n\n[Pin]\nHost=h.example\nKeys=" KEY "\n");
  g_autoptr (GVariant) description = NULL;

  if (getuid () != 0)
    {
      g_test_skip ("only root may reload");
      return;
    }
  test_call_done (f, "Reload", NULL);
  test_bus_wait_for_signal (f, "PinChanged  reloaded");
  description = test_call_value (f, "GetPin", host_of ("h.example"));
  test_bus_assert_text (description, "scope", "system");
  test_bus_assert_text (description, "source", path);
  test_call_fails (f, "Unpin", g_variant_new_parsed ("('h.example', {'scope': <'system'>})"),
                   "InvalidArgument");
  test_call_fails (f, "Unpin", host_of ("h.example"), "NotPinned");
}

static void
test_limit (TestBus *f, gconstpointer user_data)
{
  pin (f, "a.example");
  pin (f, "b.example");
  test_call_fails (f, "PinKeys", keys_of ("c.example", KEY, "@a{sv} {}"), "LimitExceeded");
  test_call_fails (f, "BlockHost", g_variant_new ("(ss@a{sv})", "c.example", "why", none ()),
                   "LimitExceeded");
  pin (f, "b.example");
  test_call_done (f, "Unpin", host_of ("a.example"));
  pin (f, "c.example");
}

/* What one connection sends without waiting is done in that order, from its very first call on. */
static void
test_order (TestBus *f, gconstpointer user_data)
{
  TestCall *calls[9];

  for (size_t i = 0; i < G_N_ELEMENTS (calls); i += 3)
    {
      calls[i] = test_call_start (f->client, "PinKeys", keys_of ("h.example", KEY, "@a{sv} {}"));
      calls[i + 1] = test_call_start (f->client, "BlockHost",
                                      g_variant_new ("(ss@a{sv})", "h.example", "why", none ()));
      calls[i + 2] = test_call_start (f->client, "Unpin", host_of ("h.example"));
    }
  for (size_t i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) reply = test_call_wait (calls[i], &error);

      g_assert_no_error (error);
    }
  test_call_fails (f, "GetPin", host_of ("h.example"), "NotPinned");
}

/* Nor does one that left stop what it sent. */
static void
test_left_is_done (TestBus *f, gconstpointer user_data)
{
  GDBusConnection *other = test_bus_connect (f);

  test_call_fails (f, "GetPin", host_of ("h.example"), "NotPinned");
  g_dbus_connection_call (other, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE,
                          "GetPin", host_of ("h.example"), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                          NULL, NULL);
  g_dbus_connection_call (other, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_PINS_IFACE,
                          "PinKeys", keys_of ("h.example", KEY, "@a{sv} {}"), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
  g_assert_true (g_dbus_connection_flush_sync (other, NULL, NULL));
  test_bus_wait_for_signal (f, "PinChanged h.example active");
  test_bus_disconnect (other);
  assert_state (f, "h.example", "active");
}

static void
on_any_signal (GDBusProxy *proxy, const char *sender, const char *name, GVariant *parameters,
               gpointer user_data)
{
  (*(unsigned int *)user_data)++;
}

/* To those that have called the service, and to nobody else. */
static void
test_signals (TestBus *f, gconstpointer user_data)
{
  GDBusConnection *silent = test_bus_connect (f);
  unsigned int heard = 0;
  g_autoptr (GDBusProxy) listener = test_bus_listen (silent, G_CALLBACK (on_any_signal), &heard);

  pin (f, "h.example");
  test_bus_wait_for_signal (f, "PinChanged h.example active");
  test_bus_round_trip (silent);
  test_loop_settle ();
  g_assert_cmpuint (heard, ==, 0);
  test_bus_disconnect (silent);
}

static const TestBusLimits two_pins = { .pins_per_uid = 2 };

#define ADD(path, function) TEST_BUS_ADD ("/bus/pins/" path, NULL, function)

int
main (int argc, char *argv[])
{
  test_bus_init (&argc, &argv);
  ADD ("pin-certificate", test_pin_certificate);
  ADD ("pin-keys-replaces", test_pin_keys_replaces);
  ADD ("errors-change-nothing", test_errors_change_nothing);
  ADD ("wrong-format-blocks", test_wrong_format_blocks);
  ADD ("wrong-format-is-kept", test_keep);
  ADD ("self-signed-blocks", test_self_signed_blocks);
  ADD ("authority-as-leaf-does-not-block", test_authority_does_not_block);
  ADD ("block-and-unpin", test_block_and_unpin);
  ADD ("get-pin", test_get_pin);
  ADD ("list-pins", test_list_pins);
  ADD ("rights", test_rights);
  ADD ("pins-of-files", test_pins_of_files);
  TEST_BUS_ADD ("/bus/pins/limit", &two_pins, test_limit);
  ADD ("in-the-order-sent", test_order);
  ADD ("caller-that-left", test_left_is_done);
  ADD ("signals-to-callers-alone", test_signals);
  return g_test_run ();
}
