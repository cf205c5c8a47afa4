/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The length of the id of a start of the machine. */
#define CPD_UPTIME_BOOT_BYTES 36

/* A point in time by how long the machine has been up, which nobody can set. */
typedef struct
{
  char boot[CPD_UPTIME_BOOT_BYTES + 1]; /* the id of its start; "": not known */
  gint64 us;                            /* since then, also while it slept; below 0: before then */
} CpdUptime;

void cpd_uptime_read (CpdUptime *out);
gboolean cpd_uptime_same_boot (const CpdUptime *a, const CpdUptime *b);

G_END_DECLS
