/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Shows how far several transfers are: one line each, at the end of a terminal. They are hidden
 * while something else is printed, and drawn again below it. */

#include "config.h"

#include "certpinctl-board.h"

#include "certpinctl-text.h"

#include <string.h>

#define INTERVAL_US     200000
#define COLUMNS_DEFAULT 80

/* `stream`: (nullable): where to show it, if that is a terminal that can move its cursor */
void
ctl_board_init (CtlBoard *board, CtlStream *stream, unsigned int lines)
{
  *board = (CtlBoard){ .lines = g_ptr_array_new_with_free_func (g_free) };
  g_ptr_array_set_size (board->lines, (int)lines);
  if (stream != NULL && stream->terminal && ctl_terminal_takes_escapes ())
    board->stream = stream;
  board->next_us = g_get_monotonic_time () + INTERVAL_US;
}

void
ctl_board_clear (CtlBoard *board)
{
  g_clear_pointer (&board->lines, g_ptr_array_unref);
}

/* Returns: how many characters a line may have */
int
ctl_board_get_width (const CtlBoard *board)
{
  return board->stream != NULL ? board->stream->columns - 1 : COLUMNS_DEFAULT - 1;
}

static void
draw (CtlBoard *board)
{
  for (unsigned int i = 0; i < board->lines->len; i++)
    if (board->lines->pdata[i] != NULL)
      {
        const char *text = board->lines->pdata[i];
        glong fits = MIN (g_utf8_strlen (text, -1), ctl_board_get_width (board));
        g_autofree char *line = g_utf8_substring (text, 0, fits);

        ctl_stream_write (board->stream, line, strlen (line));
        ctl_stream_write (board->stream, "\033[K\n", 4);
        board->drawn++;
      }
  ctl_stream_flush (board->stream, /* error= */ NULL);
}

/* Removes the lines from the terminal, so that something else can be printed. */
void
ctl_board_hide (CtlBoard *board)
{
  g_autofree char *up = g_strdup_printf ("\033[%uA\033[J", board->drawn);

  if (board->drawn > 0)
    ctl_stream_write (board->stream, up, strlen (up));
  board->drawn = 0;
}

/* `text`: (nullable): removes the line */
void
ctl_board_set (CtlBoard *board, unsigned int line, const char *text)
{
  g_free (board->lines->pdata[line]);
  board->lines->pdata[line] = text != NULL ? ctl_text_clean (text) : NULL;
  if (board->stream == NULL || g_get_monotonic_time () < board->next_us)
    return;
  ctl_board_hide (board);
  draw (board);
  board->next_us = g_get_monotonic_time () + INTERVAL_US;
}
