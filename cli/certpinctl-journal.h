/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* journalctl, which is running. */
typedef struct _CtlJournal CtlJournal;

CtlJournal *ctl_journal_open (const char *const *arguments, GError **error);
GHashTable *ctl_journal_read (CtlJournal *journal, GError **error);
char *ctl_journal_read_complaints (const CtlJournal *journal);
void ctl_journal_close (CtlJournal *journal);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlJournal, ctl_journal_close)

G_END_DECLS
