/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A store in a temporary folder, its changes made as if they were synchronous, and looks at what is
 * in force in it. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <glib/gstdio.h>

static void
on_changed (CpdStore *store, CpdOwner owner, CpdHost *host, CpdStoreEvent event, StoreFixture *f)
{
  f->changes++;
  f->changed_owner = owner;
  g_free (f->changed_host);
  f->changed_host = host != NULL ? g_strdup (cpd_host_get_text (host)) : NULL;
}

static void
on_forgotten (CpdStore *store, CpdOwner app, StoreFixture *f)
{
  g_array_append_val (f->forgotten, app);
}

static void
open_store (StoreFixture *f)
{
  const char *const pins_dirs[] = { f->admin, f->vendor, NULL };
  g_autoptr (CpdTrustSource) trust
      = f->trust_file != NULL ? cpd_trust_source_new (f->trust_file, NULL) : NULL;
  const CpdStoreSettings settings = { .trust = trust,
                                      .state_dir = f->forgets ? NULL : f->state,
                                      .pins_dirs = pins_dirs,
                                      .first_generation = 100,
                                      .limits = { f->max_bytes, f->max_pins },
                                      .sightings_s = f->sightings_s };
  g_autoptr (GError) error = NULL;

  f->store = cpd_store_new (&settings);
  cpd_store_lock (f->store, /* most_ms= */ 5000, NULL, &error);
  g_assert_no_error (error);
  f->problems = cpd_store_load (f->store);
  f->lost = cpd_store_load_sightings (f->store);
  g_signal_connect (f->store, "changed", G_CALLBACK (on_changed), f);
  g_signal_connect (f->store, "forgotten", G_CALLBACK (on_forgotten), f);
}

static void
close_store (StoreFixture *f)
{
  g_signal_handlers_disconnect_by_data (f->store, f);
  g_clear_object (&f->store);
  g_clear_pointer (&f->problems, g_ptr_array_unref);
  g_clear_pointer (&f->lost, g_ptr_array_unref);
}

void
store_fixture_set_up (StoreFixture *f, gconstpointer user_data)
{
  f->folder = test_folder_new ();
  f->state = g_build_filename (f->folder, "state", NULL);
  f->system = g_build_filename (f->state, "system", NULL);
  f->user = g_strdup_printf ("%s/users/%u", f->state, STORE_UID);
  f->admin = g_build_filename (f->folder, "admin", NULL);
  f->vendor = g_build_filename (f->folder, "vendor", NULL);
  f->forgotten = g_array_new (FALSE, FALSE, sizeof (CpdOwner));
  open_store (f);
}

void
store_fixture_tear_down (StoreFixture *f, gconstpointer user_data)
{
  close_store (f);
  g_free (f->state);
  g_free (f->system);
  g_free (f->user);
  g_free (f->admin);
  g_free (f->vendor);
  g_free (f->changed_host);
  g_free (f->trust_file);
  g_array_unref (f->forgotten);
  test_folder_remove (f->folder);
}

/* As after a restart. */
void
store_fixture_reopen (StoreFixture *f)
{
  close_store (f);
  open_store (f);
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

/* Returns: (transfer full): what `result` becomes */
static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static gboolean
finish_change (StoreFixture *f, GAsyncResult **pending, GError **error)
{
  g_autoptr (GAsyncResult) result = wait_for (pending);
  GError *reason = NULL;
  g_autoptr (CpdPin) pin = cpd_store_change_finish (f->store, result, &reason);

  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, reason);
  return FALSE;
}

gboolean
store_set_pin (StoreFixture *f, CpdOwner owner, CpdPin *pin, GError **error)
{
  GAsyncResult *result = NULL;

  cpd_store_set_pin_async (f->store, owner, pin, on_result, &result);
  return finish_change (f, &result, error);
}

gboolean
store_remove_pin_of (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host,
                     GError **error)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  GAsyncResult *result = NULL;

  cpd_store_remove_pin_async (f->store, layer, owner, parsed, on_result, &result);
  return finish_change (f, &result, error);
}

/* Of the system, or of STORE_UID. */
gboolean
store_remove_pin (StoreFixture *f, CpdLayer layer, const char *host, GError **error)
{
  return store_remove_pin_of (f, STORE_UID, layer, host, error);
}

/* Likewise. */
gboolean
store_edit_pin (StoreFixture *f, CpdLayer layer, const char *host, CpdPinEdit *edit, GError **error)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  GAsyncResult *result = NULL;

  cpd_store_edit_pin_async (f->store, layer, STORE_UID, parsed, edit, on_result, &result);
  return finish_change (f, &result, error);
}

gboolean
store_reload (StoreFixture *f, GError **error)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  cpd_store_reload_async (f->store, on_result, &pending);
  result = wait_for (&pending);
  return cpd_store_reload_finish (f->store, result, error);
}

/* A pin that must come about. */
void
store_pin (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host, guint8 fill)
{
  g_autoptr (CpdPin) pin = test_pin (host, layer, fill);
  g_autoptr (GError) error = NULL;

  store_set_pin (f, owner, pin, &error);
  g_assert_no_error (error);
}

/* A block that must come about. */
void
store_block (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (CpdPin) pin = cpd_pin_new_blocked (parsed, layer, "given as PEM");
  g_autoptr (GError) error = NULL;

  store_set_pin (f, owner, pin, &error);
  g_assert_no_error (error);
}

/* Returns: the app of that name, which must be known, or become so */
CpdOwner
store_meet (StoreFixture *f, guint32 uid, const char *name)
{
  g_autoptr (GError) error = NULL;
  CpdOwner owner = 0;

  cpd_store_meet_app (f->store, uid, name, &owner, &error);
  g_assert_no_error (error);
  return owner;
}

/* Returns: (transfer full): the text of a pin file */
char *
store_format (const char *host, guint8 fill)
{
  g_autoptr (CertpinKey) key = test_key (fill);
  g_autofree char *text = certpin_key_to_text (key);

  return g_strdup_printf ("[Pin File]\nVersion=1\n\n[Pin]\nHost=%s\nKeys=%s\n", host, text);
}

/* Writes a pin file. */
void
store_write (const char *folder, const char *name, const char *host, guint8 fill)
{
  g_autofree char *text = store_format (host, fill);
  g_autofree char *path = test_folder_write (folder, name, text);
}

/* Returns: (transfer full) (nullable): what one layer says of a host */
CpdPin *
store_get (StoreFixture *f, CpdOwner owner, CpdLayer layer, const char *host)
{
  g_autoptr (CpdHost) target = test_host (host);
  g_autoptr (CpdPolicy) policy = cpd_store_get_policy (f->store, owner, target);

  return policy->pins[layer] != NULL ? cpd_pin_ref (policy->pins[layer]) : NULL;
}

void
store_assert_key (StoreFixture *f, CpdLayer layer, const char *host, guint8 fill)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, layer, host);
  g_autoptr (CertpinKey) key = test_key (fill);

  g_assert_nonnull (pin);
  g_assert_cmpstr (pin->reason, ==, NULL);
  g_assert_cmpint (pin->state, ==, CPD_STATE_ACTIVE);
  g_assert_cmpuint (pin->keys->len, ==, 1);
  g_assert_true (cpd_pin_has_key (pin, key));
}

void
store_assert_blocked (StoreFixture *f, CpdLayer layer, const char *host)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, layer, host);

  g_assert_nonnull (pin);
  g_assert_cmpint (pin->state, ==, CPD_STATE_BLOCKED);
  g_assert_cmpuint (pin->keys->len, ==, 0);
}

void
store_assert_silent (StoreFixture *f, CpdLayer layer, const char *host)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, layer, host);

  g_assert_null (pin);
}

/* A regular file where the folder ought to be: the tests may run as root, whom permissions do not
 * stop. */
void
store_break (const char *folder)
{
  g_autofree char *away = g_strconcat (folder, ".away", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (g_rename (folder, away));
  g_file_set_contents (folder, "", 0, &error);
  g_assert_no_error (error);
}

void
store_heal (const char *folder)
{
  g_autofree char *away = g_strconcat (folder, ".away", NULL);

  g_assert_no_errno (g_unlink (folder));
  g_assert_no_errno (g_rename (away, folder));
}

/* Whether a pin of STORE_UID, or of the system, is in force in memory alone. */
gboolean
store_is_unstored (StoreFixture *f, CpdLayer layer, const char *host)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, layer, host);

  g_assert_nonnull (pin);
  return pin->unstored;
}

/* Runs the main loop until a pin of STORE_UID, or of the system, is on disk. */
void
store_wait_until_stored (StoreFixture *f, CpdLayer layer, const char *host)
{
  const gint64 deadline = g_get_monotonic_time () + 15 * G_USEC_PER_SEC;

  while (store_is_unstored (f, layer, host))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_main_context_iteration (NULL, TRUE);
    }
}
