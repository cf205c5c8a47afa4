/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits for a call of the library to end. An interrupt cancels the call. */

#include "config.h"

#include "certpinctl-wait.h"

#include <glib-unix.h>

#include <signal.h>

static gboolean
on_interrupt (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE; /* the next one ends the program at once */
}

/* The callback of every call that ctl_wait() waits for. */
void
ctl_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Ctl *ctl = user_data;

  ctl->result = g_object_ref (result);
}

/* Returns: (transfer full): the result of the call */
GAsyncResult *
ctl_wait (Ctl *ctl)
{
  unsigned int interrupt = g_unix_signal_add (SIGINT, on_interrupt, ctl->cancellable);

  while (ctl->result == NULL)
    g_main_context_iteration (NULL, /* may_block= */ TRUE);
  if (!g_cancellable_is_cancelled (ctl->cancellable))
    g_source_remove (interrupt);
  return g_steal_pointer (&ctl->result);
}
