/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A semaphore of one: sem_overview(7). */

#include "config.h"

#include "daemon/bus/cpd-baton.h"

#include <errno.h>

void
cpd_baton_init (CpdBaton *baton)
{
  sem_init (&baton->semaphore, /* pshared= */ 0, 1);
}

void
cpd_baton_clear (CpdBaton *baton)
{
  sem_destroy (&baton->semaphore);
}

/* Waits for it. */
void
cpd_baton_take (CpdBaton *baton)
{
  while (sem_wait (&baton->semaphore) != 0 && errno == EINTR)
    ;
}

/* Does not wait. Returns: whether it was taken */
gboolean
cpd_baton_try (CpdBaton *baton)
{
  return sem_trywait (&baton->semaphore) == 0;
}

void
cpd_baton_give (CpdBaton *baton)
{
  sem_post (&baton->semaphore);
}
