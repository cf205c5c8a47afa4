/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long the machine has been up. The clock can be set; this goes on, also while the machine
 * sleeps, and over restarts of the service. Two of them are comparable only within one boot. */

#include "config.h"

#include "daemon/core/base/cpd-uptime.h"

#include <string.h>
#include <time.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

void
cpd_uptime_read (CpdUptime *out)
{
  g_autofree char *id = NULL;
  struct timespec now;

  if (g_file_get_contents (BOOT_ID_FILE, &id, NULL, NULL))
    g_strlcpy (out->boot, g_strstrip (id), sizeof out->boot);
  else
    out->boot[0] = '\0';
  clock_gettime (CLOCK_BOOTTIME, &now);
  out->us = now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

gboolean
cpd_uptime_same_boot (const CpdUptime *a, const CpdUptime *b)
{
  return a->boot[0] != '\0' && strcmp (a->boot, b->boot) == 0;
}
