/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run-time layer, changed one change at a time and in order: first on disk, in a thread, and
 * only once it is there in memory. A block takes effect in memory even where it cannot be written:
 * what is refused stays refused. */

#include "config.h"

#include "cpd-ledger.h"

#include "client-lib/certpin-error.h"
#include "daemon/core/cpd-pin-folder.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

/* systemd hands out these uids for as long as a service runs (systemd.io, "Users, groups, UIDs and
 * GIDs"): what is kept for one would be the next one's. */
#define DYNAMIC_UID_MIN 61184
#define DYNAMIC_UID_MAX 65519

struct _CpdLedger
{
  GObject parent;

  CpdLayer layer;
  guint32 uid;
  char *folder; /* NULL: nothing is kept on disk */
  CpdPinTable *table;
  guint64 bytes;   /* what the pins take on disk */
  GQueue *waiting; /* of GTask: changes whose turn has not come */
  gboolean busy;
};

G_DEFINE_FINAL_TYPE (CpdLedger, cpd_ledger, G_TYPE_OBJECT)

/* One change under way; belongs to its task. */
typedef struct
{
  CpdHost *host;
  CpdPin *pin;
  char *folder;
  char *name;
  gboolean of_user;
  guint32 uid;
  guint64 max_bytes;     /* of the whole layer; 0: no limit */
  guint32 written_bytes; /* set by the thread */
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  cpd_host_unref (change->host);
  cpd_pin_unref (change->pin);
  g_free (change->folder);
  g_free (change->name);
  g_free (change);
}

static void
cpd_ledger_finalize (GObject *object)
{
  CpdLedger *ledger = CPD_LEDGER (object);

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
}

static gboolean
is_dynamic (guint32 uid)
{
  return uid >= DYNAMIC_UID_MIN && uid <= DYNAMIC_UID_MAX;
}

/* `uid`: whose pins, where `layer` is the users'. `folder`: where they are kept; NULL: nowhere. */
CpdLedger *
cpd_ledger_new (CpdLayer layer, guint32 uid, const char *folder)
{
  CpdLedger *ledger = g_object_new (CPD_TYPE_LEDGER, NULL);

  ledger->layer = layer;
  ledger->uid = uid;
  ledger->table = cpd_pin_table_new (layer);
  if (layer != CPD_LAYER_USER || !is_dynamic (uid))
    ledger->folder = g_strdup (folder);
  return ledger;
}

/* Returns: (transfer full): the name of the account of a uid, or "" where it has none. May block.
 */
static char *
look_up_account (guint32 uid)
{
  char buffer[16384];
  struct passwd entry, *found = NULL;

  if (getpwuid_r (uid, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
    return g_strdup ("");
  return g_strdup (found->pw_name);
}

/* Reads the folder. Blocks: to be called before the service is up. `problems`: of char *. */
void
cpd_ledger_load (CpdLedger *ledger, GPtrArray *problems)
{
  g_autofree char *account = ledger->layer == CPD_LAYER_USER ? look_up_account (ledger->uid) : NULL;
  const CpdPinFileContext context = { .layer = ledger->layer, .account = account };
  g_autoptr (GPtrArray) pins = NULL;

  if (ledger->folder == NULL)
    return;
  cpd_pin_folder_load (ledger->folder, &context, ledger->table, problems);
  pins = cpd_pin_table_list (ledger->table);
  for (unsigned int i = 0; i < pins->len; i++)
    ledger->bytes += ((CpdPin *)pins->pdata[i])->stored_bytes;
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

static void
apply_in_memory (CpdLedger *ledger, Change *change)
{
  g_autoptr (CpdPin) old = cpd_pin_table_get (ledger->table, change->host);

  if (old != NULL)
    ledger->bytes -= MIN (ledger->bytes, old->stored_bytes);
  if (change->pin == NULL)
    {
      cpd_pin_table_remove (ledger->table, change->host);
      return;
    }
  change->pin->stored_bytes = change->written_bytes;
  g_clear_pointer (&change->pin->source, g_free);
  if (change->folder != NULL)
    change->pin->source = g_build_filename (change->folder, change->name, NULL);
  ledger->bytes += change->written_bytes;
  cpd_pin_table_set (ledger->table, change->pin);
}

static void start_next (CpdLedger *ledger);

/* Back on the main loop. */
static void
change_on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdLedger *ledger = CPD_LEDGER (source);
  g_autoptr (GTask) task = G_TASK (user_data);
  Change *change = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  gboolean written = g_task_propagate_boolean (G_TASK (result), &error);

  if (written || (change->pin != NULL && change->pin->state == CPD_STATE_BLOCKED))
    apply_in_memory (ledger, change);
  ledger->busy = FALSE;
  if (written)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
  start_next (ledger);
}

static gboolean
is_there (CpdLedger *ledger, Change *change, GError **error)
{
  g_autoptr (CpdPin) pin = cpd_pin_table_get (ledger->table, change->host);

  if (pin != NULL)
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_PINNED,
               "nothing is pinned for ‘%s’ in this scope", cpd_host_get_text (change->host));
  return FALSE;
}

/* Whether the layer stays within its limit. A block in the place of a pin always fits: what is
 * refused must not be let through for want of room. */
static gboolean
fits (CpdLedger *ledger, Change *change, GError **error)
{
  g_autoptr (CpdPin) old = cpd_pin_table_get (ledger->table, change->host);
  guint64 others = ledger->bytes - MIN (ledger->bytes, old != NULL ? old->stored_bytes : 0);
  g_autoptr (GBytes) text = cpd_pin_file_print (change->pin, NULL);

  if (change->max_bytes == 0 || others + g_bytes_get_size (text) <= change->max_bytes
      || (old != NULL && change->pin->state == CPD_STATE_BLOCKED))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_LIMIT_EXCEEDED,
               "the pins would take more than %" G_GUINT64_FORMAT
               " bytes; unpin hosts that are not needed",
               change->max_bytes);
  return FALSE;
}

/* Whether the change can be made, now that its turn has come. */
static gboolean
check_change (CpdLedger *ledger, Change *change, GError **error)
{
  return change->pin != NULL ? fits (ledger, change, error) : is_there (ledger, change, error);
}

static gboolean
write_change (Change *change, GError **error)
{
  g_autofree char *account = change->of_user ? look_up_account (change->uid) : NULL;
  g_autoptr (GBytes) text = NULL;

  if (change->pin == NULL)
    return cpd_pin_folder_remove (change->folder, change->name, error);
  text = cpd_pin_file_print (change->pin, account);
  change->written_bytes = (guint32)g_bytes_get_size (text);
  return cpd_pin_folder_write (change->folder, change->name, text, error);
}

static void
write_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Change *change = task_data;
  GError *error = NULL;

  if (change->folder == NULL || write_change (change, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
start_writing (CpdLedger *ledger, GTask *task)
{
  g_autoptr (GTask) writing = g_task_new (ledger, NULL, change_on_written, task);

  ledger->busy = TRUE;
  g_task_set_task_data (writing, g_task_get_task_data (task), NULL);
  g_task_run_in_thread (writing, write_in_thread);
}

/* The next change's turn. A caller that has left does not stop its change: nothing here can be
 * cancelled. */
static void
start_next (CpdLedger *ledger)
{
  GTask *task;

  while (!ledger->busy && (task = g_queue_pop_head (ledger->waiting)) != NULL)
    {
      Change *change = g_task_get_task_data (task);
      GError *error = NULL;

      if (check_change (ledger, change, &error))
        {
          start_writing (ledger, task);
          continue;
        }
      g_task_return_error (task, error);
      g_object_unref (task);
    }
}

/* Carries a change out once those before it are through.
 * Errors: CERTPIN_ERROR_STORE_FAILED, after which the old pin is in force;
 * CERTPIN_ERROR_LIMIT_EXCEEDED. */
void
cpd_ledger_change_async (CpdLedger *ledger, const CpdChange *change, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (ledger, NULL, callback, user_data);
  Change *own = g_new0 (Change, 1);

  g_task_set_source_tag (task, cpd_ledger_change_async);
  own->host = cpd_host_ref (change->host);
  own->pin = change->pin != NULL ? cpd_pin_ref (change->pin) : NULL;
  own->folder = g_strdup (ledger->folder);
  own->name = cpd_pin_file_name (change->host);
  own->of_user = ledger->layer == CPD_LAYER_USER;
  own->uid = ledger->uid;
  own->max_bytes = change->max_bytes;
  g_task_set_task_data (task, own, change_free);
  g_queue_push_tail (ledger->waiting, g_steal_pointer (&task));
  start_next (ledger);
}

gboolean
cpd_ledger_change_finish (CpdLedger *ledger, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
