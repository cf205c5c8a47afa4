/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that the service's resolver finds the addresses of a name, of each family, in every way
 * that GIO asks for them. */

#include "config.h"

#include "daemon/transport/cpd-resolver.h"
#include "tests/lib/test-loop.h"

static void
assert_loopback (GList *addresses, GSocketFamily family)
{
  g_assert_nonnull (addresses);
  for (GList *link = addresses; link != NULL; link = link->next)
    {
      g_assert_true (g_inet_address_get_is_loopback (link->data));
      if (family != G_SOCKET_FAMILY_INVALID)
        g_assert_cmpint (g_inet_address_get_family (link->data), ==, family);
    }
  g_resolver_free_addresses (addresses);
}

static const struct
{
  GResolverNameLookupFlags flags;
  GSocketFamily family;
} ways[] = {
  { G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, G_SOCKET_FAMILY_INVALID },
  { G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY, G_SOCKET_FAMILY_IPV4 },
};

/* The class is asked: GResolver itself knows names such as localhost. */
static void
test_waits (void)
{
  g_autoptr (GResolver) resolver = G_RESOLVER (cpd_resolver_new ());
  GResolverClass *asked = G_RESOLVER_GET_CLASS (resolver);
  g_autoptr (GError) error = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      assert_loopback (
          asked->lookup_by_name_with_flags (resolver, "localhost", ways[i].flags, NULL, &error),
          ways[i].family);
      g_assert_no_error (error);
    }
  assert_loopback (asked->lookup_by_name (resolver, "localhost", NULL, &error),
                   G_SOCKET_FAMILY_INVALID);
  g_assert_no_error (error);
}

static void
test_asynchronous (void)
{
  g_autoptr (GResolver) resolver = G_RESOLVER (cpd_resolver_new ());
  GResolverClass *asked = G_RESOLVER_GET_CLASS (resolver);
  g_autoptr (GAsyncResult) any = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *pending = NULL;

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (GAsyncResult) result = NULL;

      asked->lookup_by_name_with_flags_async (resolver, "localhost", ways[i].flags, NULL,
                                              test_loop_on_result, &pending);
      result = test_loop_wait_for (&pending);
      assert_loopback (asked->lookup_by_name_with_flags_finish (resolver, result, &error),
                       ways[i].family);
      g_assert_no_error (error);
    }
  asked->lookup_by_name_async (resolver, "localhost", NULL, test_loop_on_result, &pending);
  any = test_loop_wait_for (&pending);
  assert_loopback (asked->lookup_by_name_finish (resolver, any, &error), G_SOCKET_FAMILY_INVALID);
  g_assert_no_error (error);
}

/* No name has a label of 64 bytes, so no server is asked. */
static void
test_no_address (void)
{
  g_autoptr (GResolver) resolver = G_RESOLVER (cpd_resolver_new ());
  g_autofree char *name = g_strnfill (64, 'a');
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *pending = NULL;

  g_resolver_lookup_by_name_async (resolver, name, NULL, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  g_assert_null (g_resolver_lookup_by_name_finish (resolver, result, &error));
  g_test_message ("%s", error->message);
  g_assert_true (error->domain == G_RESOLVER_ERROR);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/names/waits", test_waits);
  g_test_add_func ("/transport/names/asynchronous", test_asynchronous);
  g_test_add_func ("/transport/names/no-address", test_no_address);
  return g_test_run ();
}
