/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-parts.h"

G_BEGIN_DECLS

void cpd_sighting_news_follow (CpdBusParts *parts);
void cpd_sighting_news_unfollow (CpdBusParts *parts);

G_END_DECLS
