/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Passes a cancellation on to the main context that handles it. The thread that cancels may hold
 * a lock of GDBus or wait for one of our calls, so the handler of GCancellable::cancelled does
 * nothing else, and nothing here waits for the end of an emission, as g_cancellable_disconnect()
 * does. */

#include "config.h"

#include "certpin-cancellation.h"

#include "certpin-engine.h"

struct _CertpinCancellation
{
  GCancellable *cancellable;
  gulong handler;
};

/* Belongs to the signal handler, which may still run after its disconnection. */
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

/* Calls `function` in `context`, once or twice, after `cancellable` was cancelled, and perhaps
 * even after certpin_cancellation_free(). `box`: the data of `function`, made by
 * g_atomic_rc_box_new(); `release` drops a reference to it.
 * Returns: (transfer full) (nullable): NULL if `cancellable` is NULL */
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

/* That of GIO, as programs expect it; CERTPIN_ERROR_CANCELLED means that a request was cancelled in
 * the service. */
GError *
certpin_cancellation_new_error (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "the call was cancelled");
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
