/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what PinCertificate and PinKeys take, and which certificates may be pinned. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-pin-order.h"
#include "tests/lib/test-core.h"

typedef struct
{
  TestIdentity *root, *leaf, *other;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  f->root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  f->leaf = TEST_IDENTITY (.subject = "leaf", .dns = { "h.example" }, .issuer = f->root);
  f->other = TEST_IDENTITY (.subject = "other", .issuer = f->root);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  test_identity_unref (f->root);
  test_identity_unref (f->leaf);
  test_identity_unref (f->other);
}

static GVariant *
none (void)
{
  return g_variant_new_parsed ("@a{sv} {}");
}

static CpdAsker asker = { .now = TEST_PKI_NOW, .self = 1000, .owner = 1000 };

static CpdPinOrder *
try_new (const char *host, GBytes *certificate, GVariant *options, GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (options);

  return cpd_pin_order_new_certificate (&asker, host, certificate, owned, error);
}

/* Returns: (transfer full): an order for h.example */
static CpdPinOrder *
new_order (GVariant *options, GBytes *certificate)
{
  g_autoptr (GError) error = NULL;
  CpdPinOrder *order = try_new ("h.example", certificate, options, &error);

  g_assert_no_error (error);
  return order;
}

static void
assert_complete (CpdPinOrder *order, unsigned int n_keys)
{
  g_assert_no_error (order->failure);
  g_assert_cmpuint (order->pin->keys->len, ==, n_keys);
}

/* It can be told from the order what is wrong, and which host is to be blocked. */
static void
assert_fails (CpdPinOrder *order, int code)
{
  g_assert_error (order->failure, CERTPIN_ERROR, code);
  g_assert_cmpstr (cpd_host_get_text (order->pin->host), ==, "h.example");
}

/* Returns: floating: options with a list of such files */
static GVariant *
list_of (const char *name, GBytes *const *files, size_t n_files)
{
  GVariantBuilder array, options;

  g_variant_builder_init (&array, G_VARIANT_TYPE ("aay"));
  for (size_t i = 0; i < n_files; i++)
    g_variant_builder_add_value (
        &array, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, files[i], TRUE));
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", name, g_variant_builder_end (&array));
  return g_variant_builder_end (&options);
}

static GVariant *
der_list (const char *name, TestIdentity *identity)
{
  GBytes *const files[] = { test_identity_get_certificate (identity) };

  return list_of (name, files, 1);
}

static void
test_usual (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPinOrder) order = new_order (none (), test_identity_get_certificate (f->leaf));
  const CpdPin *pin = order->pin;

  g_assert_cmpstr (cpd_host_get_text (pin->host), ==, "h.example");
  g_assert_cmpint (pin->layer, ==, CPD_LAYER_USER);
  g_assert_cmpint (pin->match, ==, CPD_MATCH_LEAF);
  g_assert_cmpint (pin->mode, ==, CPD_MODE_ENFORCE);
  g_assert_cmpint (pin->state, ==, CPD_STATE_ACTIVE);
  g_assert_cmpint (pin->expires, ==, 0);
  g_assert_null (pin->note);
  g_assert_null (pin->anchors);
  assert_complete (order, 1);
}

static void
test_options (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPinOrder) order
      = new_order (g_variant_new_parsed ("{'scope': <'system'>, 'match': <'path'>,"
                                         " 'mode': <'report'>, 'expires': <%x>, 'note': <'a b'>}",
                                         TEST_PKI_NOW + 1),
                   test_identity_get_certificate (f->leaf));
  const CpdPin *pin = order->pin;

  g_assert_cmpint (pin->layer, ==, CPD_LAYER_SYSTEM);
  g_assert_cmpint (pin->match, ==, CPD_MATCH_PATH);
  g_assert_cmpint (pin->mode, ==, CPD_MODE_REPORT);
  g_assert_cmpint (pin->expires, ==, TEST_PKI_NOW + 1);
  g_assert_cmpstr (pin->note, ==, "a b");
}

static void
test_refuses_options (Fixture *f, gconstpointer user_data)
{
  static const char *const texts[] = {
    "{'scope': <'all'>}",
    "{'match': <'any'>}",
    "{'mode': <'off'>}",
    "{'expires': <int64 -1>}",
    "{'expires': <int64 1800000000>}",
    "{'expires': <int64 253402300800>}",
    "{'expires': <int64 9223372036854775807>}",
    "{'note': <'a\\nb'>}",
    "{'note': <'\\u202e'>}",
    "{'trust-anchors': <@aay []>}",
    "{'trust-anchors': <[b'none']>}",
    "{'unknown': <true>}",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", texts[i]);
      g_assert_null (try_new ("h.example", test_identity_get_certificate (f->leaf),
                              g_variant_new_parsed (texts[i]), &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
    }
}

/* The last second that has a date. */
static void
test_expires_in_the_last_year (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPinOrder) order
      = new_order (g_variant_new_parsed ("{'expires': <int64 253402300799>}"),
                   test_identity_get_certificate (f->leaf));

  g_assert_cmpint (order->pin->expires, ==, 253402300799);
}

/* The host is looked at before the options. */
static void
test_refuses_host (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (try_new ("https://h.example", test_identity_get_certificate (f->leaf),
                          g_variant_new_parsed ("{'unknown': <true>}"), &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_HOST);
}

static void
test_backups (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPinOrder) order = new_order (der_list ("backup-certificates", f->other),
                                             test_identity_get_certificate (f->leaf));
  g_autoptr (CpdPinOrder) same = new_order (der_list ("backup-certificates", f->leaf),
                                            test_identity_get_certificate (f->leaf));

  assert_complete (order, 2);
  assert_complete (same, 1);
}

static void
test_bad_backup (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) self_signed = TEST_IDENTITY (.subject = "self");
  g_autoptr (CpdPinOrder) of_self = new_order (der_list ("backup-certificates", self_signed),
                                               test_identity_get_certificate (f->leaf));
  g_autoptr (CpdPinOrder) of_ca = new_order (der_list ("backup-certificates", f->root),
                                             test_identity_get_certificate (f->leaf));
  g_autoptr (CpdPinOrder) of_text
      = new_order (g_variant_new_parsed ("{'backup-certificates': <[b'text']>}"),
                   test_identity_get_certificate (f->leaf));

  assert_fails (of_self, CERTPIN_ERROR_SELF_SIGNED);
  assert_fails (of_ca, CERTPIN_ERROR_SELF_SIGNED);
  assert_fails (of_text, CERTPIN_ERROR_WRONG_FORMAT);
}

/* Which of several is bad is not for people to find out. */
static void
test_bad_one_is_named (Fixture *f, gconstpointer user_data)
{
  g_autofree char *pem = test_identity_to_pem (f->other);
  g_autoptr (GBytes) bad = g_bytes_new (pem, strlen (pem));
  GBytes *const good = test_identity_get_certificate (f->leaf);
  const struct
  {
    GBytes *certificate, *backups[2];
    const char *named;
  } cases[] = {
    { bad, { good, good }, "the certificate is PEM" },
    { good, { bad, good }, "backup certificate 1 of 2: the certificate is PEM" },
    { good, { good, bad }, "backup certificate 2 of 2: the certificate is PEM" },
    { good, { bad, bad }, "backup certificate 1 of 2: the certificate is PEM" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CpdPinOrder) order = new_order (
          list_of ("backup-certificates", cases[i].backups, G_N_ELEMENTS (cases[i].backups)),
          cases[i].certificate);

      assert_fails (order, CERTPIN_ERROR_WRONG_FORMAT);
      g_test_message ("%s", order->failure->message);
      g_assert_true (g_str_has_prefix (order->failure->message, cases[i].named));
    }
}

/* Certificates of so many parts are refused together, and not each. */
static void
test_too_large_backups_are_named (Fixture *f, gconstpointer user_data)
{
  guint8 nulls[4 + 2 * (CPD_CERTIFICATE_MAX_ELEMENTS / 2)] = { 0x30, 0x82, 0x20, 0x00 };
  g_autoptr (GBytes) file = NULL;
  g_autoptr (CpdPinOrder) order = NULL;

  for (size_t i = 4; i < sizeof nulls; i += 2)
    nulls[i] = 0x05; /* NULL */
  file = g_bytes_new (nulls, sizeof nulls);
  order = new_order (list_of ("backup-certificates", (GBytes *const[]){ file, file }, 2),
                     test_identity_get_certificate (f->leaf));
  assert_fails (order, CERTPIN_ERROR_WRONG_FORMAT);
  g_assert_true (g_str_has_prefix (order->failure->message, "backup certificates: "));
}

static void
test_wrong_formats (Fixture *f, gconstpointer user_data)
{
  g_autofree char *pem = test_identity_to_pem (f->leaf);
  g_autoptr (GBytes) text = g_bytes_new (pem, strlen (pem));
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  GBytes *const cases[] = { text, empty, test_identity_get_key (f->leaf) };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CpdPinOrder) order = new_order (none (), cases[i]);

      assert_fails (order, CERTPIN_ERROR_WRONG_FORMAT);
    }
}

/* DESIGN.md's table: which kind of certificate passes with which match. */
static void
test_kinds (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) self_signed = TEST_IDENTITY (.subject = "self");
  g_autoptr (TestIdentity) middle
      = TEST_IDENTITY (.subject = "Middle", .is_ca = TRUE, .issuer = f->root);
  const struct
  {
    TestIdentity *identity;
    int leaf, path; /* -1: it passes */
  } cases[] = {
    { f->leaf, -1, -1 },
    { self_signed, CERTPIN_ERROR_SELF_SIGNED, CERTPIN_ERROR_SELF_SIGNED },
    { f->root, CERTPIN_ERROR_SELF_SIGNED, -1 },
    { middle, CERTPIN_ERROR_INVALID_ARGUMENT, -1 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GBytes *der = test_identity_get_certificate (cases[i].identity);
      g_autoptr (CpdPinOrder) leaf = new_order (none (), der);
      g_autoptr (CpdPinOrder) path = new_order (g_variant_new_parsed ("{'match': <'path'>}"), der);

      if (cases[i].leaf < 0)
        assert_complete (leaf, 1);
      else
        assert_fails (leaf, cases[i].leaf);
      if (cases[i].path < 0)
        assert_complete (path, 1);
      else
        assert_fails (path, cases[i].path);
    }
}

/* Equal names do not make a certificate self-signed. */
static void
test_own_name_as_issuer (Fixture *f, gconstpointer user_data)
{
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "Root", .issuer = f->root);
  g_autoptr (CpdPinOrder) order = new_order (none (), test_identity_get_certificate (leaf));

  assert_complete (order, 1);
}

static void
test_own_anchors (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPinOrder) order
      = new_order (der_list ("trust-anchors", f->root), test_identity_get_certificate (f->leaf));

  g_assert_cmpuint (cpd_anchors_get_count (order->pin->anchors), ==, 1);
}

#define KEY "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static CpdPinOrder *
order_keys (const char *const *texts, GVariant *options, GError **error)
{
  g_autoptr (GVariant) keys = g_variant_ref_sink (g_variant_new_strv (texts, -1));
  g_autoptr (GVariant) owned = g_variant_ref_sink (options);

  return cpd_pin_order_new_keys (&asker, "h.example", keys, owned, error);
}

static void
assert_keys (const char *const *keys, GVariant *options, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (order_keys (keys, options, &error));
  g_assert_error (error, CERTPIN_ERROR, code);
}

static void
test_keys (Fixture *f, gconstpointer user_data)
{
  static const char *const good[]
      = { KEY, "020102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", KEY, NULL };
  static const char *const bad[] = { KEY, "sha1/AAECAwQFBgcICQoLDA0ODxAREhM=", NULL };
  static const char *const empty[] = { NULL };
  g_autofree const char **many = g_new0 (const char *, 66);
  g_autoptr (CpdPinOrder) order = order_keys (good, none (), NULL);

  assert_complete (order, 2);
  assert_keys (bad, none (), CERTPIN_ERROR_INVALID_KEY);
  assert_keys (empty, none (), CERTPIN_ERROR_INVALID_ARGUMENT);
  for (size_t i = 0; i < 65; i++)
    many[i] = KEY;
  assert_keys (many, none (), CERTPIN_ERROR_INVALID_ARGUMENT);
  assert_keys (good, der_list ("backup-certificates", f->other), CERTPIN_ERROR_INVALID_ARGUMENT);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/bus/pin-order/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("usual-values", test_usual);
  ADD ("options", test_options);
  ADD ("refuses-options", test_refuses_options);
  ADD ("expires-in-the-last-year", test_expires_in_the_last_year);
  ADD ("refuses-host-first", test_refuses_host);
  ADD ("backup-certificates", test_backups);
  ADD ("bad-backup-certificates", test_bad_backup);
  ADD ("bad-one-is-named", test_bad_one_is_named);
  ADD ("too-large-backups-are-named", test_too_large_backups_are_named);
  ADD ("wrong-formats", test_wrong_formats);
  ADD ("kinds-of-certificates-by-match", test_kinds);
  ADD ("own-name-as-issuer-is-not-self-signed", test_own_name_as_issuer);
  ADD ("trust-anchors", test_own_anchors);
  ADD ("keys", test_keys);
  return g_test_run ();
}
