/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Text for people: colours, tables, labelled values, errors. */

#pragma once

#include "certpinctl-stream.h"

#include <gio/gio.h>

G_BEGIN_DECLS

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

G_END_DECLS
