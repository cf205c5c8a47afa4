/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-look.h"

G_BEGIN_DECLS

void ctl_outage_tell_unchecked (Ctl *ctl, const char *host, const char *reason);
gboolean ctl_outage_find (Ctl *ctl, const CtlOutage *pin, char **text, GError **error);
gboolean ctl_outage_confirm (Ctl *ctl, const CtlOutage *pin, gboolean yes, GError **error);

G_END_DECLS
