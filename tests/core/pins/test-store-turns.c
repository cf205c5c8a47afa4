/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that changes are written in turn: what one user's apps want written, however much, keeps
 * neither another user waiting nor the user's own programs, and the apps take turns. */

#define _GNU_SOURCE /* RTLD_NEXT */
#include "config.h"

#include "tests/core/pins/store-fixture.h"

#include <dlfcn.h>
#include <string.h>

#define APP  CPD_LAYER_APP
#define USER CPD_LAYER_USER

#define APPS 20

/* Changes are written in threads. */
static GMutex lock;
static GCond moved;
static gboolean holds;       /* apps' files do not reach the disk */
static unsigned int writing; /* so many of those */
static GString *order;       /* of apps, by the last letters of their names, as they are written */

/* Returns: (transfer full) (nullable): of a new file of an app */
static char *
find_app (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *path = g_file_read_link (link, NULL);

  if (path == NULL || strstr (path, "/apps/") == NULL || !g_str_has_suffix (path, "/.new"))
    return NULL;
  return g_path_get_dirname (path);
}

/* In the place of the C library's. */
int
fsync (int fd)
{
  int (*proper) (int) = (int (*) (int))dlsym (RTLD_NEXT, "fsync");
  g_autofree char *app = find_app (fd);

  if (app == NULL)
    return proper (fd);
  g_mutex_lock (&lock);
  g_string_append_c (order, app[strlen (app) - 1]);
  writing++;
  g_cond_broadcast (&moved);
  while (holds)
    g_cond_wait (&moved, &lock);
  writing--;
  g_mutex_unlock (&lock);
  return proper (fd);
}

static void
hold (gboolean now)
{
  g_mutex_lock (&lock);
  holds = now;
  g_cond_broadcast (&moved);
  g_mutex_unlock (&lock);
}

/* Returns: how many files of apps are held: at least one */
static unsigned int
count_held (void)
{
  unsigned int count;

  g_mutex_lock (&lock);
  while (writing == 0)
    g_cond_wait (&moved, &lock);
  count = writing;
  g_mutex_unlock (&lock);
  return count;
}

static void
set_up (StoreFixture *f, gconstpointer user_data)
{
  store_fixture_set_up (f, user_data);
  order = g_string_new (NULL);
}

static void
tear_down (StoreFixture *f, gconstpointer user_data)
{
  store_fixture_tear_down (f, user_data);
  g_string_free (order, TRUE);
}

static void
on_pinned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  unsigned int *left = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdPin) pin = cpd_store_change_finish (CPD_STORE (source), result, &error);

  g_assert_no_error (error);
  (*left)--;
}

/* `left`: pins that are not there yet: one more */
static void
begin_to_pin (StoreFixture *f, CpdOwner app, guint8 fill, unsigned int *left)
{
  g_autoptr (CpdPin) pin = test_pin ("h.example", APP, fill);

  (*left)++;
  cpd_store_set_pin_async (f->store, app, pin, on_pinned, left);
}

static CpdOwner
meet (StoreFixture *f, char letter)
{
  g_autofree char *name = g_strdup_printf ("flatpak:org.example.App%c", letter);

  return store_meet (f, STORE_UID, name);
}

static void
wait_until_pinned (const unsigned int *left)
{
  while (*left > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_others_do_not_wait (StoreFixture *f, gconstpointer user_data)
{
  unsigned int left = 0;

  hold (TRUE);
  for (char letter = 'a'; letter < 'a' + APPS; letter++)
    begin_to_pin (f, meet (f, letter), 1, &left);
  store_pin (f, STORE_OTHER_UID, USER, "h.example", 1);
  store_pin (f, STORE_UID, USER, "h.example", 1);
  store_pin (f, STORE_UID, CPD_LAYER_SYSTEM, "h.example", 1);
  g_assert_cmpuint (count_held (), ==, 1);
  g_assert_cmpuint (left, ==, APPS);
  g_assert_true (cpd_store_is_busy (f->store));
  hold (FALSE);
  wait_until_pinned (&left);
  g_assert_false (cpd_store_is_busy (f->store));
}

/* Each with one change after the other, and another app that comes meanwhile. */
static void
test_apps_take_turns (StoreFixture *f, gconstpointer user_data)
{
  unsigned int left = 0;

  hold (TRUE);
  for (char letter = 'a'; letter <= 'c'; letter++)
    for (guint8 fill = 1; fill <= 3; fill++)
      begin_to_pin (f, meet (f, letter), fill, &left);
  begin_to_pin (f, meet (f, 'd'), 1, &left);
  hold (FALSE);
  wait_until_pinned (&left);
  g_assert_cmpstr (order->str, ==, "abcdabcabc");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/core/store/turns/others-do-not-wait", StoreFixture, NULL, set_up,
              test_others_do_not_wait, tear_down);
  g_test_add ("/core/store/turns/apps-take-turns", StoreFixture, NULL, set_up, test_apps_take_turns,
              tear_down);
  return g_test_run ();
}
