/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *ctl_input_show (const char *path);
char *ctl_input_quote (const char *word);
void ctl_input_prefix_error (const char *path, GError **error);
GBytes *ctl_input_read (const char *path, size_t max_bytes, GError **error);
char *ctl_input_get_text (GBytes *bytes);

G_END_DECLS
