/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the keys of a pin change alone, on disk before in memory, each change in its turn,
 * and that what cannot be done changes nothing. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <string.h>

#define SYSTEM CPD_LAYER_SYSTEM
#define USER   CPD_LAYER_USER

#define NOW (TEST_PKI_NOW + 5)

/* Keys by what they are filled with, up to a 0. */
static CpdPinEdit *
new_edit (CpdEditKind kind, const char *fills)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);

  for (const char *fill = fills; *fill != '\0'; fill++)
    g_ptr_array_add (keys, test_key ((guint8)*fill));
  return cpd_pin_edit_new (kind, keys, NOW, "test (uid 0)");
}

static gboolean
edit (StoreFixture *f, CpdEditKind kind, const char *fills, GError **error)
{
  g_autoptr (CpdPinEdit) wanted = new_edit (kind, fills);

  return store_edit_pin (f, USER, "h.example", wanted, error);
}

static void
assert_edits (StoreFixture *f, CpdEditKind kind, const char *fills)
{
  g_autoptr (GError) error = NULL;

  edit (f, kind, fills, &error);
  g_assert_no_error (error);
}

static void
assert_refused (StoreFixture *f, CpdEditKind kind, const char *fills, CertpinError code)
{
  g_autoptr (GError) error = NULL;
  unsigned int changes = f->changes;

  g_assert_false (edit (f, kind, fills, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, CERTPIN_ERROR, (int)code);
  g_assert_cmpuint (f->changes, ==, changes);
}

/* Exactly these, in this order. */
static void
assert_keys (StoreFixture *f, const char *fills)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, USER, "h.example");

  g_assert_nonnull (pin);
  g_assert_cmpuint (pin->keys->len, ==, strlen (fills));
  for (unsigned int i = 0; i < pin->keys->len; i++)
    {
      g_autoptr (CertpinKey) key = test_key ((guint8)fills[i]);

      g_assert_true (certpin_key_equal (pin->keys->pdata[i], key));
    }
}

static void
test_adds (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_edits (f, CPD_EDIT_ADD, "cb");
  assert_keys (f, "acb");
  assert_edits (f, CPD_EDIT_ADD, "bad");
  assert_keys (f, "acbd");
  g_assert_cmpuint (f->changes, ==, 3);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  assert_keys (f, "acbd");
}

static void
test_removes (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_edits (f, CPD_EDIT_ADD, "bcd");
  assert_edits (f, CPD_EDIT_REMOVE, "ca");
  assert_keys (f, "bd");
  store_fixture_reopen (f);
  assert_keys (f, "bd");
}

/* Nothing is half done: the key that is there stays as well. */
static void
test_refusals (StoreFixture *f, gconstpointer user_data)
{
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_edits (f, CPD_EDIT_ADD, "b");
  assert_refused (f, CPD_EDIT_REMOVE, "ax", CERTPIN_ERROR_INVALID_ARGUMENT);
  assert_refused (f, CPD_EDIT_REMOVE, "ab", CERTPIN_ERROR_INVALID_ARGUMENT);
  assert_keys (f, "ab");
}

static void
test_nothing_to_edit (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPin) block = cpd_pin_new_blocked (host, USER, "why");
  g_autoptr (CpdPin) expired = test_pin ("h.example", USER, 'a');

  store_pin (f, STORE_UID, SYSTEM, "h.example", 'a');
  store_pin (f, STORE_UID, USER, "*.h.example", 'a');
  assert_refused (f, CPD_EDIT_ADD, "b", CERTPIN_ERROR_NOT_PINNED);
  assert_refused (f, CPD_EDIT_REMOVE, "a", CERTPIN_ERROR_NOT_PINNED);
  g_assert_true (store_set_pin (f, STORE_UID, block, NULL));
  assert_refused (f, CPD_EDIT_ADD, "b", CERTPIN_ERROR_BLOCKED);
  store_assert_blocked (f, USER, "h.example");
  expired->expires = NOW;
  g_assert_true (store_set_pin (f, STORE_UID, expired, NULL));
  assert_refused (f, CPD_EDIT_ADD, "b", CERTPIN_ERROR_PIN_EXPIRED);
  assert_refused (f, CPD_EDIT_REMOVE, "a", CERTPIN_ERROR_PIN_EXPIRED);
}

static void
test_key_limit (StoreFixture *f, gconstpointer user_data)
{
  char fills[CPD_PIN_KEYS_MAX + 1] = "";

  for (unsigned int i = 0; i < CPD_PIN_KEYS_MAX - 1; i++)
    fills[i] = (char)('!' + i);
  store_pin (f, STORE_UID, USER, "h.example", '~');
  assert_edits (f, CPD_EDIT_ADD, fills);
  assert_refused (f, CPD_EDIT_ADD, "}", CERTPIN_ERROR_LIMIT_EXCEEDED);
  assert_edits (f, CPD_EDIT_ADD, "~"); /* is there already */
  assert_edits (f, CPD_EDIT_REMOVE, "~");
  assert_edits (f, CPD_EDIT_ADD, "}");
}

/* Fewer keys do not make a pin small. */
static void
assert_no_room_for_large_pin (StoreFixture *f)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", USER, 'c');
  g_autoptr (GError) error = NULL;

  pin->note = g_strnfill (1000, 'n');
  g_assert_false (store_set_pin (f, STORE_UID, pin, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED);
  assert_keys (f, "ab");
}

static void
test_byte_limit (StoreFixture *f, gconstpointer user_data)
{
  f->max_bytes = 250;
  store_fixture_reopen (f);
  store_pin (f, STORE_UID, USER, "h.example", 'a');
  assert_refused (f, CPD_EDIT_ADD, "bcd", CERTPIN_ERROR_LIMIT_EXCEEDED);
  assert_keys (f, "a");
  f->max_bytes = 350;
  store_fixture_reopen (f);
  assert_edits (f, CPD_EDIT_ADD, "b");
  assert_no_room_for_large_pin (f);
  f->max_bytes = 100;
  store_fixture_reopen (f);
  assert_edits (f, CPD_EDIT_REMOVE, "a"); /* a removal must not fail for lack of room */
  assert_keys (f, "b");
}

/* Returns: (transfer full): a pin of a certificate, with everything else that a pin can have */
static CpdPin *
new_full_pin (void)
{
  g_autoptr (TestIdentity) root = TEST_IDENTITY (.subject = "Root", .is_ca = TRUE);
  g_autoptr (TestIdentity) leaf = TEST_IDENTITY (.subject = "leaf", .issuer = root);
  g_autoptr (CpdCertificate) certificate = test_certificate (leaf);
  g_autoptr (CpdHost) host = test_host ("h.example");
  CpdPin *pin = cpd_pin_new (host, USER);

  cpd_pin_take_certificate (pin, certificate, TEST_PKI_NOW);
  pin->match = CPD_MATCH_PATH;
  pin->mode = CPD_MODE_REPORT;
  pin->expires = NOW + 1000;
  pin->note = g_strdup ("note");
  pin->anchors = test_anchors (root, NULL);
  pin->created = 1;
  pin->created_by = g_strdup ("other (uid 7)");
  return pin;
}

static void
test_the_rest_stays (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) before = new_full_pin (), after = NULL;

  g_assert_true (store_set_pin (f, STORE_UID, before, NULL));
  assert_edits (f, CPD_EDIT_ADD, "b");
  store_fixture_reopen (f);
  after = store_get (f, STORE_UID, USER, "h.example");
  g_assert_cmpint (after->match, ==, CPD_MATCH_PATH);
  g_assert_cmpint (after->mode, ==, CPD_MODE_REPORT);
  g_assert_cmpint (after->expires, ==, NOW + 1000);
  g_assert_cmpstr (after->note, ==, "note");
  g_assert_cmpuint (cpd_anchors_get_count (after->anchors), ==, 1);
  g_assert_cmpstr (after->subject, ==, "CN=leaf");
  g_assert_cmpstr (after->issuer, ==, before->issuer);
  g_assert_cmpint (after->not_after, ==, before->not_after);
  g_assert_nonnull (after->warnings);
  g_assert_true (certpin_key_equal (after->keys->pdata[0], before->keys->pdata[0]));
  g_assert_cmpint (after->created, ==, NOW);
  g_assert_cmpstr (after->created_by, ==, "test (uid 0)");
}

/* The pin does not claim to be of a certificate whose key no longer passes. */
static void
test_certificate_goes_with_its_key (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) before = new_full_pin (), after = NULL;
  g_autoptr (GPtrArray) keys = cpd_pin_keys_list (before->keys);
  g_autoptr (CpdPinEdit) removal = cpd_pin_edit_new (CPD_EDIT_REMOVE, keys, NOW, NULL);

  g_assert_true (store_set_pin (f, STORE_UID, before, NULL));
  assert_edits (f, CPD_EDIT_ADD, "b");
  g_assert_true (store_edit_pin (f, USER, "h.example", removal, NULL));
  assert_keys (f, "b");
  after = store_get (f, STORE_UID, USER, "h.example");
  g_assert_null (after->subject);
  g_assert_null (after->issuer);
  g_assert_null (after->warnings);
  g_assert_cmpint (after->not_after, ==, 0);
  g_assert_cmpstr (after->note, ==, "note");
}

static void
test_failed_write_keeps_the_keys (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPinEdit) more = new_edit (CPD_EDIT_ADD, "b"), less = NULL;
  g_autoptr (GError) error = NULL;

  store_pin (f, STORE_UID, SYSTEM, "h.example", 'a');
  store_break (f->system);
  g_assert_false (store_edit_pin (f, SYSTEM, "h.example", more, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);
  store_assert_key (f, SYSTEM, "h.example", 'a');
  g_assert_cmpuint (f->changes, ==, 1);
  store_heal (f->system);
  g_assert_true (store_edit_pin (f, SYSTEM, "h.example", more, NULL));
  less = new_edit (CPD_EDIT_REMOVE, "a");
  g_assert_true (store_edit_pin (f, SYSTEM, "h.example", less, NULL));
  store_assert_key (f, SYSTEM, "h.example", 'b');
}

static void
on_edited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  g_assert_no_error (error);
  ++*(unsigned int *)user_data;
}

/* Each is made of what those before it left: none is lost. */
static void
test_all_at_once (StoreFixture *f, gconstpointer user_data)
{
  static const char *const more[] = { "b", "c", "d", "e" };
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPin) pin = test_pin ("h.example", USER, 'a');
  g_autoptr (CpdPinEdit) less = new_edit (CPD_EDIT_REMOVE, "ca");
  unsigned int done = 0;

  cpd_store_set_pin_async (f->store, STORE_UID, pin, on_edited, &done);
  for (size_t i = 0; i < G_N_ELEMENTS (more); i++)
    {
      g_autoptr (CpdPinEdit) one = new_edit (CPD_EDIT_ADD, more[i]);

      cpd_store_edit_pin_async (f->store, USER, STORE_UID, host, one, on_edited, &done);
    }
  cpd_store_edit_pin_async (f->store, USER, STORE_UID, host, less, on_edited, &done);
  while (done < 2 + G_N_ELEMENTS (more))
    g_main_context_iteration (NULL, TRUE);
  assert_keys (f, "bde");
}

#define ADD(path, function) STORE_TEST_ADD ("/core/store-edit/" path, function)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("adds", test_adds);
  ADD ("removes", test_removes);
  ADD ("refusals-change-nothing", test_refusals);
  ADD ("nothing-to-edit", test_nothing_to_edit);
  ADD ("key-limit", test_key_limit);
  ADD ("byte-limit", test_byte_limit);
  ADD ("the-rest-stays", test_the_rest_stays);
  ADD ("certificate-goes-with-its-key", test_certificate_goes_with_its_key);
  ADD ("failed-write-keeps-the-keys", test_failed_write_keeps_the_keys);
  ADD ("all-at-once", test_all_at_once);
  return g_test_run ();
}
