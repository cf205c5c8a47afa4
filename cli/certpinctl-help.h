/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_print_version (Ctl *ctl);
void ctl_print_help_of_program (Ctl *ctl, const CtlVerb *verbs);
void ctl_print_help_of_verb (Ctl *ctl, const GOptionEntry *options);

G_END_DECLS
