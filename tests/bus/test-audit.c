/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the journal has every change and every refusal, with who, what, and the keys before
 * and after it, and not more refusals than fit. */

#include "config.h"

#include "daemon/bus/cpd-audit-limit.h"
#include "tests/lib/test-bus.h"

#include <unistd.h>

#define KEY       "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OTHER_KEY "sha256/AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static GVariant *
keys_of (const char *key)
{
  return g_variant_new_parsed ("('h.example', [%s], @a{sv} {})", key);
}

static void
assert_field (const char *message_id, const char *field, const char *expected)
{
  g_assert_cmpstr (test_bus_find_audit (message_id, field), ==, expected);
}

static void
assert_change (const char *message_id, const char *event, const char *old, const char *new)
{
  g_autofree char *uid = g_strdup_printf ("%u", getuid ());

  assert_field (message_id, "CERTPIN_EVENT", event);
  assert_field (message_id, "CERTPIN_HOST", "h.example");
  assert_field (message_id, "CERTPIN_NAME", "h.example");
  assert_field (message_id, "CERTPIN_SCOPE", "user");
  assert_field (message_id, "CERTPIN_UID", uid);
  assert_field (message_id, "CERTPIN_OLD_KEYS", old);
  assert_field (message_id, "CERTPIN_NEW_KEYS", new);
  g_assert_nonnull (test_bus_find_audit (message_id, "CERTPIN_PROGRAM"));
  g_assert_nonnull (test_bus_find_audit (message_id, "CERTPIN_SENDER"));
}

static void
test_changes (TestBus *f, gconstpointer user_data)
{
  test_call_done (f, "PinKeys", keys_of (KEY));
  assert_change (CERTPIN_MESSAGE_PIN_CHANGED, "pinned", NULL, KEY);
  test_call_done (f, "AddKeys", keys_of (OTHER_KEY));
  assert_change (CERTPIN_MESSAGE_PIN_CHANGED, "pinned", KEY, KEY " " OTHER_KEY);
  test_call_done (f, "RemoveKeys", keys_of (KEY));
  assert_change (CERTPIN_MESSAGE_PIN_CHANGED, "pinned", KEY " " OTHER_KEY, OTHER_KEY);
  test_call_done (f, "BlockHost", g_variant_new_parsed ("('h.example', 'why', @a{sv} {})"));
  assert_change (CERTPIN_MESSAGE_HOST_BLOCKED, "blocked", OTHER_KEY, NULL);
  test_call_done (f, "PinKeys", keys_of (KEY));
  assert_change (CERTPIN_MESSAGE_PIN_CHANGED, "pinned", NULL, KEY);
  test_call_done (f, "Unpin", g_variant_new_parsed ("('h.example', @a{sv} {})"));
  assert_change (CERTPIN_MESSAGE_PIN_REMOVED, "unpinned", KEY, NULL);
}

/* Whatever takes a paused pin away has ended its pause. */
static void
test_end_of_pause (TestBus *f, gconstpointer user_data)
{
  static const char text[] = "[Pin File]\nVersion=1\n[a]\nHost=h.example\nKeys=" OTHER_KEY "\n";
  const struct
  {
    const char *method;
    GVariant *arguments;
  } ends[] = {
    { "PinKeys", keys_of (OTHER_KEY) },
    { "ImportPins", g_variant_new ("(s@a{sv})", text, g_variant_new_parsed ("@a{sv} {}")) },
    { "BlockHost", g_variant_new_parsed ("('h.example', 'why', @a{sv} {})") },
    { "Unpin", g_variant_new_parsed ("('h.example', @a{sv} {})") },
  };

  for (unsigned int i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      test_call_done (f, "PinKeys", keys_of (KEY));
      test_call_done (
          f, "PausePin",
          g_variant_new_parsed ("('h.example', {'seconds': <uint32 60>, 'reason': <'why not'>})"));
      test_call_done (f, "AddKeys", keys_of (OTHER_KEY)); /* which keeps it */
      g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_RESUMED), ==, i);
      test_call_done (f, ends[i].method, ends[i].arguments);
      g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_RESUMED), ==, i + 1);
      assert_field (CERTPIN_MESSAGE_PIN_RESUMED, "CERTPIN_REASON", "why not");
    }
}

/* It is without what only a port needs. */
static void
test_names (TestBus *f, gconstpointer user_data)
{
  const char *const names[][2] = { { "h.example:8443", "h.example" },
                                   { "**.h.example:8443", "**.h.example" },
                                   { "*.h.example", "*.h.example" },
                                   { "[::1]:8443", "::1" },
                                   { "::1", "::1" } };

  for (unsigned int i = 0; i < G_N_ELEMENTS (names); i++)
    {
      test_call_done (f, "PinKeys",
                      g_variant_new_parsed ("(%s, [%s], @a{sv} {})", names[i][0], KEY));
      assert_field (CERTPIN_MESSAGE_PIN_CHANGED, "CERTPIN_HOST", names[i][0]);
      assert_field (CERTPIN_MESSAGE_PIN_CHANGED, "CERTPIN_NAME", names[i][1]);
    }
}

/* Calls that change nothing leave nothing behind. */
static void
test_no_change (TestBus *f, gconstpointer user_data)
{
  test_call_fails (f, "Unpin", g_variant_new_parsed ("('h.example', @a{sv} {})"), "NotPinned");
  test_call_fails (f, "AddKeys", keys_of (KEY), "NotPinned");
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_REMOVED), ==, 0);
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_CHANGED), ==, 0);
}

static void
test_reload (TestBus *f, gconstpointer user_data)
{
  g_autofree char *uid = g_strdup_printf ("%u", getuid ());
  g_autofree char *path = NULL;

  test_call_done (f, "Reload", NULL);
  assert_field (CERTPIN_MESSAGE_RELOADED, "CERTPIN_UID", uid);
  path = test_folder_write (f->pins_dir, "a.pin", "nonsense");
  test_call_fails (f, "Reload", NULL, "StoreFailed");
  assert_field (CERTPIN_MESSAGE_STORE_BROKEN, "CERTPIN_EVENT", "reload-failed");
  assert_field (CERTPIN_MESSAGE_STORE_BROKEN, "CERTPIN_UID", uid);
}

static GVariant *
request (const char *url)
{
  return g_variant_new_parsed ("('GET', %s, @a(ss) [], @ay [], @a{sv} {})", url);
}

/* `error`: NotPinned, too, is told. */
static void
refuse (TestBus *f, const char *url, CertpinError error)
{
  g_autoptr (CpdHost) target = cpd_host_new ("h.example:443", NULL);
  g_autoptr (CpdPolicy) policy = cpd_policy_new (target, 1);
  g_autoptr (CpdVerdict) verdict = cpd_verdict_of_policy (policy, 1);

  g_assert_cmpint (verdict->error, ==, CERTPIN_ERROR_NOT_PINNED);
  fake_fetcher_set_verdict (f->fetcher, verdict);
  test_call_fails (f, "SecureRequest", request (url), certpin_error_get_name (error));
}

static void
test_refusals (TestBus *f, gconstpointer user_data)
{
  for (unsigned int i = 0; i < 3 * CPD_AUDIT_LIMIT_OF_ONE; i++)
    refuse (f, "https://h.example/", CERTPIN_ERROR_NOT_PINNED);
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_FAILED), ==, CPD_AUDIT_LIMIT_OF_ONE);
  assert_field (CERTPIN_MESSAGE_PIN_FAILED, "CERTPIN_HOST", "h.example:443");
  assert_field (CERTPIN_MESSAGE_PIN_FAILED, "CERTPIN_NAME", "h.example");
  assert_field (CERTPIN_MESSAGE_PIN_FAILED, "CERTPIN_VERDICT", "NotPinned");
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_LEFT_OUT), ==, 0);
}

/* A user's changes have a limit; those of the system's pins have none. */
static void
test_many_changes (TestBus *f, gconstpointer user_data)
{
  for (unsigned int i = 0; i < CPD_AUDIT_LIMIT_OF_CHANGES + 10; i++)
    test_call_done (f, "PinKeys", keys_of (i % 2 == 0 ? KEY : OTHER_KEY));
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_CHANGED), ==,
                    CPD_AUDIT_LIMIT_OF_CHANGES);
  test_call_done (f, "PinKeys",
                  g_variant_new_parsed ("('s.example', [%s], {'scope': <'system'>})", KEY));
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_CHANGED), ==,
                    CPD_AUDIT_LIMIT_OF_CHANGES + 1);
}

/* The pinned keys, and those that were presented instead. */
static void
test_mismatch (TestBus *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) offered = TEST_IDENTITY (.subject = "offered", .dns = { "h.example" });
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "other");
  g_autoptr (CpdVerdict) verdict
      = fake_verdict_new ("h.example:443", other, offered, CPD_MODE_ENFORCE);
  g_autoptr (CpdCertificate) certificate = test_certificate (offered);
  g_autoptr (CpdCertificate) pinned = test_certificate (other);
  g_autofree char *new = certpin_key_to_text (cpd_certificate_get_key (certificate));
  g_autofree char *old = certpin_key_to_text (cpd_certificate_get_key (pinned));

  fake_fetcher_set_verdict (f->fetcher, verdict);
  test_call_fails (f, "SecureRequest", request ("https://h.example/"), "PinMismatch");
  assert_field (CERTPIN_MESSAGE_PIN_FAILED, "CERTPIN_OLD_KEYS", old);
  assert_field (CERTPIN_MESSAGE_PIN_FAILED, "CERTPIN_NEW_KEYS", new);
  assert_field (CERTPIN_MESSAGE_PIN_FAILED, "CERTPIN_SCOPE", "user");
  assert_field (CERTPIN_MESSAGE_PIN_FAILED, "CERTPIN_REASON", "wrong-key");
}

#define ADD(path, function) TEST_BUS_ADD ("/bus/audit/" path, NULL, function)

/* Which app it was, is in the journal; of other programs, no such field is. */
static void
test_app (TestBus *f, gconstpointer user_data)
{
  g_autoptr (CpdApps) apps = cpd_apps_new ();
  CpdAudit *audit = cpd_audit_new (apps);
  g_autoptr (CpdCaller) caller = cpd_caller_new (":1.2", getuid ());

  cpd_audit_denied (audit, caller, "org.certpin.reload");
  assert_field (CERTPIN_MESSAGE_DENIED, "CERTPIN_ACTION", "org.certpin.reload");
  assert_field (CERTPIN_MESSAGE_DENIED, "CERTPIN_APP", NULL);
  caller->app = g_strdup ("flatpak:org.example.Weather");
  cpd_audit_denied (audit, caller, "org.certpin.manage-pins");
  assert_field (CERTPIN_MESSAGE_DENIED, "CERTPIN_ACTION", "org.certpin.manage-pins");
  assert_field (CERTPIN_MESSAGE_DENIED, "CERTPIN_APP", "flatpak:org.example.Weather");
  cpd_audit_free (audit);
}

int
main (int argc, char *argv[])
{
  test_bus_init (&argc, &argv);
  ADD ("changes", test_changes);
  ADD ("end-of-pause", test_end_of_pause);
  ADD ("names", test_names);
  ADD ("no-change", test_no_change);
  ADD ("reload", test_reload);
  ADD ("refusals", test_refusals);
  ADD ("many-changes", test_many_changes);
  ADD ("mismatch", test_mismatch);
  ADD ("app", test_app);
  return g_test_run ();
}
