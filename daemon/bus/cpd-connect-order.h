/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/verdict/cpd-tunnel-order.h"

G_BEGIN_DECLS

CpdTunnelOrder *cpd_connect_order_parse (GVariant *arguments, int descriptor, CpdOwner owner,
                                         char **token, GError **error);

G_END_DECLS
