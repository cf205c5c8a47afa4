/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-channels.h"

G_BEGIN_DECLS

#define CPD_TYPE_CHANNEL_FETCHER (cpd_channel_fetcher_get_type ())

/* The CpdFetcher that asks servers. */
G_DECLARE_FINAL_TYPE (CpdChannelFetcher, cpd_channel_fetcher, CPD, CHANNEL_FETCHER, GObject)

CpdChannelFetcher *cpd_channel_fetcher_new (CpdStore *store, const CpdConfig *config);
void cpd_channel_fetcher_leave_networks (CpdChannelFetcher *fetcher);
void cpd_channel_fetcher_finish (CpdChannelFetcher *fetcher);

G_END_DECLS
