/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/core/pins/cpd-host.h"

G_BEGIN_DECLS

#define CPD_PIN_FILE_SUFFIX ".pin"

char *cpd_pin_file_name (CpdHost *host);
CpdHost *cpd_pin_file_name_to_host (const char *name);

G_END_DECLS
