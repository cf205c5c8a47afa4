/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

gboolean ctl_complete_is_asked (Ctl *ctl);
CtlExit ctl_complete (Ctl *ctl, const CtlVerb *verbs, GError **error);
void ctl_complete_verb (Ctl *ctl, const GOptionEntry *options);

G_END_DECLS
