/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whose something is: one user's own programs, or one sandboxed app of that user. A number, so that
 * it is compared, hashed and copied as cheaply as a uid: that in the lower half, and in the upper
 * one the app's number, as CpdApps gives it; 0: the user's own programs. */
typedef guint64 CpdOwner;

/* What concerns everybody: the system's. */
#define CPD_ALL_UIDS G_MAXUINT32

CpdOwner cpd_owner_new (guint32 uid, guint32 app);
guint32 cpd_owner_get_uid (CpdOwner owner);
gboolean cpd_owner_is_app (CpdOwner owner);
CpdOwner cpd_owner_get_user (CpdOwner owner);
gboolean cpd_owner_is_within (CpdOwner owner, CpdOwner whole);

GHashTable *cpd_owner_table_new (GDestroyNotify free_value);
gpointer cpd_owner_table_get (GHashTable *table, CpdOwner owner);
void cpd_owner_table_set (GHashTable *table, CpdOwner owner, gpointer value);

G_END_DECLS
