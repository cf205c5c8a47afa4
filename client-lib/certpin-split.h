/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private: the text of a pin file, in parts that the service takes. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

GPtrArray *certpin_split_pins (const char *text, unsigned int most_pins, gsize most_bytes);
unsigned int certpin_split_find_host (const char *text, unsigned int pin);

G_END_DECLS
