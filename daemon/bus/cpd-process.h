/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

/* What is known of the process at the other end of a connection. */
typedef struct
{
  char *refusal;      /* a clause that says why it is not served; NULL: it is */
  char *app;          /* the sandboxed app that it is of; NULL: it has its user's rights */
  gboolean networked; /* the app has this service's network; FALSE as well if that is not known */
} CpdProcess;

char *cpd_process_read_text (int folder, const char *name, size_t most);
char *cpd_process_find_program (GVariant *credentials);
void cpd_process_examine (GVariant *credentials, GUnixFDList *fds, CpdProcess *process);

G_END_DECLS
