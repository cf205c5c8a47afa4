/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_print_failure (CtlStream *stream, GVariant *failure);
void ctl_print_whole_failure (CtlStream *stream, GVariant *failure);
GVariant *ctl_lookup_failure (Ctl *ctl, const char *host, GError **error);
void ctl_keep_evidence (Ctl *ctl, const char *host, const GError *reason, gint64 started_s);
void ctl_forget_evidence (Ctl *ctl);

G_END_DECLS
