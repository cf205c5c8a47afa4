/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sends messages to callers as fast as they read. A message leaves at once if its receiver has
 * credit; otherwise, a reply waits here with everything that it holds, and a signal is dropped. The
 * bus is asked what was delivered only if necessary. A receiver that takes nothing for PATIENCE_S
 * loses its waiting messages. */

#include "config.h"

#include "daemon/bus/cpd-delivery.h"

#include "daemon/bus/cpd-credit.h"
#include "daemon/bus/cpd-outlet.h"
#include "daemon/bus/cpd-undelivered.h"
#include "daemon/core/base/cpd-alarm.h"
#include "daemon/core/base/cpd-budget.h"
#include "dbus/certpin-names.h"

#define PATIENCE_S 30

/* Between two questions about one receiver; doubled each time that nothing was delivered. */
#define WAIT_MIN_US         2000
#define WAIT_MAX_US         256000
#define WAIT_MAX_PATIENT_US (4 * G_USEC_PER_SEC) /* where nothing waits for the answer */
/* Between two questions about all receivers, which cost the bus more. */
#define WAIT_ALL_US 20000

/* A limit on replies that no other limit counts; beyond it, no more calls are taken. */
#define HELD_MAX       64
#define HELD_MAX_BYTES (256 * 1024)

/* Descriptors that receivers have not taken yet: dbus-daemon stops reading from a service that has
 * 64 of them, and everybody would wait. */
#define DESCRIPTORS_MAX         56
#define DESCRIPTORS_SHARED      48
#define DESCRIPTORS_MAX_PER_UID 16

/* A message without its body, rounded up. */
#define HEADER_BYTES 512

/* So much of a message may be many small things. */
#define SMALL_BYTES (64 * 1024)

/* Whoever was sent something. */
typedef struct
{
  CpdCaller *caller;
  CpdDebtor *debtor;
  GQueue held;                    /* of Reply */
  guint64 held_bytes;             /* of those that no other budget bounds */
  guint64 unsent;                 /* charged, and still in the outlet */
  unsigned int descriptors;       /* not known to be taken */
  unsigned int asked_descriptors; /* of them, those at the bus when it was last asked */
  gboolean wants_room;            /* a signal was dropped */
  gboolean asking, deaf, paused;
  gint64 asked_us, wait_us, progress_us;
} Receiver;

struct _CpdDelivery
{
  CpdInbox *inbox;
  CpdOutlet *outlet;
  CpdCredit *credit;
  CpdUndelivered *undelivered;
  GHashTable *receivers; /* unique name → Receiver */
  CpdAlarm *alarm;
  CpdDeliveryRoomFunc room;
  gpointer user_data;
};

static void
reply_free (CpdReply *reply)
{
  g_object_unref (reply->call);
  g_clear_pointer (&reply->packet, cpd_packet_free);
  reply->sent (reply->data);
  g_free (reply);
}

static void
drop_held (Receiver *receiver)
{
  CpdReply *reply;

  receiver->held_bytes = 0;
  while ((reply = g_queue_pop_head (&receiver->held)) != NULL)
    reply_free (reply);
}

static void
receiver_free (gpointer data)
{
  Receiver *receiver = data;

  drop_held (receiver);
  cpd_debtor_free (receiver->debtor);
  cpd_caller_unref (receiver->caller);
  g_free (receiver);
}

static Receiver *
get_receiver (CpdDelivery *delivery, CpdCaller *caller)
{
  Receiver *receiver = g_hash_table_lookup (delivery->receivers, caller->sender);

  if (receiver != NULL)
    return receiver;
  receiver = g_new0 (Receiver, 1);
  receiver->caller = cpd_caller_ref (caller);
  receiver->debtor = cpd_debtor_new (delivery->credit, caller->owner);
  receiver->progress_us = g_get_monotonic_time ();
  g_hash_table_insert (delivery->receivers, caller->sender, receiver);
  return receiver;
}

static void
on_sent (const char *name, guint64 bytes, gpointer user_data)
{
  CpdDelivery *delivery = user_data;
  Receiver *receiver = g_hash_table_lookup (delivery->receivers, name);

  if (receiver != NULL)
    receiver->unsent -= MIN (receiver->unsent, bytes);
}

/* Returns: when the next question about a receiver is allowed */
static gint64
may_ask_at (CpdDelivery *delivery, const Receiver *receiver)
{
  gboolean all = cpd_undelivered_asks_for_all (delivery->undelivered);

  return receiver->asked_us + (all ? MAX (receiver->wait_us, WAIT_ALL_US) : receiver->wait_us);
}

/* Whether one more descriptor may be undelivered. A uid that has none may almost always have
 * one. Its apps leave half of what it may have to its own programs. */
static gboolean
has_room_for_descriptor (CpdDelivery *delivery, const CpdCaller *caller)
{
  unsigned int own = 0, of_apps = 0, others = 0;
  guint64 share;
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, delivery->receivers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Receiver *receiver = value;

      if (receiver->caller->uid != caller->uid)
        others += receiver->descriptors;
      else if (receiver->caller->app != NULL)
        of_apps += receiver->descriptors;
      else
        own += receiver->descriptors;
    }
  share = cpd_budget_share (DESCRIPTORS_SHARED, others, DESCRIPTORS_MAX_PER_UID);
  return (own + of_apps < share && (caller->app == NULL || of_apps < share / 2))
         || (own + of_apps == 0 && others < DESCRIPTORS_MAX);
}

static gboolean
has_room (CpdDelivery *delivery, const Receiver *receiver, const CpdReply *reply)
{
  return cpd_debtor_has_room (receiver->debtor, reply->bytes)
         && (!cpd_packet_has_descriptor (reply->packet)
             || has_room_for_descriptor (delivery, receiver->caller));
}

/* `packet`: (transfer full) */
static void
transmit (CpdDelivery *delivery, Receiver *receiver, CpdPacket *packet, guint64 bytes)
{
  cpd_debtor_charge (receiver->debtor, bytes);
  receiver->unsent += bytes;
  cpd_outlet_send (delivery->outlet, receiver->caller->uid, packet, bytes);
  if (receiver->descriptors > 0
      || cpd_debtor_get_bytes (receiver->debtor) > CPD_CREDIT_UNASKED_BYTES)
    cpd_alarm_set (delivery->alarm, may_ask_at (delivery, receiver));
}

/* While much waits for a receiver, or it is known not to read, no more of its calls are taken. */
static void
update_pause (CpdDelivery *delivery, Receiver *receiver)
{
  gboolean paused = receiver->deaf || receiver->held.length >= HELD_MAX
                    || receiver->held_bytes > HELD_MAX_BYTES;

  if (paused == receiver->paused)
    return;
  receiver->paused = paused;
  cpd_inbox_pause (delivery->inbox, receiver->caller->sender, paused);
}

/* Sends what waits and has room. */
static void
pump (CpdDelivery *delivery, Receiver *receiver)
{
  CpdReply *reply;

  while ((reply = g_queue_peek_head (&receiver->held)) != NULL
         && has_room (delivery, receiver, reply))
    {
      g_queue_pop_head (&receiver->held);
      receiver->held_bytes -= reply->budgeted ? 0 : reply->bytes;
      receiver->descriptors += cpd_packet_has_descriptor (reply->packet) ? 1 : 0;
      transmit (delivery, receiver, g_steal_pointer (&reply->packet), reply->bytes);
      reply_free (reply);
    }
  if (receiver->wants_room && g_queue_is_empty (&receiver->held)
      && cpd_debtor_has_room (receiver->debtor, HEADER_BYTES))
    {
      receiver->wants_room = FALSE;
      delivery->room (receiver->caller, delivery->user_data);
    }
  update_pause (delivery, receiver);
}

/* Whether messages wait for the receiver to read. */
static gboolean
is_waiting (const Receiver *receiver)
{
  return receiver->held.length > 0 || (receiver->wants_room && !receiver->deaf);
}

/* Returns: (transfer container): a copy, because handling one receiver may change the table */
static GPtrArray *
list_receivers (CpdDelivery *delivery)
{
  GPtrArray *list = g_ptr_array_sized_new (g_hash_table_size (delivery->receivers));
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, delivery->receivers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (list, value);
  return list;
}

/* When one receiver reads, another may get room. */
static void
pump_all (CpdDelivery *delivery)
{
  g_autoptr (GPtrArray) receivers = list_receivers (delivery);

  for (unsigned int i = 0; i < receivers->len; i++)
    if (is_waiting (receivers->pdata[i]))
      pump (delivery, receivers->pdata[i]);
}

static void
on_figure (const char *name, guint64 bytes, gpointer user_data)
{
  CpdDelivery *delivery = user_data;
  Receiver *receiver = g_hash_table_lookup (delivery->receivers, name);

  if (receiver == NULL)
    return;
  if (bytes == 0)
    receiver->descriptors -= receiver->asked_descriptors;
  receiver->asked_descriptors = 0;
  if (cpd_debtor_prove (receiver->debtor, bytes))
    {
      receiver->progress_us = g_get_monotonic_time ();
      receiver->wait_us = 0;
      receiver->deaf = FALSE;
      update_pause (delivery, receiver);
    }
  else
    receiver->wait_us = CLAMP (receiver->wait_us * 2, WAIT_MIN_US,
                               is_waiting (receiver) ? WAIT_MAX_US : WAIT_MAX_PATIENT_US);
}

static void
on_done (const char *name, gpointer user_data)
{
  CpdDelivery *delivery = user_data;
  Receiver *receiver = g_hash_table_lookup (delivery->receivers, name);

  if (receiver != NULL)
    receiver->asking = FALSE;
  pump_all (delivery);
  cpd_alarm_set (delivery->alarm, 0);
}

/* What is still in the outlet then, no answer tells anything about. */
static void
begin_question (Receiver *receiver)
{
  receiver->asked_descriptors = receiver->unsent == 0 ? receiver->descriptors : 0;
  cpd_debtor_begin_question (receiver->debtor, receiver->unsent);
}

static void
begin_question_of_all (CpdDelivery *delivery, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, delivery->receivers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Receiver *receiver = value;

      receiver->asked_us = now_us;
      begin_question (receiver);
    }
}

static void
ask (CpdDelivery *delivery, Receiver *receiver, gint64 now_us)
{
  receiver->asking = TRUE;
  receiver->asked_us = now_us;
  if (cpd_undelivered_asks_for_all (delivery->undelivered))
    begin_question_of_all (delivery, now_us);
  else
    begin_question (receiver);
  cpd_undelivered_ask (delivery->undelivered, receiver->caller->sender);
}

/* Replaces a reply that could not be delivered in time. */
static void
expire (CpdDelivery *delivery, Receiver *receiver, CpdReply *reply)
{
  cpd_packet_free (reply->packet);
  reply->packet = cpd_packet_new (g_dbus_message_new_method_error_literal (
      reply->call, CERTPIN_ERROR_PREFIX "TimedOut",
      "the reply could not be delivered: your programs have too many unread messages; read those "
      "first"));
  receiver->held_bytes += reply->budgeted ? HEADER_BYTES : HEADER_BYTES - reply->bytes;
  reply->budgeted = FALSE;
  reply->bytes = HEADER_BYTES;
  reply->deadline_us = 0;
}

/* Returns: when the receiver must be looked at again, at the earliest */
static gint64
look_after (CpdDelivery *delivery, Receiver *receiver, gint64 now_us)
{
  gint64 due = G_MAXINT64;

  for (GList *link = receiver->held.head; link != NULL; link = link->next)
    {
      CpdReply *reply = link->data;

      if (reply->deadline_us != 0 && reply->deadline_us <= now_us)
        expire (delivery, receiver, reply);
      else if (reply->deadline_us != 0)
        due = MIN (due, reply->deadline_us);
    }
  if (g_queue_is_empty (&receiver->held) && !receiver->wants_room)
    receiver->progress_us = now_us;
  else if (cpd_debtor_get_bytes (receiver->debtor) > 0 && !receiver->deaf)
    {
      if (now_us - receiver->progress_us >= PATIENCE_S * G_USEC_PER_SEC)
        {
          receiver->deaf = TRUE;
          drop_held (receiver);
        }
      else
        due = MIN (due, receiver->progress_us + PATIENCE_S * G_USEC_PER_SEC);
    }
  update_pause (delivery, receiver);
  return due;
}

/* `in_the_way`: another receiver waits, and this one's bytes may be the reason. */
static gboolean
must_ask (const Receiver *receiver, gboolean in_the_way)
{
  guint64 bytes = cpd_debtor_get_bytes (receiver->debtor);

  return bytes > 0
         && (in_the_way || receiver->held.length > 0 || receiver->wants_room || receiver->deaf
             || receiver->descriptors > 0 || bytes > CPD_CREDIT_UNASKED_BYTES);
}

static gboolean
somebody_waits (const GPtrArray *receivers)
{
  for (unsigned int i = 0; i < receivers->len; i++)
    if (is_waiting (receivers->pdata[i]))
      return TRUE;
  return FALSE;
}

/* Looks at every receiver: what is overdue, whom to ask about, and when to look again. */
static void
look_at_all (gpointer user_data)
{
  CpdDelivery *delivery = user_data;
  g_autoptr (GPtrArray) receivers = list_receivers (delivery);
  gboolean waits = somebody_waits (receivers);
  gint64 now_us = g_get_monotonic_time (), next_us = G_MAXINT64;

  for (unsigned int i = 0; i < receivers->len; i++)
    {
      Receiver *receiver = receivers->pdata[i];
      gint64 at_us = may_ask_at (delivery, receiver);

      next_us = MIN (next_us, look_after (delivery, receiver, now_us));
      if (receiver->asking || !must_ask (receiver, waits))
        continue;
      if (at_us > now_us)
        next_us = MIN (next_us, at_us);
      else if (cpd_undelivered_can_ask (delivery->undelivered)) /* else when an answer comes */
        ask (delivery, receiver, now_us);
    }
  if (next_us != G_MAXINT64)
    cpd_alarm_set (delivery->alarm, next_us);
  pump_all (delivery);
}

/* `link`, `inbox`: outlive it. `quiet`: as in CpdBusSettings. `room`: called when a receiver that
 * missed a signal can be told so. */
CpdDelivery *
cpd_delivery_new (CpdLink *link, GDBusConnection *quiet, CpdInbox *inbox, CpdDeliveryRoomFunc room,
                  gpointer user_data)
{
  static const CpdUndeliveredFuncs funcs = { .figure = on_figure, .done = on_done };
  CpdDelivery *delivery = g_new0 (CpdDelivery, 1);

  delivery->inbox = inbox;
  delivery->outlet = cpd_outlet_new (cpd_link_get_post (link), on_sent, delivery);
  delivery->room = room;
  delivery->user_data = user_data;
  delivery->credit = cpd_credit_new ();
  delivery->undelivered
      = cpd_undelivered_new (cpd_link_get_connection (link), quiet, &funcs, delivery);
  delivery->receivers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, receiver_free);
  delivery->alarm = cpd_alarm_new ("what was not read yet", look_at_all, delivery);
  return delivery;
}

void
cpd_delivery_free (CpdDelivery *delivery)
{
  if (delivery == NULL)
    return;
  cpd_alarm_free (delivery->alarm);
  g_hash_table_remove_all (delivery->receivers);
  g_hash_table_unref (delivery->receivers);
  cpd_undelivered_free (delivery->undelivered);
  cpd_credit_free (delivery->credit);
  cpd_outlet_free (delivery->outlet);
  g_free (delivery);
}

/* Something is about to wait, where nothing did: its receiver is not asked about at leisure. */
static void
hurry (Receiver *receiver)
{
  if (!is_waiting (receiver))
    receiver->wait_us = MIN (receiver->wait_us, WAIT_MIN_US);
}

/* `reply`: its packet is taken. It is sent after earlier ones to the same caller. */
void
cpd_delivery_reply (CpdDelivery *delivery, CpdCaller *caller, const CpdReply *reply)
{
  CpdReply *held = g_memdup2 (reply, sizeof *reply);
  Receiver *receiver;

  g_object_ref (held->call);
  if (g_cancellable_is_cancelled (caller->gone))
    {
      reply_free (held);
      return;
    }
  receiver = get_receiver (delivery, caller);
  if (receiver->deaf && !cpd_debtor_has_room (receiver->debtor, reply->bytes))
    {
      reply_free (held);
      return;
    }
  hurry (receiver);
  g_queue_push_tail (&receiver->held, held);
  receiver->held_bytes += held->budgeted ? 0 : held->bytes;
  pump (delivery, receiver);
  if (!g_queue_is_empty (&receiver->held))
    cpd_alarm_set (delivery->alarm, 0);
}

/* Returns: FALSE: there is no room, so it was dropped */
gboolean
cpd_delivery_signal (CpdDelivery *delivery, CpdCaller *caller, const CpdSignal *signal)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (signal->arguments);
  guint64 bytes = cpd_delivery_estimate (owned);
  GDBusMessage *message;
  Receiver *receiver;

  if (g_cancellable_is_cancelled (caller->gone))
    return TRUE;
  receiver = get_receiver (delivery, caller);
  if (receiver->held.length > 0 || !cpd_debtor_has_room (receiver->debtor, bytes))
    {
      hurry (receiver);
      receiver->wants_room = TRUE;
      cpd_alarm_set (delivery->alarm, 0);
      return FALSE;
    }
  message = g_dbus_message_new_signal (signal->path, signal->interface, signal->name);
  g_dbus_message_set_destination (message, caller->sender);
  g_dbus_message_set_body (message, owned);
  transmit (delivery, receiver, cpd_packet_new (message), bytes);
  return TRUE;
}

/* A caller that has left. */
void
cpd_delivery_forget (CpdDelivery *delivery, CpdCaller *caller)
{
  Receiver *receiver = NULL;

  if (!g_hash_table_steal_extended (delivery->receivers, caller->sender, NULL,
                                    (gpointer *)&receiver))
    return;
  receiver_free (receiver);
  pump_all (delivery);
}

/* `body`: of a message; NULL: none. Small values may need three times as much space in D-Bus's
 * format as in GLib's; in a large message, most is text, which does not.
 * Returns: approximately the most that the message needs */
guint64
cpd_delivery_estimate (GVariant *body)
{
  guint64 size = body != NULL ? g_variant_get_size (body) : 0;
  guint64 small = MIN (size, SMALL_BYTES);

  return HEADER_BYTES + 3 * small + (size - small) * 9 / 8;
}
