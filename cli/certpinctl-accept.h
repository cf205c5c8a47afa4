/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

char *ctl_accept_find (Ctl *ctl, const char *host, GVariant *failure);
void ctl_print_accept (CtlStream *stream, const char *command);

G_END_DECLS
