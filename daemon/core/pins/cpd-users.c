/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A user has a ledger once it pins something, or if it has a folder of stored pins. */

#include "config.h"

#include "daemon/core/pins/cpd-users.h"

#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-generations.h"
#include "daemon/core/pins/cpd-pin-folder.h"

#include <unistd.h>

struct _CpdUsers
{
  CpdStateDir *state_dir; /* NULL: nothing is kept */
  CpdLedgerLimits limits; /* of each */
  GHashTable *ledgers;    /* uid → CpdLedger */
};

/* `state_dir`: (nullable) */
CpdUsers *
cpd_users_new (CpdStateDir *state_dir, const CpdLedgerLimits *limits)
{
  CpdUsers *users = g_new0 (CpdUsers, 1);

  users->state_dir = state_dir != NULL ? cpd_state_dir_ref (state_dir) : NULL;
  users->limits = *limits;
  users->ledgers = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_object_unref);
  return users;
}

void
cpd_users_free (CpdUsers *users)
{
  cpd_state_dir_unref (users->state_dir);
  g_hash_table_unref (users->ledgers);
  g_free (users);
}

/* Returns: (transfer none) (nullable) */
CpdLedger *
cpd_users_lookup (CpdUsers *users, guint32 uid)
{
  return g_hash_table_lookup (users->ledgers, GUINT_TO_POINTER (uid));
}

/* Returns: (transfer none): made if there is none */
CpdLedger *
cpd_users_get (CpdUsers *users, guint32 uid)
{
  CpdLedger *ledger = cpd_users_lookup (users, uid);

  if (ledger != NULL)
    return ledger;
  ledger = cpd_ledger_new (CPD_LAYER_USER, uid, users->state_dir, &users->limits);
  g_hash_table_insert (users->ledgers, GUINT_TO_POINTER (uid), ledger);
  return ledger;
}

static void
load_user (CpdUsers *users, const char *name, GPtrArray *problems)
{
  g_autofree char *proper = NULL, *path = NULL, *relative = NULL;
  g_autoptr (GPtrArray) found = cpd_faults_new ();
  gint64 uid;

  if (cpd_text_parse_number (name, &uid) && uid >= 0 && uid < CPD_ALL_UIDS)
    proper = g_strdup_printf ("%u", (guint32)uid);
  if (g_strcmp0 (proper, name) == 0)
    {
      cpd_ledger_load (cpd_users_get (users, (guint32)uid), found);
      cpd_faults_add_all_of (problems, found, (guint32)uid);
      return;
    }
  relative = g_build_filename ("users", name, NULL);
  path = cpd_state_dir_build_path (users->state_dir, relative);
  g_ptr_array_add (
      found, cpd_fault_new (path, 0, NULL, "it is not named after a user id, so it is ignored"));
  cpd_faults_add_all_of (problems, found, /* uid= */ 0);
}

/* Blocks. `problems`: of CpdFault: gets everything that blocks something.
 * Errors: CERTPIN_ERROR_STORE_FAILED: it is unknown whose pins exist. */
gboolean
cpd_users_load (CpdUsers *users, GPtrArray *problems, GError **error)
{
  g_autofree char *path = cpd_state_dir_build_path (users->state_dir, "users");
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GError) reason = NULL;
  int fd = cpd_state_dir_lookup (users->state_dir, "users", &reason);

  if (fd >= 0)
    {
      names = cpd_pin_folder_list (fd, path, &reason);
      close (fd);
    }
  for (unsigned int i = 0; names != NULL && i < names->len; i++)
    load_user (users, names->pdata[i], problems);
  if (reason == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&reason));
  return FALSE;
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
      guint32 uid = cpd_ledger_get_uid (ledger);

      if (cpd_pin_table_get_count (cpd_ledger_get_table (ledger)) > 0)
        g_array_append_val (uids, uid);
    }
  g_array_sort (uids, compare_uids);
  return uids;
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
