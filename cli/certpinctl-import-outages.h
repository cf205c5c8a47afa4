/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* The member of a change that says what would happen to the host. */
#define CTL_IMPORT_OUTAGE "outage"

GPtrArray *ctl_import_look (Ctl *ctl, GPtrArray *changes, unsigned int seconds, GError **error);
gboolean ctl_import_confirm (Ctl *ctl, GPtrArray *changes, GError **error);

G_END_DECLS
