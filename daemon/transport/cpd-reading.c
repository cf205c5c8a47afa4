/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who reads more of a body next. One piece is read in each turn of the main loop, going round by
 * uid, and whoever has read much rests while others are there: a user's sixteen large answers would
 * otherwise come before each small step of everybody else's. */

#include "config.h"

#include "daemon/transport/cpd-reading.h"

#include "daemon/core/base/cpd-alarm.h"
#include "daemon/core/base/cpd-clock.h"
#include "daemon/core/base/cpd-presence.h"

/* So much rest may be saved up: who reads little never waits. */
#define SAVED_MAX_US (2 * G_TIME_SPAN_MILLISECOND)

/* What one uid reads. */
typedef struct
{
  guint32 uid;
  GQueue waiting;     /* of Piece */
  gint64 rests_until; /* monotonic µs */
} User;

/* A piece of a body that is to be read. */
typedef struct
{
  CpdReadingFunc read;
  GObject *object;
} Piece;

struct _CpdReading
{
  GHashTable *users; /* uid → User */
  GQueue round;      /* of User: those with something to read, the next one first */
  CpdPresence presence;
  CpdAlarm *alarm;
};

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  g_object_unref (piece->object);
  g_free (piece);
}

static void
user_free (gpointer data)
{
  User *user = data;

  g_queue_clear_full (&user->waiting, piece_free);
  g_free (user);
}

/* A user that still rests is kept. */
static gboolean
is_over (gpointer key, gpointer value, gpointer user_data)
{
  User *user = value;

  return g_queue_is_empty (&user->waiting) && user->rests_until <= g_get_monotonic_time ();
}

static User *
get_user (CpdReading *reading, guint32 uid)
{
  User *user = g_hash_table_lookup (reading->users, GUINT_TO_POINTER (uid));

  if (user != NULL)
    return user;
  g_hash_table_foreach_remove (reading->users, is_over, NULL);
  user = g_new0 (User, 1);
  user->uid = uid;
  g_hash_table_insert (reading->users, GUINT_TO_POINTER (uid), user);
  return user;
}

static gint64
may_read_at (const CpdReading *reading, const User *user, gint64 now_us)
{
  return cpd_presence_may_go_at (&reading->presence, reading->round.length, user->rests_until,
                                 now_us);
}

/* Returns: (nullable): the first one in the round who does not rest, no longer in it */
static User *
take_user (CpdReading *reading, gint64 now_us)
{
  for (GList *link = reading->round.head; link != NULL; link = link->next)
    {
      User *user = link->data;

      if (may_read_at (reading, user, now_us) > now_us)
        continue;
      g_queue_delete_link (&reading->round, link);
      return user;
    }
  return NULL;
}

static void
wake (CpdReading *reading, gint64 now_us)
{
  for (GList *link = reading->round.head; link != NULL; link = link->next)
    cpd_alarm_set (reading->alarm, may_read_at (reading, link->data, now_us));
}

/* What is read may bring about anything, but not the end of the user. */
static void
read_one (CpdReading *reading, User *user, gint64 now_us)
{
  Piece *piece = g_queue_pop_head (&user->waiting);
  gint64 rests_until = MAX (user->rests_until, now_us - SAVED_MAX_US);
  gint64 before_us = cpd_clock_work_us ();

  cpd_presence_note (&reading->presence, user->uid, now_us);
  if (!g_queue_is_empty (&user->waiting))
    g_queue_push_tail (&reading->round, user);
  user->rests_until = G_MAXINT64;
  piece->read (piece->object);
  piece_free (piece);
  user->rests_until = cpd_presence_rest (&reading->presence, rests_until, g_get_monotonic_time (),
                                         cpd_clock_work_us () - before_us);
}

static void
take_turn (gpointer user_data)
{
  g_autoptr (CpdReading) reading = cpd_reading_ref (user_data);
  gint64 now_us = g_get_monotonic_time ();
  User *user = take_user (reading, now_us);

  if (user != NULL)
    read_one (reading, user, now_us);
  wake (reading, now_us);
}

CpdReading *
cpd_reading_new (void)
{
  CpdReading *reading = g_atomic_rc_box_new0 (CpdReading);

  reading->users = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, user_free);
  reading->alarm = cpd_alarm_new ("bodies that are to be read", take_turn, reading);
  return reading;
}

CpdReading *
cpd_reading_ref (CpdReading *reading)
{
  return g_atomic_rc_box_acquire (reading);
}

static void
reading_clear (gpointer data)
{
  CpdReading *reading = data;

  cpd_alarm_free (reading->alarm);
  g_queue_clear (&reading->round);
  g_hash_table_unref (reading->users);
}

/* `reading`: (nullable) */
void
cpd_reading_unref (CpdReading *reading)
{
  if (reading != NULL)
    g_atomic_rc_box_release_full (reading, reading_clear);
}

/* `read`: called with the object, once, when it is its turn; the object is kept until then. */
void
cpd_reading_wait (CpdReading *reading, guint32 uid, CpdReadingFunc read, gpointer object)
{
  User *user = get_user (reading, uid);
  Piece *piece = g_new (Piece, 1);

  piece->read = read;
  piece->object = g_object_ref (object);
  if (g_queue_is_empty (&user->waiting))
    g_queue_push_tail (&reading->round, user);
  g_queue_push_tail (&user->waiting, piece);
  wake (reading, g_get_monotonic_time ());
}

/* What the object still waits for. */
void
cpd_reading_forget (CpdReading *reading, guint32 uid, gpointer object)
{
  User *user = g_hash_table_lookup (reading->users, GUINT_TO_POINTER (uid));
  GList *next;

  if (user == NULL)
    return;
  for (GList *link = user->waiting.head; link != NULL; link = next)
    {
      Piece *piece = link->data;

      next = link->next;
      if (piece->object != object)
        continue;
      g_queue_delete_link (&user->waiting, link);
      piece_free (piece);
    }
  if (g_queue_is_empty (&user->waiting))
    g_queue_remove (&reading->round, user);
}
