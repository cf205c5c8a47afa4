/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Holds the calls that arrive before the service can answer any, drops those that arrive after its
 * end, which GDBus would answer with a lie, and knows those of one interface that it has not
 * answered. Looks at every message on GDBus's own thread; what is held stays unread behind the
 * first call, so nothing overtakes it. */

#include "config.h"

#include "daemon/bus/cpd-unanswered.h"

struct _CpdUnanswered
{
  char *interface;

  /* Of both threads: */
  GMutex lock;
  GCond changed;
  gboolean passing, ended;
  GHashTable *calls; /* of char *: sender and serial */
};

static char *
make_key (const char *name, guint32 serial)
{
  return g_strdup_printf ("%s %u", name != NULL ? name : "", serial);
}

static gboolean
expects_answer (GDBusMessage *message)
{
  return g_dbus_message_get_message_type (message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL
         && (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED) == 0;
}

/* Returns: whether the message is to be read now */
static gboolean
note_incoming (CpdUnanswered *unanswered, GDBusMessage *message)
{
  gboolean is_call = g_dbus_message_get_message_type (message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL;

  while (is_call && !unanswered->passing && !unanswered->ended)
    g_cond_wait (&unanswered->changed, &unanswered->lock);
  if (expects_answer (message)
      && g_strcmp0 (g_dbus_message_get_interface (message), unanswered->interface) == 0)
    g_hash_table_add (unanswered->calls, make_key (g_dbus_message_get_sender (message),
                                                   g_dbus_message_get_serial (message)));
  return !is_call || !unanswered->ended;
}

static void
note_outgoing (CpdUnanswered *unanswered, GDBusMessage *message)
{
  g_autofree char *key = make_key (g_dbus_message_get_destination (message),
                                   g_dbus_message_get_reply_serial (message));

  g_hash_table_remove (unanswered->calls, key);
}

static GDBusMessage *
on_message (GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
            gpointer user_data)
{
  CpdUnanswered *unanswered = user_data;
  gboolean goes_on = TRUE;

  g_mutex_lock (&unanswered->lock);
  if (incoming)
    goes_on = note_incoming (unanswered, message);
  else
    note_outgoing (unanswered, message);
  g_mutex_unlock (&unanswered->lock);
  if (!goes_on)
    g_clear_object (&message);
  return message;
}

static void
unanswered_destroy (gpointer data)
{
  CpdUnanswered *unanswered = data;

  g_free (unanswered->interface);
  g_hash_table_unref (unanswered->calls);
  g_mutex_clear (&unanswered->lock);
  g_cond_clear (&unanswered->changed);
  g_free (unanswered);
}

/* Holds all calls from now on. `interface`: whose calls are known.
 * Returns: (transfer none): the connection's */
CpdUnanswered *
cpd_unanswered_new (GDBusConnection *connection, const char *interface)
{
  CpdUnanswered *unanswered = g_new0 (CpdUnanswered, 1);

  unanswered->interface = g_strdup (interface);
  unanswered->calls = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_mutex_init (&unanswered->lock);
  g_cond_init (&unanswered->changed);
  g_dbus_connection_add_filter (connection, on_message, unanswered, unanswered_destroy);
  return unanswered;
}

static void
set (CpdUnanswered *unanswered, gboolean *what)
{
  g_mutex_lock (&unanswered->lock);
  *what = TRUE;
  g_cond_broadcast (&unanswered->changed);
  g_mutex_unlock (&unanswered->lock);
}

/* No call is read any more, for as long as there is the connection, which owns this. */
void
cpd_unanswered_end (CpdUnanswered *unanswered)
{
  set (unanswered, &unanswered->ended);
}

/* From now on calls are read. */
void
cpd_unanswered_let_pass (CpdUnanswered *unanswered)
{
  set (unanswered, &unanswered->passing);
}

unsigned int
cpd_unanswered_count (CpdUnanswered *unanswered)
{
  unsigned int count;

  g_mutex_lock (&unanswered->lock);
  count = g_hash_table_size (unanswered->calls);
  g_mutex_unlock (&unanswered->lock);
  return count;
}
