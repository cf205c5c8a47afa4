/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether the bus connection of one client is there, and how the client's main context learns of a
 * change. The value changes at once, in any thread. The notification follows in the context; if
 * that does not run, at most one waits. */

#include "config.h"

#include "certpin-connected.h"

struct _CertpinConnected
{
  GWeakRef object;
  GMainContext *context;

  GMutex lock; /* of what follows */
  gboolean value;
  GSource *source; /* (nullable): a notification waits in the context */
  gboolean stopped;
};

/* Uses the thread-default main context of this thread. `object`: has a property ‘connected’ */
CertpinConnected *
certpin_connected_new (GObject *object)
{
  CertpinConnected *connected = g_atomic_rc_box_new0 (CertpinConnected);

  g_weak_ref_init (&connected->object, object);
  connected->context = g_main_context_ref_thread_default ();
  g_mutex_init (&connected->lock);
  return connected;
}

CertpinConnected *
certpin_connected_ref (CertpinConnected *connected)
{
  return g_atomic_rc_box_acquire (connected);
}

static void
connected_clear (gpointer data)
{
  CertpinConnected *connected = data;

  g_weak_ref_clear (&connected->object);
  g_main_context_unref (connected->context);
  g_mutex_clear (&connected->lock);
}

void
certpin_connected_unref (CertpinConnected *connected)
{
  g_atomic_rc_box_release_full (connected, connected_clear);
}

static void
connected_release (gpointer data)
{
  certpin_connected_unref (data);
}

/* A change that comes after this one sees no source, and gets a notification of its own. */
static gboolean
connected_on_change (gpointer data)
{
  CertpinConnected *connected = data;
  g_autoptr (GObject) object = g_weak_ref_get (&connected->object);
  gboolean stopped;

  g_mutex_lock (&connected->lock);
  g_clear_pointer (&connected->source, g_source_unref);
  stopped = connected->stopped;
  g_mutex_unlock (&connected->lock);
  if (object != NULL && !stopped)
    g_object_notify (object, "connected");
  return G_SOURCE_REMOVE;
}

/* Under `lock`. */
static void
connected_tell (CertpinConnected *connected)
{
  connected->source = g_idle_source_new ();
  g_source_set_priority (connected->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (connected->source, connected_on_change, certpin_connected_ref (connected),
                         connected_release);
  g_source_attach (connected->source, connected->context);
}

/* May be called in any thread. */
gboolean
certpin_connected_get (CertpinConnected *connected)
{
  gboolean value;

  g_mutex_lock (&connected->lock);
  value = connected->value;
  g_mutex_unlock (&connected->lock);
  return value;
}

/* May be called in any thread. */
void
certpin_connected_set (CertpinConnected *connected, gboolean value)
{
  g_mutex_lock (&connected->lock);
  if (value != connected->value && !connected->stopped && connected->source == NULL)
    connected_tell (connected);
  connected->value = value;
  g_mutex_unlock (&connected->lock);
}

/* There is no notification after this. */
void
certpin_connected_stop (CertpinConnected *connected)
{
  g_mutex_lock (&connected->lock);
  connected->stopped = TRUE;
  if (connected->source != NULL)
    g_source_destroy (connected->source);
  g_clear_pointer (&connected->source, g_source_unref);
  g_mutex_unlock (&connected->lock);
}
