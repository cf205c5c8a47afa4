/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How connections ended. A caller may ask before or after the end; each end is told once. Of those
 * that a caller has not asked for, the last few are remembered, for as long as it is on the bus. */

#include "config.h"

#include "daemon/bus/cpd-ends.h"

#include "client-lib/certpin-error.h"

#define REMEMBERED_MAX 16 /* of a caller */

/* One connection. */
typedef struct
{
  char *path;
  CpdCaller *caller;
  gboolean ended;
  GVariant *result;
  GError *error;
  GQueue waiters;
} End;

struct _CpdEnds
{
  GHashTable *table; /* path → End */
  GQueue *ended;     /* of End in the table: the oldest first */
  CpdEndsTellFunc tell;
};

static void
end_free (gpointer data)
{
  End *end = data;

  g_free (end->path);
  cpd_caller_unref (end->caller);
  g_clear_pointer (&end->result, g_variant_unref);
  g_clear_error (&end->error);
  g_free (end);
}

CpdEnds *
cpd_ends_new (CpdEndsTellFunc tell)
{
  CpdEnds *ends = g_new0 (CpdEnds, 1);

  ends->table = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, end_free);
  ends->ended = g_queue_new ();
  ends->tell = tell;
  return ends;
}

static void
remove_end (CpdEnds *ends, End *end)
{
  GQueue waiters = end->waiters;
  g_autoptr (GError) gone = NULL;
  gpointer waiter;

  g_queue_remove (ends->ended, end);
  g_hash_table_remove (ends->table, end->path);
  if (g_queue_is_empty (&waiters))
    return;
  gone = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED,
                              "the connection was forgotten");
  while ((waiter = g_queue_pop_head (&waiters)) != NULL)
    ends->tell (waiter, NULL, gone);
}

/* `ends`: (nullable) */
void
cpd_ends_free (CpdEnds *ends)
{
  GHashTableIter iter;
  gpointer end;

  if (ends == NULL)
    return;
  for (g_hash_table_iter_init (&iter, ends->table); g_hash_table_iter_next (&iter, NULL, &end);
       g_hash_table_iter_init (&iter, ends->table))
    remove_end (ends, end);
  g_hash_table_unref (ends->table);
  g_queue_free (ends->ended);
  g_free (ends);
}

/* A connection begins. An earlier one at the same path is forgotten. */
void
cpd_ends_expect (CpdEnds *ends, const char *path, CpdCaller *caller)
{
  End *earlier = g_hash_table_lookup (ends->table, path);
  End *end = g_new0 (End, 1);

  if (earlier != NULL)
    remove_end (ends, earlier);
  end->path = g_strdup (path);
  end->caller = cpd_caller_ref (caller);
  g_queue_init (&end->waiters);
  g_hash_table_insert (ends->table, end->path, end);
}

/* Drops the oldest of a caller that has too many. */
static void
make_room (CpdEnds *ends, const CpdCaller *caller)
{
  End *oldest = NULL;
  unsigned int count = 0;

  for (GList *link = ends->ended->tail; link != NULL; link = link->prev)
    if (((End *)link->data)->caller == caller)
      {
        oldest = link->data;
        count++;
      }
  if (count > REMEMBERED_MAX)
    remove_end (ends, oldest);
}

/* It has ended. `error`: (nullable): NULL: in order, with the result */
void
cpd_ends_take (CpdEnds *ends, const char *path, GVariant *result, const GError *error)
{
  End *end = g_hash_table_lookup (ends->table, path);
  gpointer waiter;

  if (end == NULL)
    return;
  if (g_queue_is_empty (&end->waiters))
    {
      end->ended = TRUE;
      end->result = result != NULL ? g_variant_ref (result) : NULL;
      end->error = error != NULL ? g_error_copy (error) : NULL;
      g_queue_push_tail (ends->ended, end);
      make_room (ends, end->caller);
      return;
    }
  while ((waiter = g_queue_pop_head (&end->waiters)) != NULL)
    ends->tell (waiter, result, error);
  remove_end (ends, end);
}

/* `waiter`: (transfer full): told now, or when the connection has ended.
 * Returns: FALSE: there is no such end to be told, and `waiter` is not taken */
gboolean
cpd_ends_wait (CpdEnds *ends, const char *path, gpointer waiter)
{
  End *end = g_hash_table_lookup (ends->table, path);

  if (end == NULL)
    return FALSE;
  if (end->ended)
    {
      ends->tell (waiter, end->result, end->error);
      remove_end (ends, end);
    }
  else
    g_queue_push_tail (&end->waiters, waiter);
  return TRUE;
}

/* Nobody can ask for the connections of this caller any more. */
void
cpd_ends_forget (CpdEnds *ends, CpdCaller *caller)
{
  GHashTableIter iter;
  gpointer value;
  g_autoptr (GPtrArray) gone = g_ptr_array_new ();

  g_hash_table_iter_init (&iter, ends->table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((End *)value)->caller == caller)
      g_ptr_array_add (gone, value);
  for (unsigned int i = 0; i < gone->len; i++)
    remove_end (ends, gone->pdata[i]);
}
