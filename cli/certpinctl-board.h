/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "certpinctl-stream.h"

G_BEGIN_DECLS

/* Lines at the end of a terminal, one for each of several transfers. */
typedef struct
{
  CtlStream *stream; /* (nullable): nothing is shown */
  GPtrArray *lines;  /* of strings, or NULL */
  unsigned int drawn;
  gint64 next_us; /* monotonic: the lines stay as they are until then */
} CtlBoard;

void ctl_board_init (CtlBoard *board, CtlStream *stream, unsigned int lines);
void ctl_board_clear (CtlBoard *board);
void ctl_board_set (CtlBoard *board, unsigned int line, const char *text);
void ctl_board_hide (CtlBoard *board);
int ctl_board_get_width (const CtlBoard *board);

G_END_DECLS
