/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The causes of the last errors of the service. An error in Python is a domain, a code and a
 * message; when it is passed back to the library, it has lost what GLib kept in front of it. So
 * its cause is found again by its code and its message. */

#include "config.h"

#include "certpin-causes.h"

#include <pthread.h>

/* More than a program has errors in hand at a time. */
#define MAX_CAUSES 32

typedef struct
{
  int code;
  char *message; /* (nullable): NULL: the place is free */
  GError *cause;
} Entry;

static GMutex lock;
static Entry entries[MAX_CAUSES];
static unsigned int next; /* the place of the next one */

static void
before_fork (void)
{
  g_mutex_lock (&lock);
}

static void
after_fork (void)
{
  g_mutex_unlock (&lock);
}

/* No process is forked while another thread has the lock: in the new one, it would stay locked. */
static void
take_lock (void)
{
  static gsize guarded = 0;

  if (g_once_init_enter (&guarded))
    {
      pthread_atfork (before_fork, after_fork, after_fork);
      g_once_init_leave (&guarded, 1);
    }
  g_mutex_lock (&lock);
}

static void
clear (Entry *entry)
{
  g_clear_pointer (&entry->message, g_free);
  g_clear_error (&entry->cause);
}

/* Returns: (nullable) */
static Entry *
find (const GError *error)
{
  for (size_t i = 0; i < MAX_CAUSES; i++)
    if (entries[i].code == error->code && g_strcmp0 (entries[i].message, error->message) == 0)
      return &entries[i];
  return NULL;
}

/* The newest error with these words counts, also if it has no cause.
 * `cause`: (nullable) */
void
certpin_causes_remember (const GError *error, const GError *cause)
{
  Entry *entry;

  take_lock ();
  entry = find (error);
  if (entry != NULL)
    clear (entry);
  if (cause != NULL)
    {
      entry = &entries[next];
      next = (next + 1) % MAX_CAUSES;
      clear (entry);
      entry->code = error->code;
      entry->message = g_strdup (error->message);
      entry->cause = g_error_copy (cause);
    }
  g_mutex_unlock (&lock);
}

/* Returns: (transfer full) (nullable): the cause of the last error with this code and message */
GError *
certpin_causes_recall (const GError *error)
{
  GError *cause = NULL;
  const Entry *entry;

  take_lock ();
  entry = find (error);
  if (entry != NULL)
    cause = g_error_copy (entry->cause);
  g_mutex_unlock (&lock);
  return cause;
}
