/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The evidence of refused requests, because a D-Bus error carries only a sentence: for each owner,
 * the last one of each host, for a limited number of hosts. */

#include "config.h"

#include "daemon/bus/cpd-failures.h"

#define HOSTS_MAX 64

typedef struct
{
  CpdHost *target;
  GVariant *description;
} Failure;

struct _CpdFailures
{
  GHashTable *of_owner; /* CpdOwner → GQueue of Failure, the newest first */
};

static void
failure_free (gpointer data)
{
  Failure *failure = data;

  cpd_host_unref (failure->target);
  g_variant_unref (failure->description);
  g_free (failure);
}

static void
queue_free (gpointer queue)
{
  g_queue_free_full (queue, failure_free);
}

CpdFailures *
cpd_failures_new (void)
{
  CpdFailures *failures = g_new0 (CpdFailures, 1);

  failures->of_owner = cpd_owner_table_new (queue_free);
  return failures;
}

void
cpd_failures_free (CpdFailures *failures)
{
  if (failures == NULL)
    return;
  g_hash_table_unref (failures->of_owner);
  g_free (failures);
}

/* A host without a port means any port. */
static gboolean
is_about (const Failure *failure, CpdHost *host)
{
  return g_str_equal (cpd_host_get_name (failure->target), cpd_host_get_name (host))
         && (cpd_host_get_port (host) == 0
             || cpd_host_get_port (host) == cpd_host_get_port (failure->target));
}

/* `description`: sunk if floating; replaces that of the same host and port. */
void
cpd_failures_record (CpdFailures *failures, CpdOwner owner, CpdHost *target, GVariant *description)
{
  GQueue *queue = cpd_owner_table_get (failures->of_owner, owner);
  Failure *failure = g_new0 (Failure, 1);

  if (queue == NULL)
    {
      queue = g_queue_new ();
      cpd_owner_table_set (failures->of_owner, owner, queue);
    }
  for (GList *link = queue->head; link != NULL; link = link->next)
    if (is_about (link->data, target))
      {
        failure_free (link->data);
        g_queue_delete_link (queue, link);
        break;
      }
  failure->target = cpd_host_ref (target);
  failure->description = g_variant_ref_sink (description);
  g_queue_push_head (queue, failure);
  if (queue->length > HOSTS_MAX)
    failure_free (g_queue_pop_tail (queue));
}

/* Returns: (transfer none) (nullable): the newest of the host */
GVariant *
cpd_failures_lookup (CpdFailures *failures, CpdOwner owner, CpdHost *host)
{
  GQueue *queue = cpd_owner_table_get (failures->of_owner, owner);

  for (GList *link = queue != NULL ? queue->head : NULL; link != NULL; link = link->next)
    if (is_about (link->data, host))
      return ((Failure *)link->data)->description;
  return NULL;
}

/* An app is known no more. */
void
cpd_failures_forget (CpdFailures *failures, CpdOwner app)
{
  g_hash_table_remove (failures->of_owner, &app);
}
