/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Asks the name servers whether a name has an address: the error of a host does not tell a name
 * that leads nowhere from a server that is down. */

#include "config.h"

#include "certpinctl-name.h"

#include "certpinctl-wait.h"

/* Of a name server. */
#define ANSWER_S 10

static gboolean
give_up (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_CONTINUE; /* until it is removed */
}

static void
pass_on (GCancellable *from, gpointer to)
{
  g_cancellable_cancel (to);
}

/* Errors: G_RESOLVER_ERROR; G_IO_ERROR_CANCELLED: nobody answered in time.
 * Returns: whether it has an address */
gboolean
ctl_name_look_up (Ctl *ctl, const char *name, GError **error)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autoptr (GCancellable) ends = g_cancellable_new ();
  unsigned int deadline = g_timeout_add_seconds (ANSWER_S, give_up, ends);
  gulong handler = g_cancellable_connect (ctl->cancellable, G_CALLBACK (pass_on), ends, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  GList *addresses;

  g_resolver_lookup_by_name_async (resolver, name, ends, ctl_on_result, ctl);
  result = ctl_wait (ctl);
  g_source_remove (deadline);
  g_cancellable_disconnect (ctl->cancellable, handler);
  addresses = g_resolver_lookup_by_name_finish (resolver, result, error);
  g_resolver_free_addresses (addresses);
  return addresses != NULL;
}
