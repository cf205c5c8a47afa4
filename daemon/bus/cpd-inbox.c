/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Method calls as they arrive, and whose turn it is. The thread that reads from the bus puts them
 * here undecoded, within limits. The main loop takes one call at a time, in turn by uid, so that
 * nobody waits for more than one call of each other user. Within a uid, its own programs and its
 * apps take turns, and of each of these the connections. */

#include "config.h"

#include "daemon/bus/cpd-inbox.h"

#include "daemon/core/base/cpd-alarm.h"
#include "daemon/core/base/cpd-budget.h"
#include "daemon/core/base/cpd-clock.h"
#include "daemon/core/base/cpd-round.h"

#define KIB ((guint64)1024)
#define MIB (1024 * KIB)

/* Of one connection, until they are answered. */
#define CALLS_MAX   512
#define REFUSED_MAX 512
/* What a connection may always have, however much others have. */
#define SENDER_FLOOR_BYTES (64 * KIB)
#define USER_MAX_BYTES     (72 * MIB)
#define APPS_MAX_BYTES     (USER_MAX_BYTES / 2) /* beside what else the user has there */
#define TOTAL_MAX_BYTES    (256 * MIB)

/* How many new connections are handled in one turn of the main loop. */
#define MET_AT_ONCE 16

/* One connection. */
typedef struct _CpdSender
{
  char *name;
  CpdCaller *caller;  /* NULL until it is known */
  CpdRoundUser *user; /* waits with those of its senders that have a call which may be taken */
  GQueue waiting;     /* of CpdArrival */
  unsigned int calls, refused;
  guint64 bytes;
  gboolean ready, paused;
  gboolean reading;  /* a thread is decoding its next call */
  gboolean gone;     /* it has left: nobody would end what its calls begin */
  unsigned int refs; /* the table's, and one of each arrival */
  gint64 owed_us;    /* processor time that its calls took before it was known */
} Sender;

struct _CpdInbox
{
  CpdInboxFuncs funcs;
  gpointer user_data;
  CpdAlarm *alarm;

  GMutex lock;      /* over all that follows: the link's thread adds, the main one takes */
  gboolean started; /* before that everything waits */
  gboolean closed;
  GHashTable *senders; /* unique name → Sender */
  GQueue met;          /* of char *: senders of whom nobody was told yet */
  CpdRound round;      /* of CpdSender */
  guint64 bytes;
  unsigned int calls; /* of the Pins interface that are not answered yet */
};

/* What somebody took of others it leaves to them now, as many times as it has calls that are not
 * answered: who waits for each answer takes no more than half, and hardly ever has to wait; who
 * floods has a tenth. With the lock held, as all that follows up to where it is taken. */
static void
rest (CpdInbox *inbox, CpdRoundLine *line, gint64 took_us)
{
  gint64 now_us = g_get_monotonic_time ();
  unsigned int times = CLAMP (line->calls, 1, CPD_ROUND_REST_MAX);

  cpd_round_rest (&inbox->round, line, MAX (line->rests_until, now_us), now_us, times * took_us);
}

static CpdRoundLine *
get_line (CpdRoundUser *user, gboolean of_app)
{
  return of_app ? &user->apps : &user->own;
}

static CpdRoundLine *
get_line_of_sender (const Sender *sender)
{
  return get_line (sender->user, sender->caller != NULL && sender->caller->app != NULL);
}

/* `uid`: CPD_CALLER_UID_UNKNOWN where nobody knows */
static void
join_user (CpdInbox *inbox, Sender *sender, guint32 uid)
{
  sender->user = cpd_round_get_user (&inbox->round, uid, g_get_monotonic_time ());
  sender->user->refs++;
  sender->user->bytes += sender->bytes;
  get_line_of_sender (sender)->calls += sender->calls + sender->refused;
}

static void
leave_user (Sender *sender)
{
  sender->user->bytes -= sender->bytes;
  get_line_of_sender (sender)->calls -= sender->calls + sender->refused;
  sender->user->refs--;
}

static void
sender_unref (CpdInbox *inbox, Sender *sender)
{
  if (--sender->refs > 0)
    return;
  leave_user (sender);
  g_free (sender->name);
  cpd_caller_unref (sender->caller);
  g_free (sender);
}

/* Puts a sender into the round if it has a call to take. */
static void
make_ready (CpdInbox *inbox, Sender *sender)
{
  if (sender->caller == NULL || sender->ready || sender->paused || sender->reading
      || g_queue_is_empty (&sender->waiting))
    return;
  sender->ready = TRUE;
  if (sender->caller->app != NULL)
    cpd_round_add_of_app (&inbox->round, sender->user, sender);
  else
    cpd_round_add (&inbox->round, sender->user, sender);
}

static void
make_unready (CpdInbox *inbox, Sender *sender)
{
  if (sender->ready)
    cpd_round_remove (&inbox->round, sender->user, sender);
  sender->ready = FALSE;
}

static void
wake (CpdInbox *inbox)
{
  gint64 next_us = 0;

  if (!inbox->started || inbox->closed)
    return;
  if (g_queue_is_empty (&inbox->met))
    next_us = cpd_round_may_go_at (&inbox->round, g_get_monotonic_time ());
  if (next_us != G_MAXINT64)
    cpd_alarm_set (inbox->alarm, next_us);
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

/* What a user's apps leave is for that user's own programs. */
static gboolean
has_room (CpdInbox *inbox, const Sender *sender, guint64 bytes)
{
  gboolean is_app = sender->caller != NULL && sender->caller->app != NULL;
  guint64 others = inbox->bytes - sender->user->bytes;
  guint64 share
      = cpd_budget_share (TOTAL_MAX_BYTES, others, is_app ? APPS_MAX_BYTES : USER_MAX_BYTES);

  return sender->bytes + bytes <= SENDER_FLOOR_BYTES || sender->user->bytes + bytes <= share;
}

/* On the link's thread: whether a sender may have one more call of that size. */
gboolean
cpd_inbox_has_room (CpdInbox *inbox, const char *name, guint64 bytes)
{
  Sender *sender;
  gboolean room;

  g_mutex_lock (&inbox->lock);
  sender = inbox->closed ? NULL : get_sender (inbox, name);
  room = sender != NULL && sender->calls < CALLS_MAX && has_room (inbox, sender, bytes);
  g_mutex_unlock (&inbox->lock);
  return room;
}

/* With the lock held. FALSE: it is dropped: a sender that does not wait for refusals gets none. */
static gboolean
queue_arrival (CpdInbox *inbox, const char *name, CpdArrival *arrival)
{
  gboolean refused = arrival->refusal != NULL;
  Sender *sender;

  if (inbox->closed)
    return FALSE;
  sender = get_sender (inbox, name);
  if (refused && sender->refused >= REFUSED_MAX)
    return FALSE;
  arrival->inbox = cpd_inbox_ref (inbox);
  arrival->sender = sender;
  sender->refs++;
  sender->calls += !refused;
  sender->refused += refused;
  sender->bytes += arrival->size;
  sender->user->bytes += arrival->size;
  get_line_of_sender (sender)->calls++;
  inbox->bytes += arrival->size;
  inbox->calls += arrival->of_pins;
  g_queue_push_tail (&sender->waiting, arrival);
  make_ready (inbox, sender);
  wake (inbox);
  return TRUE;
}

/* On the link's thread. `arrival`: (transfer full). `took_us`: of processor time, to read it;
 * nobody else's could be read meanwhile */
void
cpd_inbox_receive (CpdInbox *inbox, const char *sender, CpdArrival *arrival, gint64 took_us)
{
  gboolean queued;

  g_mutex_lock (&inbox->lock);
  queued = queue_arrival (inbox, sender, arrival);
  if (queued && arrival->sender->caller == NULL)
    arrival->sender->owed_us += took_us;
  else if (queued)
    rest (inbox, get_line_of_sender (arrival->sender), took_us);
  g_mutex_unlock (&inbox->lock);
  if (!queued)
    cpd_arrival_destroy (arrival);
}

/* Frees the arrival's place; with the lock held. */
static void
release (CpdArrival *arrival)
{
  Sender *sender = arrival->sender;

  sender->calls -= arrival->refusal == NULL;
  sender->refused -= arrival->refusal != NULL;
  sender->bytes -= arrival->size;
  sender->user->bytes -= arrival->size;
  get_line_of_sender (sender)->calls--;
  arrival->inbox->bytes -= arrival->size;
  arrival->inbox->calls -= arrival->of_pins;
  sender_unref (arrival->inbox, sender);
}

static void
inbox_clear (gpointer data)
{
  CpdInbox *inbox = data;

  g_hash_table_unref (inbox->senders);
  g_queue_clear_full (&inbox->met, g_free);
  cpd_round_clear (&inbox->round, NULL);
  g_mutex_clear (&inbox->lock);
}

CpdInbox *
cpd_inbox_ref (CpdInbox *inbox)
{
  return g_atomic_rc_box_acquire (inbox);
}

/* `inbox`: (nullable) */
void
cpd_inbox_unref (CpdInbox *inbox)
{
  if (inbox != NULL)
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
  cpd_inbox_unref (arrival->inbox);
  cpd_arrival_destroy (arrival);
}

/* Takes the next call: (transfer full) (nullable). `caller`: (out) (transfer full). With the lock
 * held. */
static CpdArrival *
take_next (CpdInbox *inbox, CpdCaller **caller)
{
  CpdRoundUser *user;
  Sender *sender = cpd_round_take (&inbox->round, g_get_monotonic_time (), &user);
  CpdArrival *arrival;

  if (sender == NULL)
    return NULL;
  arrival = g_queue_pop_head (&sender->waiting);
  *caller = cpd_caller_ref (sender->caller);
  sender->ready = FALSE;
  sender->reading = arrival->costly;
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

/* A call that GDBus cannot parse, although the bus delivered it, gets no reply. */
static void
hand_over (CpdInbox *inbox, CpdCaller *caller, CpdArrival *arrival)
{
  if (arrival->message != NULL && !arrival->sender->gone)
    {
      inbox->funcs.turn (caller, arrival, inbox->user_data);
      return;
    }
  cpd_caller_unref (caller);
  cpd_arrival_free (arrival);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CpdArrival *arrival = cpd_arrival_of_result (result);
  CpdCaller *caller = user_data;
  g_autoptr (CpdInbox) inbox = cpd_inbox_ref (arrival->inbox);

  g_mutex_lock (&inbox->lock);
  arrival->sender->reading = FALSE;
  make_ready (inbox, arrival->sender);
  wake (inbox);
  g_mutex_unlock (&inbox->lock);
  hand_over (inbox, caller, arrival);
}

/* `caller`, `arrival`: (transfer full). While a large call is decoded, the sender's next one
 * waits. */
static void
take (CpdInbox *inbox, CpdCaller *caller, CpdArrival *arrival)
{
  if (arrival->costly)
    {
      cpd_arrival_read_in_thread (arrival, on_read, caller);
      return;
    }
  cpd_arrival_read (arrival);
  hand_over (inbox, caller, arrival);
}

/* One call in each turn of the main loop: other sources run in between. */
static void
take_turn (gpointer user_data)
{
  CpdInbox *inbox = user_data;
  CpdCaller *caller = NULL;
  CpdArrival *arrival;
  gint64 before_us;
  guint32 uid;
  gboolean of_app;

  tell_of_new_senders (inbox);
  before_us = cpd_clock_work_us ();
  g_mutex_lock (&inbox->lock);
  arrival = take_next (inbox, &caller);
  if (arrival == NULL)
    wake (inbox);
  g_mutex_unlock (&inbox->lock);
  if (arrival == NULL)
    return;
  uid = caller->uid;
  of_app = caller->app != NULL;
  take (inbox, caller, arrival);
  g_mutex_lock (&inbox->lock);
  rest (inbox, get_line (cpd_round_get_user (&inbox->round, uid, g_get_monotonic_time ()), of_app),
        cpd_clock_work_us () - before_us);
  wake (inbox);
  g_mutex_unlock (&inbox->lock);
}

/* Calls wait until cpd_inbox_start (). */
CpdInbox *
cpd_inbox_new (const CpdInboxFuncs *funcs, gpointer user_data)
{
  CpdInbox *inbox = g_atomic_rc_box_new0 (CpdInbox);

  g_mutex_init (&inbox->lock);
  inbox->funcs = *funcs;
  inbox->user_data = user_data;
  inbox->senders = g_hash_table_new (g_str_hash, g_str_equal);
  cpd_round_init (&inbox->round);
  inbox->alarm = cpd_alarm_new ("calls that wait for their turn", take_turn, inbox);
  return inbox;
}

/* Drops the waiting calls, and all later ones. */
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
  cpd_inbox_unref (inbox);
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
      leave_user (sender);
      sender->caller = cpd_caller_ref (caller);
      join_user (inbox, sender, caller->uid);
      if (sender->owed_us > 0)
        rest (inbox, get_line_of_sender (sender), sender->owed_us);
      make_ready (inbox, sender);
      wake (inbox);
    }
  g_mutex_unlock (&inbox->lock);
}

/* A sender has left: drops its waiting calls. */
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
      sender->gone = TRUE;
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

/* `owner`: a user, or an app: what that takes does not delay the user's own programs. `took_us`: of
 * processor time, of a thread that worked for it */
void
cpd_inbox_charge (CpdInbox *inbox, CpdOwner owner, gint64 took_us)
{
  guint32 uid = cpd_owner_get_uid (owner);
  gint64 now_us = g_get_monotonic_time ();

  g_mutex_lock (&inbox->lock);
  if (!cpd_presence_is_alone (&inbox->round.presence, uid, now_us))
    rest (inbox,
          get_line (cpd_round_get_user (&inbox->round, uid, now_us), cpd_owner_is_app (owner)),
          took_us);
  g_mutex_unlock (&inbox->lock);
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

/* Returns: the number of unanswered calls of the Pins interface */
unsigned int
cpd_inbox_count_calls (CpdInbox *inbox)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&inbox->lock);

  return inbox->calls;
}
