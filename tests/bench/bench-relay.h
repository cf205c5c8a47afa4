/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "bench-server.h"

G_BEGIN_DECLS

guint16 bench_relay_start (BenchServer *server, gint64 round_trip_us);

G_END_DECLS
