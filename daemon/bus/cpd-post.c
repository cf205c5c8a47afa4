/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends what the service sends to its callers. What is small and ready leaves at once: to wake a
 * thread for it would take longer. All else is serialized, sent and freed in a thread. GDBus's way
 * to the bus leads through two more threads. */

#include "config.h"

#include "daemon/bus/cpd-post.h"

/* GDBus numbers its own messages from 1. Nobody replies to these, but no two should be the same. */
#define FIRST_SERIAL 0x80000000

/* A larger message would keep the main loop for too long. */
#define SMALL_BYTES (8 * 1024)

struct _CpdPost
{
  int socket;
  CpdBaton *sending; /* who has it may send, so that each message stays in one piece */
  GThread *thread;
  guint32 serial; /* of the last message; of the thread, or of the main loop while that is idle */

  GMutex lock; /* over all that follows */
  GCond changed;
  GQueue waiting;    /* of CpdPacket */
  gboolean busy;     /* the thread has one more */
  unsigned int sent; /* and not yet counted */
  CpdAlarm *alarm;   /* NULL: nobody counts them */
  gboolean closed;
};

static gboolean
prepare (CpdPost *post, CpdPacket *packet)
{
  g_autoptr (GError) error = NULL;

  post->serial = (post->serial + 1) | FIRST_SERIAL;
  if (cpd_packet_prepare (packet, post->serial, &error))
    return TRUE;
  g_warning ("a message to %s is lost, since it cannot be serialized: %s",
             cpd_packet_get_receiver (packet), error->message);
  return FALSE;
}

/* One that is begun has the baton already. */
static void
send_packet (CpdPost *post, CpdPacket *packet)
{
  if (!cpd_packet_is_begun (packet))
    {
      if (!prepare (post, packet))
        return;
      cpd_baton_take (post->sending);
    }
  cpd_packet_send (packet, post->socket, /* wait= */ TRUE);
  cpd_baton_give (post->sending);
}

/* With the lock held, as the next one. Returns: (transfer full) (nullable): NULL: it is the end. */
static CpdPacket *
wait_for_packet (CpdPost *post)
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
  CpdPacket *packet;

  g_mutex_lock (&post->lock);
  while ((packet = wait_for_packet (post)) != NULL)
    {
      g_mutex_unlock (&post->lock);
      send_packet (post, packet);
      cpd_packet_free (packet);
      g_mutex_lock (&post->lock);
      tell_of_sent (post);
    }
  g_mutex_unlock (&post->lock);
  return NULL;
}

/* `socket`, `sending`: outlive it */
CpdPost *
cpd_post_new (int socket, CpdBaton *sending)
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

static gboolean
is_idle (CpdPost *post)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&post->lock);

  return !post->busy && g_queue_is_empty (&post->waiting);
}

/* On the thread that gives it all messages, without waiting.
 * Returns: FALSE: not all of it has left; it must be given to cpd_post_send () next */
gboolean
cpd_post_send_now (CpdPost *post, CpdPacket *packet)
{
  gsize size = cpd_packet_get_size (packet);
  gboolean left;

  if (size == 0 || size > SMALL_BYTES || !is_idle (post) || !cpd_baton_try (post->sending))
    return FALSE;
  left = !prepare (post, packet) || cpd_packet_send (packet, post->socket, /* wait= */ FALSE);
  if (left || !cpd_packet_is_begun (packet))
    cpd_baton_give (post->sending);
  return left;
}

/* `packet`: (transfer full). Does not wait. */
void
cpd_post_send (CpdPost *post, CpdPacket *packet)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&post->lock);

  g_queue_push_tail (&post->waiting, packet);
  g_cond_broadcast (&post->changed);
}

/* Returns: how many messages have left by the thread, in the order in which they were given, since
 * this was last asked */
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
