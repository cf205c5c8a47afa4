/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *cpd_text_sanitize (const char *text, size_t length);
char *cpd_text_escape (const char *text, size_t length);
char *cpd_text_shorten (const char *text, size_t length, size_t most);
gboolean cpd_text_is_plain (const char *text);
char *cpd_text_date (gint64 unix_s);
char *cpd_text_time (gint64 unix_s);
gboolean cpd_text_parse_number (const char *text, gint64 *out);

G_END_DECLS
