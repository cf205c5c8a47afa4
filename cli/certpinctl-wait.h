/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-run.h"

G_BEGIN_DECLS

/* Whether what is waited for has happened. */
typedef gboolean (*CtlCondition) (gpointer data);

void ctl_on_result (GObject *source, GAsyncResult *result, gpointer user_data);
unsigned int ctl_wait_hold (Ctl *ctl);
void ctl_wait_release (Ctl *ctl, unsigned int held);
GAsyncResult *ctl_wait (Ctl *ctl);
void ctl_wait_until (Ctl *ctl, CtlCondition condition, gpointer data);

G_END_DECLS
