/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* Stands before a verb. */
#define CTL_HELP "help"

gboolean ctl_command_take_help (Ctl *ctl, GError **error);
gboolean ctl_command_find (Ctl *ctl, const CtlVerb *verbs, GError **error);

G_END_DECLS
