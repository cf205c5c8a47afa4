/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ctl_time_parse_span (const char *text, gint64 *seconds, GError **error);
gboolean ctl_time_parse_past (const char *text, gint64 now, gint64 *unix_s, GError **error);
char *ctl_time_to_day (gint64 unix_s);
gboolean ctl_time_parse (const char *text, gint64 *unix_s, GError **error);
char *ctl_time_to_text (gint64 unix_s);

G_END_DECLS
