/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private to certpin; not installed. Shared with certpinctl. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether text with this character cannot control a terminal, begin a new line, or look like other
 * text (Unicode UTS 55). */
static inline gboolean
certpin_text_is_plain (gunichar c)
{
  GUnicodeType type = g_unichar_type (c);

  return type != G_UNICODE_CONTROL && type != G_UNICODE_FORMAT && type != G_UNICODE_LINE_SEPARATOR
         && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

G_END_DECLS
