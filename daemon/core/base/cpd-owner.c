/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What concerns a user concerns that user's apps as well; what concerns an app concerns nobody
 * else. */

#include "config.h"

#include "daemon/core/base/cpd-owner.h"

#define APP_SHIFT 32

/* `app`: 0: the user's own programs */
CpdOwner
cpd_owner_new (guint32 uid, guint32 app)
{
  return (CpdOwner)app << APP_SHIFT | uid;
}

guint32
cpd_owner_get_uid (CpdOwner owner)
{
  return (guint32)owner;
}

gboolean
cpd_owner_is_app (CpdOwner owner)
{
  return owner >> APP_SHIFT != 0;
}

/* Returns: the user whose app it is; of a user, that user */
CpdOwner
cpd_owner_get_user (CpdOwner owner)
{
  return (guint32)owner;
}

/* Whether what concerns `whole` concerns `owner`. */
gboolean
cpd_owner_is_within (CpdOwner owner, CpdOwner whole)
{
  return whole == CPD_ALL_UIDS || whole == owner || whole == cpd_owner_get_user (owner);
}

/* `free_value`: (nullable) */
GHashTable *
cpd_owner_table_new (GDestroyNotify free_value)
{
  return g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, free_value);
}

/* Returns: (transfer none) (nullable) */
gpointer
cpd_owner_table_get (GHashTable *table, CpdOwner owner)
{
  return g_hash_table_lookup (table, &owner);
}

/* `value`: (transfer full) */
void
cpd_owner_table_set (GHashTable *table, CpdOwner owner, gpointer value)
{
  g_hash_table_insert (table, g_memdup2 (&owner, sizeof owner), value);
}
