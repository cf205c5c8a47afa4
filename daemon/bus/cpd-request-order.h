/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/base/cpd-config.h"
#include "daemon/core/verdict/cpd-order.h"

G_BEGIN_DECLS

CpdOrder *cpd_request_order_parse (GVariant *arguments, guint32 uid, const CpdConfig *config,
                                   char **token, GError **error);

G_END_DECLS
