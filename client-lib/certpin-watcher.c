/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Passes signals of the service to one object: from the library's thread to the main context in
 * which the program wants them. If the program does not run that context, the number of waiting
 * signals stays limited, and the program is told that it missed some. */

#include "config.h"

#include "certpin-watcher.h"

#include "certpin-failure.h"
#include "certpin-pin-change.h"
#include "certpin-sighting.h"

#define EVENTS_MAX 256

typedef struct
{
  const char *signal; /* a literal */
  char *host;
  GVariant *details;
} Event;

struct _CertpinWatcher
{
  GWeakRef object;
  GMainContext *context;

  GMutex lock; /* of what follows */
  GQueue events;
  GSource *source; /* in the context, as long as there are events */
  gboolean stopped;
};

static void
event_free (gpointer data)
{
  Event *event = data;

  g_free (event->host);
  g_variant_unref (event->details);
  g_free (event);
}

/* Uses the thread-default main context of this thread. `object`: has the signals of the service */
CertpinWatcher *
certpin_watcher_new (GObject *object)
{
  CertpinWatcher *watcher = g_atomic_rc_box_new0 (CertpinWatcher);

  g_weak_ref_init (&watcher->object, object);
  watcher->context = g_main_context_ref_thread_default ();
  g_mutex_init (&watcher->lock);
  return watcher;
}

CertpinWatcher *
certpin_watcher_ref (CertpinWatcher *watcher)
{
  return g_atomic_rc_box_acquire (watcher);
}

static void
watcher_clear (gpointer data)
{
  CertpinWatcher *watcher = data;

  g_weak_ref_clear (&watcher->object);
  g_main_context_unref (watcher->context);
  g_mutex_clear (&watcher->lock);
}

void
certpin_watcher_unref (CertpinWatcher *watcher)
{
  g_atomic_rc_box_release_full (watcher, watcher_clear);
}

static void
watcher_release (gpointer data)
{
  certpin_watcher_unref (data);
}

/* Returns: (transfer full): the details with types */
static CertpinRecord *
event_read (const Event *event)
{
  if (g_str_equal (event->signal, "pin-failed"))
    return CERTPIN_RECORD (certpin_failure_new (event->details));
  if (g_str_equal (event->signal, "key-seen"))
    return CERTPIN_RECORD (certpin_sighting_new (event->details));
  return CERTPIN_RECORD (certpin_pin_change_new (event->details));
}

static void
event_emit (const Event *event, GObject *object)
{
  g_autoptr (CertpinRecord) details = event_read (event);

  g_signal_emit_by_name (object, event->signal, event->host, details);
}

/* Emits the signal of the oldest event. */
static gboolean
watcher_on_event (gpointer data)
{
  CertpinWatcher *watcher = data;
  g_autoptr (GObject) object = g_weak_ref_get (&watcher->object);
  Event *event;
  gboolean more;

  g_mutex_lock (&watcher->lock);
  event = g_queue_pop_head (&watcher->events);
  more = !g_queue_is_empty (&watcher->events);
  if (!more)
    g_clear_pointer (&watcher->source, g_source_unref);
  g_mutex_unlock (&watcher->lock);
  if (event == NULL)
    return G_SOURCE_REMOVE;
  if (object != NULL)
    event_emit (event, object);
  event_free (event);
  return more ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
add_event (CertpinWatcher *watcher, const char *signal, const char *host, GVariant *details)
{
  Event *event = g_new0 (Event, 1);

  event->signal = signal;
  event->host = g_strdup (host);
  event->details = g_variant_ref_sink (details);
  g_queue_push_tail (&watcher->events, event);
  if (watcher->source != NULL)
    return;
  watcher->source = g_idle_source_new ();
  g_source_set_priority (watcher->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (watcher->source, watcher_on_event, certpin_watcher_ref (watcher),
                         watcher_release);
  g_source_attach (watcher->source, watcher->context);
}

static GVariant *
new_missed (void)
{
  return g_variant_new_parsed ("{'state': <'missed'>, 'change': <'missed'>}");
}

/* May be called in any thread. `signal`: a literal, the name of the object's signal.
 * `details`: sunk if floating */
void
certpin_watcher_tell (CertpinWatcher *watcher, const char *signal, const char *host,
                      GVariant *details)
{
  g_autoptr (GVariant) kept = g_variant_ref_sink (details);

  g_mutex_lock (&watcher->lock);
  if (g_queue_get_length (&watcher->events) >= EVENTS_MAX)
    {
      g_queue_clear_full (&watcher->events, event_free);
      add_event (watcher, "pin-changed", "", new_missed ());
    }
  if (!watcher->stopped)
    add_event (watcher, signal, host, kept);
  g_mutex_unlock (&watcher->lock);
}

/* Tells the program that signals may have been missed. */
void
certpin_watcher_tell_missed (CertpinWatcher *watcher)
{
  certpin_watcher_tell (watcher, "pin-changed", "", new_missed ());
}

/* No signal is emitted after this. */
void
certpin_watcher_stop (CertpinWatcher *watcher)
{
  g_mutex_lock (&watcher->lock);
  watcher->stopped = TRUE;
  g_queue_clear_full (&watcher->events, event_free);
  if (watcher->source != NULL)
    g_source_destroy (watcher->source);
  g_clear_pointer (&watcher->source, g_source_unref);
  g_mutex_unlock (&watcher->lock);
}
