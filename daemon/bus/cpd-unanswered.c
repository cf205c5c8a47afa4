/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Holds the place of a call until its reply has arrived. GDBus forgets a cancelled call at once,
 * but the bus counts it until it is answered, and refuses the calls of a connection with 128
 * unanswered ones. So replies are noticed here, on GDBus's thread, and places are left on the main
 * loop. If the called program leaves, the bus itself replies. */

#include "config.h"

#include "daemon/bus/cpd-unanswered.h"

/* Reference-counted: the filter, and replies on their way, may outlive its owner. */
struct _CpdUnanswered
{
  GDBusConnection *connection;
  unsigned int filter;
  GHashTable *places; /* serial → CpdPlace; NULL: its owner is gone. Only for the main thread */
};

typedef struct
{
  CpdUnanswered *unanswered;
  guint32 serial;
} Reply;

static void
unanswered_unref (gpointer data)
{
  g_atomic_rc_box_release (data);
}

static void
reply_free (gpointer data)
{
  Reply *reply = data;

  unanswered_unref (reply->unanswered);
  g_free (reply);
}

static gboolean
on_reply (gpointer user_data)
{
  Reply *reply = user_data;
  gpointer place;

  if (reply->unanswered->places != NULL
      && g_hash_table_steal_extended (reply->unanswered->places, GUINT_TO_POINTER (reply->serial),
                                      NULL, &place))
    cpd_place_leave (place);
  return G_SOURCE_REMOVE;
}

/* On GDBus's thread. */
static GDBusMessage *
filter (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  GDBusMessageType type = g_dbus_message_get_message_type (message);
  Reply *reply;

  if (!incoming || (type != G_DBUS_MESSAGE_TYPE_METHOD_RETURN && type != G_DBUS_MESSAGE_TYPE_ERROR))
    return message;
  reply = g_new0 (Reply, 1);
  reply->unanswered = g_atomic_rc_box_acquire (user_data);
  reply->serial = g_dbus_message_get_reply_serial (message);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_reply, reply, reply_free);
  return message;
}

static void
leave_place (gpointer data)
{
  cpd_place_leave (data);
}

CpdUnanswered *
cpd_unanswered_new (GDBusConnection *connection)
{
  CpdUnanswered *unanswered = g_atomic_rc_box_new0 (CpdUnanswered);

  unanswered->connection = g_object_ref (connection);
  unanswered->places = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, leave_place);
  unanswered->filter = g_dbus_connection_add_filter (
      connection, filter, g_atomic_rc_box_acquire (unanswered), unanswered_unref);
  return unanswered;
}

void
cpd_unanswered_free (CpdUnanswered *unanswered)
{
  if (unanswered == NULL)
    return;
  g_dbus_connection_remove_filter (unanswered->connection, unanswered->filter);
  g_clear_pointer (&unanswered->places, g_hash_table_unref);
  g_clear_object (&unanswered->connection);
  unanswered_unref (unanswered);
}

/* Leaves the place once the last message that this thread sent has its reply.
 * `place`: (transfer full) */
void
cpd_unanswered_hold (CpdUnanswered *unanswered, CpdPlace *place)
{
  guint32 serial = g_dbus_connection_get_last_serial (unanswered->connection);

  g_hash_table_insert (unanswered->places, GUINT_TO_POINTER (serial), place);
}
