/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The language that people are spoken to in. What programs read is always English. */

#include "config.h"

#include "certpinctl-locale.h"

#include <glib/gi18n.h>

#include <langinfo.h>
#include <locale.h>
#include <string.h>

/* For the whole program, from now on. */
void
ctl_locale_speak_english (void)
{
  setlocale (LC_MESSAGES, "C");
}

/* Returns: whether the terminal shows UTF-8 */
gboolean
ctl_locale_start (gboolean for_programs)
{
  gboolean utf8;

  setlocale (LC_ALL, "");
  utf8 = strcmp (nl_langinfo (CODESET), "UTF-8") == 0;
  setlocale (LC_CTYPE, "C.UTF-8"); /* D-Bus strings are UTF-8 in every locale */
  if (for_programs)
    ctl_locale_speak_english ();
  bindtextdomain (GETTEXT_DOMAIN, LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_DOMAIN, "UTF-8");
  textdomain (GETTEXT_DOMAIN);
  return utf8;
}

/* Of a table, which marks it. `text`: may be empty, of which gettext() would make its header */
const char *
ctl_locale_translate (const char *text)
{
  return *text != '\0' ? gettext (text) : text;
}
