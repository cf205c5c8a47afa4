/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the cause of an error, as it crosses the bus. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *certpin_cause_to_text (const GError *cause);
GError *certpin_cause_new_from_text (const char *text);

G_END_DECLS
