/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All pins of the machine, by layer: what is in force for an owner and a host, and how that
 * changes. It does not check rights: its callers do. */

#include "config.h"

#include "daemon/core/pins/cpd-store.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/pins/cpd-sources.h"
#include "daemon/core/pins/cpd-users.h"

struct _CpdStore
{
  GObject parent;

  CpdSources *sources;
  CpdStateDir *state_dir; /* NULL: nothing is kept */
  CpdGenerations *generations;

  GPtrArray *problems; /* of CpdFault: of what is kept */
  CpdLedger *system;
  CpdApps *apps;
  CpdUsers *users;
  CpdLogbook *logbook; /* of what was seen at servers */
};

G_DEFINE_FINAL_TYPE (CpdStore, cpd_store, G_TYPE_OBJECT)

enum
{
  CHANGED,
  FORGOTTEN,
  RELOADED,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_store_finalize (GObject *object)
{
  CpdStore *store = CPD_STORE (object);

  cpd_sources_unref (store->sources);
  cpd_state_dir_unref (store->state_dir);
  cpd_generations_free (store->generations);
  g_ptr_array_unref (store->problems);
  g_clear_object (&store->system);
  cpd_users_free (store->users);
  cpd_apps_unref (store->apps);
  g_clear_object (&store->logbook);
  G_OBJECT_CLASS (cpd_store_parent_class)->finalize (object);
}

static void
cpd_store_class_init (CpdStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_store_finalize;
  signals[CHANGED] = g_signal_new ("changed", CPD_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 3, G_TYPE_UINT64, G_TYPE_POINTER, G_TYPE_INT);
  signals[FORGOTTEN] = g_signal_new ("forgotten", CPD_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                     NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
  signals[RELOADED] = g_signal_new ("reloaded", CPD_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
cpd_store_init (CpdStore *store)
{
}

CpdStore *
cpd_store_new (const CpdStoreSettings *settings)
{
  CpdStore *store = g_object_new (CPD_TYPE_STORE, NULL);

  store->sources = cpd_sources_new (settings->trust, settings->pins_dirs);
  if (settings->state_dir != NULL)
    store->state_dir = cpd_state_dir_new (settings->state_dir);
  store->generations = cpd_generations_new (settings->first_generation);
  store->problems = cpd_faults_new ();
  store->system = cpd_ledger_new (CPD_ALL_UIDS, store->state_dir, "system", &settings->limits);
  store->apps = cpd_apps_new ();
  store->users = cpd_users_new (store->state_dir, store->apps, &settings->limits);
  store->logbook
      = cpd_logbook_new (store->state_dir, store->apps,
                         settings->sightings_s != 0 ? settings->sightings_s : CPD_LOGBOOK_WRITE_S);
  return store;
}

/* Makes the store the only user of its state folder, until it is freed. Blocks, up to the given
 * time, while another process has the folder. Call it before loading; a store without the lock only
 * reads.
 * Errors: G_IO_ERROR_BUSY: another has it; CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_store_lock (CpdStore *store, unsigned int most_ms, GCancellable *cancellable, GError **error)
{
  return store->state_dir == NULL
         || cpd_state_dir_lock (store->state_dir, most_ms, cancellable, error);
}

/* If it is unknown whose pins exist, no user's requests may pass. */
static void
load_users (CpdStore *store)
{
  g_autoptr (GError) error = NULL;

  if (cpd_users_load (store->users, store->problems, &error))
    return;
  cpd_pin_table_block_all (cpd_ledger_get_table (store->system), error->message);
  cpd_faults_tell_all (store->problems, CPD_ALL_UIDS, /* file= */ NULL,
                       g_strdup_printf ("%s; it is unknown who has pins, so all requests are "
                                        "refused; fix the cause and restart certpind",
                                        error->message));
}

static void
stamp_all (CpdStore *store)
{
  guint64 generation = cpd_generations_get_newest (store->generations);

  cpd_pin_table_stamp (cpd_sources_get_files (store->sources), generation);
  cpd_pin_table_stamp (cpd_ledger_get_table (store->system), generation);
  cpd_users_stamp (store->users, generation);
}

/* What is wrong with the files that were last read, whether that is in force or the reload failed,
 * and with what is kept, as far as the owner may see it: a problem of the stored pins of another
 * may name hosts of theirs. Root sees all.
 * Returns: (transfer full): of CpdFault */
GPtrArray *
cpd_store_get_problems (CpdStore *store, CpdOwner owner)
{
  GPtrArray *problems = cpd_faults_new ();

  cpd_faults_add_all (problems, cpd_sources_get_problems (store->sources));
  for (unsigned int i = 0; i < store->problems->len; i++)
    {
      CpdFault *problem = store->problems->pdata[i];

      if (owner == 0 || cpd_owner_sees (owner, problem->owner))
        g_ptr_array_add (problems, cpd_fault_ref (problem));
    }
  return problems;
}

/* Returns: (transfer full): of CpdFault: of the files that were last read */
GPtrArray *
cpd_store_get_problems_of_files (CpdStore *store)
{
  return g_ptr_array_ref (cpd_sources_get_problems (store->sources));
}

/* Notes one more that concerns what is kept. */
void
cpd_store_tell_problem (CpdStore *store, const char *sentence)
{
  cpd_faults_tell (store->problems, sentence);
}

/* Reads everything. Blocks: call it before the service is up.
 * Returns: (transfer full): of CpdFault: what could not be read, and is therefore blocked */
GPtrArray *
cpd_store_load (CpdStore *store)
{
  cpd_sources_load (store->sources);
  cpd_ledger_load (store->system, store->problems);
  load_users (store);
  stamp_all (store);
  cpd_sources_trim ();
  return cpd_store_get_problems (store, /* owner= */ 0);
}

/* Reads what was seen at servers, once the pins are loaded. Nothing depends on it. Blocks,
 * likewise.
 * Returns: (transfer full): of char *: what could not be read */
GPtrArray *
cpd_store_load_sightings (CpdStore *store)
{
  GPtrArray *problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) users = cpd_users_list (store->users);

  cpd_logbook_load (store->logbook, CPD_ALL_UIDS, cpd_sources_get_files (store->sources), problems);
  cpd_logbook_load (store->logbook, CPD_ALL_UIDS, cpd_ledger_get_table (store->system), problems);
  for (unsigned int i = 0; i < users->len; i++)
    cpd_logbook_load (store->logbook, cpd_ledger_get_owner (users->pdata[i]),
                      cpd_ledger_get_table (users->pdata[i]), problems);
  return problems;
}

/* `layer`: of pins that methods change. Returns: (transfer none) (nullable): never makes one */
static CpdLedger *
lookup_ledger (CpdStore *store, CpdLayer layer, CpdOwner owner)
{
  return layer == CPD_LAYER_SYSTEM
             ? store->system
             : cpd_users_lookup (store->users, cpd_apps_find_owner (store->apps, layer, owner));
}

/* Returns: (transfer none) (nullable): likewise */
static CpdPinTable *
lookup_table (CpdStore *store, CpdLayer layer, CpdOwner owner)
{
  CpdLedger *ledger;

  if (layer == CPD_LAYER_FILES)
    return cpd_sources_get_files (store->sources);
  if ((layer == CPD_LAYER_APP && !cpd_owner_is_app (owner))
      || (layer == CPD_LAYER_TRANSIENT && !cpd_owner_is_connection (owner)))
    return NULL;
  ledger = lookup_ledger (store, layer, owner);
  return ledger != NULL ? cpd_ledger_get_table (ledger) : NULL;
}

/* Its user's pins bind an app, but it does not see them.
 * Returns: (transfer none) (nullable): the table, if the owner may see it */
static CpdPinTable *
lookup_visible (CpdStore *store, CpdLayer layer, CpdOwner owner)
{
  return layer == CPD_LAYER_USER && cpd_owner_is_app (owner) ? NULL
                                                             : lookup_table (store, layer, owner);
}

/* Grows whenever a pin changes that concerns this owner. */
guint64
cpd_store_get_generation (CpdStore *store, CpdOwner owner)
{
  return MAX (cpd_generations_get (store->generations, owner),
              cpd_generations_get (store->generations, cpd_apps_get_parent (store->apps, owner)));
}

/* Returns: (transfer none): the folders of pin files */
const char *const *
cpd_store_get_pins_dirs (CpdStore *store)
{
  return cpd_sources_get_pins_dirs (store->sources);
}

/* Returns: (transfer none) (nullable): where pins are stored */
CpdStateDir *
cpd_store_get_state_dir (CpdStore *store)
{
  return store->state_dir;
}

/* Returns: (transfer none) (nullable): where the anchors are from */
CpdTrustSource *
cpd_store_get_trust (CpdStore *store)
{
  return cpd_sources_get_trust (store->sources);
}

/* Returns: (transfer none): the anchors for pins without their own; a new set after each reload */
CpdAnchors *
cpd_store_get_anchors (CpdStore *store)
{
  return cpd_sources_get_anchors (store->sources);
}

/* Returns: (transfer none): what was seen at servers */
CpdLogbook *
cpd_store_get_logbook (CpdStore *store)
{
  return store->logbook;
}

/* Returns: (transfer full): what is in force for this owner and host now */
CpdPolicy *
cpd_store_get_policy (CpdStore *store, CpdOwner owner, CpdHost *target)
{
  CpdPolicy *policy = cpd_policy_new (target, cpd_store_get_generation (store, owner));

  policy->is_of_app = cpd_owner_is_app (owner);
  if (cpd_apps_is_over (store->apps, owner))
    cpd_policy_take_pin (policy, cpd_pin_new_blocked (target, CPD_LAYER_TRANSIENT,
                                                      "the connection with these pins has ended"));
  for (int layer = CPD_LAYER_FILES; layer < CPD_LAYER_REQUEST; layer++)
    {
      CpdPinTable *table = lookup_table (store, (CpdLayer)layer, owner);

      if (table != NULL)
        cpd_policy_take_pin (policy, cpd_pin_table_find (table, target));
    }
  return policy;
}

/* Returns: (transfer full) (nullable): the pin of exactly this pattern */
CpdPin *
cpd_store_get_pin (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *pattern)
{
  CpdPinTable *table = lookup_visible (store, layer, owner);

  return table != NULL ? cpd_pin_table_get (table, pattern) : NULL;
}

/* `host`: an exact host, for the pin that applies to it; or a pattern, for a pin of exactly this
 * pattern.
 * Returns: (transfer full) (nullable) */
CpdPin *
cpd_store_find_pin (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host)
{
  CpdPinTable *table = lookup_visible (store, layer, owner);

  if (cpd_host_get_kind (host) != CPD_HOST_EXACT)
    return cpd_store_get_pin (store, layer, owner, host);
  return table != NULL ? cpd_pin_table_find (table, host) : NULL;
}

/* Returns: (transfer full): of CpdPin: a layer's pins that match a host, the one that applies
 * first */
GPtrArray *
cpd_store_list_matching (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *target)
{
  CpdPinTable *table = lookup_visible (store, layer, owner);

  return table != NULL ? cpd_pin_table_list_matching (table, target)
                       : g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
}

/* `after`: a pattern's text, which need not be pinned; NULL: from the first pin on. Its cost
 * depends only on the length of the list.
 * Returns: (transfer full): of CpdPin: the next ones in the order of their patterns, at most
 * `max` */
GPtrArray *
cpd_store_list_after (CpdStore *store, CpdLayer layer, CpdOwner owner, const char *after,
                      unsigned int max)
{
  CpdPinTable *table = lookup_visible (store, layer, owner);

  return table != NULL ? cpd_pin_table_list_after (table, after, max)
                       : g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
}

/* Returns: (transfer none) (nullable): why a whole layer is blocked, or an app may have pins that
 * were not found, so that its pins are not known */
const char *
cpd_store_get_block (CpdStore *store, CpdLayer layer, CpdOwner owner)
{
  CpdPinTable *table = lookup_visible (store, layer, owner);
  const char *block = table != NULL ? cpd_pin_table_get_block (table) : NULL;

  return block != NULL ? block : cpd_users_explain_unlisted (store->users, layer, owner);
}

/* Returns: (transfer full): of guint32: the users that have pins, in order */
GArray *
cpd_store_list_uids (CpdStore *store)
{
  return cpd_users_list_uids (store->users);
}

/* Returns: (transfer full): of a user's apps, those that have pins; an app sees only itself */
GStrv
cpd_store_list_apps (CpdStore *store, CpdOwner owner)
{
  return cpd_users_list_apps (store->users, owner);
}

/* Returns: (transfer none): the names of apps */
CpdApps *
cpd_store_get_apps (CpdStore *store)
{
  return store->apps;
}

static void
forget (CpdStore *store, CpdOwner owner)
{
  cpd_generations_forget (store->generations, owner);
  cpd_logbook_forget (store->logbook, owner);
  g_signal_emit (store, signals[FORGOTTEN], 0, owner);
}

/* As cpd_users_meet_app (). */
gboolean
cpd_store_meet_app (CpdStore *store, guint32 uid, const char *name, CpdOwner *owner, GError **error)
{
  CpdOwner forgotten;
  gboolean met = cpd_users_meet_app (store->users, uid, name, owner, &forgotten, error);

  if (forgotten != 0)
    forget (store, forgotten);
  return met;
}

/* As cpd_apps_add_connection (), until cpd_store_close_connection (). */
gboolean
cpd_store_open_connection (CpdStore *store, CpdOwner parent, CpdOwner *owner, GError **error)
{
  return cpd_apps_add_connection (store->apps, parent, owner, error);
}

void
cpd_store_close_connection (CpdStore *store, CpdOwner owner)
{
  cpd_users_close_connection (store->users, owner);
  forget (store, owner);
}

/* Whether a host may be pinned: that is asked once more when it is the change's turn.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_store_check_room (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host,
                      GError **error)
{
  CpdLedger *ledger = lookup_ledger (store, layer, owner);

  return ledger == NULL || cpd_ledger_check_room (ledger, host, error);
}

/* A change of an app concerns its connections, too, which have pins of their own. */
static void
tell_change (CpdStore *store, CpdOwner owner, CpdHost *host, CpdStoreEvent event)
{
  g_autoptr (GArray) connections = NULL;

  g_signal_emit (store, signals[CHANGED], 0, owner, host, event);
  if (cpd_layer_of_owner (owner) != CPD_LAYER_APP)
    return;
  connections = cpd_apps_list_connections (store->apps, owner);
  for (unsigned int i = 0; i < connections->len; i++)
    g_signal_emit (store, signals[CHANGED], 0, g_array_index (connections, CpdOwner, i), host,
                   event);
}

/* What cannot be read may have held a pin of the host.
 * Returns: (transfer full): of a change of a pin that was not found */
static GError *
explain_absence (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host)
{
  const char *block = cpd_store_get_block (store, layer, owner);

  if (block != NULL)
    return g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                        "it is not known what is pinned for ‘%s’ in this scope: %s",
                        cpd_host_get_text (host), block);
  return g_error_new (CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
                      "nothing is pinned for ‘%s’ in this scope", cpd_host_get_text (host));
}

static void
change_on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  CpdStore *store = g_task_get_source_object (task);
  CpdLedger *ledger = CPD_LEDGER (source);
  CpdOwner owner = cpd_ledger_get_owner (ledger);
  CpdHost *host;
  CpdPin *pin;
  GError *error = NULL;
  gboolean done = cpd_ledger_change_finish (ledger, result, &host, &pin, &error);
  CpdPin *old = cpd_ledger_change_get_old (result);
  gboolean blocked = pin != NULL && pin->state == CPD_STATE_BLOCKED
                     && g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);

  if (old != NULL)
    g_task_set_task_data (task, cpd_pin_ref (old), (GDestroyNotify)cpd_pin_unref);
  if (((done && (pin == NULL || pin != old)) || blocked) && !cpd_apps_is_over (store->apps, owner))
    {
      guint64 generation = cpd_generations_next (store->generations, owner);

      if (pin != NULL)
        pin->generation = generation;
      cpd_logbook_retain (store->logbook, cpd_layer_of_owner (owner), owner, host, pin);
      tell_change (store, owner, host,
                   cpd_store_event_find (pin, cpd_ledger_change_get_edit (result)));
    }
  if (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED))
    {
      g_clear_error (&error);
      error = explain_absence (store, cpd_layer_of_owner (owner), owner, host);
    }
  if (done)
    g_task_return_pointer (task, pin != NULL ? cpd_pin_ref (pin) : NULL,
                           (GDestroyNotify)cpd_pin_unref);
  else
    g_task_return_error (task, error);
}

static CpdLedger *
get_ledger (CpdStore *store, CpdLayer layer, CpdOwner owner)
{
  return layer == CPD_LAYER_SYSTEM
             ? store->system
             : cpd_users_get (store->users, cpd_apps_find_owner (store->apps, layer, owner));
}

/* Replaces the pin of its host in its layer: on disk, then in memory. `owner`: whose, unless
 * it is the system's.
 * Errors: CERTPIN_ERROR_STORE_FAILED, CERTPIN_ERROR_LIMIT_EXCEEDED. */
void
cpd_store_set_pin_async (CpdStore *store, CpdOwner owner, CpdPin *pin, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_store_set_pin_async);
  cpd_ledger_change_async (get_ledger (store, pin->layer, owner), pin->host, pin, change_on_done,
                           task);
}

/* Returns: (transfer none) (nullable): the ledger that has the pin; NULL: the task is answered:
 * whoever has no pins gets no ledger for a change that can only find that */
static CpdLedger *
find_ledger (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host, GTask *task)
{
  CpdLedger *ledger = lookup_ledger (store, layer, owner);

  if (ledger == NULL)
    {
      g_task_return_error (task, explain_absence (store, layer, owner, host));
      g_object_unref (task);
    }
  return ledger;
}

/* Removes the pin of exactly this pattern.
 * Errors: CERTPIN_ERROR_NOT_PINNED, CERTPIN_ERROR_STORE_FAILED. */
void
cpd_store_remove_pin_async (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);
  CpdLedger *ledger;

  g_task_set_source_tag (task, cpd_store_remove_pin_async);
  ledger = find_ledger (store, layer, owner, host, task);
  if (ledger != NULL)
    cpd_ledger_change_async (ledger, host, NULL, change_on_done, task);
}

/* Changes the keys, or the pause, of the pin of exactly this pattern, after the changes before it:
 * on disk, then in memory.
 * Errors: CERTPIN_ERROR_NOT_PINNED, CERTPIN_ERROR_BLOCKED, CERTPIN_ERROR_PIN_EXPIRED,
 * CERTPIN_ERROR_INVALID_ARGUMENT, CERTPIN_ERROR_LIMIT_EXCEEDED, CERTPIN_ERROR_STORE_FAILED. */
void
cpd_store_edit_pin_async (CpdStore *store, CpdLayer layer, CpdOwner owner, CpdHost *host,
                          CpdPinEdit *edit, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);
  CpdLedger *ledger;

  g_task_set_source_tag (task, cpd_store_edit_pin_async);
  ledger = find_ledger (store, layer, owner, host, task);
  if (ledger != NULL)
    cpd_ledger_edit_async (ledger, host, edit, change_on_done, task);
}

/* As cpd_store_set_pin_async (), but a pin that is there already, with all that people see of it,
 * stays. `lends_note`: it is no difference that the pin has a note and the one that is there has
 * none. */
void
cpd_store_import_pin_async (CpdStore *store, CpdOwner owner, CpdPin *pin, gboolean lends_note,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_store_import_pin_async);
  cpd_ledger_import_async (get_ledger (store, pin->layer, owner), pin, lends_note, change_on_done,
                           task);
}

/* Ends the pause of exactly this pattern's pin, if it has one: in force at once, and written to
 * disk as soon as that takes it. `owner`: whose pin it is; CPD_ALL_UIDS: the system's. */
void
cpd_store_end_pause (CpdStore *store, CpdOwner owner, CpdHost *host)
{
  CpdLedger *ledger
      = owner == CPD_ALL_UIDS ? store->system : cpd_users_lookup (store->users, owner);
  g_autoptr (CpdPin) pin = ledger != NULL ? cpd_ledger_end_pause (ledger, host) : NULL;

  if (pin == NULL)
    return;
  pin->generation = cpd_generations_next (store->generations, owner);
  tell_change (store, owner, host, CPD_EVENT_PAUSE_ENDED);
}

static void
each_paused_of (CpdLedger *ledger, CpdStoreFunc func, gpointer user_data)
{
  g_autoptr (GPtrArray) pins = cpd_pin_table_list_paused (cpd_ledger_get_table (ledger));

  for (unsigned int i = 0; i < pins->len; i++)
    func (cpd_ledger_get_owner (ledger), pins->pdata[i], user_data);
}

/* Calls the function with each pin that has a pause, also with one that is over. */
void
cpd_store_each_paused (CpdStore *store, CpdStoreFunc func, gpointer user_data)
{
  g_autoptr (GPtrArray) users = cpd_users_list (store->users);

  each_paused_of (store->system, func, user_data);
  for (unsigned int i = 0; i < users->len; i++)
    each_paused_of (users->pdata[i], func, user_data);
}

/* Returns: (transfer none) (nullable): what was there before a change; it belongs to the result */
CpdPin *
cpd_store_change_get_old (GAsyncResult *result)
{
  return g_task_get_task_data (G_TASK (result));
}

/* Returns: (transfer full) (nullable): the pin that is in force now; NULL if it was removed, or
 * with `error` set */
CpdPin *
cpd_store_change_finish (CpdStore *store, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Whether something is being written, or waits to be. */
gboolean
cpd_store_is_busy (CpdStore *store)
{
  return cpd_ledger_is_busy (store->system) || cpd_users_is_busy (store->users)
         || cpd_logbook_is_busy (store->logbook);
}

/* Tries at once to write the pins that are only in memory. */
void
cpd_store_write_again (CpdStore *store)
{
  cpd_ledger_write_again (store->system);
  cpd_users_write_again (store->users);
}

static void
on_reloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  CpdStore *store = g_task_get_source_object (task);
  CpdPinTable *files;
  GError *error = NULL;

  if (!cpd_sources_reload_finish (store->sources, result, &error))
    {
      g_signal_emit (store, signals[RELOADED], 0, error);
      g_task_return_error (task, error);
      return;
    }
  files = cpd_sources_get_files (store->sources);
  cpd_pin_table_stamp (files, cpd_generations_next (store->generations, CPD_ALL_UIDS));
  cpd_logbook_retain_all (store->logbook, CPD_LAYER_FILES, files);
  g_signal_emit (store, signals[CHANGED], 0, CPD_ALL_UIDS, NULL, CPD_EVENT_RELOADED);
  g_signal_emit (store, signals[RELOADED], 0, NULL);
  g_task_return_boolean (task, TRUE);
}

/* Reads the pin files and the trust source again: all of them, or the old ones stay in force.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
void
cpd_store_reload_async (CpdStore *store, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_store_reload_async);
  cpd_sources_reload_async (store->sources, on_reloaded, task);
}

gboolean
cpd_store_reload_finish (CpdStore *store, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
