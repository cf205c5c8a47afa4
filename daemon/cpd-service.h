/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/bus/cpd-bus.h"

G_BEGIN_DECLS

int cpd_service_run (const CpdBusSettings *settings, GError **error);

G_END_DECLS
