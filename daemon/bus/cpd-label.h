/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Any text as one element of an object path. */
void cpd_label_append (GString *path, const char *text);
char *cpd_label_parse (const char *label);

G_END_DECLS
