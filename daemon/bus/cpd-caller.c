/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who calls. The bus alone is asked, once for each connection; what it says is kept until that
 * connection ends, which also ends what it had under way. */

#include "config.h"

#include "daemon/bus/cpd-caller.h"

#include "client-lib/certpin-error.h"
#include "daemon/bus/cpd-process.h"

CpdCaller *
cpd_caller_new (const char *sender, guint32 uid)
{
  CpdCaller *caller = g_atomic_rc_box_new0 (CpdCaller);

  caller->sender = g_strdup (sender);
  caller->uid = uid;
  caller->gone = g_cancellable_new ();
  caller->allowed = g_hash_table_new (g_str_hash, g_str_equal);
  return caller;
}

CpdCaller *
cpd_caller_ref (CpdCaller *caller)
{
  return g_atomic_rc_box_acquire (caller);
}

static void
caller_clear (gpointer data)
{
  CpdCaller *caller = data;

  g_free (caller->sender);
  g_free (caller->program);
  g_free (caller->confinement);
  g_object_unref (caller->gone);
  g_hash_table_unref (caller->allowed);
}

void
cpd_caller_unref (CpdCaller *caller)
{
  if (caller != NULL)
    g_atomic_rc_box_release_full (caller, caller_clear);
}

/* Returns: (transfer full): as in “curl (uid 1000)” */
char *
cpd_caller_describe (const CpdCaller *caller)
{
  return g_strdup_printf ("%s (uid %u)", caller->program != NULL ? caller->program : "a program",
                          caller->uid);
}

struct _CpdCallers
{
  GObject parent;

  GDBusConnection *connection;
  GHashTable *known; /* sender → Connection */
};

G_DEFINE_FINAL_TYPE (CpdCallers, cpd_callers, G_TYPE_OBJECT)

/* One connection to the bus. */
typedef struct
{
  CpdCaller *caller;      /* NULL while the bus is being asked */
  GQueue *waiting;        /* of GTask: calls that wait for its answer, in their order */
  unsigned int returning; /* calls that were told who it is and have yet to go on */
  unsigned int watch;
} Connection;

static void
connection_free (gpointer data)
{
  Connection *connection = data;

  g_bus_unwatch_name (connection->watch);
  if (connection->caller != NULL)
    g_cancellable_cancel (connection->caller->gone);
  cpd_caller_unref (connection->caller);
  g_queue_free_full (connection->waiting, g_object_unref);
  g_free (connection);
}

static void
cpd_callers_dispose (GObject *object)
{
  CpdCallers *callers = CPD_CALLERS (object);

  g_clear_pointer (&callers->known, g_hash_table_unref);
  g_clear_object (&callers->connection);
  G_OBJECT_CLASS (cpd_callers_parent_class)->dispose (object);
}

static void
cpd_callers_class_init (CpdCallersClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_callers_dispose;
}

static void
cpd_callers_init (CpdCallers *callers)
{
  callers->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, connection_free);
}

CpdCallers *
cpd_callers_new (GDBusConnection *connection)
{
  CpdCallers *callers = g_object_new (CPD_TYPE_CALLERS, NULL);

  callers->connection = g_object_ref (connection);
  return callers;
}

/* Takes a connection's waiting calls, which are answered after it has its caller or is forgotten.
 */
static GQueue *
steal_waiting (Connection *connection)
{
  GQueue *waiting = connection->waiting;

  connection->waiting = g_queue_new ();
  return waiting;
}

static void
answer_waiting (GQueue *waiting, CpdCaller *caller)
{
  GTask *task;

  while ((task = g_queue_pop_head (waiting)) != NULL)
    {
      if (caller != NULL)
        g_task_return_pointer (task, cpd_caller_ref (caller), (GDestroyNotify)cpd_caller_unref);
      else
        g_task_return_new_error (task, CERTPIN_ERROR, CERTPIN_ERROR_NOT_AUTHORIZED,
                                 "the bus does not say who is calling");
      g_object_unref (task);
    }
  g_queue_free (waiting);
}

static void
on_gone (GDBusConnection *bus, const char *name, gpointer user_data)
{
  CpdCallers *callers = user_data;
  Connection *connection = g_hash_table_lookup (callers->known, name);
  GQueue *waiting;

  if (connection == NULL)
    return;
  waiting = steal_waiting (connection);
  g_hash_table_remove (callers->known, name);
  answer_waiting (waiting, NULL);
}

/* `credentials`: a{sv}, of org.freedesktop.DBus.GetConnectionCredentials, with what came along.
 * Without a uid nobody is known. */
static CpdCaller *
new_caller (const char *sender, GVariant *credentials, GUnixFDList *fds)
{
  CpdCaller *caller;
  guint32 uid;

  if (!g_variant_lookup (credentials, "UnixUserID", "u", &uid))
    return NULL;
  caller = cpd_caller_new (sender, uid);
  caller->program = cpd_process_find_program (credentials);
  caller->confinement = cpd_process_find_confinement (credentials, fds);
  return caller;
}

static void
identify_on_credentials (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = G_TASK (user_data);
  CpdCallers *callers = g_task_get_source_object (task);
  const char *sender = g_task_get_task_data (task);
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish (
      G_DBUS_CONNECTION (source), &fds, result, NULL);
  g_autoptr (GVariant) credentials = reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
  Connection *connection
      = callers->known != NULL ? g_hash_table_lookup (callers->known, sender) : NULL;
  GQueue *waiting;

  if (connection == NULL)
    return; /* it has left meanwhile */
  connection->caller = credentials != NULL ? new_caller (sender, credentials, fds) : NULL;
  waiting = steal_waiting (connection);
  connection->returning += waiting->length;
  if (connection->caller == NULL)
    {
      g_hash_table_remove (callers->known, sender);
      answer_waiting (waiting, NULL);
      return;
    }
  answer_waiting (waiting, connection->caller);
}

static Connection *
add_connection (CpdCallers *callers, const char *sender)
{
  Connection *connection = g_new0 (Connection, 1);
  GTask *task = g_task_new (callers, NULL, NULL, NULL);

  connection->waiting = g_queue_new ();
  connection->watch = g_bus_watch_name_on_connection (
      callers->connection, sender, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL, on_gone, callers, NULL);
  g_hash_table_insert (callers->known, g_strdup (sender), connection);
  g_task_set_task_data (task, g_strdup (sender), g_free);
  g_dbus_connection_call_with_unix_fd_list (
      callers->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "GetConnectionCredentials", g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(a{sv})"),
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, identify_on_credentials, task);
  return connection;
}

/* Returns: (transfer full) (nullable): who it is, if that was asked before and no earlier call of
 * the connection is still to hear of it: calls may not overtake each other */
CpdCaller *
cpd_callers_lookup (CpdCallers *callers, const char *sender)
{
  Connection *connection = g_hash_table_lookup (callers->known, sender);

  if (connection == NULL || connection->caller == NULL || connection->returning > 0)
    return NULL;
  return cpd_caller_ref (connection->caller);
}

/* Calls of one connection are answered in the order in which they ask.
 * Errors: CERTPIN_ERROR_NOT_AUTHORIZED. */
void
cpd_callers_identify_async (CpdCallers *callers, const char *sender, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (callers, NULL, callback, user_data);
  Connection *connection = g_hash_table_lookup (callers->known, sender);

  g_task_set_source_tag (task, cpd_callers_identify_async);
  if (connection == NULL)
    connection = add_connection (callers, sender);
  if (connection->caller == NULL)
    {
      g_queue_push_tail (connection->waiting, task);
      return;
    }
  connection->returning++;
  g_task_return_pointer (task, cpd_caller_ref (connection->caller),
                         (GDestroyNotify)cpd_caller_unref);
  g_object_unref (task);
}

/* Returns: (transfer full) */
CpdCaller *
cpd_callers_identify_finish (CpdCallers *callers, GAsyncResult *result, GError **error)
{
  CpdCaller *caller = g_task_propagate_pointer (G_TASK (result), error);
  Connection *connection
      = caller != NULL ? g_hash_table_lookup (callers->known, caller->sender) : NULL;

  if (connection != NULL)
    connection->returning--;
  return caller;
}

/* Returns: (transfer full): of CpdCaller: all that are known and still connected */
GPtrArray *
cpd_callers_list (CpdCallers *callers)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_caller_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, callers->known);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Connection *)value)->caller != NULL)
      g_ptr_array_add (list, cpd_caller_ref (((Connection *)value)->caller));
  return list;
}

/* What was allowed may not be any more. */
void
cpd_callers_forget_answers (CpdCallers *callers)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, callers->known);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Connection *)value)->caller != NULL)
      g_hash_table_remove_all (((Connection *)value)->caller->allowed);
}
