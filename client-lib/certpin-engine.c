/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread in which the library talks to the bus, and how work gets to it and back. Calls come
 * from any thread and any main context; here, none of them waits until another's main context runs.
 * No code of the program runs in this thread, and nothing here ever blocks. */

#include "config.h"

#include "certpin-engine.h"

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

/* The process whose threads talk to the bus; 0: none yet. */
static int owner;

/* Whether this process may talk to the bus: the first to ask may. A process that is forked from it
 * has none of its threads, GDBus's among them, and would wait in vain. */
gboolean
certpin_engine_claim (void)
{
  g_atomic_int_compare_and_exchange (&owner, 0, getpid ());
  return certpin_engine_is_claimed ();
}

gboolean
certpin_engine_is_claimed (void)
{
  return g_atomic_int_get (&owner) == getpid ();
}

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

/* What is posted first runs first. */
void
certpin_engine_post (GSourceFunc function, gpointer data, GDestroyNotify destroy)
{
  certpin_context_post (certpin_engine_get_context (), function, data, destroy);
}

/* May be called in any thread and with any lock held: it calls nobody and waits for nobody. */
void
certpin_context_post (GMainContext *context, GSourceFunc function, gpointer data,
                      GDestroyNotify destroy)
{
  /* As soon as it is attached, the source may run, and its data and the last other reference to the
   * context may be gone. */
  g_autoptr (GMainContext) kept = g_main_context_ref (context);
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, function, data, destroy);
  g_source_attach (source, kept);
}
