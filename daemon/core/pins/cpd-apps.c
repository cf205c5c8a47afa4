/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers for the names of apps, so that an owner is a number. It knows no pins: CpdUsers decides
 * which app is forgotten to make room for another. */

#include "config.h"

#include "daemon/core/pins/cpd-apps.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/pins/cpd-account.h"

#include <string.h>

typedef struct
{
  char *name;        /* NULL: it is a connection */
  CpdOwner parent;   /* of a connection: whose it is */
  unsigned int held; /* an app: by so many connections and calls */
} App;

struct _CpdApps
{
  GHashTable *by_owner; /* CpdOwner → App */
  GHashTable *by_name;  /* "UID NAME" → CpdOwner * */
  guint32 newest;       /* number */
};

static void
app_free (gpointer data)
{
  App *app = data;

  g_free (app->name);
  g_free (app);
}

CpdApps *
cpd_apps_new (void)
{
  CpdApps *apps = g_rc_box_new0 (CpdApps);

  apps->by_owner = cpd_owner_table_new (app_free);
  apps->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return apps;
}

CpdApps *
cpd_apps_ref (CpdApps *apps)
{
  return g_rc_box_acquire (apps);
}

static void
apps_clear (gpointer data)
{
  CpdApps *apps = data;

  g_hash_table_unref (apps->by_owner);
  g_hash_table_unref (apps->by_name);
}

void
cpd_apps_unref (CpdApps *apps)
{
  if (apps != NULL)
    g_rc_box_release_full (apps, apps_clear);
}

static char *
make_key (guint32 uid, const char *name)
{
  return g_strdup_printf ("%u %s", uid, name);
}

/* `owner`: (out). Returns: whether the app is known */
gboolean
cpd_apps_lookup (CpdApps *apps, guint32 uid, const char *name, CpdOwner *owner)
{
  g_autofree char *key = make_key (uid, name);
  const CpdOwner *found = g_hash_table_lookup (apps->by_name, key);

  if (found != NULL)
    *owner = *found;
  return found != NULL;
}

/* When all were given, they come round: whoever had the same number long ago has left nothing by
 * then. 0 is nobody's. */
static guint32
take_number (CpdApps *apps)
{
  apps->newest = apps->newest % CPD_OWNER_NUMBER_MAX + 1;
  return apps->newest;
}

/* As if all numbers up to this one had been given: for tests, which cannot give a billion. */
void
cpd_apps_skip_to (CpdApps *apps, guint32 number)
{
  apps->newest = number;
}

static gboolean
is_known (CpdApps *apps, CpdOwner owner)
{
  return g_hash_table_contains (apps->by_owner, &owner);
}

/* `name`: one that is not known yet. Returns: its owner, which is nobody else's */
CpdOwner
cpd_apps_add (CpdApps *apps, guint32 uid, const char *name)
{
  App *app = g_new0 (App, 1);
  CpdOwner owner;

  do
    owner = cpd_owner_new_app (uid, take_number (apps));
  while (is_known (apps, owner));
  app->name = g_strdup (name);
  cpd_owner_table_set (apps->by_owner, owner, app);
  g_hash_table_insert (apps->by_name, make_key (uid, name), g_memdup2 (&owner, sizeof owner));
  return owner;
}

/* Returns: (transfer full): of CpdOwner: in no order */
GArray *
cpd_apps_list_connections (CpdApps *apps, CpdOwner parent)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (CpdOwner));
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, apps->by_owner);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (((const App *)value)->name == NULL && ((const App *)value)->parent == parent)
      g_array_append_val (list, *(const CpdOwner *)key);
  return list;
}

/* Each connection's pins are limited, and so are those of all together. */
static gboolean
check_connections (CpdApps *apps, CpdOwner parent, GError **error)
{
  unsigned int most
      = cpd_owner_is_app (parent) ? CPD_APP_CONNECTIONS_MAX : CPD_USER_CONNECTIONS_MAX;
  g_autoptr (GArray) connections = cpd_apps_list_connections (apps, parent);

  return connections->len < most
         || cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                        "%u connections of %s have transient pins already, which is the limit; "
                        "close one first",
                        most, cpd_owner_is_app (parent) ? "the app" : "the user");
}

/* `parent`: a user or an app. `owner`: (out): a connection of it.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_apps_add_connection (CpdApps *apps, CpdOwner parent, CpdOwner *owner, GError **error)
{
  App *app;

  if (!check_connections (apps, parent, error))
    return FALSE;
  do
    *owner = cpd_owner_new_connection (parent, take_number (apps));
  while (is_known (apps, *owner));
  app = g_new0 (App, 1);
  app->parent = parent;
  cpd_owner_table_set (apps->by_owner, *owner, app);
  return TRUE;
}

void
cpd_apps_remove (CpdApps *apps, CpdOwner owner)
{
  const App *app = cpd_owner_table_get (apps->by_owner, owner);
  g_autofree char *key = app->name != NULL ? make_key (cpd_owner_get_uid (owner), app->name) : NULL;

  if (key != NULL)
    g_hash_table_remove (apps->by_name, key);
  g_hash_table_remove (apps->by_owner, &owner);
}

/* Returns: (transfer none) (nullable): NULL: it is no app */
const char *
cpd_apps_get_name (CpdApps *apps, CpdOwner owner)
{
  const App *app = cpd_owner_table_get (apps->by_owner, cpd_apps_get_parent (apps, owner));

  return app != NULL ? app->name : NULL;
}

/* Returns: of a connection, whose it is; of all others, the owner itself */
CpdOwner
cpd_apps_get_parent (CpdApps *apps, CpdOwner owner)
{
  const App *app
      = cpd_owner_is_connection (owner) ? cpd_owner_table_get (apps->by_owner, owner) : NULL;

  return app != NULL ? app->parent : owner;
}

/* Whether it is a connection that has ended. */
gboolean
cpd_apps_is_over (CpdApps *apps, CpdOwner owner)
{
  return cpd_owner_is_connection (owner) && !is_known (apps, owner);
}

/* Returns: whose the pins of a layer are that apply to an owner */
CpdOwner
cpd_apps_find_owner (CpdApps *apps, CpdLayer layer, CpdOwner owner)
{
  switch (layer)
    {
    case CPD_LAYER_TRANSIENT:
      return owner;
    case CPD_LAYER_APP:
      return cpd_apps_get_parent (apps, owner);
    case CPD_LAYER_USER:
      return cpd_owner_get_user (owner);
    case CPD_LAYER_FILES:
    case CPD_LAYER_SYSTEM:
    case CPD_LAYER_REQUEST:
    default:
      return CPD_ALL_UIDS;
    }
}

/* Returns: (transfer full): of CpdOwner: the apps of a user, in no order */
GArray *
cpd_apps_list (CpdApps *apps, guint32 uid)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (CpdOwner));
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, apps->by_owner);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      CpdOwner owner = *(const CpdOwner *)key;

      if (cpd_owner_get_uid (owner) == uid && !cpd_owner_is_connection (owner))
        g_array_append_val (list, owner);
    }
  return list;
}

/* A connection of the app begins; it must not be forgotten until cpd_apps_release (). */
void
cpd_apps_hold (CpdApps *apps, CpdOwner owner)
{
  ((App *)cpd_owner_table_get (apps->by_owner, owner))->held++;
}

void
cpd_apps_release (CpdApps *apps, CpdOwner owner)
{
  ((App *)cpd_owner_table_get (apps->by_owner, owner))->held--;
}

gboolean
cpd_apps_is_held (CpdApps *apps, CpdOwner owner)
{
  return ((const App *)cpd_owner_table_get (apps->by_owner, owner))->held > 0;
}

/* Returns: (transfer full) (nullable): where the pins of a user or an app are kept, in the state
 * folder; NULL: nowhere, as those of a connection, or of an app that is not known */
char *
cpd_apps_make_folder (CpdApps *apps, CpdOwner owner)
{
  const char *name = cpd_apps_get_name (apps, owner);
  guint32 uid = cpd_owner_get_uid (owner);
  g_autofree char *folder = name != NULL ? g_strdup_printf ("apps/%u/%s", uid, name)
                                         : g_strdup_printf ("users/%u", uid);

  if (cpd_account_is_dynamic (uid) || cpd_owner_is_connection (owner)
      || (cpd_owner_is_app (owner) && name == NULL))
    return NULL;
  return g_strdelimit (g_steal_pointer (&folder), ":", '/'); /* KIND/ID */
}
