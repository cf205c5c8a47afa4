/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-state-dir.h"

G_BEGIN_DECLS

gboolean cpd_app_folder_tidy (CpdStateDir *dir, const char *name);

G_END_DECLS
