/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for an event on the main context, with a deadline: a test that waits in vain fails. */

#include "config.h"

#include "test-loop.h"

#define SILENCE_MAX_S 20

static gboolean
on_silence (gpointer user_data)
{
  g_error ("nothing has happened for %d s", SILENCE_MAX_S);
  return G_SOURCE_REMOVE;
}

/* Lets one thing happen: to be called for as long as what is waited for has not. */
void
test_loop_step (void)
{
  unsigned int deadline = g_timeout_add_seconds (SILENCE_MAX_S, on_silence, NULL);

  g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
}

/* Lets everything happen that is ready to: for what has to be shown not to happen. */
void
test_loop_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static gboolean
on_over (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* For what only time can bring about. */
void
test_loop_run_for (unsigned int ms)
{
  gboolean over = FALSE;

  g_timeout_add (ms, on_over, &over);
  while (!over)
    test_loop_step ();
}

/* A GAsyncReadyCallback; `user_data`: GAsyncResult ** that is NULL until then */
void
test_loop_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

/* Returns: (transfer full): what `result` becomes */
GAsyncResult *
test_loop_wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    test_loop_step ();
  return g_steal_pointer (result);
}

/* The last reference but those that are about to go, some in a thread of GIO's.
 * `object`: (transfer full) */
void
test_loop_release (gpointer object)
{
  gpointer left = object;

  g_object_add_weak_pointer (object, &left);
  g_object_unref (object);
  for (unsigned int ms = 0; g_atomic_pointer_get (&left) != NULL; ms++)
    {
      g_assert_cmpuint (ms, <, SILENCE_MAX_S * 1000);
      test_loop_run_for (1);
    }
}
