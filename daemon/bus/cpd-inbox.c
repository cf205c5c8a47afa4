/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Method calls as they arrive, and whose turn it is. GDBus reads messages on a thread of its own,
 * as fast as they come; here they are bounded on that thread, before the main loop sees them: file
 * descriptors are closed, and a call that is too large, or one too many, loses its body and is only
 * refused later. The main loop takes one call at a time, going round by uid and, within a uid, by
 * connection, so that nobody waits for more than one call of each other user. */

#include "config.h"

#include "daemon/bus/cpd-inbox.h"

#include "daemon/bus/cpd-alarm.h"
#include "daemon/core/cpd-budget.h"
#include "dbus/certpin-names.h"

#include <gio/gunixfdlist.h>

#define KIB ((guint64)1024)
#define MIB (1024 * KIB)

/* Of one connection, until they are answered. */
#define CALLS_MAX   512
#define REFUSED_MAX 512
/* What a connection may always have, whatever others have. */
#define SENDER_FLOOR_BYTES (64 * KIB)
#define USER_MAX_BYTES     (72 * MIB)
#define TOTAL_MAX_BYTES    (256 * MIB)

/* Values in one message. The largest call that is allowed, with 1000 headers, has some 3000. */
#define VALUES_MAX 8192

/* How many new connections are looked at in one turn of the main loop. */
#define MET_AT_ONCE 16

/* The calls of one uid, or of all connections that are not known yet. It goes with the last of its
 * connections. */
typedef struct
{
  guint32 uid;
  guint64 bytes;
  GQueue ready; /* of CpdSender: those with a call that may be taken, the next one first */
  unsigned int senders;
} User;

/* One connection. */
typedef struct _CpdSender
{
  char *name;
  CpdCaller *caller; /* NULL until it is known */
  User *user;
  GQueue waiting; /* of CpdArrival */
  unsigned int calls, refused;
  guint64 bytes;
  gboolean ready, paused;
  unsigned int refs; /* the table's, and one of each arrival */
} Sender;

struct _CpdInbox
{
  CpdInboxFuncs funcs;
  gpointer user_data;
  CpdAlarm *alarm;

  GMutex lock;      /* over all that follows: GDBus's thread adds, the main one takes */
  gboolean started; /* before that everything waits */
  gboolean closed;
  GHashTable *senders; /* unique name → Sender */
  GHashTable *users;   /* uid → User */
  GQueue met;          /* of char *: senders of whom nobody was told yet */
  GQueue round;        /* of User: those with a ready sender, the next one first */
  guint64 bytes;
  unsigned int calls; /* of the Pins interface that are not answered yet */
};

static void
user_free (gpointer data)
{
  User *user = data;

  g_queue_clear (&user->ready);
  g_free (user);
}

/* With the lock held, as all that follows up to where it is taken. `uid`:
 * CPD_CALLER_UID_UNKNOWN where nobody knows */
static User *
get_user (CpdInbox *inbox, guint32 uid)
{
  User *user = g_hash_table_lookup (inbox->users, GUINT_TO_POINTER (uid));

  if (user != NULL)
    return user;
  user = g_new0 (User, 1);
  user->uid = uid;
  g_hash_table_insert (inbox->users, GUINT_TO_POINTER (uid), user);
  return user;
}

static void
join_user (CpdInbox *inbox, Sender *sender, guint32 uid)
{
  sender->user = get_user (inbox, uid);
  sender->user->senders++;
  sender->user->bytes += sender->bytes;
}

static void
leave_user (CpdInbox *inbox, Sender *sender)
{
  User *user = sender->user;

  user->bytes -= sender->bytes;
  if (--user->senders == 0)
    g_hash_table_remove (inbox->users, GUINT_TO_POINTER (user->uid));
}

static void
sender_unref (CpdInbox *inbox, Sender *sender)
{
  if (--sender->refs > 0)
    return;
  leave_user (inbox, sender);
  g_free (sender->name);
  cpd_caller_unref (sender->caller);
  g_free (sender);
}

/* Puts a sender into the round where it has something to be taken. */
static void
make_ready (CpdInbox *inbox, Sender *sender)
{
  User *user = sender->user;

  if (sender->caller == NULL || sender->ready || sender->paused
      || g_queue_is_empty (&sender->waiting))
    return;
  sender->ready = TRUE;
  if (g_queue_is_empty (&user->ready))
    g_queue_push_tail (&inbox->round, user);
  g_queue_push_tail (&user->ready, sender);
}

static void
make_unready (CpdInbox *inbox, Sender *sender)
{
  if (!sender->ready)
    return;
  sender->ready = FALSE;
  g_queue_remove (&sender->user->ready, sender);
  if (g_queue_is_empty (&sender->user->ready))
    g_queue_remove (&inbox->round, sender->user);
}

static void
wake (CpdInbox *inbox)
{
  if (inbox->started && (!g_queue_is_empty (&inbox->met) || !g_queue_is_empty (&inbox->round)))
    cpd_alarm_set (inbox->alarm, 0);
}

static Sender *
get_sender (CpdInbox *inbox, const char *name)
{
  Sender *sender = g_hash_table_lookup (inbox->senders, name);

  if (sender != NULL)
    return sender;
  sender = g_new0 (Sender, 1);
  sender->name = g_strdup (name);
  sender->refs = 1;
  join_user (inbox, sender, CPD_CALLER_UID_UNKNOWN);
  g_hash_table_insert (inbox->senders, sender->name, sender);
  g_queue_push_tail (&inbox->met, g_strdup (name));
  return sender;
}

static gboolean
has_room (CpdInbox *inbox, const Sender *sender, guint64 bytes)
{
  guint64 others = inbox->bytes - sender->user->bytes;
  guint64 share = cpd_budget_share (TOTAL_MAX_BYTES, others, USER_MAX_BYTES);

  return sender->bytes + bytes <= SENDER_FLOOR_BYTES || sender->user->bytes + bytes <= share;
}

/* Counts the values within `value` up to a limit. An array of bytes is one. */
static unsigned int
count_values (GVariant *value, unsigned int most)
{
  const char *type = g_variant_get_type_string (value);
  unsigned int count = 1;
  gsize n;

  if (!g_variant_is_container (value) || (type[0] == 'a' && type[1] == 'y'))
    return 1;
  n = g_variant_n_children (value);
  if (n > most)
    return most + 1;
  for (gsize i = 0; i < n && count <= most; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      count += count_values (child, most - count);
    }
  return count;
}

/* `body`: NULL: none. */
static gboolean
is_modest (GVariant *body)
{
  return body == NULL || count_values (body, VALUES_MAX) <= VALUES_MAX;
}

static gboolean
is_of_pins (GDBusMessage *message)
{
  return g_strcmp0 (g_dbus_message_get_interface (message), CERTPIN_PINS_IFACE) == 0;
}

/* Whether the sender may have one more call. */
static gboolean
accept (CpdInbox *inbox, Sender *sender, CpdArrival *arrival)
{
  if (sender->calls < CALLS_MAX && !arrival->refused && has_room (inbox, sender, arrival->bytes))
    return TRUE;
  arrival->refused = TRUE;
  arrival->bytes = 0;
  return sender->refused < REFUSED_MAX; /* who does not even wait for refusals gets none */
}

/* With the lock held. FALSE: it is dropped. */
static gboolean
queue_arrival (CpdInbox *inbox, CpdArrival *arrival)
{
  Sender *sender;

  if (inbox->closed)
    return FALSE;
  sender = get_sender (inbox, g_dbus_message_get_sender (arrival->message));
  if (!accept (inbox, sender, arrival))
    return FALSE;
  if (arrival->refused)
    g_dbus_message_set_body (arrival->message, NULL);
  arrival->inbox = g_atomic_rc_box_acquire (inbox);
  arrival->sender = sender;
  sender->refs++;
  sender->calls += !arrival->refused;
  sender->refused += arrival->refused;
  sender->bytes += arrival->bytes;
  sender->user->bytes += arrival->bytes;
  inbox->bytes += arrival->bytes;
  inbox->calls += is_of_pins (arrival->message);
  g_queue_push_tail (&sender->waiting, arrival);
  make_ready (inbox, sender);
  wake (inbox);
  return TRUE;
}

/* On GDBus's thread. `message`: (transfer full) */
static void
receive_call (CpdInbox *inbox, GDBusMessage *message)
{
  GVariant *body = g_dbus_message_get_body (message);
  CpdArrival *arrival = g_new0 (CpdArrival, 1);
  gboolean queued;

  arrival->message = message;
  arrival->bytes = body != NULL ? g_variant_get_size (body) : 0;
  arrival->refused = !is_modest (body);
  g_mutex_lock (&inbox->lock);
  queued = queue_arrival (inbox, arrival);
  g_mutex_unlock (&inbox->lock);
  if (queued)
    return;
  g_object_unref (message);
  g_free (arrival);
}

static gboolean
is_of_the_bus (GDBusMessage *message)
{
  return g_strcmp0 (g_dbus_message_get_sender (message), "org.freedesktop.DBus") == 0;
}

/* On GDBus's thread. No method takes a descriptor, and what holds none cannot run us out of them.
 * A signal that a stranger sends to this connection alone was asked for by nobody, and could pass
 * for one of polkit's. */
static GDBusMessage *
filter (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer user_data)
{
  GDBusMessageType type = g_dbus_message_get_message_type (message);

  if (!incoming || is_of_the_bus (message))
    return message;
  if (g_dbus_message_get_unix_fd_list (message) != NULL)
    g_dbus_message_set_unix_fd_list (message, NULL);
  if (type == G_DBUS_MESSAGE_TYPE_SIGNAL && g_dbus_message_get_destination (message) != NULL)
    {
      g_object_unref (message);
      return NULL;
    }
  if (type != G_DBUS_MESSAGE_TYPE_METHOD_CALL || g_dbus_message_get_sender (message) == NULL)
    return message;
  receive_call (user_data, message);
  return NULL;
}

/* Frees the arrival's place; with the lock held. */
static void
release (CpdArrival *arrival)
{
  Sender *sender = arrival->sender;

  sender->calls -= !arrival->refused;
  sender->refused -= arrival->refused;
  sender->bytes -= arrival->bytes;
  sender->user->bytes -= arrival->bytes;
  arrival->inbox->bytes -= arrival->bytes;
  arrival->inbox->calls -= is_of_pins (arrival->message);
  sender_unref (arrival->inbox, sender);
}

static void
inbox_clear (gpointer data)
{
  CpdInbox *inbox = data;

  g_hash_table_unref (inbox->senders);
  g_hash_table_unref (inbox->users);
  g_queue_clear_full (&inbox->met, g_free);
  g_queue_clear (&inbox->round);
  g_mutex_clear (&inbox->lock);
}

static void
inbox_unref (gpointer inbox)
{
  g_atomic_rc_box_release_full (inbox, inbox_clear);
}

void
cpd_arrival_free (CpdArrival *arrival)
{
  if (arrival == NULL)
    return;
  g_mutex_lock (&arrival->inbox->lock);
  release (arrival);
  g_mutex_unlock (&arrival->inbox->lock);
  inbox_unref (arrival->inbox);
  g_object_unref (arrival->message);
  g_free (arrival);
}

/* Takes the next call: (transfer full) (nullable). `caller`: (out) (transfer full). With the lock
 * held. */
static CpdArrival *
take_next (CpdInbox *inbox, CpdCaller **caller)
{
  User *user = g_queue_pop_head (&inbox->round);
  Sender *sender = user != NULL ? g_queue_pop_head (&user->ready) : NULL;
  CpdArrival *arrival;

  if (sender == NULL)
    return NULL;
  arrival = g_queue_pop_head (&sender->waiting);
  sender->ready = FALSE;
  *caller = cpd_caller_ref (sender->caller);
  if (!g_queue_is_empty (&user->ready))
    g_queue_push_tail (&inbox->round, user);
  make_ready (inbox, sender);
  return arrival;
}

static void
tell_of_new_senders (CpdInbox *inbox)
{
  for (int i = 0; i < MET_AT_ONCE; i++)
    {
      g_autofree char *name = NULL;

      g_mutex_lock (&inbox->lock);
      name = g_queue_pop_head (&inbox->met);
      g_mutex_unlock (&inbox->lock);
      if (name == NULL)
        return;
      inbox->funcs.met (name, inbox->user_data);
    }
}

/* One call a turn of the main loop: whatever else is ready comes in between. */
static void
take_turn (gpointer user_data)
{
  CpdInbox *inbox = user_data;
  g_autoptr (CpdCaller) caller = NULL;
  CpdArrival *arrival;

  tell_of_new_senders (inbox);
  g_mutex_lock (&inbox->lock);
  arrival = take_next (inbox, &caller);
  wake (inbox);
  g_mutex_unlock (&inbox->lock);
  if (arrival != NULL)
    inbox->funcs.turn (g_steal_pointer (&caller), arrival, inbox->user_data);
}

/* Calls are received from now on, and wait until cpd_inbox_start (). */
CpdInbox *
cpd_inbox_new (GDBusConnection *connection, const CpdInboxFuncs *funcs, gpointer user_data)
{
  CpdInbox *inbox = g_atomic_rc_box_new0 (CpdInbox);

  g_mutex_init (&inbox->lock);
  inbox->funcs = *funcs;
  inbox->user_data = user_data;
  inbox->senders = g_hash_table_new (g_str_hash, g_str_equal);
  inbox->users = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, user_free);
  inbox->alarm = cpd_alarm_new ("calls that wait for their turn", take_turn, inbox);
  g_dbus_connection_add_filter (connection, filter, g_atomic_rc_box_acquire (inbox), inbox_unref);
  return inbox;
}

/* Drops what waits, and whatever still comes for as long as there is the connection: GDBus would
 * answer that there is no such object. */
void
cpd_inbox_free (CpdInbox *inbox)
{
  GHashTableIter iter;
  gpointer name;

  if (inbox == NULL)
    return;
  g_mutex_lock (&inbox->lock);
  inbox->closed = TRUE;
  g_mutex_unlock (&inbox->lock);
  for (;;)
    {
      g_hash_table_iter_init (&iter, inbox->senders);
      if (!g_hash_table_iter_next (&iter, &name, NULL))
        break;
      cpd_inbox_forget (inbox, name);
    }
  g_mutex_lock (&inbox->lock);
  g_clear_pointer (&inbox->alarm, cpd_alarm_free);
  g_mutex_unlock (&inbox->lock);
  inbox_unref (inbox);
}

void
cpd_inbox_start (CpdInbox *inbox)
{
  g_mutex_lock (&inbox->lock);
  inbox->started = TRUE;
  wake (inbox);
  g_mutex_unlock (&inbox->lock);
}

/* Says who a sender is: its calls take turns from now on. */
void
cpd_inbox_admit (CpdInbox *inbox, CpdCaller *caller)
{
  Sender *sender;

  g_mutex_lock (&inbox->lock);
  sender = g_hash_table_lookup (inbox->senders, caller->sender);
  if (sender != NULL && sender->caller == NULL)
    {
      sender->caller = cpd_caller_ref (caller);
      leave_user (inbox, sender);
      join_user (inbox, sender, caller->uid);
      make_ready (inbox, sender);
      wake (inbox);
    }
  g_mutex_unlock (&inbox->lock);
}

/* A sender that has left: what waits of it is dropped. */
void
cpd_inbox_forget (CpdInbox *inbox, const char *name)
{
  GQueue dropped = G_QUEUE_INIT;
  Sender *sender;
  CpdArrival *arrival;

  g_mutex_lock (&inbox->lock);
  sender = g_hash_table_lookup (inbox->senders, name);
  if (sender != NULL)
    {
      g_hash_table_remove (inbox->senders, name);
      make_unready (inbox, sender);
      dropped = sender->waiting;
      g_queue_init (&sender->waiting);
      sender_unref (inbox, sender);
    }
  wake (inbox);
  g_mutex_unlock (&inbox->lock);
  while ((arrival = g_queue_pop_head (&dropped)) != NULL)
    cpd_arrival_free (arrival);
}

/* While a sender is paused its calls wait. */
void
cpd_inbox_pause (CpdInbox *inbox, const char *name, gboolean paused)
{
  Sender *sender;

  g_mutex_lock (&inbox->lock);
  sender = g_hash_table_lookup (inbox->senders, name);
  if (sender != NULL && sender->paused != paused)
    {
      sender->paused = paused;
      if (paused)
        make_unready (inbox, sender);
      else
        make_ready (inbox, sender);
      wake (inbox);
    }
  g_mutex_unlock (&inbox->lock);
}

/* Returns: how many calls of the Pins interface are not answered yet */
unsigned int
cpd_inbox_count_calls (CpdInbox *inbox)
{
  unsigned int count;

  g_mutex_lock (&inbox->lock);
  count = inbox->calls;
  g_mutex_unlock (&inbox->lock);
  return count;
}
