/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shows the body of a response on a terminal. It comes from a stranger: what could control the
 * terminal, or look like other text, is shown as an escape sequence. A body that is not text is
 * refused, and one that does not end with a line end gets one. */

#include "config.h"

#include "certpinctl-screen.h"

#include "certpinctl-text.h"

#include <certpin.h>

#include <string.h>

/* A character of UTF-8 has at most so many bytes. */
#define CHARACTER_BYTES 4

void
ctl_screen_init (CtlScreen *screen, CtlStream *stream)
{
  *screen = (CtlScreen){ .stream = stream, .rest = g_string_new (NULL) };
}

void
ctl_screen_clear (CtlScreen *screen)
{
  if (screen->rest != NULL)
    g_string_free (screen->rest, TRUE);
  screen->rest = NULL;
}

/* Shows a part of a line. */
static void
show_text (CtlScreen *screen, const char *text, gsize length)
{
  g_autofree char *part = g_strndup (text, length);
  g_autofree char *clean = ctl_text_clean (part);

  if (*clean == '\0')
    return;
  ctl_stream_write (screen->stream, clean, strlen (clean));
  screen->in_line = TRUE;
}

/* A null byte ends a string. */
static void
show_line (CtlScreen *screen, const char *line, gsize length)
{
  const char *end = line + length;

  while (line < end)
    {
      gsize part = strcspn (line, "\t");

      part = MIN (part, (gsize)(end - line));
      show_text (screen, line, part);
      line += part;
      if (line < end)
        {
          ctl_stream_write (screen->stream, *line == '\t' ? "\t" : "\\x00", *line == '\t' ? 1 : 4);
          screen->in_line = TRUE;
          line++;
        }
    }
}

/* Shows all lines but the last one, which may go on. */
static void
show_lines (CtlScreen *screen)
{
  const char *at = screen->rest->str, *end = at + screen->rest->len, *stop;

  while ((stop = memchr (at, '\n', (gsize)(end - at))) != NULL)
    {
      gboolean carriage = stop > at && stop[-1] == '\r';

      show_line (screen, at, (gsize)(stop - at) - carriage);
      ctl_stream_write (screen->stream, "\n", 1);
      screen->in_line = FALSE;
      at = stop + 1;
    }
  g_string_erase (screen->rest, 0, at - screen->rest->str);
}

/* How many bytes at the end may be the beginning of a character, or of a line end. */
static gsize
count_unfinished (const GString *text)
{
  if (text->len > 0 && text->str[text->len - 1] == '\r')
    return 1;
  for (gsize i = 1; i <= MIN (text->len, (gsize)CHARACTER_BYTES - 1); i++)
    {
      const char *at = text->str + text->len - i;

      if (((guint8)*at & 0xc0) == 0x80)
        continue;
      return g_utf8_get_char_validated (at, (gssize)i) == (gunichar)-2 ? i : 0;
    }
  return 0;
}

/* Errors: CERTPIN_ERROR_FAILED if it begins with a null byte in it: then it is not text. */
gboolean
ctl_screen_write (CtlScreen *screen, const char *bytes, gsize length, GError **error)
{
  gsize kept;

  if (!screen->begun && memchr (bytes, '\0', length) != NULL)
    {
      g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                           "the body is not text, which can mess up a terminal; write it to a "
                           "file with -o FILE, or give ‘-o -’ to show it all the same");
      return FALSE;
    }
  screen->begun = screen->begun || length > 0;
  g_string_append_len (screen->rest, bytes, (gssize)length);
  show_lines (screen);
  kept = count_unfinished (screen->rest);
  show_line (screen, screen->rest->str, screen->rest->len - kept);
  g_string_erase (screen->rest, 0, (gssize)(screen->rest->len - kept));
  return ctl_stream_flush (screen->stream, error);
}

/* Ends the last line. */
void
ctl_screen_end (CtlScreen *screen)
{
  show_line (screen, screen->rest->str, screen->rest->len);
  g_string_truncate (screen->rest, 0);
  if (screen->in_line)
    ctl_stream_write (screen->stream, "\n", 1);
  screen->in_line = FALSE;
}
