/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A program may cause refusals and changes without end, and the journal takes only a number of
 * entries of this service; then it drops those of all users. So each user gets a share of it in a
 * window of time, for each kind of event, so that no kind hides another. What does not fit is
 * counted. Who begins and ends windows is not its concern. */

#include "config.h"

#include "daemon/bus/cpd-audit-limit.h"

/* Of one user, for one kind of event. It knows at most as many things as may be written. */
typedef struct
{
  guint32 uid;
  const char *event;   /* static */
  GHashTable *written; /* what an entry was about → the number of such entries */
  unsigned int total;
  guint64 left_out;
} Share;

struct _CpdAuditLimit
{
  GHashTable *shares; /* “UID EVENT” → Share */
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

  limit->shares = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, share_free);
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
get_share (CpdAuditLimit *limit, guint32 uid, const char *event)
{
  g_autofree char *name = g_strdup_printf ("%u %s", uid, event);
  Share *share = g_hash_table_lookup (limit->shares, name);

  if (share != NULL)
    return share;
  share = g_new0 (Share, 1);
  share->uid = uid;
  share->event = event;
  share->written = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_insert (limit->shares, g_steal_pointer (&name), share);
  return share;
}

/* `about`: what is refused; NULL: nothing, it is a change */
static gboolean
has_room (Share *share, const char *about)
{
  if (about == NULL)
    return share->total < CPD_AUDIT_LIMIT_OF_CHANGES;
  return share->total < CPD_AUDIT_LIMIT_OF_USER
         && GPOINTER_TO_UINT (g_hash_table_lookup (share->written, about)) < CPD_AUDIT_LIMIT_OF_ONE;
}

/* `event`: static. `about`: (nullable): what is refused, such as a host; NULL: a change.
 * Returns: whether there is room for one more entry, which then is taken; otherwise, it is counted
 * as left out */
gboolean
cpd_audit_limit_take (CpdAuditLimit *limit, guint32 uid, const char *event, const char *about)
{
  Share *share = get_share (limit, uid, event);

  if (!has_room (share, about))
    {
      share->left_out++;
      return FALSE;
    }
  share->total++;
  if (about != NULL)
    {
      gpointer written = g_hash_table_lookup (share->written, about);

      g_hash_table_replace (share->written, g_strdup (about),
                            GUINT_TO_POINTER (GPOINTER_TO_UINT (written) + 1));
    }
  return TRUE;
}

/* Tells of each user and kind of which something was left out. Then everything begins again. */
void
cpd_audit_limit_end_window (CpdAuditLimit *limit, CpdAuditLimitTell tell, gpointer user_data)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, limit->shares);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const Share *share = value;

      if (share->left_out > 0)
        tell (share->uid, share->event, share->left_out, user_data);
    }
  g_hash_table_remove_all (limit->shares);
}
