/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *ctl_text_clean (const char *text);
char *ctl_text_escape_json (const char *json);

G_END_DECLS
