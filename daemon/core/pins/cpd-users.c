/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A user, or an app, has a ledger once it pins something, or if it has a folder of stored pins. */

#include "config.h"

#include "daemon/core/pins/cpd-users.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-app.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-account.h"
#include "daemon/core/pins/cpd-app-folder.h"
#include "daemon/core/pins/cpd-pin-folder.h"

#include <string.h>
#include <unistd.h>

/* An app has this part of what a user may pin. */
#define APP_SHARE 10

/* What one connection may have. */
#define CONNECTION_PINS_MAX  64
#define CONNECTION_BYTES_MAX (256 * 1024)

struct _CpdUsers
{
  CpdStateDir *state_dir; /* NULL: nothing is kept */
  CpdApps *apps;
  CpdLedgerLimits limits; /* of each user */
  GHashTable *ledgers;    /* CpdOwner → CpdLedger */
  GHashTable *unlisted; /* CpdOwner, a user → char *: why it is unknown which apps that user has */
  CpdLedger *ended; /* what connections change that have ended meanwhile, for nobody; NULL: nothing
                       yet */
};

/* `state_dir`: (nullable) */
CpdUsers *
cpd_users_new (CpdStateDir *state_dir, CpdApps *apps, const CpdLedgerLimits *limits)
{
  CpdUsers *users = g_new0 (CpdUsers, 1);

  users->state_dir = state_dir != NULL ? cpd_state_dir_ref (state_dir) : NULL;
  users->apps = cpd_apps_ref (apps);
  users->limits = *limits;
  users->ledgers = cpd_owner_table_new (g_object_unref);
  users->unlisted = cpd_owner_table_new (g_free);
  return users;
}

void
cpd_users_free (CpdUsers *users)
{
  cpd_state_dir_unref (users->state_dir);
  g_hash_table_unref (users->ledgers);
  g_hash_table_unref (users->unlisted);
  g_clear_object (&users->ended);
  cpd_apps_unref (users->apps);
  g_free (users);
}

/* Returns: (transfer none) (nullable) */
CpdLedger *
cpd_users_lookup (CpdUsers *users, CpdOwner owner)
{
  return cpd_owner_table_get (users->ledgers, owner);
}

/* 0 is no limit, and stays none. */
static guint64
take_share (guint64 limit)
{
  return limit > 0 ? MAX (limit / APP_SHARE, 1) : 0;
}

static CpdLedgerLimits
get_limits (CpdUsers *users, CpdOwner owner)
{
  static const CpdLedgerLimits of_connection
      = { .bytes = CONNECTION_BYTES_MAX, .pins = CONNECTION_PINS_MAX };

  if (cpd_owner_is_connection (owner))
    return of_connection;
  if (!cpd_owner_is_app (owner))
    return users->limits;
  return (CpdLedgerLimits){ .bytes = take_share (users->limits.bytes),
                            .pins = take_share (users->limits.pins) };
}

/* Returns: (transfer none): made if there is none */
CpdLedger *
cpd_users_get (CpdUsers *users, CpdOwner owner)
{
  CpdLedger *ledger = cpd_users_lookup (users, owner);
  g_autofree char *folder = NULL;
  CpdLedgerLimits limits;

  if (ledger != NULL)
    return ledger;
  limits = get_limits (users, owner);
  if (cpd_apps_is_over (users->apps, owner))
    {
      if (users->ended == NULL)
        users->ended = cpd_ledger_new (cpd_owner_new_connection (0, 0), /* dir= */ NULL,
                                       /* folder= */ NULL, &limits);
      return users->ended;
    }
  folder = cpd_apps_make_folder (users->apps, owner);
  ledger = cpd_ledger_new (owner, users->state_dir, folder, &limits);
  cpd_owner_table_set (users->ledgers, owner, ledger);
  return ledger;
}

/* Whether nothing is lost if the app is forgotten. */
static gboolean
is_idle (CpdUsers *users, CpdOwner app)
{
  CpdLedger *ledger = cpd_users_lookup (users, app);

  return !cpd_apps_is_held (users->apps, app)
         && (ledger == NULL
             || (!cpd_ledger_is_busy (ledger)
                 && cpd_pin_table_get_count (cpd_ledger_get_table (ledger)) == 0
                 && cpd_pin_table_get_block (cpd_ledger_get_table (ledger)) == NULL));
}

/* Makes room for one more app of a user. `forgotten`: (out): the app that had to go; 0: none */
static gboolean
make_room (CpdUsers *users, guint32 uid, CpdOwner *forgotten)
{
  g_autoptr (GArray) apps = cpd_apps_list (users->apps, uid);

  if (apps->len < CPD_APPS_MAX)
    return TRUE;
  for (unsigned int i = 0; i < apps->len; i++)
    {
      CpdOwner app = g_array_index (apps, CpdOwner, i);

      if (is_idle (users, app))
        {
          g_hash_table_remove (users->ledgers, &app);
          cpd_apps_remove (users->apps, app);
          *forgotten = app;
          return TRUE;
        }
    }
  return FALSE;
}

/* `name`: a valid one. `owner`: (out): the app's. `forgotten`: (out): an app that is known no more,
 * because it had nothing to be known for; 0: none.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED: too many apps of the user have pins or connections. */
gboolean
cpd_users_meet_app (CpdUsers *users, guint32 uid, const char *name, CpdOwner *owner,
                    CpdOwner *forgotten, GError **error)
{
  *forgotten = 0;
  if (cpd_apps_lookup (users->apps, uid, name, owner))
    return TRUE;
  if (!make_room (users, uid, forgotten))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "there is no room for the app ‘%s’: uid %u has %u apps with pins or "
                       "connections; remove the pins of one with ‘certpinctl forget --app=APP’",
                       name, uid, CPD_APPS_MAX);
  *owner = cpd_apps_add (users->apps, uid, name);
  return TRUE;
}

/* `owner`: of cpd_apps_add_connection () */
void
cpd_users_close_connection (CpdUsers *users, CpdOwner owner)
{
  g_hash_table_remove (users->ledgers, &owner);
  cpd_apps_remove (users->apps, owner);
}

/* A folder of a uid whose pins are not kept is not this service's, and the uid may be somebody
 * else's by now: its pins cannot apply, but must not be left out in silence. */
static void
refuse_kept (CpdUsers *users, const char *folder, guint32 uid, GPtrArray *problems)
{
  CpdPinTable *table = cpd_ledger_get_table (cpd_users_get (users, uid));
  g_autofree char *path = cpd_state_dir_build_path (users->state_dir, folder);
  char *message = g_strdup_printf (
      "the folder ‘%s’ has pins of uid %u, which systemd gives to one service after another (%u to "
      "%u), so it is unknown whose they are; all requests of that uid are refused; remove the "
      "folder and restart certpind",
      path, uid, CPD_DYNAMIC_UID_MIN, CPD_DYNAMIC_UID_MAX);

  cpd_pin_table_block_all (table, message);
  cpd_faults_tell_all (problems, uid, /* file= */ NULL, message);
}

/* What has a name that this service gives to nothing: whoever calls, it is not theirs. `proper`:
 * what the name would have to be */
static void
ignore (CpdUsers *users, const char *folder, const char *proper, GPtrArray *problems)
{
  g_autofree char *path = cpd_state_dir_build_path (users->state_dir, folder);

  cpd_faults_tell_all (problems, /* owner= */ 0, path,
                       g_strdup_printf ("its name is not %s, so it is ignored, with all pins in "
                                        "it; correct the name and restart certpind, or remove it",
                                        proper));
}

static void
load_pins (CpdUsers *users, CpdOwner owner, GPtrArray *problems)
{
  g_autoptr (GPtrArray) found = cpd_faults_new ();

  cpd_ledger_load (cpd_users_get (users, owner), found);
  cpd_faults_add_all_of (problems, found, owner);
}

/* Returns: (transfer full) (nullable): the names in a folder; NULL: it is not there, or with
 * `error` set */
static GPtrArray *
list_folder (CpdUsers *users, const char *folder, GError **error)
{
  g_autofree char *path = cpd_state_dir_build_path (users->state_dir, folder);
  GPtrArray *names = NULL;
  int fd = cpd_state_dir_lookup (users->state_dir, folder, error);

  if (fd < 0)
    return NULL;
  names = cpd_pin_folder_list (fd, path, error);
  close (fd);
  return names;
}

static gboolean
parse_uid (const char *name, guint32 *uid)
{
  g_autofree char *proper = NULL;
  gint64 number;

  if (!cpd_text_parse_number (name, &number) || number < 0 || number >= CPD_ALL_UIDS)
    return FALSE;
  *uid = (guint32)number;
  proper = g_strdup_printf ("%u", *uid);
  return g_str_equal (proper, name);
}

static void
load_user (CpdUsers *users, const char *folder, const char *name, GPtrArray *problems)
{
  guint32 uid;

  if (!parse_uid (name, &uid))
    ignore (users, folder, "a user ID", problems);
  else if (cpd_account_is_dynamic (uid))
    refuse_kept (users, folder, uid, problems);
  else
    load_pins (users, uid, problems);
}

/* If it is unknown which apps a user has, none of that user's requests may pass. */
static void
block_user (CpdUsers *users, guint32 uid, const GError *error, GPtrArray *problems)
{
  cpd_owner_table_set (users->unlisted, uid, g_strdup (error->message));
  cpd_pin_table_block_all (cpd_ledger_get_table (cpd_users_get (users, uid)), error->message);
  cpd_faults_tell_all (problems, uid, /* file= */ NULL,
                       g_strdup_printf ("%s; it is unknown which apps uid %u has, so all of its "
                                        "requests are refused; fix the cause and restart certpind",
                                        error->message, uid));
}

static void
load_app (CpdUsers *users, guint32 uid, const char *kind, const char *id, GPtrArray *problems)
{
  g_autofree char *name = g_strconcat (kind, ":", id, NULL);
  g_autofree char *folder = g_strdup_printf ("apps/%u/%s/%s", uid, kind, id);
  CpdOwner owner;

  if (!cpd_app_is_valid (name))
    {
      ignore (users, folder,
              g_str_equal (kind, "snap") ? "a valid snap name" : "a valid Flatpak app ID",
              problems);
      return;
    }
  if (cpd_app_folder_tidy (users->state_dir, folder))
    return;
  if (!cpd_apps_lookup (users->apps, uid, name, &owner)) /* it may have a connection already */
    owner = cpd_apps_add (users->apps, uid, name);
  load_pins (users, owner, problems);
}

static void
load_apps_of_kind (CpdUsers *users, guint32 uid, const char *kind, GPtrArray *problems)
{
  g_autofree char *folder = g_strdup_printf ("apps/%u/%s", uid, kind);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) ids = NULL;

  if (!cpd_app_is_kind (kind))
    {
      ignore (users, folder, "‘flatpak’ or ‘snap’", problems);
      return;
    }
  ids = list_folder (users, folder, &error);
  for (unsigned int i = 0; ids != NULL && i < ids->len; i++)
    load_app (users, uid, kind, ids->pdata[i], problems);
  if (error != NULL)
    block_user (users, uid, error, problems);
}

static void
load_apps (CpdUsers *users, const char *folder, const char *name, GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) kinds = NULL;
  guint32 uid;

  if (!parse_uid (name, &uid))
    {
      ignore (users, folder, "a user ID", problems);
      return;
    }
  if (cpd_account_is_dynamic (uid))
    {
      refuse_kept (users, folder, uid, problems);
      return;
    }
  kinds = list_folder (users, folder, &error);
  for (unsigned int i = 0; kinds != NULL && i < kinds->len; i++)
    load_apps_of_kind (users, uid, kinds->pdata[i], problems);
  if (error != NULL)
    block_user (users, uid, error, problems);
}

/* Returns: (transfer none) (nullable): why an app may have more pins than are known; NULL: it has
 * none, or the layer is another, or the owner is no app */
const char *
cpd_users_explain_unlisted (CpdUsers *users, CpdLayer layer, CpdOwner owner)
{
  return layer == CPD_LAYER_APP && cpd_owner_is_app (owner)
             ? cpd_owner_table_get (users->unlisted, cpd_owner_get_user (owner))
             : NULL;
}

typedef void (*LoadFunc) (CpdUsers *users, const char *folder, const char *name,
                          GPtrArray *problems);

static gboolean
load_each (CpdUsers *users, const char *folder, LoadFunc load, GPtrArray *problems, GError **error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (GPtrArray) names = list_folder (users, folder, &reason);

  for (unsigned int i = 0; names != NULL && i < names->len; i++)
    {
      g_autofree char *below = g_build_filename (folder, names->pdata[i], NULL);

      load (users, below, names->pdata[i], problems);
    }
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
}

/* Blocks. Does nothing where nothing is kept. `problems`: of CpdFault: gets everything that blocks
 * something.
 * Errors: CERTPIN_ERROR_STORE_FAILED: it is unknown whose pins exist. */
gboolean
cpd_users_load (CpdUsers *users, GPtrArray *problems, GError **error)
{
  return users->state_dir == NULL
         || (load_each (users, "users", load_user, problems, error)
             && load_each (users, "apps", load_apps, problems, error));
}

/* Returns: (transfer full): of CpdLedger, in no order */
GPtrArray *
cpd_users_list (CpdUsers *users)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer ledger;

  g_hash_table_iter_init (&iter, users->ledgers);
  while (g_hash_table_iter_next (&iter, NULL, &ledger))
    g_ptr_array_add (list, g_object_ref (ledger));
  return list;
}

static int
compare_uids (gconstpointer a, gconstpointer b)
{
  guint32 one = *(const guint32 *)a, other = *(const guint32 *)b;

  return (one > other) - (one < other);
}

/* Returns: (transfer full): of guint32: those that have pins, in order */
GArray *
cpd_users_list_uids (CpdUsers *users)
{
  GArray *uids = g_array_new (FALSE, FALSE, sizeof (guint32));
  GHashTableIter iter;
  gpointer ledger;

  g_hash_table_iter_init (&iter, users->ledgers);
  while (g_hash_table_iter_next (&iter, NULL, &ledger))
    {
      CpdOwner owner = cpd_ledger_get_owner (ledger);
      guint32 uid = cpd_owner_get_uid (owner);

      if (cpd_layer_of_owner (owner) == CPD_LAYER_USER
          && cpd_pin_table_get_count (cpd_ledger_get_table (ledger)) > 0)
        g_array_append_val (uids, uid);
    }
  g_array_sort (uids, compare_uids);
  return uids;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *)a, *(char *const *)b);
}

/* Returns: (transfer full): the names of a user's apps that have pins, in order; of an app, its own
 * alone */
GStrv
cpd_users_list_apps (CpdUsers *users, CpdOwner owner)
{
  g_autoptr (GArray) apps = cpd_apps_list (users->apps, cpd_owner_get_uid (owner));
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (unsigned int i = 0; i < apps->len; i++)
    {
      CpdOwner app = g_array_index (apps, CpdOwner, i);
      CpdLedger *ledger = cpd_users_lookup (users, app);

      if ((app == owner || !cpd_owner_is_app (owner)) && ledger != NULL
          && cpd_pin_table_get_count (cpd_ledger_get_table (ledger)) > 0)
        g_ptr_array_add (names, g_strdup (cpd_apps_get_name (users->apps, app)));
    }
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return (GStrv)g_ptr_array_steal (names, NULL);
}

void
cpd_users_stamp (CpdUsers *users, guint64 generation)
{
  GHashTableIter iter;
  gpointer ledger;

  g_hash_table_iter_init (&iter, users->ledgers);
  while (g_hash_table_iter_next (&iter, NULL, &ledger))
    cpd_pin_table_stamp (cpd_ledger_get_table (ledger), generation);
}

/* Whether a change of any user is being written, or waits to be. */
gboolean
cpd_users_is_busy (CpdUsers *users)
{
  GHashTableIter iter;
  gpointer ledger;

  g_hash_table_iter_init (&iter, users->ledgers);
  while (g_hash_table_iter_next (&iter, NULL, &ledger))
    if (cpd_ledger_is_busy (ledger))
      return TRUE;
  return FALSE;
}

/* As cpd_ledger_write_again (), for all. */
void
cpd_users_write_again (CpdUsers *users)
{
  GHashTableIter iter;
  gpointer ledger;

  g_hash_table_iter_init (&iter, users->ledgers);
  while (g_hash_table_iter_next (&iter, NULL, &ledger))
    cpd_ledger_write_again (ledger);
}
