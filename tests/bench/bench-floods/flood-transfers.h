/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "tests/bench/bench-floods/flood-kinds.h"

G_BEGIN_DECLS

/* Each returns: (transfer full): of GBytes */
GPtrArray *flood_transfer_streams (const FloodTargets *targets);
GPtrArray *flood_transfer_large_streams (const FloodTargets *targets);
GPtrArray *flood_transfer_uploads (const FloodTargets *targets);
GPtrArray *flood_transfer_tunnels (const FloodTargets *targets);

G_END_DECLS
