/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All callers. Only the bus says who they are, once for each connection. The answer is kept until
 * the connection ends, which also ends its calls in progress. One match rule reports the end of all
 * connections, because a bus limits the number of rules. */

#include "config.h"

#include "daemon/bus/cpd-callers.h"

#include "dbus/certpin-names.h"

#define ENDS_RULE                                                                                  \
  "type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH "',interface='" DBUS_NAME                \
  "',member='NameOwnerChanged',arg2=''"

/* How many questions the bus is asked at a time: each answer makes the service read /proc, and all
 * answers that have arrived are handled in one turn of the main loop. */
#define ASKED_MAX 4

struct _CpdCallers
{
  GObject parent;

  GDBusConnection *connection;
  CpdStore *store;
  unsigned int subscription;
  GHashTable *known; /* sender → CpdCaller *; NULL while it is being asked for */
  GQueue unasked;    /* of char *: senders, the next one first */
  unsigned int asked;
};

G_DEFINE_FINAL_TYPE (CpdCallers, cpd_callers, G_TYPE_OBJECT)

enum
{
  KNOWN,
  GONE,
  LOST,
  N_SIGNALS
};

static unsigned int signals[N_SIGNALS];

static void
call_bus (GDBusConnection *connection, const char *method, const char *argument)
{
  g_dbus_connection_call (connection, DBUS_NAME, DBUS_PATH, DBUS_NAME, method,
                          g_variant_new ("(s)", argument), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                          NULL, NULL);
}

static void
cpd_callers_dispose (GObject *object)
{
  CpdCallers *callers = CPD_CALLERS (object);

  if (callers->subscription != 0)
    {
      g_dbus_connection_signal_unsubscribe (callers->connection, callers->subscription);
      call_bus (callers->connection, "RemoveMatch", ENDS_RULE);
    }
  callers->subscription = 0;
  g_clear_pointer (&callers->known, g_hash_table_unref);
  g_queue_clear_full (&callers->unasked, g_free);
  g_clear_object (&callers->connection);
  g_clear_object (&callers->store);
  G_OBJECT_CLASS (cpd_callers_parent_class)->dispose (object);
}

static void
cpd_callers_class_init (CpdCallersClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cpd_callers_dispose;
  signals[KNOWN] = g_signal_new ("known", CPD_TYPE_CALLERS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[GONE] = g_signal_new ("gone", CPD_TYPE_CALLERS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[LOST] = g_signal_new ("lost", CPD_TYPE_CALLERS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_STRING);
}

/* A connection's calls in progress end with it. */
static void
end_caller (gpointer data)
{
  CpdCaller *caller = data;

  if (caller != NULL)
    g_cancellable_cancel (caller->gone);
  cpd_caller_unref (caller);
}

static void
cpd_callers_init (CpdCallers *callers)
{
  callers->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, end_caller);
}

static void
forget (CpdCallers *callers, const char *sender)
{
  g_autoptr (CpdCaller) caller = NULL;

  if (callers->known == NULL || !g_hash_table_contains (callers->known, sender))
    return;
  caller = g_hash_table_lookup (callers->known, sender);
  if (caller != NULL)
    cpd_caller_ref (caller);
  g_hash_table_remove (callers->known, sender);
  if (caller != NULL)
    g_signal_emit (callers, signals[GONE], 0, caller);
  else
    g_signal_emit (callers, signals[LOST], 0, sender);
}

static void
on_name_ended (GDBusConnection *connection, const char *sender, const char *path,
               const char *interface, const char *signal, GVariant *arguments, gpointer user_data)
{
  const char *name, *new_owner;

  if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE ("(sss)")))
    return;
  g_variant_get (arguments, "(&s&s&s)", &name, NULL, &new_owner);
  if (*new_owner == '\0')
    forget (user_data, name);
}

/* `quiet`: as in CpdBusSettings. Without an answer, a caller would be refused; without its end, its
 * calls would go on. */
CpdCallers *
cpd_callers_new (GDBusConnection *quiet, CpdStore *store)
{
  CpdCallers *callers = g_object_new (CPD_TYPE_CALLERS, NULL);

  callers->connection = g_object_ref (quiet);
  callers->store = g_object_ref (store);
  callers->subscription = g_dbus_connection_signal_subscribe (
      quiet, DBUS_NAME, DBUS_NAME, "NameOwnerChanged", DBUS_PATH, NULL,
      G_DBUS_SIGNAL_FLAGS_NO_MATCH_RULE, on_name_ended, callers, NULL);
  call_bus (quiet, "AddMatch", ENDS_RULE);
  return callers;
}

/* One question to the bus. */
typedef struct
{
  CpdCallers *callers;
  char *sender;
} Question;

static void ask_next (CpdCallers *callers);

/* `reply`: NULL, with an error: there is none */
static void
learn (CpdCallers *callers, const char *sender, GVariant *reply, GUnixFDList *fds,
       const GError *error)
{
  g_autoptr (GVariant) credentials = reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
  CpdCaller *caller;

  if (!g_hash_table_contains (callers->known, sender))
    return; /* it has left meanwhile */
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    {
      forget (callers, sender);
      return;
    }
  caller = cpd_caller_new_from_credentials (sender, credentials, fds, callers->store);
  g_hash_table_insert (callers->known, g_strdup (sender), caller);
  g_signal_emit (callers, signals[KNOWN], 0, caller);
}

static void
on_credentials (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (CpdCallers) callers = question->callers;
  g_autofree char *sender = question->sender;
  g_autoptr (GError) error = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish (
      G_DBUS_CONNECTION (source), &fds, result, &error);

  g_free (question);
  callers->asked--;
  if (callers->known == NULL)
    return;
  learn (callers, sender, reply, fds, error);
  ask_next (callers);
}

/* `sender`: (transfer full) */
static void
ask (CpdCallers *callers, char *sender)
{
  Question *question = g_new0 (Question, 1);

  question->callers = g_object_ref (callers);
  question->sender = sender;
  callers->asked++;
  g_dbus_connection_call_with_unix_fd_list (
      callers->connection, DBUS_NAME, DBUS_PATH, DBUS_NAME, "GetConnectionCredentials",
      g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, -1, NULL,
      NULL, on_credentials, question);
}

static void
ask_next (CpdCallers *callers)
{
  while (callers->asked < ASKED_MAX && !g_queue_is_empty (&callers->unasked))
    {
      g_autofree char *sender = g_queue_pop_head (&callers->unasked);

      if (g_hash_table_contains (callers->known, sender)) /* else it has left meanwhile */
        ask (callers, g_steal_pointer (&sender));
    }
}

/* Asks to whom a connection belongs. "known", "gone" or "lost" follows, now or later. */
void
cpd_callers_meet (CpdCallers *callers, const char *sender)
{
  CpdCaller *caller = g_hash_table_lookup (callers->known, sender);

  if (caller != NULL)
    g_signal_emit (callers, signals[KNOWN], 0, caller);
  if (g_hash_table_contains (callers->known, sender))
    return;
  g_hash_table_insert (callers->known, g_strdup (sender), NULL);
  g_queue_push_tail (&callers->unasked, g_strdup (sender));
  ask_next (callers);
}

/* Returns: (transfer full): of CpdCaller: all that are known and still connected */
GPtrArray *
cpd_callers_list (CpdCallers *callers)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify)cpd_caller_unref);
  GHashTableIter iter;
  gpointer caller;

  g_hash_table_iter_init (&iter, callers->known);
  while (g_hash_table_iter_next (&iter, NULL, &caller))
    if (caller != NULL)
      g_ptr_array_add (list, cpd_caller_ref (caller));
  return list;
}

/* What was allowed may not be any more. */
void
cpd_callers_forget_answers (CpdCallers *callers)
{
  g_autoptr (GPtrArray) list = cpd_callers_list (callers);

  for (unsigned int i = 0; i < list->len; i++)
    g_hash_table_remove_all (((CpdCaller *)list->pdata[i])->allowed);
}
