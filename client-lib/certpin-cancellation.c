/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a cancellation is noticed, in whatever thread it happens: it is posted to the main context
 * that deals with it. Inside the emission of GCancellable::cancelled nothing else is done, and
 * nobody ever waits for the end of one, as g_cancellable_disconnect() does: the thread that cancels
 * may itself wait for a lock of GDBus's, or for us. */

#include "config.h"

#include "certpin-cancellation.h"

#include "certpin-engine.h"

struct _CertpinCancellation
{
  GCancellable *cancellable;
  gulong handler;
};

/* Belongs to the signal's handler, which may still run when it has been disconnected. */
typedef struct
{
  GMainContext *context;
  GSourceFunc function;
  gpointer box;
  GDestroyNotify release;
} Target;

static void
target_free (gpointer data, GClosure *closure)
{
  Target *target = data;

  target->release (target->box);
  g_main_context_unref (target->context);
  g_free (target);
}

static void
target_on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Target *target = user_data;

  certpin_context_post (target->context, target->function, g_atomic_rc_box_acquire (target->box),
                        target->release);
}

/* Calls `function` in `context` after `cancellable` was cancelled, once or twice, even if it is
 * freed in the meantime. `box`: for `function`, made by g_atomic_rc_box_new(); `release` gives up
 * one reference. Returns: (transfer full) (nullable): NULL where there is nothing to cancel */
CertpinCancellation *
certpin_cancellation_watch (GCancellable *cancellable, GMainContext *context, GSourceFunc function,
                            gpointer box, GDestroyNotify release)
{
  CertpinCancellation *cancellation;
  Target *target;

  if (cancellable == NULL)
    return NULL;
  target = g_new0 (Target, 1);
  target->context = g_main_context_ref (context);
  target->function = function;
  target->box = g_atomic_rc_box_acquire (box);
  target->release = release;
  cancellation = g_new0 (CertpinCancellation, 1);
  cancellation->cancellable = g_object_ref (cancellable);
  cancellation->handler
      = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (target_on_cancelled), target,
                               target_free, /* connect_flags= */ 0);
  if (g_cancellable_is_cancelled (cancellable))
    target_on_cancelled (cancellable, target);
  return cancellation;
}

/* `cancellation`: (nullable) (transfer full) */
void
certpin_cancellation_free (CertpinCancellation *cancellation)
{
  if (cancellation == NULL)
    return;
  g_signal_handler_disconnect (cancellation->cancellable, cancellation->handler);
  g_object_unref (cancellation->cancellable);
  g_free (cancellation);
}
