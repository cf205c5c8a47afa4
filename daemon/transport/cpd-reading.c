/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Decides whose body is read next. Each turn of the main loop reads one piece, in turn by uid. A
 * uid that has read much pauses while others are active: otherwise, each small step of the others
 * would wait for pieces of its large responses. */

#include "config.h"

#include "daemon/transport/cpd-reading.h"

#include "daemon/core/base/cpd-alarm.h"
#include "daemon/core/base/cpd-clock.h"
#include "daemon/core/base/cpd-round.h"

/* This much may be read without a pause: a uid that reads little never waits. */
#define SAVED_MAX_US (2 * G_TIME_SPAN_MILLISECOND)

/* A piece of a body that is to be read. */
typedef struct
{
  CpdReadingFunc read;
  GObject *object;
} Piece;

struct _CpdReading
{
  CpdRound round; /* of Piece */
  CpdAlarm *alarm;
  gint64 iteration_us; /* the main loop's time when a piece was last read at once */
};

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  g_object_unref (piece->object);
  g_free (piece);
}

static void
wake (CpdReading *reading, gint64 now_us)
{
  gint64 next_us = cpd_round_may_go_at (&reading->round, now_us);

  if (next_us != G_MAXINT64)
    cpd_alarm_set (reading->alarm, next_us);
}

/* What is read may bring about anything, but not the end of the user. `piece`: (transfer full) */
static void
read_one (CpdReading *reading, CpdRoundUser *user, Piece *piece, gint64 now_us)
{
  gint64 rests_until = MAX (user->own.rests_until, now_us - SAVED_MAX_US);
  gint64 before_us = cpd_clock_work_us ();

  user->own.rests_until = G_MAXINT64;
  piece->read (piece->object);
  piece_free (piece);
  cpd_round_rest (&reading->round, &user->own, rests_until, g_get_monotonic_time (),
                  CPD_ROUND_REST_MAX * (cpd_clock_work_us () - before_us));
}

static void
take_turn (gpointer user_data)
{
  g_autoptr (CpdReading) reading = cpd_reading_ref (user_data);
  gint64 now_us = g_get_monotonic_time ();
  CpdRoundUser *user;
  Piece *piece = cpd_round_take (&reading->round, now_us, &user);

  if (piece != NULL)
    read_one (reading, user, piece, now_us);
  wake (reading, now_us);
}

CpdReading *
cpd_reading_new (void)
{
  CpdReading *reading = g_atomic_rc_box_new0 (CpdReading);

  cpd_round_init (&reading->round);
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
  cpd_round_clear (&reading->round, piece_free);
}

/* `reading`: (nullable) */
void
cpd_reading_unref (CpdReading *reading)
{
  if (reading != NULL)
    g_atomic_rc_box_release_full (reading, reading_clear);
}

static void
add (CpdReading *reading, guint32 uid, CpdReadingFunc read, gpointer object, gint64 now_us)
{
  Piece *piece = g_new (Piece, 1);

  piece->read = read;
  piece->object = g_object_ref (object);
  cpd_round_add (&reading->round, cpd_round_get_user (&reading->round, uid, now_us), piece);
}

/* `read`: called with the object, once, in its turn; the object is kept until then. */
void
cpd_reading_wait (CpdReading *reading, guint32 uid, CpdReadingFunc read, gpointer object)
{
  gint64 now_us = g_get_monotonic_time ();

  add (reading, uid, read, object, now_us);
  wake (reading, now_us);
}

/* As cpd_reading_wait (), but if nobody waits, and nothing was read at once in this iteration of
 * the main loop, its turn is now. Only from the callback of a source. */
void
cpd_reading_take_turn (CpdReading *reading, guint32 uid, CpdReadingFunc read, gpointer object)
{
  gint64 iteration_us = g_source_get_time (g_main_current_source ());

  if (reading->iteration_us == iteration_us || !g_queue_is_empty (&reading->round.queue))
    {
      cpd_reading_wait (reading, uid, read, object);
      return;
    }
  reading->iteration_us = iteration_us;
  add (reading, uid, read, object, iteration_us);
  take_turn (reading);
}

/* What the object still waits for. */
void
cpd_reading_forget (CpdReading *reading, guint32 uid, gpointer object)
{
  CpdRoundUser *user = cpd_round_get_user (&reading->round, uid, g_get_monotonic_time ());
  GList *next;

  for (GList *link = user->own.waiting.head; link != NULL; link = next)
    {
      Piece *piece = link->data;

      next = link->next;
      if (piece->object == object && cpd_round_remove (&reading->round, user, piece))
        piece_free (piece);
    }
}
