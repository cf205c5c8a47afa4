/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The post sends messages in order, and a busy bus takes them slowly: all users would wait behind
 * one user's thousand replies. So the post never gets more than a window of them. The rest waits
 * here, and whenever a window has left, the uids take turns in the next one. */

#include "config.h"

#include "daemon/bus/cpd-outlet.h"

#include "daemon/core/base/cpd-alarm.h"
#include "daemon/core/base/cpd-round.h"

/* It takes a busy bus some milliseconds to read it. */
#define WINDOW_BYTES (8 * 1024)

typedef struct
{
  CpdPacket *packet; /* NULL: the post has it */
  char *receiver;
  guint64 bytes;
} Parcel;

struct _CpdOutlet
{
  CpdPost *post;
  CpdAlarm *alarm; /* rings when the post has sent some */
  CpdOutletSent sent;
  gpointer user_data;

  CpdRound round; /* of Parcel */
  GQueue window;  /* of Parcel: the post has them */
  guint64 window_bytes;
};

static void
parcel_free (gpointer data)
{
  Parcel *parcel = data;

  g_clear_pointer (&parcel->packet, cpd_packet_free);
  g_free (parcel->receiver);
  g_free (parcel);
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
      cpd_post_send (outlet->post, g_steal_pointer (&parcel->packet));
    }
}

static void
on_left (gpointer user_data)
{
  CpdOutlet *outlet = user_data;

  for (unsigned int count = cpd_post_count_sent (outlet->post); count > 0; count--)
    {
      Parcel *parcel = g_queue_pop_head (&outlet->window);

      outlet->window_bytes -= parcel->bytes;
      outlet->sent (parcel->receiver, parcel->bytes, outlet->user_data);
      parcel_free (parcel);
    }
  send_next (outlet);
}

/* `post`: outlives it, and has no other outlet. `sent`: called on the main context for every
 * message, for some before cpd_outlet_send () returns. */
CpdOutlet *
cpd_outlet_new (CpdPost *post, CpdOutletSent sent, gpointer user_data)
{
  CpdOutlet *outlet = g_new0 (CpdOutlet, 1);

  outlet->post = post;
  outlet->alarm = cpd_alarm_new ("messages that have left", on_left, outlet);
  outlet->sent = sent;
  outlet->user_data = user_data;
  cpd_round_init (&outlet->round);
  cpd_post_follow (post, outlet->alarm);
  return outlet;
}

/* Waiting messages still leave, in any order. */
void
cpd_outlet_free (CpdOutlet *outlet)
{
  Parcel *parcel;

  cpd_post_follow (outlet->post, NULL);
  cpd_alarm_free (outlet->alarm);
  while ((parcel = take_next (outlet)) != NULL)
    {
      cpd_post_send (outlet->post, g_steal_pointer (&parcel->packet));
      parcel_free (parcel);
    }
  cpd_round_clear (&outlet->round, parcel_free);
  g_queue_clear_full (&outlet->window, parcel_free);
  g_free (outlet);
}

/* Where nothing waits, nobody's turn is taken. */
static gboolean
send_now (CpdOutlet *outlet, CpdPacket *packet, guint64 bytes)
{
  if (!g_queue_is_empty (&outlet->window) || !cpd_post_send_now (outlet->post, packet))
    return FALSE;
  outlet->sent (cpd_packet_get_receiver (packet), bytes, outlet->user_data);
  cpd_packet_free (packet);
  return TRUE;
}

/* `packet`: (transfer full): to a caller of that uid. `bytes`: approximate */
void
cpd_outlet_send (CpdOutlet *outlet, guint32 uid, CpdPacket *packet, guint64 bytes)
{
  Parcel *parcel;

  if (send_now (outlet, packet, bytes))
    return;
  parcel = g_new (Parcel, 1);
  parcel->packet = packet;
  parcel->receiver = g_strdup (cpd_packet_get_receiver (packet));
  parcel->bytes = bytes;
  cpd_round_add (&outlet->round, cpd_round_get_user (&outlet->round, uid, 0), parcel);
  send_next (outlet);
}
