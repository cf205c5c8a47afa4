/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private to certpin; not installed. Shared with certpinctl. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean certpin_pem_read (const char *text, gsize length, GPtrArray *ders);

G_END_DECLS
