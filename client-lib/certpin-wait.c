/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waits for an asynchronous call. The library's thread answers it, so it works in any thread and
 * in any callback. */

#include "config.h"

#include "certpin-wait.h"

/* Up to certpin_wait_end(), asynchronous calls of this thread return into the context of the wait.
 * Returns: (transfer full) */
CertpinWait *
certpin_wait_begin (void)
{
  CertpinWait *wait = g_new0 (CertpinWait, 1);

  wait->context = g_main_context_new ();
  g_main_context_push_thread_default (wait->context);
  return wait;
}

/* The callback of the asynchronous call. `user_data`: the CertpinWait */
void
certpin_wait_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  CertpinWait *wait = user_data;

  wait->result = g_object_ref (result);
}

/* Returns: (transfer none): the result, valid up to certpin_wait_end() */
GAsyncResult *
certpin_wait_for_result (CertpinWait *wait)
{
  while (wait->result == NULL)
    g_main_context_iteration (wait->context, /* may_block= */ TRUE);
  return wait->result;
}

/* `wait`: (transfer full) */
void
certpin_wait_end (CertpinWait *wait)
{
  g_main_context_pop_thread_default (wait->context);
  g_main_context_unref (wait->context);
  g_clear_object (&wait->result);
  g_free (wait);
}
