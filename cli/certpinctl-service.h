/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

GVariant *ctl_service_ask (Ctl *ctl, GError **error);

G_END_DECLS
