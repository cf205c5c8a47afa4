/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

gboolean ctl_request_add_timeout (GVariantDict *dict, const char *text, GError **error);

CtlExit ctl_get (Ctl *ctl, GError **error);
CtlExit ctl_request (Ctl *ctl, GError **error);

G_END_DECLS
