/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ends pauses when their time is over, so that what passed only because of them is cut, and tells
 * the journal. No check depends on that: whoever judges looks at the time. A pause is over when the
 * clock says so, when the clock is set back to before it, and when as much time has passed as it
 * had left, whatever the clock says meanwhile. A pause from before the machine started is written
 * anew with how long ago it began, so that this holds from then on. */

#include "config.h"

#include "daemon/cpd-pauses.h"

#include "daemon/bus/cpd-audit.h"

#include <glib-unix.h>

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* Many can be over in the same second; one turn of the main loop ends as many as this takes. */
#define TURN_US 2000

struct _CpdPauses
{
  CpdStore *store;
  CpdAudit *audit;     /* of its own: what ends by itself hides nothing that callers do */
  GHashTable *running; /* "UID HOST" → Entry */
  int clock_fd;        /* a timer by the clock, which also tells when that is set */
  int elapsed_fd;      /* a timer by the time that passes, also while the machine sleeps */
  unsigned int clock_source, elapsed_source;
};

typedef struct
{
  CpdOwner owner;     /* CPD_ALL_UIDS: the system's */
  CpdPin *pin;        /* with its pause */
  gint64 deadline_ns; /* CLOCK_BOOTTIME: it is over then, at the latest */
} Entry;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  cpd_pin_unref (entry->pin);
  g_free (entry);
}

static gint64
elapsed_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_BOOTTIME, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static gboolean
is_over (const Entry *entry)
{
  return !cpd_pause_holds (entry->pin->pause, now_s ()) || elapsed_ns () >= entry->deadline_ns;
}

/* `ns`: 0: never */
static void
set_timer (int fd, int flags, gint64 ns)
{
  const struct itimerspec when
      = { .it_value = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 } };

  if (timerfd_settime (fd, flags, &when, NULL) < 0)
    g_warning ("cannot set the timer for the end of a pause: %s", g_strerror (errno));
}

/* Sets both timers to the pause that is over first. */
static void
set_timers (CpdPauses *pauses)
{
  gint64 until_s = G_MAXINT64, deadline_ns = G_MAXINT64;
  GHashTableIter iter;
  gpointer value;

  if (g_hash_table_size (pauses->running) == 0)
    {
      set_timer (pauses->clock_fd, 0, 0);
      set_timer (pauses->elapsed_fd, 0, 0);
      return;
    }
  g_hash_table_iter_init (&iter, pauses->running);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Entry *entry = value;

      until_s = MIN (until_s, entry->pin->pause->until);
      deadline_ns = MIN (deadline_ns, entry->deadline_ns);
    }
  set_timer (pauses->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, until_s * 1000000000);
  set_timer (pauses->elapsed_fd, 0, MAX (1, deadline_ns - elapsed_ns ()));
}

static char *
make_key (CpdOwner owner, CpdHost *host)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT " %s", owner, cpd_host_get_text (host));
}

/* `pin`: (nullable). Returns: whether that is news */
static gboolean
follow (CpdPauses *pauses, CpdOwner owner, CpdHost *host, CpdPin *pin)
{
  g_autofree char *key = make_key (owner, host);
  Entry *entry = g_hash_table_lookup (pauses->running, key);
  const CpdPause *pause = pin != NULL ? pin->pause : NULL;
  CpdUptime uptime;
  Entry *made;

  if (pause == NULL)
    return g_hash_table_remove (pauses->running, key);
  if (entry != NULL && entry->pin->pause == pause)
    return FALSE;
  made = g_new0 (Entry, 1);
  made->owner = owner;
  made->pin = cpd_pin_ref (pin);
  cpd_uptime_read (&uptime);
  made->deadline_ns = 1000 * (uptime.us + cpd_pause_left_us (pause, g_get_real_time (), &uptime));
  g_hash_table_replace (pauses->running, g_steal_pointer (&key), made);
  return TRUE;
}

static void
on_store_changed (CpdPauses *pauses, CpdOwner owner, CpdHost *pattern)
{
  CpdLayer layer = cpd_layer_of_owner (owner);
  g_autoptr (CpdPin) pin = NULL;

  if (pattern == NULL) /* pin files: those have no pauses */
    return;
  pin = cpd_store_get_pin (pauses->store, layer, owner, pattern);
  if (follow (pauses, owner, pattern, pin))
    set_timers (pauses);
}

/* Returns: (transfer full) (nullable): one whose time is over, no longer among those that run */
static Entry *
take_one_over (CpdPauses *pauses)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, pauses->running);
  while (g_hash_table_iter_next (&iter, &key, &value))
    if (is_over (value))
      {
        g_hash_table_iter_steal (&iter);
        g_free (key);
        return value;
      }
  return NULL;
}

/* Returns: whether there was one whose time is over */
static gboolean
end_one_over (CpdPauses *pauses)
{
  Entry *entry = take_one_over (pauses);

  if (entry == NULL)
    return FALSE;
  cpd_audit_pause_over (pauses->audit, entry->owner, entry->pin);
  cpd_store_end_pause (pauses->store, entry->owner, entry->pin->host);
  entry_free (entry);
  return TRUE;
}

/* Those for which this turn has no time follow in the next one. */
static void
end_those_over (CpdPauses *pauses)
{
  gint64 began_us = g_get_monotonic_time ();

  while (end_one_over (pauses))
    {
      if (g_get_monotonic_time () - began_us > TURN_US)
        {
          set_timer (pauses->elapsed_fd, 0, 1);
          return;
        }
    }
  set_timers (pauses);
}

static gboolean
on_timer (int fd, GIOCondition condition, gpointer user_data)
{
  guint64 count;

  /* ECANCELED: the clock was set. */
  if (read (fd, &count, sizeof count) >= 0 || errno == ECANCELED)
    end_those_over (user_data);
  return G_SOURCE_CONTINUE;
}

/* Does nothing until it is started. */
CpdPauses *
cpd_pauses_new (CpdStore *store)
{
  CpdPauses *pauses = g_new0 (CpdPauses, 1);

  pauses->store = g_object_ref (store);
  pauses->audit = cpd_audit_new (cpd_store_get_apps (store));
  pauses->running = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  pauses->clock_fd = timerfd_create (CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  pauses->elapsed_fd = timerfd_create (CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  pauses->clock_source = g_unix_fd_add (pauses->clock_fd, G_IO_IN, on_timer, pauses);
  pauses->elapsed_source = g_unix_fd_add (pauses->elapsed_fd, G_IO_IN, on_timer, pauses);
  return pauses;
}

/* If it cannot be written, only the clock tells when the pause is over. */
static void
write_uptime (CpdPauses *pauses, CpdOwner owner, const CpdPin *pin)
{
  const CpdPause *pause = pin->pause;
  g_autoptr (CpdPause) now = NULL;
  g_autoptr (CpdPinEdit) edit = NULL;
  CpdUptime uptime;

  cpd_uptime_read (&uptime);
  if (cpd_uptime_same_boot (&pause->began, &uptime) || !cpd_pin_is_paused (pin, now_s ()))
    return;
  now = cpd_pause_new (now_s (), pause->until, pause->reason, pause->by, &uptime);
  edit = cpd_pin_edit_new_pause (now);
  cpd_store_edit_pin_async (pauses->store, pin->layer, owner, pin->host, edit, NULL, NULL);
}

static void
follow_loaded (CpdOwner owner, CpdPin *pin, gpointer user_data)
{
  follow (user_data, owner, pin->host, pin);
  write_uptime (user_data, owner, pin);
}

/* The store was read, and nobody is served yet: none that is over may let anything pass. */
void
cpd_pauses_start (CpdPauses *pauses)
{
  cpd_store_each_paused (pauses->store, follow_loaded, pauses);
  g_signal_connect_swapped (pauses->store, "changed", G_CALLBACK (on_store_changed), pauses);
  while (end_one_over (pauses))
    continue;
  set_timers (pauses);
}

void
cpd_pauses_free (CpdPauses *pauses)
{
  g_signal_handlers_disconnect_by_data (pauses->store, pauses);
  g_source_remove (pauses->clock_source);
  g_source_remove (pauses->elapsed_source);
  close (pauses->clock_fd);
  close (pauses->elapsed_fd);
  g_hash_table_unref (pauses->running);
  cpd_audit_free (pauses->audit);
  g_object_unref (pauses->store);
  g_free (pauses);
}
