/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *ctl_text_clean (const char *text);
void ctl_text_append_json (GString *json, const char *text);

G_END_DECLS
