/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

GPtrArray *reader_formats_find (GBytes *file, const char **format, GError **error);

G_END_DECLS
