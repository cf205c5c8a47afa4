/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ctl_signals_is_ignored (int number);
void ctl_signals_hold (void);
void ctl_signals_hold_first (void);
int ctl_signals_caught (void);
int ctl_signals_get_descriptor (void);
void ctl_signals_release (void);

void ctl_signals_ignore_interrupts (void);
gboolean ctl_signals_ignore_writes (void);
void ctl_signals_end_by_interrupt (void);
void ctl_signals_end_by_pipe (void);

G_END_DECLS
