/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-parts.h"

G_BEGIN_DECLS

void cpd_subscriptions_follow (CpdBusParts *parts);

G_END_DECLS
