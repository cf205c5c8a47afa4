/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean ctl_locale_start (gboolean for_programs);
void ctl_locale_speak_english (void);
const char *ctl_locale_translate (const char *text);

G_END_DECLS
