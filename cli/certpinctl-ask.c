/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions to the person at the terminal. Only the word yes is one: not Return, nor the end of
 * the input. */

#include "config.h"

#include "certpinctl-ask.h"

#include <glib/gi18n.h>

#include <unistd.h>

#define ANSWER_MAX_BYTES 64

gboolean
ctl_can_ask (Ctl *ctl)
{
  return !ctl->json && ctl->err.terminal && isatty (STDIN_FILENO) == 1;
}

/* A signal ends the program as long as it reads.
 * Returns: (transfer full): the line, without what is behind its limit */
static char *
read_line (Ctl *ctl)
{
  g_autoptr (GString) line = g_string_new (NULL);
  char c = '\0';

  while (read (STDIN_FILENO, &c, 1) == 1 && c != '\n')
    if (line->len < ANSWER_MAX_BYTES)
      g_string_append_c (line, c);
  if (c != '\n')
    ctl_print_blank (&ctl->err); /* the terminal is still behind the question */
  return g_string_free (g_steal_pointer (&line), /* free_segment= */ FALSE);
}

/* In English, and in the language of the question. */
static gboolean
is_yes (const char *answer)
{
  const char *const words[] = { "y", "yes", _ ("y"), _ ("yes") };

  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_ascii_strcasecmp (answer, words[i]) == 0)
      return TRUE;
  return FALSE;
}

/* Only if ctl_can_ask().
 * Errors: CERTPIN_ERROR_FAILED.
 * Returns: whether the answer is yes; the error says that it is not */
gboolean
ctl_ask (Ctl *ctl, const char *question, GError **error)
{
  g_autofree char *answer = NULL;

  if (!ctl_stream_flush (&ctl->out, error))
    return FALSE;
  ctl_print_question (&ctl->err, question);
  answer = g_strstrip (read_line (ctl));
  if (is_yes (answer))
    return TRUE;
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
                       _ ("the answer was not yes; nothing was changed"));
  return FALSE;
}
