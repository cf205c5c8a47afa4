/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void validations_hold (void);
void validations_pass (void);
void validations_release (void);

void validations_wait_for (unsigned int count);
unsigned int validations_count (void);
unsigned int validations_count_ended (void);

G_END_DECLS
