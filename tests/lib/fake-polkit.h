/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define FAKE_POLKIT_NAME "org.freedesktop.PolicyKit1"

/* One that it was asked. */
typedef struct
{
  GDBusMethodInvocation *invocation; /* NULL: it was answered */
  char *sender, *id;
  gboolean interactive, cancelled;
} FakeQuestion;

/* A polkit that asks nobody for a password: interactive questions wait until a test answers
 * them. */
typedef struct
{
  GDBusConnection *connection;
  GDBusNodeInfo *info;
  GPtrArray *questions; /* of FakeQuestion, in their order */
  gboolean answers;     /* those that are not interactive; FALSE: they wait as well */
  gboolean is_hanging;  /* it answers nothing that is cancelled */
  GHashTable *allowed;  /* senders that need no password; all others do */
} FakePolkit;

FakePolkit *fake_polkit_new (GDBusConnection *connection);
void fake_polkit_free (FakePolkit *polkit);

void fake_polkit_allow (FakePolkit *polkit, const char *sender);
void fake_polkit_emit_changed (FakePolkit *polkit);
unsigned int fake_polkit_count_open (const FakePolkit *polkit, gboolean interactive);
FakeQuestion *fake_polkit_find_open (const FakePolkit *polkit, const char *sender);

void fake_question_answer (FakeQuestion *question, gboolean authorized, gboolean challenge);
void fake_question_cancel (FakeQuestion *question);

G_END_DECLS
