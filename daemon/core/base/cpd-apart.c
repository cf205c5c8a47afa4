/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads that touch what a caller shares with the service. Who shares a descriptor can hold its
 * lock in the kernel: of a pipe, by moving from it into a socket that is full; of a socket, by
 * sending from memory that another program provides. Each call on it waits then, whatever its
 * flags, and not even SIGKILL ends it. So no other thread touches such a descriptor, and nobody
 * waits for this one. */

#include "config.h"

#include "daemon/core/base/cpd-apart.h"

#include "daemon/core/base/cpd-refuse.h"

typedef struct
{
  guint32 uid;
  CpdApartFunc work;
  gpointer data;
} Running;

static GMutex mutex;
static GHashTable *counts; /* uid → how many run; guarded by `mutex` */

/* Returns: whether there are no more than `most` then; otherwise nothing has changed */
static gboolean
count (guint32 uid, int more, unsigned int most)
{
  gpointer key = GUINT_TO_POINTER (uid);
  int now;
  gboolean may;

  g_mutex_lock (&mutex);
  if (counts == NULL)
    counts = g_hash_table_new (NULL, NULL);
  now = GPOINTER_TO_INT (g_hash_table_lookup (counts, key)) + more;
  may = more < 0 || now <= (int)most;
  if (now == 0)
    g_hash_table_remove (counts, key);
  else if (may)
    g_hash_table_insert (counts, key, GINT_TO_POINTER (now));
  g_mutex_unlock (&mutex);
  return may;
}

static gpointer
run (gpointer data)
{
  g_autofree Running *running = data;

  running->work (running->data);
  count (running->uid, -1, 0);
  return NULL;
}

static gboolean
start (const Running *running)
{
  Running *its_own = g_memdup2 (running, sizeof *running);
  GThread *thread = g_thread_try_new ("apart", run, its_own, NULL);

  if (thread == NULL)
    {
      g_free (its_own);
      return FALSE;
    }
  g_thread_unref (thread);
  return TRUE;
}

/* `data`: (transfer full), unless this fails.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_apart_start (const CpdApart *apart, CpdApartFunc work, gpointer data, GError **error)
{
  const Running running = { apart->uid, work, data };

  if (!count (apart->uid, 1, apart->most))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "the user has %u descriptors in use that another program holds",
                       apart->most);
  if (start (&running))
    return TRUE;
  count (apart->uid, -1, 0);
  return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                     "the service cannot start any more threads");
}
