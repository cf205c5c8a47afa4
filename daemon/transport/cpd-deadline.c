/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The time that something has, counted from when its caller was authorised, not from now. */

#include "config.h"

#include "daemon/transport/cpd-deadline.h"

/* `from_us`: monotonic. `passed`: called from the main loop of this thread; must return
 * G_SOURCE_REMOVE.
 * Returns: (transfer full): to be given to cpd_deadline_stop () */
GSource *
cpd_deadline_start (gint64 from_us, guint32 timeout_ms, GSourceFunc passed, gpointer user_data)
{
  gint64 left_us = from_us + (gint64)timeout_ms * 1000 - g_get_monotonic_time ();
  GSource *deadline = g_timeout_source_new ((unsigned int)(MAX (left_us, 0) / 1000));

  g_source_set_callback (deadline, passed, user_data, NULL);
  g_source_attach (deadline, g_main_context_get_thread_default ());
  return deadline;
}

/* `deadline`: to NULL, or to one, also one that has passed; set to NULL */
void
cpd_deadline_stop (GSource **deadline)
{
  if (*deadline != NULL)
    g_source_destroy (*deadline);
  g_clear_pointer (deadline, g_source_unref);
}
