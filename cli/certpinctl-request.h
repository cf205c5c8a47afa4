/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

CtlExit ctl_get (Ctl *ctl, GError **error);
CtlExit ctl_head (Ctl *ctl, GError **error);
CtlExit ctl_post (Ctl *ctl, GError **error);
CtlExit ctl_put (Ctl *ctl, GError **error);
CtlExit ctl_delete (Ctl *ctl, GError **error);
CtlExit ctl_request (Ctl *ctl, GError **error);

G_END_DECLS
