/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Two ends that are joined to a connection: `in` and `out` may be one descriptor. */
typedef struct
{
  int in, out;
  int connection;
  int ended; /* atomic: the client has ended its direction */
} CtlPump;

gboolean ctl_pump_run (CtlPump *pump, GError **error);

G_END_DECLS
