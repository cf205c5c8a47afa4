/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "daemon/core/base/cpd-alarm.h"

#define TIMES 10000

/* What a thread has done, and whether the main loop has seen it. */
typedef struct
{
  CpdAlarm *alarm;
  GMutex lock;
  GCond changed;
  unsigned int done, seen;
} Work;

static void
count (gpointer user_data)
{
  (*(unsigned int *)user_data)++;
}

static void
test_earliest (void)
{
  unsigned int calls = 0;
  CpdAlarm *alarm = cpd_alarm_new ("test", count, &calls);

  cpd_alarm_set (alarm, G_MAXINT64);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  cpd_alarm_set (alarm, 0);
  cpd_alarm_set (alarm, G_MAXINT64);
  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (calls, ==, 1);
  g_assert_false (g_main_context_iteration (NULL, FALSE)); /* it is off */
  cpd_alarm_free (alarm);
}

static void
see (gpointer user_data)
{
  Work *work = user_data;

  g_mutex_lock (&work->lock);
  work->seen = work->done;
  g_cond_signal (&work->changed);
  g_mutex_unlock (&work->lock);
}

static gpointer
do_work (gpointer user_data)
{
  Work *work = user_data;

  for (unsigned int i = 1; i <= TIMES; i++)
    {
      g_mutex_lock (&work->lock);
      work->done = i;
      g_mutex_unlock (&work->lock);
      cpd_alarm_set (work->alarm, 0);
      if (i % 2 == 0) /* otherwise it may be set again while the main loop is at it */
        continue;
      g_mutex_lock (&work->lock);
      while (work->seen < i)
        g_cond_wait (&work->changed, &work->lock);
      g_mutex_unlock (&work->lock);
    }
  return NULL;
}

/* Whoever sets it from another thread is seen, however the main loop is at it just then. */
static void
test_threads (void)
{
  Work work = { 0 };
  GThread *thread;

  g_mutex_init (&work.lock);
  g_cond_init (&work.changed);
  work.alarm = cpd_alarm_new ("test", see, &work);
  thread = g_thread_new ("worker", do_work, &work);
  while (work.seen < TIMES)
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  cpd_alarm_free (work.alarm);
  g_cond_clear (&work.changed);
  g_mutex_clear (&work.lock);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/alarm/earliest", test_earliest);
  g_test_add_func ("/core/alarm/threads", test_threads);
  return g_test_run ();
}
