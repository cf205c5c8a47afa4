/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits for a call of the library to end. An interrupt cancels the call. */

#include "config.h"

#include "certpinctl-wait.h"

#include "certpinctl-signals.h"

#include <glib-unix.h>

#include <signal.h>

static gboolean
on_interrupt (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE; /* the next one ends the program at once */
}

/* While signals are held, each of them cancels the call. */
static gboolean
on_held_signal (int descriptor, GIOCondition condition, gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* From now on, an interrupt cancels the calls of the program, until ctl_wait_release(); if it is
 * ignored, it stays so.
 * Returns: what that takes; 0: nothing */
unsigned int
ctl_wait_hold (Ctl *ctl)
{
  int descriptor = ctl_signals_get_descriptor ();
  g_autoptr (GSource) source = NULL;

  if (descriptor < 0 && ctl_signals_is_ignored (SIGINT))
    return 0;
  source = descriptor >= 0 ? g_unix_fd_source_new (descriptor, G_IO_IN)
                           : g_unix_signal_source_new (SIGINT);
  if (descriptor >= 0)
    g_source_set_callback (source, G_SOURCE_FUNC (on_held_signal), ctl->cancellable, NULL);
  else
    g_source_set_callback (source, on_interrupt, ctl->cancellable, NULL);
  return g_source_attach (source, NULL);
}

/* An interrupt has removed it already. */
void
ctl_wait_release (Ctl *ctl, unsigned int held)
{
  if (held != 0 && !g_cancellable_is_cancelled (ctl->cancellable))
    g_source_remove (held);
}

/* The callback of every call that ctl_wait() waits for. */
void
ctl_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ctl *ctl = user_data;

  ctl->result = g_object_ref (result);
}

/* Waits in the main context. An interrupt cancels the calls of the program, and does not end the
 * waiting by itself. */
void
ctl_wait_until (Ctl *ctl, CtlCondition condition, gpointer data)
{
  unsigned int held = ctl_wait_hold (ctl);

  while (!condition (data))
    g_main_context_iteration (NULL, /* may_block= */ TRUE);
  ctl_wait_release (ctl, held);
}

static gboolean
has_result (gpointer data)
{
  Ctl *ctl = data;

  return ctl->result != NULL;
}

/* Returns: (transfer full): the result of the call */
GAsyncResult *
ctl_wait (Ctl *ctl)
{
  ctl_wait_until (ctl, has_result, ctl);
  return g_steal_pointer (&ctl->result);
}
