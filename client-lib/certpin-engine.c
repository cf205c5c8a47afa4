/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The library's thread, in which everything that concerns the bus happens, and how work gets
 * into it and back. Calls come from any thread and any main context; here, no call waits until
 * the main context of another one runs. No code of the program runs in this thread, and nothing
 * blocks it. */

#include "config.h"

#include "certpin-engine.h"

#include "certpin-error.h"

#include <pthread.h>
#include <unistd.h>

static gpointer
engine_run (gpointer data)
{
  GMainContext *context = data;

  g_main_context_push_thread_default (context);
  while (TRUE)
    g_main_context_iteration (context, /* may_block= */ TRUE);
  return NULL;
}

/* The process that uses the bus; 0: none yet; NOBODY: it was this one's parent. */
#define NOBODY (-1)

static int owner;

/* The number of a process says too little: in another PID namespace a child may have the same. */
static void
on_fork (void)
{
  if (g_atomic_int_get (&owner) != 0)
    g_atomic_int_set (&owner, NOBODY);
}

/* Returns: whether this process may use the bus: the first process that asks may. A process that
 * was forked from it has neither this thread nor GDBus's, and would wait forever. */
gboolean
certpin_engine_claim (void)
{
  static gsize watching = 0;

  if (g_once_init_enter (&watching))
    {
      pthread_atfork (NULL, NULL, on_fork);
      g_once_init_leave (&watching, 1);
    }
  g_atomic_int_compare_and_exchange (&owner, 0, getpid ());
  return certpin_engine_is_claimed ();
}

/* Returns: whether this process has claimed the bus. If not, it must not touch what belongs to the
 * library's thread: it has at most copies of that. */
gboolean
certpin_engine_is_claimed (void)
{
  return g_atomic_int_get (&owner) == getpid ();
}

/* As certpin_engine_claim(), with an error. Errors: CERTPIN_ERROR_SERVICE_UNAVAILABLE */
gboolean
certpin_engine_check (GError **error)
{
  if (certpin_engine_claim ())
    return TRUE;
  g_set_error_literal (
      error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE,
      "a process that was forked from one that uses certpin cannot use it; call exec() first");
  return FALSE;
}

/* The first call starts the library's thread.
 * Returns: (transfer none): the main context of that thread */
GMainContext *
certpin_engine_get_context (void)
{
  static gsize context = 0;

  if (g_once_init_enter (&context))
    {
      GMainContext *made = g_main_context_new ();

      g_thread_unref (g_thread_new ("certpin", engine_run, made));
      g_once_init_leave (&context, (gsize)made);
    }
  return (GMainContext *)context;
}

/* Calls `function` in the library's thread. Functions run in the order in which they were posted.
 * `destroy`: (nullable): is called with `data` afterwards */
void
certpin_engine_post (GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
  certpin_context_post (certpin_engine_get_context (), function, data, destroy);
}

/* Calls `function` in the thread that runs `context`. May be called in any thread and with any lock
 * held: it does not block or call out. */
void
certpin_context_post (GMainContext *context, GSourceFunc function, gpointer data,
                      GDestroyNotify destroy)
{
  /* The source may run as soon as it is attached. Then the data may be freed, and the last other
   * reference to the context dropped. */
  g_autoptr (GMainContext) kept = g_main_context_ref (context);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, data, destroy);
  g_source_attach (source, kept);
}
