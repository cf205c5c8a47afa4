/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text for people: colours, tables, labelled values, errors; and the exit status. */

#pragma once

#include "certpinctl-stream.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* The exit status; see certpinctl(1). */
typedef enum
{
  CTL_EXIT_OK = 0,
  CTL_EXIT_FAILED = 1,
  CTL_EXIT_USAGE = 2,
  CTL_EXIT_REFUSED = 3,
  CTL_EXIT_BAD_INPUT = 4,
  CTL_EXIT_NETWORK = 5,
  CTL_EXIT_NOT_AUTHORIZED = 6,
  CTL_EXIT_NO_SERVICE = 7,
  CTL_EXIT_HTTP_STATUS = 22,
  CTL_EXIT_INTERRUPTED = 130,
} CtlExit;

/* A key of a dictionary, and its label in text. */
typedef struct
{
  const char *key;
  const char *label;
} CtlField;

void ctl_print_line (CtlStream *stream, const char *format, ...) G_GNUC_PRINTF (2, 3);
void ctl_print_question (CtlStream *stream, const char *text);
void ctl_print_blank (CtlStream *stream);
void ctl_print_heading (CtlStream *stream, const char *text);
void ctl_print_cell (CtlStream *stream, const char *text, int width);
void ctl_print_wrapped (CtlStream *stream, const char *text, int column, int indent);
void ctl_print_command (CtlStream *stream, const char *prefix, const char *command);
void ctl_print_fields (CtlStream *stream, GVariant *values, const CtlField *fields);
void ctl_print_table (CtlStream *stream, GPtrArray *rows, unsigned int columns);
void ctl_print_message (CtlStream *stream, const char *kind, const char *text);
void ctl_print_error (CtlStream *stream, const char *text, gboolean refused);
void ctl_print_json (CtlStream *stream, GVariant *document);

gboolean ctl_error_is_cancelled (const GError *error);
const char *ctl_error_name (const GError *error);
CtlExit ctl_error_exit (const GError *error);

G_END_DECLS
