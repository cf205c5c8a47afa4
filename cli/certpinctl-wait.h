/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

void ctl_on_result (GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *ctl_wait (Ctl *ctl);

G_END_DECLS
