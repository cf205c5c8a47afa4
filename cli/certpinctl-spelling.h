/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

gboolean ctl_spelling_check (Ctl *ctl, const GOptionEntry *options, GError **error);

G_END_DECLS
