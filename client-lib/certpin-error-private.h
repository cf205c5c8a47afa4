/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: for those who make an error of something. */

#pragma once

#include "certpin-error.h"

G_BEGIN_DECLS

void certpin_error_set_cause (GError *error, const GError *cause);

G_END_DECLS
