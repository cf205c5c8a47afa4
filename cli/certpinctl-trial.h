/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

gboolean ctl_trial_can_undo (GVariant *old, GError **error);
gboolean ctl_trial_run (Ctl *ctl, const char *host, GError **error);
gboolean ctl_trial_undo (Ctl *ctl, GVariant *pin, GVariant *old, GError **error);

G_END_DECLS
