/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whose something is: one user's own programs, or one sandboxed app of that user; or one connection
 * of these, which has pins of its own. A number, so that it is compared, hashed and copied as
 * cheaply as a uid: that in the lower half, and in the upper one, but for a user's own programs, a
 * number that CpdApps gives. */
typedef guint64 CpdOwner;

/* How many numbers CpdApps has. */
#define CPD_OWNER_NUMBER_MAX ((1u << 30) - 1)

/* What concerns everybody: the system's. */
#define CPD_ALL_UIDS G_MAXUINT32

CpdOwner cpd_owner_new_app (guint32 uid, guint32 number);
CpdOwner cpd_owner_new_connection (CpdOwner parent, guint32 number);
guint32 cpd_owner_get_uid (CpdOwner owner);
gboolean cpd_owner_is_app (CpdOwner owner);
gboolean cpd_owner_is_connection (CpdOwner owner);
CpdOwner cpd_owner_get_user (CpdOwner owner);
gboolean cpd_owner_is_within (CpdOwner owner, CpdOwner whole);
gboolean cpd_owner_sees (CpdOwner owner, CpdOwner other);

unsigned int cpd_owner_hash (gconstpointer key);
GHashTable *cpd_owner_table_new (GDestroyNotify free_value);
gpointer cpd_owner_table_get (GHashTable *table, CpdOwner owner);
void cpd_owner_table_set (GHashTable *table, CpdOwner owner, gpointer value);

G_END_DECLS
