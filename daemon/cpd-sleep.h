/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-channel-fetcher.h"

G_BEGIN_DECLS

void cpd_sleep_watch (GDBusConnection *connection, CpdChannelFetcher *fetcher);

G_END_DECLS
