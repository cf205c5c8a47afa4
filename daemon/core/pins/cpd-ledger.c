/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run-time layer. Changes are made in order and one at a time: first on disk, in a thread, when
 * it is the owner's turn, and only then in memory. A block takes effect in memory even if it cannot
 * be written: what is refused stays refused. A pin that is only in memory is written again, less
 * and less often, until it or a later change is on disk. */

#include "config.h"

#include "daemon/core/pins/cpd-pin-file-name.h"
#include "daemon/core/pins/cpd-ledger.h"

#include "daemon/core/base/cpd-fault.h"
#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/pins/cpd-account.h"
#include "daemon/core/pins/cpd-change.h"
#include "daemon/core/pins/cpd-pin-folder.h"

/* Between two attempts to write a pin that is only in memory; doubled each time. */
#define RETRY_MIN_S 1
#define RETRY_MAX_S 60

struct _CpdLedger
{
  GObject parent;

  CpdLayer layer;
  CpdOwner owner;
  CpdStateDir *dir; /* NULL: nothing is kept on disk */
  char *folder;     /* its name in there */
  CpdPinTable *table;
  guint64 bytes; /* what the pins take on disk */
  CpdLedgerLimits limits;
  GQueue *waiting; /* of GTask: waiting changes */
  gboolean busy;
  unsigned int retry_timer; /* 0: nothing waits to be written again */
  unsigned int retry_s;     /* how long it waits the next time */
};

G_DEFINE_FINAL_TYPE (CpdLedger, cpd_ledger, G_TYPE_OBJECT)

static void
cpd_ledger_finalize (GObject *object)
{
  CpdLedger *ledger = CPD_LEDGER (object);

  g_clear_handle_id (&ledger->retry_timer, g_source_remove);
  cpd_state_dir_unref (ledger->dir);
  g_free (ledger->folder);
  cpd_pin_table_free (ledger->table);
  g_queue_free_full (ledger->waiting, g_object_unref);
  G_OBJECT_CLASS (cpd_ledger_parent_class)->finalize (object);
}

static void
cpd_ledger_class_init (CpdLedgerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cpd_ledger_finalize;
}

static void
cpd_ledger_init (CpdLedger *ledger)
{
  ledger->waiting = g_queue_new ();
  ledger->retry_s = RETRY_MIN_S;
}

/* `owner`: whose pins; CPD_ALL_UIDS: the system's. `dir`, `folder`: where they are kept, in that
 * folder of the state folder; NULL: nowhere. */
CpdLedger *
cpd_ledger_new (CpdOwner owner, CpdStateDir *dir, const char *folder, const CpdLedgerLimits *limits)
{
  CpdLedger *ledger = g_object_new (CPD_TYPE_LEDGER, NULL);

  ledger->layer = cpd_layer_of_owner (owner);
  ledger->owner = owner;
  ledger->limits = *limits;
  ledger->table = cpd_pin_table_new (ledger->layer);
  ledger->folder = g_strdup (folder);
  if (folder != NULL && dir != NULL)
    ledger->dir = cpd_state_dir_ref (dir);
  return ledger;
}

/* Reads the folder. Blocks: to be called before the service is up. `problems`: of CpdFault. */
void
cpd_ledger_load (CpdLedger *ledger, GPtrArray *problems)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *account = ledger->owner != CPD_ALL_UIDS
                                 ? cpd_account_look_up (cpd_owner_get_uid (ledger->owner), &error)
                                 : NULL;
  const CpdPinFileContext context = { .layer = ledger->layer, .account = account };
  g_autoptr (GPtrArray) pins = NULL;

  if (ledger->dir == NULL)
    return;
  if (error != NULL)
    {
      cpd_pin_table_block_all (ledger->table, error->message);
      cpd_faults_tell (problems, error->message);
    }
  cpd_pin_folder_load (ledger->dir, ledger->folder, &context, ledger->table, problems);
  pins = cpd_pin_table_list (ledger->table);
  for (unsigned int i = 0; i < pins->len; i++)
    ledger->bytes += ((CpdPin *)pins->pdata[i])->stored_bytes;
}

/* Returns: whom its pins concern */
CpdOwner
cpd_ledger_get_owner (CpdLedger *ledger)
{
  return ledger->owner;
}

/* Returns: (transfer none) */
CpdPinTable *
cpd_ledger_get_table (CpdLedger *ledger)
{
  return ledger->table;
}

/* Whether a change is being written, or waits to be. */
gboolean
cpd_ledger_is_busy (CpdLedger *ledger)
{
  return ledger->busy;
}

/* Whether the host may be pinned, as far as the number of pins is limited.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_ledger_check_room (CpdLedger *ledger, CpdHost *host, GError **error)
{
  return cpd_pin_table_check_room (ledger->table, host, ledger->limits.pins, error);
}

static void
replace (CpdLedger *ledger, CpdHost *host, CpdPin *pin)
{
  g_autoptr (CpdPin) old = cpd_pin_table_get (ledger->table, host);

  if (old != NULL)
    ledger->bytes -= MIN (ledger->bytes, old->stored_bytes);
  if (pin == NULL)
    {
      cpd_pin_table_remove (ledger->table, host);
      return;
    }
  ledger->bytes += pin->stored_bytes;
  cpd_pin_table_set (ledger->table, pin);
}

static void
apply_in_memory (CpdLedger *ledger, CpdChange *change, gboolean written)
{
  CpdPin *pin = change->pin;

  if (pin != NULL)
    {
      pin->stored_bytes = change->written_bytes;
      pin->unstored = !written || change->dir == NULL;
      g_clear_pointer (&pin->source, cpd_pin_source_unref);
    }
  if (pin != NULL && change->dir != NULL)
    {
      g_autofree char *folder = cpd_state_dir_build_path (change->dir, change->folder);
      g_autofree char *path = g_build_filename (folder, change->name, NULL);
      pin->source = cpd_pin_source_new (path);
    }
  replace (ledger, change->host, pin);
}

/* What the disk has is not known. A shared pin is not changed, but replaced by an equal one. */
static void
mark_unstored (CpdLedger *ledger, CpdHost *host)
{
  g_autoptr (CpdPin) pin = cpd_pin_table_get (ledger->table, host);
  g_autoptr (CpdPin) marked = pin != NULL ? cpd_pin_copy (pin) : NULL;

  if (marked == NULL)
    return;
  marked->unstored = TRUE;
  replace (ledger, host, marked);
}

/* The pin that was written again may have been replaced meanwhile, in memory. */
static void
mark_written (CpdLedger *ledger, const CpdChange *change)
{
  g_autoptr (CpdPin) pin = cpd_pin_table_get (ledger->table, change->host);
  g_autoptr (CpdPin) marked = NULL;

  if (pin != change->pin)
    return;
  marked = cpd_pin_copy (pin);
  marked->unstored = FALSE;
  marked->stored_bytes = change->written_bytes;
  replace (ledger, change->host, marked);
}

static gboolean
is_block (const CpdChange *change)
{
  return change->pin != NULL && change->pin->state == CPD_STATE_BLOCKED;
}

/* `reason`: (transfer full): the failure. Returns: (transfer full): with what is in force now */
static GError *
explain (const CpdChange *change, GError *reason)
{
  const char *host = cpd_host_get_text (change->host);
  char *message;

  if (reason->code != CERTPIN_ERROR_STORE_FAILED)
    return reason;
  if (is_block (change))
    message = g_strdup_printf ("%s; ‘%s’ is blocked, but in memory only; it will be stored later",
                               reason->message, host);
  else if (change->uncertain)
    message
        = g_strdup_printf ("%s; the change to ‘%s’ is not in force, but may be after a restart; "
                           "repeat it",
                           reason->message, host);
  else
    message = g_strdup_printf ("%s; nothing was changed", reason->message);
  g_free (reason->message);
  reason->message = message;
  return reason;
}

static void start_next (CpdLedger *ledger);
static void schedule_retry (CpdLedger *ledger);

/* Whether the pin was made of one whose pause has ended since. */
static gboolean
has_ended_pause (CpdLedger *ledger, const CpdChange *change)
{
  g_autoptr (CpdPin) pin = cpd_pin_table_get (ledger->table, change->host);

  return change->pin != NULL && change->pin->pause != NULL && pin != NULL && pin->pause == NULL
         && change->old->pause == change->pin->pause;
}

/* A pause that ended while the change was being written does not come back. */
static void
apply_written (CpdLedger *ledger, CpdChange *change, gboolean written)
{
  gboolean ended = has_ended_pause (ledger, change);

  apply_in_memory (ledger, change, written);
  if (!ended)
    return;
  cpd_pin_unref (change->pin);
  change->pin = cpd_ledger_end_pause (ledger, change->host);
}

/* Updates memory with the outcome of a change on disk. */
static void
settle (CpdLedger *ledger, CpdChange *change, gboolean written)
{
  if (change->again)
    {
      if (written)
        mark_written (ledger, change);
    }
  else if (written || is_block (change))
    apply_written (ledger, change, written);
  else if (change->uncertain)
    mark_unstored (ledger, change->host);
  if (written && change->again)
    ledger->retry_s = RETRY_MIN_S;
  else if (!written && (change->again || is_block (change) || change->uncertain))
    schedule_retry (ledger);
}

/* Back on the main loop. */
static void
change_on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdLedger *ledger = CPD_LEDGER (source);
  g_autoptr (GTask) task = G_TASK (user_data);
  CpdChange *change = g_task_get_task_data (task);
  GError *error = NULL;
  gboolean written = g_task_propagate_boolean (G_TASK (result), &error);

  g_clear_pointer (&change->place, cpd_place_leave);
  settle (ledger, change, written);
  ledger->busy = FALSE;
  if (written)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, explain (change, error));
  start_next (ledger);
}

/* Makes the new pin of the one that is in force, now that no change before it is left. */
static gboolean
apply_edit (CpdChange *change, const CpdPin *pin, GError **error)
{
  if (change->edit != NULL)
    change->pin = cpd_pin_edit_apply (change->edit, pin, error);
  return change->edit == NULL || change->pin != NULL;
}

static gboolean
take_old (CpdChange *change, GError **error)
{
  if (change->old != NULL)
    return apply_edit (change, change->old, error);
  return cpd_refuse (error, CERTPIN_ERROR_NOT_PINNED, "nothing is pinned for ‘%s’ in this scope",
                     cpd_host_get_text (change->host));
}

/* Whether less passes than before, for a change that must not fail for lack of room. A pin in place
 * of another one can be of any size, however few keys it has. */
static gboolean
narrows (const CpdPin *old, const CpdChange *change)
{
  return old != NULL
         && (change->pin->state == CPD_STATE_BLOCKED
             || (change->edit != NULL
                 && (change->pin->keys->len < old->keys->len
                     || (old->pause != NULL && change->pin->pause == NULL))));
}

/* Whether the layer stays within its limit. */
static gboolean
fits (CpdLedger *ledger, CpdChange *change, GError **error)
{
  g_autoptr (CpdPin) old = cpd_pin_table_get (ledger->table, change->host);
  guint64 others = ledger->bytes - MIN (ledger->bytes, old != NULL ? old->stored_bytes : 0);

  if (!cpd_ledger_check_room (ledger, change->host, error))
    return FALSE;
  if (ledger->limits.bytes == 0
      || others + cpd_pin_file_measure (change->pin) <= ledger->limits.bytes
      || narrows (old, change))
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                     "the pins would take more than %" G_GUINT64_FORMAT
                     " bytes; unpin hosts that are not needed",
                     ledger->limits.bytes);
}

/* Whether the pin is still in force, and should be written again now: not if an attempt has just
 * failed. */
static gboolean
is_unwritten (CpdLedger *ledger, CpdChange *change, GError **error)
{
  g_autoptr (CpdPin) pin = cpd_pin_table_get (ledger->table, change->host);

  if (pin == change->pin && ledger->retry_timer == 0)
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_CANCELLED, "no longer to be written");
}

/* A file of another name that blocks the host would undo the change at the next start. */
static gboolean
check_no_other_file (CpdLedger *ledger, CpdChange *change, GError **error)
{
  g_autoptr (CpdPin) pin = cpd_pin_table_get (ledger->table, change->host);
  g_autofree char *path = NULL;

  if (pin == NULL || pin->state != CPD_STATE_BLOCKED || pin->source == NULL
      || g_str_equal (cpd_pin_source_get_name (pin->source), change->name))
    return TRUE;
  path = cpd_pin_source_build_path (pin->source);
  return cpd_refuse (
      error, CERTPIN_ERROR_STORE_FAILED,
      "‘%s’ is blocked by the file ‘%s’, which is broken or misnamed; remove that file and "
      "restart the service",
      cpd_host_get_text (change->host), path);
}

/* Whether the change can be made, now that its turn has come. */
static gboolean
check_change (CpdLedger *ledger, CpdChange *change, GError **error)
{
  if (!check_no_other_file (ledger, change, error))
    return FALSE;
  if (change->again)
    return is_unwritten (ledger, change, error);
  if (change->pin == NULL && !take_old (change, error))
    return FALSE;
  return change->pin == NULL || fits (ledger, change, error);
}

static void
write_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  CpdChange *change = task_data;
  GError *error = NULL;

  if (change->dir == NULL && change->pin != NULL)
    change->written_bytes = (guint32)cpd_pin_file_measure (change->pin);
  if (change->dir == NULL || cpd_change_write (change, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
run_in_thread (gpointer user_data)
{
  g_autoptr (GTask) writing = user_data;

  g_task_run_in_thread (writing, write_in_thread);
}

/* What is only kept in memory waits for nobody. */
static void
start_writing (CpdLedger *ledger, GTask *task)
{
  CpdChange *change = g_task_get_task_data (task);
  GTask *writing = g_task_new (ledger, NULL, change_on_written, task);

  ledger->busy = TRUE;
  g_task_set_task_data (writing, change, NULL);
  if (change->dir == NULL)
    {
      run_in_thread (writing);
      return;
    }
  change->place = cpd_place_new (cpd_state_dir_get_turns (change->dir), change->owner,
                                 run_in_thread, writing);
  cpd_place_enter (change->place, NULL); /* any number may wait */
}

/* Whether a pin of an import is there. */
static gboolean
is_imported (const CpdChange *change)
{
  return change->imports && cpd_pin_shows_the_same (change->pin, change->old)
         && (g_strcmp0 (change->pin->note, change->old->note) == 0
             || (change->lends_note && change->old->note == NULL));
}

/* Whether an import, or the end of a pause, changes nothing: nobody is told of it. */
static gboolean
is_there_already (const CpdChange *change)
{
  return change->old != NULL && (change->dir == NULL || !change->old->unstored)
         && (is_imported (change)
             || (change->edit != NULL && cpd_pin_edit_is_idle (change->edit, change->old)));
}

/* Begins a change whose turn has come.
 * Returns: whether it is under way; otherwise, it is answered */
static gboolean
start_change (CpdLedger *ledger, GTask *task)
{
  CpdChange *change = g_task_get_task_data (task);
  GError *error = NULL;

  change->old = cpd_pin_table_get (ledger->table, change->host);
  if (is_there_already (change))
    {
      g_clear_pointer (&change->pin, cpd_pin_unref);
      change->pin = cpd_pin_ref (change->old);
      g_task_return_boolean (task, TRUE);
      return FALSE;
    }
  if (!check_change (ledger, change, &error))
    {
      g_task_return_error (task, error);
      return FALSE;
    }
  change->is_last = change->pin == NULL && change->layer == CPD_LAYER_APP
                    && cpd_pin_table_get_count (ledger->table) == 1;
  start_writing (ledger, task);
  return TRUE;
}

/* Starts the next change. It is made even if its caller has left: nothing here can be cancelled. */
static void
start_next (CpdLedger *ledger)
{
  GTask *task;

  while (!ledger->busy && (task = g_queue_pop_head (ledger->waiting)) != NULL)
    if (!start_change (ledger, task))
      g_object_unref (task);
}

/* Returns: (transfer none): the change, to be completed before its turn */
static CpdChange *
push (CpdLedger *ledger, GTask *task, CpdHost *host, CpdPin *pin)
{
  CpdChange *own = g_new0 (CpdChange, 1);

  own->host = cpd_host_ref (host);
  own->pin = pin != NULL ? cpd_pin_ref (pin) : NULL;
  own->dir = ledger->dir != NULL ? cpd_state_dir_ref (ledger->dir) : NULL;
  own->folder = g_strdup (ledger->folder);
  own->name = cpd_pin_file_name (host);
  own->layer = ledger->layer;
  own->owner = ledger->owner;
  g_task_set_task_data (task, own, cpd_change_free);
  g_queue_push_tail (ledger->waiting, task);
  return own;
}

/* Replaces the pin of a host, or removes it if `pin` is NULL, after the changes before it.
 * Errors: CERTPIN_ERROR_STORE_FAILED, which says what is in force: the old pin, except for a block;
 * CERTPIN_ERROR_LIMIT_EXCEEDED; CERTPIN_ERROR_NOT_PINNED. */
void
cpd_ledger_change_async (CpdLedger *ledger, CpdHost *host, CpdPin *pin,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (ledger, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_ledger_change_async);
  push (ledger, task, host, pin);
  start_next (ledger);
}

/* Changes the keys, or the pause, of the pin that a host has when it is the turn of this.
 * Errors: those of cpd_pin_edit_apply (), and of cpd_ledger_change_async (). */
void
cpd_ledger_edit_async (CpdLedger *ledger, CpdHost *host, CpdPinEdit *edit,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (ledger, NULL, callback, user_data);

  g_task_set_source_tag (task, cpd_ledger_edit_async);
  push (ledger, task, host, /* pin= */ NULL)->edit = cpd_pin_edit_ref (edit);
  start_next (ledger);
}

/* As cpd_ledger_change_async (), but a pin that is there already, with all that people see of it,
 * stays. `lends_note`: it is no difference that the pin has a note and the one that is there has
 * none. */
void
cpd_ledger_import_async (CpdLedger *ledger, CpdPin *pin, gboolean lends_note,
                         GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (ledger, NULL, callback, user_data);
  CpdChange *change;

  g_task_set_source_tag (task, cpd_ledger_import_async);
  change = push (ledger, task, pin->host, pin);
  change->imports = TRUE;
  change->lends_note = lends_note;
  start_next (ledger);
}

/* Ends the pause of a pin: at once in memory, and then on disk, like a block that could not be
 * written.
 * Returns: (transfer full) (nullable): the pin that is in force now; NULL: none was paused */
CpdPin *
cpd_ledger_end_pause (CpdLedger *ledger, CpdHost *host)
{
  g_autoptr (CpdPin) old = cpd_pin_table_get (ledger->table, host);
  g_autoptr (CpdPin) pin = old != NULL && old->pause != NULL ? cpd_pin_copy (old) : NULL;

  if (pin == NULL)
    return NULL;
  cpd_pin_take_pause (pin, NULL);
  pin->unstored = TRUE;
  replace (ledger, host, pin);
  if (ledger->dir != NULL)
    push (ledger, g_task_new (ledger, NULL, NULL, NULL), host, pin)->again = TRUE;
  start_next (ledger);
  return g_steal_pointer (&pin);
}

/* Returns: (transfer none) (nullable): what was there before; it belongs to the result */
CpdPin *
cpd_ledger_change_get_old (GAsyncResult *result)
{
  return ((const CpdChange *)g_task_get_task_data (G_TASK (result)))->old;
}

/* Returns: (transfer none) (nullable): what was changed of the pin; NULL: all of it */
CpdPinEdit *
cpd_ledger_change_get_edit (GAsyncResult *result)
{
  return ((const CpdChange *)g_task_get_task_data (G_TASK (result)))->edit;
}

/* `host`, `pin`: (out) (transfer none): what was to be changed, also where it failed; they belong
 * to the result. The pin is NULL if it was to be removed, or an edit could not be applied. */
gboolean
cpd_ledger_change_finish (CpdLedger *ledger, GAsyncResult *result, CpdHost **host, CpdPin **pin,
                          GError **error)
{
  const CpdChange *change = g_task_get_task_data (G_TASK (result));

  *host = change->host;
  *pin = change->pin;
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Writes the pins that are only in memory, after the waiting changes. */
void
cpd_ledger_write_again (CpdLedger *ledger)
{
  g_autoptr (GPtrArray) pins = NULL;

  g_clear_handle_id (&ledger->retry_timer, g_source_remove);
  if (ledger->dir == NULL)
    return;
  pins = cpd_pin_table_list (ledger->table);
  for (unsigned int i = 0; i < pins->len; i++)
    {
      CpdPin *pin = pins->pdata[i];

      if (pin->unstored)
        push (ledger, g_task_new (ledger, NULL, NULL, NULL), pin->host, pin)->again = TRUE;
    }
  start_next (ledger);
}

static gboolean
on_retry (gpointer user_data)
{
  CpdLedger *ledger = user_data;

  ledger->retry_timer = 0;
  cpd_ledger_write_again (ledger);
  return G_SOURCE_REMOVE;
}

static void
schedule_retry (CpdLedger *ledger)
{
  if (ledger->retry_timer != 0)
    return;
  ledger->retry_timer = g_timeout_add_seconds (ledger->retry_s, on_retry, ledger);
  ledger->retry_s = MIN (2 * ledger->retry_s, RETRY_MAX_S);
}
