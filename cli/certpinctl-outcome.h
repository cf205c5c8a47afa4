/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_outcome_begin (Ctl *ctl, gboolean system);
void ctl_outcome_end (Ctl *ctl, const char *host, GError **error);
void ctl_outcome_end_import (Ctl *ctl, const char *path, gboolean system, GError **error);

G_END_DECLS
