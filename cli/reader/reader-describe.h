/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

GVariant *reader_describe (GBytes *file, CpdHost *host, GError **error);

G_END_DECLS
