/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Measures processor time: on a busy machine, the elapsed time of some work says little about its
 * cost. */

#include "config.h"

#include "daemon/core/base/cpd-clock.h"

#include <time.h>

/* Returns: the processor time of this thread, in µs */
gint64
cpd_clock_work_us (void)
{
  struct timespec spent;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &spent);
  return spent.tv_sec * G_USEC_PER_SEC + spent.tv_nsec / 1000;
}
