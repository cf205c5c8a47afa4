/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks the bus how much is undelivered. dbus-daemon answers for one connection, dbus-broker for all
 * at once. A caller is never asked: many programs read all messages but answer none, and each
 * unanswered question counts towards the bus's limit on pending replies.
 *
 * The bus must be asked after it has read everything that was sent before, but it drops its answers
 * to a connection with a full queue. So a call goes along behind what was sent, from the connection
 * that sends to the quiet one. When it arrives there, the bus is asked from there. */

#include "config.h"

#include "daemon/bus/cpd-undelivered.h"

#include "dbus/certpin-names.h"

#define STATS_IFACE "org.freedesktop.DBus.Debug.Stats"
#define PEERS_KEY   "org.bus1.DBus.Debug.Stats.PeerAccounting"

/* The policy lets only the service make this call. */
#define MARKER_PATH  CERTPIN_OBJECT_PATH "/marker"
#define MARKER_IFACE CERTPIN_BUS_NAME ".Marker"

/* Questions in progress that concern one connection each. */
#define QUESTIONS_MAX 8
#define TIMEOUT_MS    5000

/* Which of its ways the bus understands. */
typedef enum
{
  ONE_BY_ONE,
  ALL_AT_ONCE,
  NOT_AT_ALL,
} Way;

struct _CpdUndelivered
{
  GDBusConnection *connection, *quiet;
  CpdUndeliveredFuncs funcs;
  gpointer user_data;
  Way way;
  unsigned int questions; /* under way */
  unsigned int object;    /* on `quiet` */
  guint32 last;           /* number of a marker */
  gboolean told;          /* that one has not arrived */
  GHashTable *marked;     /* number → Question: those whose marker is under way */
  GCancellable *cancellable;
};

/* One question. */
typedef struct
{
  CpdUndelivered *undelivered;
  char *name;
  Way way;
  guint32 number;
  unsigned int timer; /* until its marker arrives */
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_clear_handle_id (&question->timer, g_source_remove);
  g_free (question->name);
  g_free (question);
}

gboolean
cpd_undelivered_asks_for_all (CpdUndelivered *undelivered)
{
  return undelivered->way == ALL_AT_ONCE;
}

gboolean
cpd_undelivered_can_ask (CpdUndelivered *undelivered)
{
  return undelivered->questions < (undelivered->way == ALL_AT_ONCE ? 1 : QUESTIONS_MAX);
}

static void
tell_of_all (CpdUndelivered *undelivered, GVariant *stats)
{
  g_autoptr (GVariant) peers
      = g_variant_lookup_value (stats, PEERS_KEY, G_VARIANT_TYPE ("a(sa{sv}a{su})"));
  GVariantIter iter;
  const char *name;
  GVariant *figures;

  if (peers == NULL)
    return;
  g_variant_iter_init (&iter, peers);
  while (g_variant_iter_next (&iter, "(&s@a{sv}@a{su})", &name, NULL, &figures))
    {
      guint32 bytes;

      if (g_variant_lookup (figures, "OutgoingBytes", "u", &bytes))
        undelivered->funcs.figure (name, bytes, undelivered->user_data);
      g_variant_unref (figures);
    }
}

static void
tell (const Question *question, GVariant *stats)
{
  CpdUndelivered *undelivered = question->undelivered;
  guint32 bytes;

  if (question->way == ALL_AT_ONCE)
    tell_of_all (undelivered, stats);
  else if (g_variant_lookup (stats, "OutgoingBytes", "u", &bytes))
    undelivered->funcs.figure (question->name, bytes, undelivered->user_data);
}

/* The bus does not support the question. Without any answer, everything counts as read. */
static void
try_another_way (CpdUndelivered *undelivered, Way failed, const GError *error)
{
  if (failed != undelivered->way)
    return; /* an earlier answer said so already */
  undelivered->way++;
  if (undelivered->way == NOT_AT_ALL)
    g_warning (
        "the bus does not report undelivered messages (%s): a program that does not read can "
        "slow down the service for all users",
        error->message);
}

static gboolean
is_about_the_way (const GError *error)
{
  return !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER)
         && !g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)
         && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
         && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Question *question = user_data;
  CpdUndelivered *undelivered = question->undelivered;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      question_free (question);
      return;
    }
  undelivered->questions--;
  if (reply != NULL)
    {
      g_autoptr (GVariant) stats = g_variant_get_child_value (reply, 0);

      tell (question, stats);
    }
  else if (is_about_the_way (error))
    try_another_way (undelivered, question->way, error);
  undelivered->funcs.done (question->name, undelivered->user_data);
  question_free (question);
}

/* The bus has read everything that was sent before. */
static void
ask_bus (Question *question)
{
  CpdUndelivered *undelivered = question->undelivered;
  gboolean all = question->way == ALL_AT_ONCE;

  g_dbus_connection_call (undelivered->quiet, DBUS_NAME, DBUS_PATH, STATS_IFACE,
                          all ? "GetStats" : "GetConnectionStats",
                          all ? NULL : g_variant_new ("(s)", question->name),
                          G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, TIMEOUT_MS,
                          undelivered->cancellable, on_answer, question);
}

/* Returns: (transfer full) (nullable): NULL: it has timed out */
static Question *
take_marked (CpdUndelivered *undelivered, guint32 number)
{
  gpointer question = NULL;

  g_hash_table_steal_extended (undelivered->marked, GUINT_TO_POINTER (number), NULL, &question);
  return question;
}

static void
on_marker (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *method, GVariant *arguments, GDBusMethodInvocation *invocation,
           gpointer user_data)
{
  CpdUndelivered *undelivered = user_data;
  Question *question = NULL;
  guint32 number;

  g_variant_get (arguments, "(u)", &number);
  if (g_strcmp0 (sender, g_dbus_connection_get_unique_name (undelivered->connection)) == 0)
    question = take_marked (undelivered, number);
  g_dbus_method_invocation_return_value (invocation, NULL); /* to nobody */
  if (question == NULL)
    return;
  g_clear_handle_id (&question->timer, g_source_remove);
  ask_bus (question);
}

static gboolean
on_late (gpointer user_data)
{
  Question *question = user_data;
  CpdUndelivered *undelivered = question->undelivered;

  if (!undelivered->told)
    g_message (
        "the bus does not pass on a call from the service to itself: large replies can wait; "
        "if this goes on, check that certpin's D-Bus policy file is that of this version, and "
        "reload the bus");
  undelivered->told = TRUE;
  question->timer = 0;
  take_marked (undelivered, question->number);
  undelivered->questions--;
  undelivered->funcs.done (question->name, undelivered->user_data);
  question_free (question);
  return G_SOURCE_REMOVE;
}

static void
send_marker (Question *question)
{
  CpdUndelivered *undelivered = question->undelivered;
  g_autoptr (GDBusMessage) marker = g_dbus_message_new_method_call (
      g_dbus_connection_get_unique_name (undelivered->quiet), MARKER_PATH, MARKER_IFACE, "Pass");

  question->number = ++undelivered->last;
  g_hash_table_insert (undelivered->marked, GUINT_TO_POINTER (question->number), question);
  question->timer = g_timeout_add (TIMEOUT_MS, on_late, question);
  g_dbus_message_set_flags (marker, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
  g_dbus_message_set_body (marker, g_variant_new ("(u)", question->number));
  g_dbus_connection_send_message (undelivered->connection, marker, G_DBUS_SEND_MESSAGE_FLAGS_NONE,
                                  NULL, NULL);
}

static unsigned int
await_markers (CpdUndelivered *undelivered)
{
  static const GDBusInterfaceVTable functions = { .method_call = on_marker };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (
      "<node><interface name=\"" MARKER_IFACE "\"><method name=\"Pass\">"
      "<arg type=\"u\" direction=\"in\"/></method></interface></node>",
      NULL);

  return g_dbus_connection_register_object (undelivered->quiet, MARKER_PATH, node->interfaces[0],
                                            &functions, undelivered, NULL, NULL);
}

/* `connection`: the one that sends. `quiet`: as in CpdBusSettings */
CpdUndelivered *
cpd_undelivered_new (GDBusConnection *connection, GDBusConnection *quiet,
                     const CpdUndeliveredFuncs *funcs, gpointer user_data)
{
  CpdUndelivered *undelivered = g_new0 (CpdUndelivered, 1);

  undelivered->connection = g_object_ref (connection);
  undelivered->quiet = g_object_ref (quiet);
  undelivered->funcs = *funcs;
  undelivered->user_data = user_data;
  undelivered->marked = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, question_free);
  undelivered->cancellable = g_cancellable_new ();
  undelivered->object = await_markers (undelivered);
  return undelivered;
}

void
cpd_undelivered_free (CpdUndelivered *undelivered)
{
  if (undelivered == NULL)
    return;
  g_dbus_connection_unregister_object (undelivered->quiet, undelivered->object);
  g_hash_table_unref (undelivered->marked);
  g_cancellable_cancel (undelivered->cancellable); /* answers that come later reach nobody */
  g_object_unref (undelivered->cancellable);
  g_object_unref (undelivered->connection);
  g_object_unref (undelivered->quiet);
  g_free (undelivered);
}

/* Asks about one connection, by its unique name, or about all, if the bus can only answer for all.
 * The answer comes later. */
void
cpd_undelivered_ask (CpdUndelivered *undelivered, const char *name)
{
  Question *question;

  if (undelivered->way == NOT_AT_ALL)
    {
      undelivered->funcs.figure (name, 0, undelivered->user_data);
      undelivered->funcs.done (name, undelivered->user_data);
      return;
    }
  question = g_new0 (Question, 1);
  question->undelivered = undelivered;
  question->name = g_strdup (name);
  question->way = undelivered->way;
  undelivered->questions++;
  send_marker (question);
}
