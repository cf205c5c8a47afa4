/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* It counts how often it is asked. */

#include "config.h"

#include "test-resolver.h"

struct _TestResolver
{
  GResolver parent;

  unsigned int lookups; /* so far */
};

G_DEFINE_FINAL_TYPE (TestResolver, test_resolver, G_TYPE_RESOLVER)

static void
test_resolver_look_up_async (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GInetAddress *loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);

  TEST_RESOLVER (resolver)->lookups++;
  g_task_return_pointer (task, g_list_prepend (NULL, loopback),
                         (GDestroyNotify)g_resolver_free_addresses);
}

static GList *
test_resolver_look_up_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  resolver_class->lookup_by_name_with_flags_async = test_resolver_look_up_async;
  resolver_class->lookup_by_name_with_flags_finish = test_resolver_look_up_finish;
}

static void
test_resolver_init (TestResolver *resolver)
{
}

TestResolver *
test_resolver_new (void)
{
  return g_object_new (TEST_TYPE_RESOLVER, NULL);
}

unsigned int
test_resolver_count_lookups (TestResolver *resolver)
{
  return resolver->lookups;
}
