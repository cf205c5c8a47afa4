/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-parts.h"

G_BEGIN_DECLS

/* The objects on the bus that stand for warm channels. None is kept: each answer is made from what
 * transport/ says at that time. */
CpdChannelStatus *
cpd_channel_objects_find (const CpdBusParts *parts, const CpdCaller *caller, const char *path);
void cpd_channel_objects_list (const CpdBusParts *parts, const CpdCaller *caller, GString *xml);
GVariant *cpd_channel_objects_describe (const CpdChannelStatus *status);

G_END_DECLS
