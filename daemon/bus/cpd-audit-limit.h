/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In one window of time, so many events of a kind that a user causes are written to the journal: of
 * refusals about one thing, such as a host, and in all; and of changes. */
#define CPD_AUDIT_LIMIT_OF_ONE     10
#define CPD_AUDIT_LIMIT_OF_USER    60
#define CPD_AUDIT_LIMIT_OF_CHANGES 1000

/* What was written in a window, and how much was left out. */
typedef struct _CpdAuditLimit CpdAuditLimit;

/* `left_out`: at least 1 */
typedef void (*CpdAuditLimitTell) (guint32 uid, const char *event, guint64 left_out,
                                   gpointer user_data);

CpdAuditLimit *cpd_audit_limit_new (void);
void cpd_audit_limit_free (CpdAuditLimit *limit);

gboolean
cpd_audit_limit_take (CpdAuditLimit *limit, guint32 uid, const char *event, const char *about);
void cpd_audit_limit_end_window (CpdAuditLimit *limit, CpdAuditLimitTell tell, gpointer user_data);

G_END_DECLS
