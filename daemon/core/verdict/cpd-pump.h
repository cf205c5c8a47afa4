/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-apart.h"

G_BEGIN_DECLS

/* `from`: a caller's, a pipe or a stream socket. `into`: the writing end of a pipe of our own. Both
 * are closed in the end. */
typedef struct
{
  CpdApart apart;
  int from, into;
  guint64 bytes;
} CpdPump;

gboolean cpd_pump_start (const CpdPump *pump, GError **error);

G_END_DECLS
