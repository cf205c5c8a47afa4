/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves whose something is, and whom it concerns; and which names an app may have, which are names
 * of folders as well. */

#include "config.h"

#include "daemon/core/base/cpd-app.h"
#include "daemon/core/base/cpd-owner.h"

#include <string.h>

#define UID 1000
#define APP 7

/* A user, or one of its apps; 0: no app */
static CpdOwner
make_owner (guint32 uid, guint32 app)
{
  return app != 0 ? cpd_owner_new_app (uid, app) : uid;
}

static const guint32 uids[] = { 0, 1, UID, G_MAXINT32, G_MAXUINT32 - 1 };
static const guint32 numbers[] = { 0, 1, APP, CPD_OWNER_NUMBER_MAX };

static void
test_numbers (void)
{
  for (size_t u = 0; u < G_N_ELEMENTS (uids); u++)
    for (size_t a = 0; a < G_N_ELEMENTS (numbers); a++)
      {
        CpdOwner owner = make_owner (uids[u], numbers[a]);

        g_assert_cmpuint (cpd_owner_get_uid (owner), ==, uids[u]);
        g_assert_cmpuint (cpd_owner_get_user (owner), ==, uids[u]);
        g_assert_cmpint (cpd_owner_is_app (owner), ==, numbers[a] != 0);
        g_assert_false (cpd_owner_is_connection (owner));
        g_assert_cmpint (owner == uids[u], ==, numbers[a] == 0);
      }
}

/* A connection is of its app as well, and never the same as one. */
static void
test_connections (void)
{
  for (size_t u = 0; u < G_N_ELEMENTS (uids); u++)
    for (size_t a = 0; a < G_N_ELEMENTS (numbers); a++)
      for (size_t n = 1; n < G_N_ELEMENTS (numbers); n++)
        {
          CpdOwner parent = make_owner (uids[u], numbers[a]);
          CpdOwner owner = cpd_owner_new_connection (parent, numbers[n]);

          g_assert_cmpuint (cpd_owner_get_uid (owner), ==, uids[u]);
          g_assert_cmpuint (cpd_owner_get_user (owner), ==, uids[u]);
          g_assert_cmpint (cpd_owner_is_app (owner), ==, numbers[a] != 0);
          g_assert_true (cpd_owner_is_connection (owner));
          g_assert_true (cpd_owner_is_within (owner, uids[u]));
          g_assert_false (cpd_owner_is_within (parent, owner));
          g_assert_cmpuint (owner, !=, parent);
        }
}

static void
test_within (void)
{
  static const struct
  {
    guint32 uid, app;             /* of the owner */
    guint32 whole_uid, whole_app; /* what concerns this one */
    gboolean concerns;
  } cases[] = {
    { UID, 0, UID, 0, TRUE },          { UID, 0, UID + 1, 0, FALSE },
    { UID, 0, UID, APP, FALSE },       { UID, 0, CPD_ALL_UIDS, 0, TRUE },
    { UID, APP, UID, 0, TRUE },        { UID, APP, UID, APP, TRUE },
    { UID, APP, UID, APP + 1, FALSE }, { UID, APP, UID + 1, 0, FALSE },
    { UID, APP, UID + 1, APP, FALSE }, { UID, APP, CPD_ALL_UIDS, 0, TRUE },
    { UID, APP, 0, 0, FALSE },         { 0, APP, 0, 0, TRUE },
    { 0, 0, UID, 0, FALSE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      CpdOwner owner = make_owner (cases[i].uid, cases[i].app);
      CpdOwner whole = make_owner (cases[i].whole_uid, cases[i].whole_app);

      g_test_message ("%" G_GSIZE_FORMAT, i);
      g_assert_cmpint (cpd_owner_is_within (owner, whole), ==, cases[i].concerns);
    }
}

static void
test_table (void)
{
  g_autoptr (GHashTable) table = cpd_owner_table_new (g_free);
  CpdOwner user = UID, app = cpd_owner_new_app (UID, APP), other = cpd_owner_new_app (UID, APP + 1);

  g_assert_null (cpd_owner_table_get (table, user));
  cpd_owner_table_set (table, user, g_strdup ("user"));
  cpd_owner_table_set (table, app, g_strdup ("app"));
  g_assert_cmpstr (cpd_owner_table_get (table, user), ==, "user");
  g_assert_cmpstr (cpd_owner_table_get (table, app), ==, "app");
  g_assert_null (cpd_owner_table_get (table, other));
  cpd_owner_table_set (table, app, g_strdup ("again"));
  g_assert_cmpstr (cpd_owner_table_get (table, app), ==, "again");
  g_assert_cmpuint (g_hash_table_size (table), ==, 2);
  g_assert_true (g_hash_table_remove (table, &app));
  g_assert_cmpstr (cpd_owner_table_get (table, user), ==, "user");
}

/* Made from an id, and read as a whole. */
static void
check_name (const char *kind, const char *id, gboolean valid)
{
  g_autofree char *made
      = g_str_equal (kind, "flatpak") ? cpd_app_make_flatpak (id) : cpd_app_make_snap (id);
  g_autofree char *whole = g_strconcat (kind, ":", id, NULL);

  g_test_message ("%s", whole);
  g_assert_cmpint (cpd_app_is_valid (whole), ==, valid);
  g_assert_cmpstr (made, ==, valid ? whole : NULL);
}

static void
test_flatpak (void)
{
  static const char *const valid[] = {
    "org.example.App",      "a.b.c",         "_a._b._c",         "org.example.App-2",
    "org.example.more.A_1", "org.example.-", "Org.Example.App0",
  };
  static const char *const invalid[] = {
    "",          "org",     "org.example", "org..App",     ".org.example", "a.b.c.",  "1a.b.c",
    "a.2b.c",    "a.b.3c",  "a-b.c.d",     "a.b-c.d",      "a.b.c/d",      "..",      "a.b.../c",
    "../a.b.c",  "a.b.c d", "a.b.c\n",     "a.b.\xc3\xa4", "a.b.c\\x2d",   "a.b.c:d", "a.b.c%2Ed",
    "a.b.c\tde", "/a.b.c",  "a.b.c/",      "-a.b.c",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (valid); i++)
    check_name ("flatpak", valid[i], TRUE);
  for (size_t i = 0; i < G_N_ELEMENTS (invalid); i++)
    check_name ("flatpak", invalid[i], FALSE);
}

/* A file's name has room for 255 bytes, and so has Flatpak. */
static void
test_flatpak_length (void)
{
  g_autofree char *longest = g_strnfill (251, 'c');
  g_autofree char *fits = g_strconcat ("a.b.", longest, NULL);
  g_autofree char *longer = g_strconcat ("a.b.", longest, "c", NULL);

  g_assert_cmpuint (strlen (fits), ==, 255);
  check_name ("flatpak", fits, TRUE);
  check_name ("flatpak", longer, FALSE);
  g_assert_cmpuint (strlen ("flatpak:") + 255, ==, CPD_APP_MAX_BYTES);
}

static void
test_snap (void)
{
  static const char *const valid[]
      = { "demo", "a", "demo-2", "2demo", "demo_key", "demo_0123456789" };
  static const char *const invalid[]
      = { "",      "Demo",         "123",   "1-2",      "demo_",    "demo_01234567890",
          "_key",  "demo_Key",     "de.mo", "..",       ".",        "de/mo",
          "../mo", "demo\xc3\xa4", "de mo", "demo_a_b", "demo_a-b", "demo\n" };

  for (size_t i = 0; i < G_N_ELEMENTS (valid); i++)
    check_name ("snap", valid[i], TRUE);
  for (size_t i = 0; i < G_N_ELEMENTS (invalid); i++)
    check_name ("snap", invalid[i], FALSE);
}

/* A name of a file has no more than 255 bytes, and snapd allows 40. */
static void
test_snap_length (void)
{
  g_autofree char *fits = g_strnfill (40, 'a');
  g_autofree char *longer = g_strnfill (41, 'a');

  check_name ("snap", fits, TRUE);
  check_name ("snap", longer, FALSE);
}

static void
test_kinds (void)
{
  static const char *const invalid[]
      = { "",           "org.example.App", "flatpak",       "flatpak:",       "snap:",
          ":demo",      "Snap:demo",       "appimage:demo", "flatpak:demo",   "snap:a.b.c",
          " snap:demo", "snap: demo",      "flatpak/a.b.c", "flatpak::a.b.c", "snap:snap:demo" };

  for (size_t i = 0; i < G_N_ELEMENTS (invalid); i++)
    g_assert_false (cpd_app_is_valid (invalid[i]));
  g_assert_true (cpd_app_is_kind ("flatpak"));
  g_assert_true (cpd_app_is_kind ("snap"));
  g_assert_false (cpd_app_is_kind ("appimage"));
  g_assert_false (cpd_app_is_kind ("flatpa"));
  g_assert_false (cpd_app_is_kind ("flatpak:"));
  g_assert_false (cpd_app_is_kind (""));
}

/* Otherwise, each look for one of a user's apps would go through all of them. */
static void
test_hash (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_direct_hash, g_direct_equal);

  for (unsigned int number = 1; number <= 1000; number++)
    {
      CpdOwner owner = cpd_owner_new_app (1000, number);

      g_hash_table_add (seen, GUINT_TO_POINTER (cpd_owner_hash (&owner)));
    }
  g_assert_cmpuint (g_hash_table_size (seen), ==, 1000);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/owner/numbers", test_numbers);
  g_test_add_func ("/core/owner/connections", test_connections);
  g_test_add_func ("/core/owner/within", test_within);
  g_test_add_func ("/core/owner/table", test_table);
  g_test_add_func ("/core/owner/hash", test_hash);
  g_test_add_func ("/core/app/flatpak", test_flatpak);
  g_test_add_func ("/core/app/flatpak-length", test_flatpak_length);
  g_test_add_func ("/core/app/snap", test_snap);
  g_test_add_func ("/core/app/snap-length", test_snap_length);
  g_test_add_func ("/core/app/kinds", test_kinds);
  return g_test_run ();
}
