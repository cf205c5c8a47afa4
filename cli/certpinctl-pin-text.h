/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-output.h"

G_BEGIN_DECLS

extern const CtlField ctl_pin_fields[];

const char *ctl_warning_of_pin (GVariant *pin);
void ctl_print_pin (CtlStream *stream, GVariant *pin, const CtlField *fields);

G_END_DECLS
