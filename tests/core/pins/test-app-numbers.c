/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the numbers of apps and connections never end, and that none is given to two at a
 * time. */

#include "config.h"

#include "daemon/core/pins/cpd-apps.h"

#define UID     1000
#define WEATHER "flatpak:org.example.Weather"

static CpdOwner
add_connection (CpdApps *apps, CpdOwner parent)
{
  g_autoptr (GError) error = NULL;
  CpdOwner owner = 0;

  cpd_apps_add_connection (apps, parent, &owner, &error);
  g_assert_no_error (error);
  return owner;
}

/* The last number is followed by the first one that is nobody's. */
static void
test_numbers_come_round (void)
{
  g_autoptr (CpdApps) apps = cpd_apps_new ();
  const CpdOwner app = cpd_apps_add (apps, UID, WEATHER), connection = add_connection (apps, UID);

  g_assert_cmpuint (app, ==, cpd_owner_new_app (UID, 1));
  g_assert_cmpuint (connection, ==, cpd_owner_new_connection (UID, 2));
  cpd_apps_skip_to (apps, CPD_OWNER_NUMBER_MAX - 1);
  g_assert_cmpuint (cpd_apps_add (apps, UID, "snap:one"), ==,
                    cpd_owner_new_app (UID, CPD_OWNER_NUMBER_MAX));
  g_assert_cmpuint (cpd_apps_add (apps, UID, "snap:two"), ==, cpd_owner_new_app (UID, 2));
  cpd_apps_skip_to (apps, CPD_OWNER_NUMBER_MAX);
  g_assert_cmpuint (add_connection (apps, UID), ==, cpd_owner_new_connection (UID, 1));
  g_assert_cmpuint (add_connection (apps, UID), ==, cpd_owner_new_connection (UID, 3));
  g_assert_cmpstr (cpd_apps_get_name (apps, app), ==, WEATHER);
  g_assert_cmpuint (cpd_apps_get_parent (apps, connection), ==, UID);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/apps/numbers-come-round", test_numbers_come_round);
  return g_test_run ();
}
