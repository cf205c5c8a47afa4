/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program may cause refusals without end, and the journal has room for a number of entries, of
 * this service and of others. So each user gets a share of it in a window of time, and what does
 * not fit is counted. Who begins and ends windows is not its concern. */

#include "config.h"

#include "daemon/bus/cpd-audit-limit.h"

/* Of one user. It knows at most as many things as may be written. */
typedef struct
{
  GHashTable *written; /* what an entry was about → the number of such entries */
  unsigned int total;
  guint64 left_out;
} Share;

struct _CpdAuditLimit
{
  GHashTable *shares; /* uid → Share */
};

static void
share_free (gpointer data)
{
  Share *share = data;

  g_hash_table_unref (share->written);
  g_free (share);
}

CpdAuditLimit *
cpd_audit_limit_new (void)
{
  CpdAuditLimit *limit = g_new0 (CpdAuditLimit, 1);

  limit->shares = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, share_free);
  return limit;
}

/* `limit`: (nullable) */
void
cpd_audit_limit_free (CpdAuditLimit *limit)
{
  if (limit == NULL)
    return;
  g_hash_table_unref (limit->shares);
  g_free (limit);
}

static Share *
get_share (CpdAuditLimit *limit, guint32 uid)
{
  Share *share = g_hash_table_lookup (limit->shares, GUINT_TO_POINTER (uid));

  if (share != NULL)
    return share;
  share = g_new0 (Share, 1);
  share->written = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (limit->shares, GUINT_TO_POINTER (uid), share);
  return share;
}

/* Returns: whether there is room for one more entry, which then is taken; otherwise, it is counted
 * as left out */
gboolean
cpd_audit_limit_take (CpdAuditLimit *limit, guint32 uid, const char *about)
{
  Share *share = get_share (limit, uid);
  unsigned int written = GPOINTER_TO_UINT (g_hash_table_lookup (share->written, about));

  if (written >= CPD_AUDIT_LIMIT_OF_ONE || share->total >= CPD_AUDIT_LIMIT_OF_USER)
    {
      share->left_out++;
      return FALSE;
    }
  g_hash_table_replace (share->written, g_strdup (about), GUINT_TO_POINTER (written + 1));
  share->total++;
  return TRUE;
}

/* Tells of each user of which something was left out. Then everything begins again. */
void
cpd_audit_limit_end_window (CpdAuditLimit *limit, CpdAuditLimitTell tell, gpointer user_data)
{
  GHashTableIter iter;
  gpointer uid, share;

  g_hash_table_iter_init (&iter, limit->shares);
  while (g_hash_table_iter_next (&iter, &uid, &share))
    if (((Share *)share)->left_out > 0)
      tell (GPOINTER_TO_UINT (uid), ((Share *)share)->left_out, user_data);
  g_hash_table_remove_all (limit->shares);
}
