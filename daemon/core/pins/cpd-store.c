/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All pins of the machine, by layer: what is in force for a uid and a host, and how that changes.
 * It knows nobody's rights: whoever calls it has asked for them. */

#include "config.h"

#include "daemon/core/pins/cpd-store.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/base/cpd-text.h"
#include "daemon/core/pins/cpd-drop-ins.h"
#include "daemon/core/pins/cpd-pin-folder.h"

#include <unistd.h>

struct _CpdStore
{
  GObject parent;

  CpdTrustSource *trust;  /* NULL: nothing is trusted */
  CpdStateDir *state_dir; /* NULL: nothing is kept */
  GStrv pins_dirs;
  guint64 max_bytes, max_pins;
  guint64 last_generation;   /* the newest stamp of all */
  guint64 shared_generation; /* of the newest change that concerned everybody */
  GHashTable *generations;   /* uid → the newest stamp of its own pins, as a guint64 * */

  CpdAnchors *anchors; /* the system's */
  CpdPinTable *files;
  CpdLedger *system;
  GHashTable *users; /* uid → CpdLedger */

  GQueue *reloads; /* of GTask: one under way, and those behind it */
};

G_DEFINE_FINAL_TYPE (CpdStore, cpd_store, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
cpd_store_finalize (GObject *object)
{
  CpdStore *store = CPD_STORE (object);

  cpd_trust_source_unref (store->trust);
  cpd_state_dir_unref (store->state_dir);
  g_strfreev (store->pins_dirs);
  g_hash_table_unref (store->generations);
  cpd_anchors_unref (store->anchors);
  cpd_pin_table_free (store->files);
  g_clear_object (&store->system);
  g_hash_table_unref (store->users);
  g_queue_free_full (store->reloads, g_object_unref);
  G_OBJECT_CLASS (cpd_store_parent_class)->finalize (object);
}

static void
cpd_store_class_init (CpdStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_store_finalize;
  signals[CHANGED] = g_signal_new ("changed", CPD_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_POINTER);
}

static void
cpd_store_init (CpdStore *store)
{
  store->reloads = g_queue_new ();
  store->users = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_object_unref);
  store->generations = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
}

CpdStore *
cpd_store_new (const CpdStoreSettings *settings)
{
  CpdStore *store = g_object_new (CPD_TYPE_STORE, NULL);

  if (settings->trust != NULL)
    store->trust = cpd_trust_source_ref (settings->trust);
  if (settings->state_dir != NULL)
    store->state_dir = cpd_state_dir_new (settings->state_dir);
  store->pins_dirs = g_strdupv ((GStrv)settings->pins_dirs);
  store->max_bytes = settings->max_bytes_per_layer;
  store->max_pins = settings->max_pins_per_layer;
  store->last_generation = store->shared_generation = settings->first_generation;
  store->anchors = cpd_anchors_new_empty ();
  store->files = cpd_pin_table_new (CPD_LAYER_FILES);
  store->system = cpd_ledger_new (CPD_LAYER_SYSTEM, 0, store->state_dir);
  return store;
}

/* Makes the store the only one that uses its state folder, for as long as it lives. Blocks, at
 * most so long as another has the folder. To be called before it is loaded; one that is not
 * locked only looks.
 * Errors: G_IO_ERROR_BUSY: another has it; CERTPIN_ERROR_STORE_FAILED. */
gboolean
cpd_store_lock (CpdStore *store, unsigned int most_ms, GCancellable *cancellable, GError **error)
{
  return store->state_dir == NULL
         || cpd_state_dir_lock (store->state_dir, most_ms, cancellable, error);
}

/* Returns: (transfer none): the pins of a uid, which are there from the first look on */
static CpdLedger *
get_user (CpdStore *store, guint32 uid)
{
  CpdLedger *ledger = g_hash_table_lookup (store->users, GUINT_TO_POINTER (uid));

  if (ledger != NULL)
    return ledger;
  ledger = cpd_ledger_new (CPD_LAYER_USER, uid, store->state_dir);
  g_hash_table_insert (store->users, GUINT_TO_POINTER (uid), ledger);
  return ledger;
}

static void
load_user (CpdStore *store, const char *name, GPtrArray *problems)
{
  g_autofree char *proper = NULL, *path = NULL, *relative = NULL;
  gint64 uid;

  if (cpd_text_parse_number (name, &uid) && uid >= 0 && uid < CPD_ALL_UIDS)
    proper = g_strdup_printf ("%u", (guint32)uid);
  if (g_strcmp0 (proper, name) == 0)
    {
      cpd_ledger_load (get_user (store, (guint32)uid), problems);
      return;
    }
  relative = g_build_filename ("users", name, NULL);
  path = cpd_state_dir_build_path (store->state_dir, relative);
  g_ptr_array_add (problems,
                   g_strdup_printf ("‘%s’ is not named after a user id, so it is ignored", path));
}

/* Where it cannot be known whose pins there are, nobody's requests may pass. */
static void
load_users (CpdStore *store, GPtrArray *problems)
{
  g_autofree char *path = cpd_state_dir_build_path (store->state_dir, "users");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  int fd = cpd_state_dir_lookup (store->state_dir, "users", &error);

  if (fd >= 0)
    {
      names = cpd_pin_folder_list (fd, path, &error);
      close (fd);
    }
  for (unsigned int i = 0; names != NULL && i < names->len; i++)
    load_user (store, names->pdata[i], problems);
  if (error == NULL)
    return;
  cpd_pin_table_block_all (cpd_ledger_get_table (store->system), error->message);
  g_ptr_array_add (problems, g_strdup (error->message));
}

static void
set_anchors (CpdStore *store, CpdAnchors *anchors)
{
  cpd_anchors_unref (store->anchors);
  store->anchors = anchors;
}

/* Without a readable trust source nothing is trusted. */
static void
load_anchors (CpdStore *store, GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;
  CpdAnchors *anchors = NULL;

  if (store->trust == NULL)
    return;
  anchors = cpd_trust_source_load (store->trust, &error);
  if (anchors != NULL)
    set_anchors (store, anchors);
  else
    g_ptr_array_add (problems, g_strdup (error->message));
}

static void
stamp_all (CpdStore *store)
{
  GHashTableIter iter;
  gpointer user;

  cpd_pin_table_stamp (store->files, store->last_generation);
  cpd_pin_table_stamp (cpd_ledger_get_table (store->system), store->last_generation);
  g_hash_table_iter_init (&iter, store->users);
  while (g_hash_table_iter_next (&iter, NULL, &user))
    cpd_pin_table_stamp (cpd_ledger_get_table (user), store->last_generation);
}

/* Reads everything. Blocks: to be called before the service is up.
 * Returns: (transfer full): of char *: what could not be read, and is therefore blocked */
GPtrArray *
cpd_store_load (CpdStore *store)
{
  GPtrArray *problems = g_ptr_array_new_with_free_func (g_free);

  cpd_pin_table_free (store->files);
  store->files = cpd_drop_ins_load ((const char *const *)store->pins_dirs, problems);
  load_anchors (store, problems);
  cpd_ledger_load (store->system, problems);
  if (store->state_dir != NULL)
    load_users (store, problems);
  stamp_all (store);
  return problems;
}

/* Returns: (transfer none) (nullable): a look that makes nothing */
static CpdPinTable *
lookup_table (CpdStore *store, CpdLayer layer, guint32 uid)
{
  CpdLedger *user;

  if (layer == CPD_LAYER_FILES)
    return store->files;
  if (layer == CPD_LAYER_SYSTEM)
    return cpd_ledger_get_table (store->system);
  user = g_hash_table_lookup (store->users, GUINT_TO_POINTER (uid));
  return user != NULL ? cpd_ledger_get_table (user) : NULL;
}

/* Grows whenever a pin of this uid, or of the system, changes. */
guint64
cpd_store_get_generation (CpdStore *store, guint32 uid)
{
  guint64 *own = g_hash_table_lookup (store->generations, GUINT_TO_POINTER (uid));

  return MAX (store->shared_generation, own != NULL ? *own : 0);
}

/* Returns: (transfer none): the folders of pin files */
const char *const *
cpd_store_get_pins_dirs (CpdStore *store)
{
  return (const char *const *)store->pins_dirs;
}

/* Returns: (transfer none) (nullable): where the anchors are from */
CpdTrustSource *
cpd_store_get_trust (CpdStore *store)
{
  return store->trust;
}

/* Returns: (transfer none): the anchors of pins that name none; another set after each reload */
CpdAnchors *
cpd_store_get_anchors (CpdStore *store)
{
  return store->anchors;
}

/* Returns: (transfer full): what is in force for this uid and host now */
CpdPolicy *
cpd_store_get_policy (CpdStore *store, guint32 uid, CpdHost *target)
{
  CpdPolicy *policy = cpd_policy_new (target, cpd_store_get_generation (store, uid));

  for (int layer = CPD_LAYER_FILES; layer <= CPD_LAYER_USER; layer++)
    {
      CpdPinTable *table = lookup_table (store, (CpdLayer)layer, uid);

      if (table != NULL)
        cpd_policy_take_pin (policy, cpd_pin_table_find (table, target));
    }
  return policy;
}

/* Returns: (transfer full) (nullable): the pin of exactly this pattern */
CpdPin *
cpd_store_get_pin (CpdStore *store, CpdLayer layer, guint32 uid, CpdHost *pattern)
{
  CpdPinTable *table = lookup_table (store, layer, uid);

  return table != NULL ? cpd_pin_table_get (table, pattern) : NULL;
}

/* `host`: an exact host, for which the winning pin is found; or a pattern, which is taken
 * literally.
 * Returns: (transfer full) (nullable) */
CpdPin *
cpd_store_find_pin (CpdStore *store, CpdLayer layer, guint32 uid, CpdHost *host)
{
  CpdPinTable *table = lookup_table (store, layer, uid);

  if (cpd_host_get_kind (host) != CPD_HOST_EXACT)
    return cpd_store_get_pin (store, layer, uid, host);
  return table != NULL ? cpd_pin_table_find (table, host) : NULL;
}

/* Returns: (transfer full): of CpdPin: what a layer says of a host, the pin that wins first */
GPtrArray *
cpd_store_list_matching (CpdStore *store, CpdLayer layer, guint32 uid, CpdHost *target)
{
  CpdPinTable *table = lookup_table (store, layer, uid);

  return table != NULL ? cpd_pin_table_list_matching (table, target)
                       : g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
}

/* `after`: a pattern's text, which need not be there; NULL: from the first pin on. Costs no more
 * than what is listed.
 * Returns: (transfer full): of CpdPin: at most `max` of those whose pattern's text is greater,
 * in its order */
GPtrArray *
cpd_store_list_after (CpdStore *store, CpdLayer layer, guint32 uid, const char *after,
                      unsigned int max)
{
  CpdPinTable *table = lookup_table (store, layer, uid);

  return table != NULL ? cpd_pin_table_list_after (table, after, max)
                       : g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_pin_unref);
}

/* Returns: (transfer full): of CpdPin, ordered by pattern */
GPtrArray *
cpd_store_list_pins (CpdStore *store, CpdLayer layer, guint32 uid)
{
  return cpd_store_list_after (store, layer, uid, /* after= */ NULL, G_MAXUINT);
}

unsigned int
cpd_store_count_pins (CpdStore *store, CpdLayer layer, guint32 uid)
{
  CpdPinTable *table = lookup_table (store, layer, uid);

  return table != NULL ? cpd_pin_table_get_count (table) : 0;
}

/* Whether a host may be pinned: that is asked once more when it is the change's turn.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_store_check_room (CpdStore *store, CpdLayer layer, guint32 uid, CpdHost *host, GError **error)
{
  CpdPinTable *table = lookup_table (store, layer, uid);

  return table == NULL || cpd_pin_table_check_room (table, host, store->max_pins, error);
}

static guint64
next_generation (CpdStore *store, guint32 uid)
{
  store->last_generation++;
  if (uid == CPD_ALL_UIDS)
    store->shared_generation = store->last_generation;
  else
    {
      guint64 *own = g_new (guint64, 1);
      *own = store->last_generation;
      g_hash_table_insert (store->generations, GUINT_TO_POINTER (uid), own);
    }
  return store->last_generation;
}

/* One change; belongs to its task. */
typedef struct
{
  guint32 uid; /* whom it concerns */
  CpdHost *host;
  CpdPin *pin; /* NULL: removed */
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  cpd_host_unref (change->host);
  cpd_pin_unref (change->pin);
  g_free (change);
}

static void
change_on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  CpdStore *store = g_task_get_source_object (task);
  Change *change = g_task_get_task_data (task);
  GError *error = NULL;
  gboolean done = cpd_ledger_change_finish (CPD_LEDGER (source), result, &error);
  gboolean blocked = change->pin != NULL && change->pin->state == CPD_STATE_BLOCKED
                     && g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED);

  if (done || blocked)
    {
      guint64 generation = next_generation (store, change->uid);

      if (change->pin != NULL)
        change->pin->generation = generation;
      g_signal_emit (store, signals[CHANGED], 0, change->uid, change->host);
    }
  if (done)
    g_task_return_pointer (task, change->pin != NULL ? cpd_pin_ref (change->pin) : NULL,
                           (GDestroyNotify)cpd_pin_unref);
  else
    g_task_return_error (task, error);
}

static void
change (GTask *task, CpdLayer layer, guint32 uid, CpdHost *host, CpdPin *pin)
{
  CpdStore *store = g_task_get_source_object (task);
  CpdLedger *ledger = layer == CPD_LAYER_SYSTEM ? store->system : get_user (store, uid);
  const CpdChange request
      = { .host = host, .pin = pin, .max_bytes = store->max_bytes, .max_pins = store->max_pins };
  Change *own = g_new0 (Change, 1);

  own->uid = layer == CPD_LAYER_SYSTEM ? CPD_ALL_UIDS : uid;
  own->host = cpd_host_ref (host);
  own->pin = pin != NULL ? cpd_pin_ref (pin) : NULL;
  g_task_set_task_data (task, own, change_free);
  cpd_ledger_change_async (ledger, &request, change_on_done, task);
}

/* Replaces the pin of its host in its layer: on disk, then in memory. `uid`: whose, in the
 * users' layer.
 * Errors: CERTPIN_ERROR_STORE_FAILED, CERTPIN_ERROR_LIMIT_EXCEEDED. */
void
cpd_store_set_pin_async (CpdStore *store, guint32 uid, CpdPin *pin, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_store_set_pin_async);
  change (task, pin->layer, uid, pin->host, pin);
}

/* Removes the pin of exactly this pattern.
 * Errors: CERTPIN_ERROR_NOT_PINNED, CERTPIN_ERROR_STORE_FAILED. */
void
cpd_store_remove_pin_async (CpdStore *store, CpdLayer layer, guint32 uid, CpdHost *host,
                            GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_store_remove_pin_async);
  change (task, layer, uid, host, NULL);
}

/* Returns: (transfer full) (nullable): the pin that is in force now; NULL where it was removed, or
 * with `error` set */
CpdPin *
cpd_store_change_finish (CpdStore *store, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Whether a change is being written, or waits to be. */
gboolean
cpd_store_is_busy (CpdStore *store)
{
  GHashTableIter iter;
  gpointer user;

  g_hash_table_iter_init (&iter, store->users);
  while (g_hash_table_iter_next (&iter, NULL, &user))
    if (cpd_ledger_is_busy (user))
      return TRUE;
  return cpd_ledger_is_busy (store->system);
}

/* Writes what could not be written and is in force in memory alone, which is otherwise tried now
 * and then. */
void
cpd_store_write_again (CpdStore *store)
{
  GHashTableIter iter;
  gpointer user;

  cpd_ledger_write_again (store->system);
  g_hash_table_iter_init (&iter, store->users);
  while (g_hash_table_iter_next (&iter, NULL, &user))
    cpd_ledger_write_again (user);
}

/* What a reload read. */
typedef struct
{
  CpdTrustSource *trust; /* NULL: nothing is trusted */
  GStrv pins_dirs;
  CpdAnchors *anchors;
  CpdPinTable *files;
} Reload;

static void
reload_free (gpointer data)
{
  Reload *reload = data;

  cpd_trust_source_unref (reload->trust);
  g_strfreev (reload->pins_dirs);
  cpd_anchors_unref (reload->anchors);
  cpd_pin_table_free (reload->files);
  g_free (reload);
}

static void
reload_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Reload *reload = task_data;
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  if (reload->trust != NULL)
    reload->anchors = cpd_trust_source_load (reload->trust, &error);
  if (error != NULL)
    g_ptr_array_add (problems, g_strdup (error->message));
  reload->files = cpd_drop_ins_load ((const char *const *)reload->pins_dirs, problems);
  if (problems->len == 0)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, CERTPIN_ERROR, CERTPIN_ERROR_STORE_FAILED,
                             "nothing was read anew, what was in force stays: %s",
                             (char *)problems->pdata[0]);
}

static void
take_over (CpdStore *store, Reload *reload)
{
  cpd_pin_table_free (store->files);
  store->files = g_steal_pointer (&reload->files);
  if (reload->anchors != NULL)
    set_anchors (store, g_steal_pointer (&reload->anchors));
  cpd_pin_table_stamp (store->files, next_generation (store, CPD_ALL_UIDS));
  g_signal_emit (store, signals[CHANGED], 0, CPD_ALL_UIDS, NULL);
}

static void start_reload (CpdStore *store);

static void
reload_on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdStore *store = CPD_STORE (source);
  g_autoptr (GTask) task = g_queue_pop_head (store->reloads);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    {
      take_over (store, g_task_get_task_data (task));
      g_task_return_boolean (task, TRUE);
    }
  else
    g_task_return_error (task, error);
  start_reload (store);
}

/* One at a time: what was read first must not be taken over last. */
static void
start_reload (CpdStore *store)
{
  GTask *task = g_queue_peek_head (store->reloads);
  g_autoptr (GTask) reading = NULL;

  if (task == NULL)
    return;
  reading = g_task_new (store, NULL, reload_on_read, NULL);
  g_task_set_task_data (reading, g_task_get_task_data (task), NULL);
  g_task_run_in_thread (reading, reload_in_thread);
}

/* Reads the pin files and the trust source anew: all of them, or what was in force stays.
 * Errors: CERTPIN_ERROR_STORE_FAILED. */
void
cpd_store_reload_async (CpdStore *store, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (store, NULL, callback, user_data);
  Reload *reload = g_new0 (Reload, 1);

  if (store->trust != NULL)
    reload->trust = cpd_trust_source_ref (store->trust);
  reload->pins_dirs = g_strdupv (store->pins_dirs);
  g_task_set_source_tag (task, cpd_store_reload_async);
  g_task_set_task_data (task, reload, reload_free);
  g_queue_push_tail (store->reloads, task);
  if (store->reloads->length == 1)
    start_reload (store);
}

gboolean
cpd_store_reload_finish (CpdStore *store, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
