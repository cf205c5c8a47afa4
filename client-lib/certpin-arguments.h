/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the arguments of a call, and what cannot cross the bus. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

GVariant *certpin_arguments_text (const char *text);
GVariant *certpin_arguments_texts (const char *const *texts);
GVariant *certpin_arguments_bytes (GBytes *bytes);

gboolean certpin_arguments_check (GVariant *arguments, GError **error);

G_END_DECLS
