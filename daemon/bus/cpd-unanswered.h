/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The calls of a connection that are not answered. */
typedef struct _CpdUnanswered CpdUnanswered;

CpdUnanswered *cpd_unanswered_new (GDBusConnection *connection, const char *interface);
void cpd_unanswered_end (CpdUnanswered *unanswered);
void cpd_unanswered_let_pass (CpdUnanswered *unanswered);
unsigned int cpd_unanswered_count (CpdUnanswered *unanswered);

G_END_DECLS
