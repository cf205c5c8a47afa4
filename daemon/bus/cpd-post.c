/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Serializes what the service sends to its callers, sends it, and frees it, in a thread: on the
 * main loop that took a quarter of all that a request costs, and GDBus's way to the bus leads
 * through two more threads. */

#include "config.h"

#include "daemon/bus/cpd-post.h"

#include "daemon/bus/cpd-socket.h"

#include <gio/gunixfdlist.h>

/* GDBus numbers its own messages from 1. Nobody replies to these, but no two should be the same. */
#define FIRST_SERIAL 0x80000000

struct _CpdPost
{
  int socket;
  GMutex *sending; /* held while a message is sent, so that it stays in one piece */
  GThread *thread;
  guint32 serial; /* of the last message; only for the thread */

  GMutex lock; /* over all that follows */
  GCond changed;
  GQueue waiting;    /* of GDBusMessage */
  gboolean busy;     /* the thread has one more */
  unsigned int sent; /* and not yet counted */
  CpdAlarm *alarm;   /* NULL: nobody counts them */
  gboolean closed;
};

/* Returns: (transfer full) (nullable): NULL: it has none. The message keeps them open. */
static GArray *
list_descriptors (GDBusMessage *message)
{
  GUnixFDList *list = g_dbus_message_get_unix_fd_list (message);
  int count = 0;
  const int *fds = list != NULL ? g_unix_fd_list_peek_fds (list, &count) : NULL;

  if (count == 0)
    return NULL;
  return g_array_append_vals (g_array_new (FALSE, FALSE, sizeof (int)), fds, (unsigned int)count);
}

/* If the bus is gone, the connection tells. */
static void
send_message (CpdPost *post, GDBusMessage *message)
{
  g_autoptr (GArray) descriptors = list_descriptors (message);
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *bytes = NULL;
  gsize size;

  post->serial = (post->serial + 1) | FIRST_SERIAL;
  g_dbus_message_set_serial (message, post->serial);
  bytes = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, &error);
  if (bytes == NULL)
    {
      g_warning ("a message to %s is lost, since it cannot be serialized: %s",
                 g_dbus_message_get_destination (message), error->message);
      return;
    }
  g_mutex_lock (post->sending);
  cpd_socket_send (post->socket, bytes, size, descriptors);
  g_mutex_unlock (post->sending);
}

/* With the lock held, as the next one. Returns: (transfer full) (nullable): NULL: it is the end. */
static GDBusMessage *
wait_for_message (CpdPost *post)
{
  while (g_queue_is_empty (&post->waiting) && !post->closed)
    g_cond_wait (&post->changed, &post->lock);
  post->busy = !g_queue_is_empty (&post->waiting);
  return g_queue_pop_head (&post->waiting);
}

/* The main loop is woken for many messages at a time. */
static void
tell_of_sent (CpdPost *post)
{
  post->busy = FALSE;
  post->sent++;
  if (!g_queue_is_empty (&post->waiting))
    return;
  if (post->alarm != NULL)
    cpd_alarm_set (post->alarm, 0);
  g_cond_broadcast (&post->changed);
}

static gpointer
work (gpointer user_data)
{
  CpdPost *post = user_data;
  GDBusMessage *message;

  g_mutex_lock (&post->lock);
  while ((message = wait_for_message (post)) != NULL)
    {
      g_mutex_unlock (&post->lock);
      send_message (post, message);
      g_object_unref (message);
      g_mutex_lock (&post->lock);
      tell_of_sent (post);
    }
  g_mutex_unlock (&post->lock);
  return NULL;
}

/* `socket`, `sending`: outlive it */
CpdPost *
cpd_post_new (int socket, GMutex *sending)
{
  CpdPost *post = g_new0 (CpdPost, 1);

  post->socket = socket;
  post->sending = sending;
  g_mutex_init (&post->lock);
  g_cond_init (&post->changed);
  post->thread = g_thread_new ("certpin-post", work, post);
  return post;
}

/* Waits until all is sent, or the socket is shut down. */
void
cpd_post_free (CpdPost *post)
{
  g_mutex_lock (&post->lock);
  post->closed = TRUE;
  g_cond_broadcast (&post->changed);
  g_mutex_unlock (&post->lock);
  g_thread_join (post->thread);
  g_cond_clear (&post->changed);
  g_mutex_clear (&post->lock);
  g_free (post);
}

/* `alarm`: rings when messages were sent; NULL: from now on, none does */
void
cpd_post_follow (CpdPost *post, CpdAlarm *alarm)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&post->lock);

  post->alarm = alarm;
}

/* `message`: (transfer full): for no other thread any more. Does not wait. */
void
cpd_post_send (CpdPost *post, GDBusMessage *message)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&post->lock);

  g_queue_push_tail (&post->waiting, message);
  g_cond_broadcast (&post->changed);
}

/* Returns: how many messages have left, in the order in which they were given, since this was last
 * asked */
unsigned int
cpd_post_count_sent (CpdPost *post)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&post->lock);
  unsigned int sent = post->sent;

  post->sent = 0;
  return sent;
}

/* Waits until all is sent, or it is `deadline_us` (monotonic). */
void
cpd_post_flush (CpdPost *post, gint64 deadline_us)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&post->lock);

  while ((post->busy || !g_queue_is_empty (&post->waiting))
         && g_cond_wait_until (&post->changed, &post->lock, deadline_us))
    ;
}
