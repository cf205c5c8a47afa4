/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What concerns a user concerns that user's apps and connections as well; what concerns one of
 * those concerns no other. */

#include "config.h"

#include "daemon/core/base/cpd-owner.h"

#define NUMBER_SHIFT  32
#define IS_APP        (G_GUINT64_CONSTANT (1) << 62)
#define IS_CONNECTION (G_GUINT64_CONSTANT (1) << 63)

CpdOwner
cpd_owner_new_app (guint32 uid, guint32 number)
{
  return IS_APP | (CpdOwner)number << NUMBER_SHIFT | uid;
}

/* `parent`: a user, or an app, whose connection it is */
CpdOwner
cpd_owner_new_connection (CpdOwner parent, guint32 number)
{
  return IS_CONNECTION | (parent & IS_APP) | (CpdOwner)number << NUMBER_SHIFT
         | cpd_owner_get_uid (parent);
}

guint32
cpd_owner_get_uid (CpdOwner owner)
{
  return (guint32)owner;
}

/* Whether it is an app, or the connection of one. */
gboolean
cpd_owner_is_app (CpdOwner owner)
{
  return (owner & IS_APP) != 0;
}

gboolean
cpd_owner_is_connection (CpdOwner owner)
{
  return (owner & IS_CONNECTION) != 0;
}

/* Returns: the user whose it is; of a user, that user */
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

/* Whether `owner` may see what is of `other`: a user, what is of that user's apps; but not the
 * other way round. */
gboolean
cpd_owner_sees (CpdOwner owner, CpdOwner other)
{
  return other == CPD_ALL_UIDS || other == owner || cpd_owner_get_user (other) == owner;
}

/* For hash tables. `key`: a CpdOwner. All apps of a user have the same lower half, and
 * g_int64_hash () of GLib 2.74, for example, uses only that. */
unsigned int
cpd_owner_hash (gconstpointer key)
{
  CpdOwner owner = *(const CpdOwner *)key;

  return (guint32)owner ^ (guint32)(owner >> NUMBER_SHIFT);
}

/* `free_value`: (nullable) */
GHashTable *
cpd_owner_table_new (GDestroyNotify free_value)
{
  return g_hash_table_new_full (cpd_owner_hash, g_int64_equal, g_free, free_value);
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
