/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* Ends with one that has no name. */
extern const CtlVerb ctl_verbs[];

G_END_DECLS
