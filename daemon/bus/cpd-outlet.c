/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GDBus sends messages in order, and a busy bus takes them slowly: all users would wait behind one
 * user's thousand replies. So GDBus never gets more than a window of them. The rest waits here, and
 * whenever a window has left, the uids take turns in the next one. */

#include "config.h"

#include "daemon/bus/cpd-outlet.h"

#include "daemon/core/base/cpd-round.h"

/* It takes a busy bus some milliseconds to read it. */
#define WINDOW_BYTES (8 * 1024)

/* To serialize a larger message would block the main loop for too long. More than a window, so that
 * nothing overtakes it. */
#define THREAD_BYTES (64 * 1024)
G_STATIC_ASSERT (THREAD_BYTES >= WINDOW_BYTES);

typedef struct
{
  GDBusMessage *message;
  guint64 bytes;
} Parcel;

struct _CpdOutlet
{
  GDBusConnection *connection;
  CpdOutletSent sent;
  gpointer user_data;
  GCancellable *gone; /* tripped at the end */

  CpdRound round; /* of Parcel */
  GQueue window;  /* of Parcel: GDBus has them */
  guint64 window_bytes;
  gboolean packing;  /* one is being put together in a thread */
  gboolean flushing; /* GDBus is flushing */
};

static void send_next (CpdOutlet *outlet);

static void
parcel_free (gpointer data)
{
  Parcel *parcel = data;

  g_object_unref (parcel->message);
  g_free (parcel);
}

/* How many there were when the question was asked. */
typedef struct
{
  CpdOutlet *outlet;
  unsigned int count;
} Flush;

static void
on_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Flush *flush = user_data;
  CpdOutlet *outlet = flush->outlet;
  g_autoptr (GError) error = NULL;

  g_dbus_connection_flush_finish (G_DBUS_CONNECTION (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  outlet->flushing = FALSE;
  while (flush->count-- > 0)
    {
      Parcel *parcel = g_queue_pop_head (&outlet->window);

      outlet->window_bytes -= parcel->bytes;
      outlet->sent (g_dbus_message_get_destination (parcel->message), parcel->bytes,
                    outlet->user_data);
      parcel_free (parcel);
    }
  send_next (outlet);
}

static void
flush (CpdOutlet *outlet)
{
  Flush *question;

  if (outlet->flushing || g_queue_is_empty (&outlet->window))
    return;
  question = g_new (Flush, 1);
  question->outlet = outlet;
  question->count = outlet->window.length;
  outlet->flushing = TRUE;
  g_dbus_connection_flush (outlet->connection, outlet->gone, on_flushed, question);
}

/* Serializes it and gives it to GDBus. */
static void
transmit (CpdOutlet *outlet, Parcel *parcel)
{
  g_dbus_connection_send_message (outlet->connection, parcel->message,
                                  G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
}

static void
pack_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  g_dbus_connection_send_message (G_DBUS_CONNECTION (source), task_data,
                                  G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
  g_task_return_boolean (task, TRUE);
}

static void
on_packed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdOutlet *outlet = user_data;

  if (!g_task_propagate_boolean (G_TASK (result), NULL))
    return; /* the outlet is gone */
  outlet->packing = FALSE;
  send_next (outlet);
}

static void
pack (CpdOutlet *outlet, Parcel *parcel)
{
  g_autoptr (GTask) task = g_task_new (outlet->connection, outlet->gone, on_packed, outlet);

  outlet->packing = TRUE;
  g_task_set_task_data (task, g_object_ref (parcel->message), g_object_unref);
  g_task_run_in_thread (task, pack_in_thread);
}

/* Here nobody rests, so that the time does not matter.
 * Returns: (transfer full) (nullable) */
static Parcel *
take_next (CpdOutlet *outlet)
{
  CpdRoundUser *user;

  return cpd_round_take (&outlet->round, 0, &user);
}

static void
send_next (CpdOutlet *outlet)
{
  Parcel *parcel;

  while (outlet->window_bytes < WINDOW_BYTES && (parcel = take_next (outlet)) != NULL)
    {
      g_queue_push_tail (&outlet->window, parcel);
      outlet->window_bytes += parcel->bytes;
      if (parcel->bytes < THREAD_BYTES)
        transmit (outlet, parcel);
      else
        pack (outlet, parcel);
    }
  if (!outlet->packing)
    flush (outlet);
}

/* `sent`: called on the main context for every message. */
CpdOutlet *
cpd_outlet_new (GDBusConnection *connection, CpdOutletSent sent, gpointer user_data)
{
  CpdOutlet *outlet = g_new0 (CpdOutlet, 1);

  outlet->connection = g_object_ref (connection);
  outlet->sent = sent;
  outlet->user_data = user_data;
  outlet->gone = g_cancellable_new ();
  cpd_round_init (&outlet->round);
  return outlet;
}

/* Waiting messages still leave, in any order. */
void
cpd_outlet_free (CpdOutlet *outlet)
{
  Parcel *parcel;

  g_cancellable_cancel (outlet->gone);
  while ((parcel = take_next (outlet)) != NULL)
    {
      transmit (outlet, parcel);
      parcel_free (parcel);
    }
  cpd_round_clear (&outlet->round, parcel_free);
  g_queue_clear_full (&outlet->window, parcel_free);
  g_object_unref (outlet->gone);
  g_object_unref (outlet->connection);
  g_free (outlet);
}

/* `message`: to a caller of that uid. `bytes`: approximate */
void
cpd_outlet_send (CpdOutlet *outlet, guint32 uid, GDBusMessage *message, guint64 bytes)
{
  Parcel *parcel = g_new (Parcel, 1);

  parcel->message = g_object_ref (message);
  parcel->bytes = bytes;
  cpd_round_add (&outlet->round, cpd_round_get_user (&outlet->round, uid, 0), parcel);
  send_next (outlet);
}
