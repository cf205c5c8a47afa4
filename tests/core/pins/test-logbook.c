/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is remembered of the keys that servers had: first and last, for as long as they are
 * pinned, over a restart, within a bound; that it is written at most once in its time, and at the
 * end; and that a file that is gone or broken means only that nothing is known. */

#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define NOW    TEST_PKI_NOW
#define SYSTEM CPD_LAYER_SYSTEM
#define USER   CPD_LAYER_USER
#define FILES  CPD_LAYER_FILES

/* A server passes by the pin of h.example, with these keys of it, up to a 0. */
static CpdSighting *
note_host (StoreFixture *f, CpdLayer layer, const char *host, const char *fills, gint64 now)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, layer, host);
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  const CpdObservation observation = { keys, "CN=h.example", "CN=CA’s", NOW + 100, now };

  g_assert_nonnull (pin);
  for (const char *fill = fills; *fill != '\0'; fill++)
    g_ptr_array_add (keys, test_key ((guint8)*fill));
  return cpd_logbook_note (cpd_store_get_logbook (f->store), STORE_UID, pin, &observation);
}

static CpdSighting *
note (StoreFixture *f, CpdLayer layer, const char *fills, gint64 now)
{
  return note_host (f, layer, "h.example", fills, now);
}

static CpdSighting *
look_up (StoreFixture *f, CpdLayer layer)
{
  g_autoptr (CpdPin) pin = store_get (f, STORE_UID, layer, "h.example");

  g_assert_nonnull (pin);
  return cpd_logbook_lookup (cpd_store_get_logbook (f->store), STORE_UID, pin);
}

static void
assert_seen (CpdSighting *sighting, guint8 fill, gint64 first, gint64 last)
{
  g_autoptr (CertpinKey) key = test_key (fill);
  const CpdSightingKey *seen;

  g_assert_nonnull (sighting);
  seen = cpd_sighting_find_key (sighting, key);
  g_assert_nonnull (seen);
  g_assert_cmpint (seen->first, ==, first);
  g_assert_cmpint (seen->last, ==, last);
}

static void
assert_unseen (CpdSighting *sighting, guint8 fill)
{
  g_autoptr (CertpinKey) key = test_key (fill);

  g_assert_null (cpd_sighting_find_key (sighting, key));
}

/* As the service does when it ends in order. */
static void
write_out (StoreFixture *f)
{
  cpd_logbook_write (cpd_store_get_logbook (f->store));
  while (cpd_store_is_busy (f->store))
    g_main_context_iteration (NULL, TRUE);
}

static void
pin_keys (StoreFixture *f, CpdLayer layer, const char *fills)
{
  g_autoptr (CpdHost) host = test_host ("h.example");
  g_autoptr (CpdPin) pin = cpd_pin_new (host, layer);
  g_autoptr (GError) error = NULL;

  for (const char *fill = fills; *fill != '\0'; fill++)
    {
      g_autoptr (CertpinKey) key = test_key ((guint8)*fill);
      cpd_pin_add_key (pin, key);
    }
  store_set_pin (f, STORE_UID, pin, &error);
  g_assert_no_error (error);
}

static void
test_first_and_last (StoreFixture *f, gconstpointer user_data)
{
  pin_keys (f, USER, "ab");
  g_assert_null (look_up (f, USER));
  note (f, USER, "a", NOW);
  note (f, USER, "a", NOW + 60);
  assert_seen (look_up (f, USER), 'a', NOW, NOW + 60);
  assert_unseen (look_up (f, USER), 'b');
  note (f, USER, "b", NOW + 90);
  assert_seen (look_up (f, USER), 'a', NOW, NOW + 60);
  assert_seen (look_up (f, USER), 'b', NOW + 90, NOW + 90);
  g_assert_cmpstr (look_up (f, USER)->subject, ==, "CN=h.example");
  g_assert_cmpint (look_up (f, USER)->not_after, ==, NOW + 100);
  g_assert_cmpint (look_up (f, USER)->seen, ==, NOW + 90);
}

/* Only what is pinned is remembered. */
static void
test_other_keys_are_not_kept (StoreFixture *f, gconstpointer user_data)
{
  pin_keys (f, USER, "a");
  note (f, USER, "az", NOW);
  assert_unseen (look_up (f, USER), 'z');
  g_assert_cmpuint (look_up (f, USER)->keys->len, ==, 1);
}

/* A new pin keeps what was seen of the keys that it shares with the old one. */
static void
test_pin_is_replaced (StoreFixture *f, gconstpointer user_data)
{
  pin_keys (f, USER, "ab");
  note (f, USER, "ab", NOW);
  pin_keys (f, USER, "cb");
  assert_seen (look_up (f, USER), 'b', NOW, NOW);
  assert_unseen (look_up (f, USER), 'a');
  pin_keys (f, USER, "ab");
  assert_unseen (look_up (f, USER), 'a');
  pin_keys (f, USER, "d");
  g_assert_null (look_up (f, USER));
}

static void
test_pin_is_removed (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  pin_keys (f, USER, "a");
  note (f, USER, "a", NOW);
  store_remove_pin (f, USER, "h.example", &error);
  g_assert_no_error (error);
  pin_keys (f, USER, "a");
  g_assert_null (look_up (f, USER));
}

/* In every layer. */
static void
test_restart (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->admin, "h.pin", "h.example", 'a');
  store_fixture_reopen (f);
  pin_keys (f, SYSTEM, "ab");
  pin_keys (f, USER, "ab");
  note (f, FILES, "a", NOW + 1);
  note (f, SYSTEM, "a", NOW + 2);
  note (f, USER, "a", NOW + 3);
  note (f, USER, "b", NOW + 4);
  write_out (f);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len + f->lost->len, ==, 0);
  assert_seen (look_up (f, FILES), 'a', NOW + 1, NOW + 1);
  assert_seen (look_up (f, SYSTEM), 'a', NOW + 2, NOW + 2);
  assert_seen (look_up (f, USER), 'a', NOW + 3, NOW + 3);
  assert_seen (look_up (f, USER), 'b', NOW + 4, NOW + 4);
  g_assert_cmpstr (look_up (f, USER)->issuer, ==, "CN=CA’s");
  g_assert_cmpint (look_up (f, USER)->seen, ==, NOW + 4);
}

/* A pin that only reports has a server, but none of its keys was seen there. */
static void
test_restart_without_keys (StoreFixture *f, gconstpointer user_data)
{
  pin_keys (f, USER, "a");
  note (f, USER, "", NOW);
  write_out (f);
  store_fixture_reopen (f);
  g_assert_nonnull (look_up (f, USER));
  g_assert_cmpint (look_up (f, USER)->seen, ==, NOW);
  g_assert_cmpuint (look_up (f, USER)->keys->len, ==, 0);
}

/* What is pinned no more when the service starts is not taken. */
static void
test_restart_without_the_key (StoreFixture *f, gconstpointer user_data)
{
  store_write (f->admin, "h.pin", "h.example", 'a');
  store_fixture_reopen (f);
  note (f, FILES, "a", NOW);
  write_out (f);
  store_write (f->admin, "h.pin", "h.example", 'b');
  store_fixture_reopen (f);
  g_assert_null (look_up (f, FILES));
}

static void
test_reload (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  store_write (f->admin, "h.pin", "h.example", 'a');
  store_fixture_reopen (f);
  note (f, FILES, "a", NOW);
  store_reload (f, &error);
  g_assert_no_error (error);
  assert_seen (look_up (f, FILES), 'a', NOW, NOW);
  store_write (f->admin, "h.pin", "h.example", 'b');
  store_reload (f, &error);
  g_assert_no_error (error);
  g_assert_null (look_up (f, FILES));
}

/* Nothing of a uid that will be somebody else's goes to the disk, not even to a folder that is
 * there. */
static void
test_dynamic_uid (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", USER, 'a');
  g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  const CpdObservation observation = { keys, "CN=h", "CN=CA", NOW, NOW };
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_strdup_printf ("%s/users/%u", f->state, STORE_DYNAMIC_UID);
  g_autofree char *path = g_build_filename (folder, "sightings", NULL);
  CpdLogbook *logbook = cpd_store_get_logbook (f->store);

  g_ptr_array_add (keys, test_key ('a'));
  store_set_pin (f, STORE_DYNAMIC_UID, pin, &error);
  g_assert_no_error (error);
  cpd_logbook_note (logbook, STORE_DYNAMIC_UID, pin, &observation);
  g_assert_nonnull (cpd_logbook_lookup (logbook, STORE_DYNAMIC_UID, pin));
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  write_out (f);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* A user sees what its own requests met. */
static void
test_users_are_apart (StoreFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = NULL;

  pin_keys (f, USER, "a");
  note (f, USER, "a", NOW);
  pin = store_get (f, STORE_UID, USER, "h.example");
  g_assert_null (cpd_logbook_lookup (cpd_store_get_logbook (f->store), STORE_OTHER_UID, pin));
}

/* What a folder of the state has, with what is to be made of it. */
static const struct
{
  const char *name;
  const char *text;
} broken[] = {
  { "empty", "" },
  { "garbage", "\xff\xfe garbage\n\n" },
  { "not-utf-8", "certpin sightings 1\n"
                 "('h.example', ('CN=\xff', 'CN=CA', 1), 1, 0, @a{s(xx)} {})\n"
                 "end\n" },
  { "torn", "certpin sightings 1\n"
            "('h.example', ('CN=h', 'CN=CA', 1), 1, 0, {'sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyF" },
  { "torn-between-lines", "certpin sightings 1\n"
                          "('h.example', ('CN=h', 'CN=CA', 1), 1, 0, @a{s(xx)} {})\n" },
  { "other-version", "certpin sightings 2\nend\n" },
  { "other-type", "certpin sightings 1\n('h.example', 'CN=h')\nend\n" },
  { "no-host",
    "certpin sightings 1\n('h..example', ('CN=h', 'CN=CA', 1), 1, 0, @a{s(xx)} {})\nend\n" },
  { "no-key",
    "certpin sightings 1\n('h.example', ('CN=h', 'CN=CA', 1), 1, 0, {'sha256/a': (1, 1)})\nend\n" },
  { "seen-before-1970", "certpin sightings 1\n"
                        "('h.example', ('CN=h', 'CN=CA', 1), -1, 0, @a{s(xx)} {})\n"
                        "end\n" },
  { "ended-before-1970", "certpin sightings 1\n"
                         "('h.example', ('CN=h', 'CN=CA', -1), 1, 0, @a{s(xx)} {})\n"
                         "end\n" },
  { "warned-before-1970", "certpin sightings 1\n"
                          "('h.example', ('CN=h', 'CN=CA', 1), 1, -1, @a{s(xx)} {})\n"
                          "end\n" },
  { "key-first-before-1970", "certpin sightings 1\n"
                             "('h.example', ('CN=h', 'CN=CA', 1), 1, 0, "
                             "{'sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=': (-1, 1)})\n"
                             "end\n" },
  { "key-last-before-1970",
    "certpin sightings 1\n"
    "('h.example', ('CN=h', 'CN=CA', 1), 1, 0, "
    "{'sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=': (1, -9223372036854775808)})\n"
    "end\n" },
};

static void
test_broken_file (StoreFixture *f, gconstpointer user_data)
{
  const char *text = broken[GPOINTER_TO_SIZE (user_data)].text;
  g_autofree char *path = g_build_filename (f->user, "sightings", NULL);
  g_autoptr (CpdPin) before = NULL, after = NULL;

  pin_keys (f, USER, "a");
  note (f, USER, "a", NOW);
  write_out (f);
  before = store_get (f, STORE_UID, USER, "h.example");
  g_file_set_contents (path, text, -1, NULL);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len, ==, 0);
  g_assert_cmpuint (f->lost->len, ==, 1);
  g_test_message ("%s", (char *)f->lost->pdata[0]);
  g_assert_nonnull (strstr (f->lost->pdata[0], path));
  after = store_get (f, STORE_UID, USER, "h.example");
  g_assert_true (cpd_pin_says_the_same (before, after));
  g_assert_null (look_up (f, USER));
  note (f, USER, "a", NOW + 1);
  write_out (f);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->lost->len, ==, 0);
  assert_seen (look_up (f, USER), 'a', NOW + 1, NOW + 1);
}

static void
test_no_file (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->user, "sightings", NULL);

  pin_keys (f, USER, "a");
  note (f, USER, "a", NOW);
  write_out (f);
  g_assert_cmpint (g_unlink (path), ==, 0);
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len + f->lost->len, ==, 0);
  g_assert_null (look_up (f, USER));
}

/* The folder of a user that was removed while the service runs stays removed. */
static void
test_no_folder (StoreFixture *f, gconstpointer user_data)
{
  pin_keys (f, USER, "a");
  note (f, USER, "a", NOW);
  test_folder_remove (g_strdup (f->user));
  write_out (f);
  g_assert_false (g_file_test (f->user, G_FILE_TEST_EXISTS));
}

/* The temporary file of a write that a crash cut short. */
static void
test_leftover (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *left = NULL;

  pin_keys (f, USER, "a");
  left = test_folder_write (f->user, ".sightings.new", "half");
  store_fixture_reopen (f);
  g_assert_cmpuint (f->problems->len + f->lost->len, ==, 0);
  g_assert_false (g_file_test (left, G_FILE_TEST_EXISTS));
}

static void
on_failed (CpdLogbook *logbook, const char *message, unsigned int *failures)
{
  g_test_message ("%s", message);
  (*failures)++;
}

static void
on_recovered (unsigned int *recoveries)
{
  (*recoveries)++;
}

/* What is in force stays so, and it is written with the next one. It is told when it begins, then
 * with every 24th write, and when it ends. */
static void
test_disk_refuses (StoreFixture *f, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (f->user, "sightings", NULL);
  CpdLogbook *logbook = cpd_store_get_logbook (f->store);
  unsigned int failures = 0, recoveries = 0;

  pin_keys (f, USER, "a");
  note (f, USER, "a", NOW);
  g_signal_connect_swapped (logbook, "recovered", G_CALLBACK (on_recovered), &recoveries);
  g_signal_connect (logbook, "failed", G_CALLBACK (on_failed), &failures);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  for (unsigned int i = 0; i < 48; i++)
    {
      write_out (f);
      g_assert_cmpuint (failures, ==, i / 24 + 1);
    }
  g_assert_cmpuint (recoveries, ==, 0);
  assert_seen (look_up (f, USER), 'a', NOW, NOW);
  g_assert_cmpint (g_rmdir (path), ==, 0);
  write_out (f);
  g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
  note (f, USER, "a", NOW + 1);
  write_out (f);
  g_assert_cmpuint (failures, ==, 2);
  g_assert_cmpuint (recoveries, ==, 1);
}

/* Returns: how many files have taken this place since */
static unsigned int
count_renames (int watch, const char *name)
{
  char buffer[65536] __attribute__ ((aligned (__alignof__(struct inotify_event))));
  unsigned int count = 0;
  gssize length;

  while ((length = read (watch, buffer, sizeof buffer)) > 0)
    for (char *at = buffer; at < buffer + length;)
      {
        const struct inotify_event *event = (const struct inotify_event *)at;

        count += (event->mask & IN_MOVED_TO) != 0 && g_str_equal (event->name, name);
        at += sizeof *event + event->len;
      }
  return count;
}

static gboolean
on_over (gpointer over)
{
  *(gboolean *)over = TRUE;
  return G_SOURCE_REMOVE;
}

/* A thousand sightings within the time between two writes are one write, and none comes without
 * sightings. */
static void
test_writes_once (StoreFixture *f, gconstpointer user_data)
{
  int watch = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  unsigned int count = 0;
  gboolean over = FALSE;

  f->sightings_s = 1;
  store_fixture_reopen (f);
  pin_keys (f, USER, "ab");
  g_assert_cmpint (inotify_add_watch (watch, f->user, IN_MOVED_TO), >=, 0);
  for (int i = 0; i < 1000; i++)
    note (f, USER, i % 2 == 0 ? "a" : "b", NOW + i);
  while (count == 0)
    {
      g_main_context_iteration (NULL, TRUE);
      count += count_renames (watch, "sightings");
    }
  /* Another second, in which nothing is seen. */
  g_timeout_add (1500, on_over, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  count += count_renames (watch, "sightings");
  g_assert_cmpuint (count, ==, 1);
  close (watch);
  store_fixture_reopen (f);
  assert_seen (look_up (f, USER), 'b', NOW + 1, NOW + 999);
}

/* The disk and the memory have a bound: what was not seen for longest goes. */
static void
test_bound (void)
{
  g_autoptr (CpdSightings) sightings = cpd_sightings_new (3);
  g_autoptr (GPtrArray) list = NULL;

  for (int i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("h%d.example", i);
      g_autoptr (CpdHost) host = test_host (name), first = test_host ("h0.example");

      cpd_sightings_set (sightings, cpd_sighting_new (host));
      cpd_sightings_set (sightings, cpd_sighting_new (first));
    }
  list = cpd_sightings_list (sightings);
  g_assert_cmpuint (list->len, ==, 3);
  g_assert_cmpstr (cpd_host_get_text (((CpdSighting *)list->pdata[0])->host), ==, "h3.example");
  g_assert_cmpstr (cpd_host_get_text (((CpdSighting *)list->pdata[1])->host), ==, "h4.example");
  g_assert_cmpstr (cpd_host_get_text (((CpdSighting *)list->pdata[2])->host), ==, "h0.example");
}

typedef struct
{
  unsigned int keys, warnings;
  CpdOwner owner;
} Told;

static void
on_key_seen (CpdLogbook *logbook, CpdOwner owner, CpdPin *pin, CertpinKey *key, Told *told)
{
  told->keys++;
  told->owner = owner;
}

static void
on_warns (CpdLogbook *logbook, CpdOwner owner, CpdPin *pin, GStrv warnings, Told *told)
{
  g_assert_nonnull (warnings[0]);
  told->warnings++;
}

/* Each key once, and warnings once a day. */
static void
test_tells (StoreFixture *f, gconstpointer user_data)
{
  CpdLogbook *logbook = cpd_store_get_logbook (f->store);
  Told told = { 0 };

  g_signal_connect (logbook, "key-seen", G_CALLBACK (on_key_seen), &told);
  g_signal_connect (logbook, "warns", G_CALLBACK (on_warns), &told);
  pin_keys (f, USER, "ab");
  pin_keys (f, SYSTEM, "a");
  note (f, USER, "a", NOW);
  g_assert_cmpuint (told.keys, ==, 1);
  g_assert_cmpuint (told.owner, ==, STORE_UID);
  note (f, USER, "a", NOW + 60);
  g_assert_cmpuint (told.keys, ==, 1);
  note (f, USER, "b", NOW + 120);
  g_assert_cmpuint (told.keys, ==, 2);
  note (f, SYSTEM, "a", NOW);
  g_assert_cmpuint (told.owner, ==, CPD_ALL_UIDS);
  g_assert_cmpuint (told.keys, ==, 3);

  told.warnings = 0;
  for (int i = 1; i <= 48; i++)
    note (f, SYSTEM, "a", NOW + i * 3600);
  g_assert_cmpuint (told.warnings, ==, 2);
}

/* Neither is told again after a restart. */
static void
test_tells_once_over_a_restart (StoreFixture *f, gconstpointer user_data)
{
  CpdLogbook *logbook;
  Told told = { 0 };

  pin_keys (f, SYSTEM, "a");
  note (f, SYSTEM, "a", NOW);
  write_out (f);
  store_fixture_reopen (f);
  logbook = cpd_store_get_logbook (f->store);
  g_signal_connect (logbook, "key-seen", G_CALLBACK (on_key_seen), &told);
  g_signal_connect (logbook, "warns", G_CALLBACK (on_warns), &told);
  note (f, SYSTEM, "a", NOW + 3600);
  g_assert_cmpuint (told.keys + told.warnings, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  STORE_TEST_ADD ("/core/logbook/first-and-last", test_first_and_last);
  STORE_TEST_ADD ("/core/logbook/other-keys-are-not-kept", test_other_keys_are_not_kept);
  STORE_TEST_ADD ("/core/logbook/pin-is-replaced", test_pin_is_replaced);
  STORE_TEST_ADD ("/core/logbook/pin-is-removed", test_pin_is_removed);
  STORE_TEST_ADD ("/core/logbook/restart", test_restart);
  STORE_TEST_ADD ("/core/logbook/restart-without-keys", test_restart_without_keys);
  STORE_TEST_ADD ("/core/logbook/restart-without-the-key", test_restart_without_the_key);
  STORE_TEST_ADD ("/core/logbook/reload", test_reload);
  STORE_TEST_ADD ("/core/logbook/dynamic-uid", test_dynamic_uid);
  STORE_TEST_ADD ("/core/logbook/users-are-apart", test_users_are_apart);
  for (size_t i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = g_strconcat ("/core/logbook/broken-file/", broken[i].name, NULL);

      g_test_add (path, StoreFixture, GSIZE_TO_POINTER (i), store_fixture_set_up, test_broken_file,
                  store_fixture_tear_down);
    }
  STORE_TEST_ADD ("/core/logbook/no-file", test_no_file);
  STORE_TEST_ADD ("/core/logbook/no-folder", test_no_folder);
  STORE_TEST_ADD ("/core/logbook/leftover", test_leftover);
  STORE_TEST_ADD ("/core/logbook/disk-refuses", test_disk_refuses);
  STORE_TEST_ADD ("/core/logbook/writes-once", test_writes_once);
  g_test_add_func ("/core/logbook/bound", test_bound);
  STORE_TEST_ADD ("/core/logbook/tells", test_tells);
  STORE_TEST_ADD ("/core/logbook/tells-once-over-a-restart", test_tells_once_over_a_restart);
  return g_test_run ();
}
