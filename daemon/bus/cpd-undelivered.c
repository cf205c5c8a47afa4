/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks the bus how much is undelivered. dbus-daemon answers for one connection, dbus-broker for all
 * at once. A caller is never asked: many programs read all messages but answer none, and each
 * unanswered question counts towards the bus's limit on pending replies. */

#include "config.h"

#include "daemon/bus/cpd-undelivered.h"

#define BUS         "org.freedesktop.DBus"
#define BUS_PATH    "/org/freedesktop/DBus"
#define STATS_IFACE "org.freedesktop.DBus.Debug.Stats"
#define PEERS_KEY   "org.bus1.DBus.Debug.Stats.PeerAccounting"

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
  GDBusConnection *connection;
  CpdUndeliveredFuncs funcs;
  gpointer user_data;
  Way way;
  unsigned int questions; /* under way */
  GCancellable *cancellable;
};

/* One question. */
typedef struct
{
  CpdUndelivered *undelivered;
  char *name;
  Way way;
} Question;

static void
question_free (Question *question)
{
  g_free (question->name);
  g_free (question);
}

CpdUndelivered *
cpd_undelivered_new (GDBusConnection *connection, const CpdUndeliveredFuncs *funcs,
                     gpointer user_data)
{
  CpdUndelivered *undelivered = g_new0 (CpdUndelivered, 1);

  undelivered->connection = g_object_ref (connection);
  undelivered->funcs = *funcs;
  undelivered->user_data = user_data;
  undelivered->cancellable = g_cancellable_new ();
  return undelivered;
}

void
cpd_undelivered_free (CpdUndelivered *undelivered)
{
  if (undelivered == NULL)
    return;
  g_cancellable_cancel (undelivered->cancellable); /* answers that come later reach nobody */
  g_object_unref (undelivered->cancellable);
  g_object_unref (undelivered->connection);
  g_free (undelivered);
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

/* Asks about one connection, by its unique name, or about all, if the bus can only answer for all.
 * The answer comes later. */
void
cpd_undelivered_ask (CpdUndelivered *undelivered, const char *name)
{
  gboolean all = undelivered->way == ALL_AT_ONCE;
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
  g_dbus_connection_call (
      undelivered->connection, BUS, BUS_PATH, STATS_IFACE, all ? "GetStats" : "GetConnectionStats",
      all ? NULL : g_variant_new ("(s)", name), G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE,
      TIMEOUT_MS, undelivered->cancellable, on_answer, question);
}
