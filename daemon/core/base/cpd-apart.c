/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads that touch what a caller shares with the service. Who shares a descriptor can hold its
 * lock in the kernel: of a pipe, by moving from it into a socket that is full; of a socket, by
 * sending from memory that another program provides. Each call on it waits then, whatever its
 * flags, and not even SIGKILL ends it. So no other thread touches such a descriptor, and nobody
 * waits for this one.
 *
 * The kernel closes a process's descriptors when all threads have ended that share them. So these
 * threads have a table of descriptors of their own: one that waits for ever keeps neither the bus
 * nor the lock of the state folder from the next service. One thread starts all others, which share
 * its table; what they get is sent there over a pair of sockets. */

#define _GNU_SOURCE /* unshare, close_range */

#include "config.h"

#include "daemon/core/base/cpd-apart.h"

#include "daemon/core/base/cpd-refuse.h"
#include "daemon/core/base/cpd-rights.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Before the kernel is asked for memory, or for a thread, again: nothing tells of these. */
#define PAUSE_US 10000

typedef struct
{
  CpdApartFunc work;
  gpointer data;
  gboolean counts; /* for `owner` */
  CpdOwner owner;
  GArray *fds; /* of int */
} Job;

static GAsyncQueue *jobs; /* of Job: to be handed over */

static GMutex mutex;
static GHashTable *counts; /* CpdOwner, a user → Count; guarded by `mutex` */

/* Held from when descriptors are sent until our copies are closed: so whoever got them closes the
 * last ones, which may wait. */
static GMutex handing;
static GQueue handed = G_QUEUE_INIT; /* of Job: whose descriptors are on their way; by `handing` */

/* How many of a user's run. */
typedef struct
{
  unsigned int all, of_apps;
} Count;

/* With the lock held. Returns: (transfer none) */
static Count *
get_count (CpdOwner user)
{
  Count *count;

  if (counts == NULL)
    counts = cpd_owner_table_new (g_free);
  count = cpd_owner_table_get (counts, user);
  if (count == NULL)
    {
      count = g_new0 (Count, 1);
      cpd_owner_table_set (counts, user, count);
    }
  return count;
}

static gboolean
enter (const CpdApart *apart)
{
  gboolean is_app = cpd_owner_is_app (apart->owner), may;
  Count *count;

  g_mutex_lock (&mutex);
  count = get_count (cpd_owner_get_user (apart->owner));
  may = count->all < apart->most && (!is_app || count->of_apps < apart->most / 2);
  count->all += may ? 1 : 0;
  count->of_apps += may && is_app ? 1 : 0;
  g_mutex_unlock (&mutex);
  return may;
}

static void
leave (CpdOwner owner)
{
  CpdOwner user = cpd_owner_get_user (owner);
  Count *count;

  g_mutex_lock (&mutex);
  count = get_count (user);
  count->of_apps -= cpd_owner_is_app (owner) ? 1 : 0;
  if (--count->all == 0)
    g_hash_table_remove (counts, &user);
  g_mutex_unlock (&mutex);
}

static gpointer
run (gpointer data)
{
  g_autofree Job *job = data;

  job->work ((const int *)(void *)job->fds->data, job->data);
  g_array_unref (job->fds);
  if (job->counts)
    leave (job->owner);
  return NULL;
}

/* Apart. */
static void
start_thread (Job *job)
{
  GThread *thread;

  while ((thread = g_thread_try_new ("apart", run, job, NULL)) == NULL)
    g_usleep (PAUSE_US);
  g_thread_unref (thread);
}

/* Returns: FALSE: it failed for want of something that comes back */
static gboolean
take_job (int hatch)
{
  const int none = -1;
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));
  guint8 byte;
  struct iovec part = { &byte, sizeof byte };
  ssize_t length = cpd_rights_receive (hatch, &part, 1, 0, fds);
  Job *job;

  if (length != sizeof byte)
    {
      g_array_unref (fds);
      return FALSE;
    }
  g_mutex_lock (&handing);
  job = g_queue_pop_head (&handed);
  g_mutex_unlock (&handing);
  while (fds->len < job->fds->len) /* the table is full */
    g_array_append_val (fds, none);
  g_array_unref (job->fds);
  job->fds = fds;
  start_thread (job);
  return TRUE;
}

/* Where the kernel gives none, the table is that of all, and what is said above does not hold. */
static void
leave_table (int hatch)
{
  if (unshare (CLONE_FILES) != 0)
    return;
  close_range (STDERR_FILENO + 1, (unsigned int)hatch - 1, 0);
  close_range ((unsigned int)hatch + 1, ~0U, 0);
}

static gpointer
start_threads (gpointer data)
{
  int hatch = GPOINTER_TO_INT (data);

  leave_table (hatch);
  for (;;)
    if (!take_job (hatch))
      g_usleep (PAUSE_US);
  return NULL;
}

/* Returns: whether it was sent, and our copies are closed */
static gboolean
hand_over (int hatch, Job *job)
{
  struct pollfd room = { .fd = hatch, .events = POLLOUT };
  guint8 byte = 0;
  struct iovec part = { &byte, sizeof byte };
  gboolean sent;

  poll (&room, 1, -1);
  g_mutex_lock (&handing);
  sent = cpd_rights_send (hatch, &part, 1, MSG_DONTWAIT, job->fds) > 0;
  for (unsigned int i = 0; sent && i < job->fds->len; i++)
    close (g_array_index (job->fds, int, i));
  if (sent)
    g_queue_push_tail (&handed, job);
  g_mutex_unlock (&handing);
  return sent;
}

static gpointer
hand_over_jobs (gpointer data)
{
  int hatch = GPOINTER_TO_INT (data);

  for (;;)
    {
      Job *job = g_async_queue_pop (jobs);

      while (!hand_over (hatch, job))
        g_usleep (PAUSE_US);
    }
  return NULL;
}

/* Whoever handles a signal may write to a descriptor, to wake the main loop up; here, it would have
 * another one of that number, or none. Threads inherit what is blocked. */
static void
start_apart (int hatch)
{
  sigset_t all, before;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  g_thread_unref (g_thread_new ("apart", start_threads, GINT_TO_POINTER (hatch)));
  pthread_sigmask (SIG_SETMASK, &before, NULL);
}

static gpointer
set_up (gpointer data)
{
  GError **error = data;
  int hatch[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, hatch) != 0)
    {
      g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (errno),
                   "cannot make a pair of sockets: %s", g_strerror (errno));
      return NULL;
    }
  jobs = g_async_queue_new ();
  start_apart (hatch[0]);
  g_thread_unref (g_thread_new ("hatch", hand_over_jobs, GINT_TO_POINTER (hatch[1])));
  return jobs;
}

/* Where there is nothing yet that these threads must not have. */
gboolean
cpd_apart_set_up (GError **error)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, set_up, error) != NULL;
}

static void
push (const Job *job, const int *fds, unsigned int n_fds)
{
  Job *its_own = g_memdup2 (job, sizeof *job);

  cpd_apart_set_up (NULL);
  its_own->fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_append_vals (its_own->fds, fds, n_fds);
  g_async_queue_push (jobs, its_own);
}

/* However many there are. `fds`: (transfer full). `data`: (transfer full) */
void
cpd_apart_run (const int *fds, unsigned int n_fds, CpdApartFunc work, gpointer data)
{
  const Job job = { .work = work, .data = data };

  push (&job, fds, n_fds);
}

/* `fds`, `data`: (transfer full), unless this fails.
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED. */
gboolean
cpd_apart_start (const CpdApart *apart, const int *fds, unsigned int n_fds, CpdApartFunc work,
                 gpointer data, GError **error)
{
  const Job job = { .work = work, .data = data, .counts = TRUE, .owner = apart->owner };

  if (!enter (apart))
    return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                       "the user%s %u descriptors in use that another program holds",
                       cpd_owner_is_app (apart->owner) ? "'s apps have" : " has",
                       cpd_owner_is_app (apart->owner) ? apart->most / 2 : apart->most);
  push (&job, fds, n_fds);
  return TRUE;
}
