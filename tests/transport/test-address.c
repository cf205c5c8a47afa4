/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that no address that is denied gets through, and that others do. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-address.h"
#include "tests/lib/test-loop.h"

static CpdStore *
new_store (void)
{
  static const char *const no_dirs[] = { NULL };
  g_autoptr (CpdTrustSource) trust = cpd_trust_source_new ("/dev/null", NULL);
  const CpdStoreSettings settings
      = { .trust = trust, .pins_dirs = no_dirs, .first_generation = 100 };

  return cpd_store_new (&settings);
}

/* `rules`: NULL: only what is always denied */
static GSocketConnectable *
new_address (const char *name, CpdAddressRules *rules)
{
  g_autoptr (CpdStore) store = new_store ();
  g_autoptr (CpdHost) target = cpd_host_new_target (name, 443, NULL);
  g_autoptr (CpdAddressRules) usual = cpd_address_rules_new ();
  const CpdAddressSettings settings
      = { name, 443, target, 0, store, rules != NULL ? rules : usual };

  g_assert_nonnull (target);
  return G_SOCKET_CONNECTABLE (cpd_address_new (&settings));
}

static GSocketAddressEnumerator *
enumerate (const char *name)
{
  g_autoptr (GSocketConnectable) connectable = new_address (name, /* rules= */ NULL);

  return g_socket_connectable_enumerate (connectable);
}

static GSocketAddress *
next_async (GSocketAddressEnumerator *enumerator, GError **error)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  g_socket_address_enumerator_next_async (enumerator, NULL, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  return g_socket_address_enumerator_next_finish (enumerator, result, error);
}

static const char *const refused_names[]
    = { "169.254.1.1", "169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254" };

static void
test_refuses (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (refused_names); i++)
    {
      g_autoptr (GSocketAddressEnumerator) enumerator = enumerate (refused_names[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (g_socket_address_enumerator_next (enumerator, NULL, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED);
    }
}

static void
test_refuses_async (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (refused_names); i++)
    {
      g_autoptr (GSocketAddressEnumerator) enumerator = enumerate (refused_names[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (next_async (enumerator, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED);
    }
}

static void
test_refuses_denied (void)
{
  g_autoptr (CpdAddressRules) rules = cpd_address_rules_new ();
  g_autoptr (GSocketConnectable) connectable = NULL;
  g_autoptr (GSocketAddressEnumerator) enumerator = NULL;
  g_autoptr (GError) error = NULL;

  cpd_ranges_add (rules->deny, "loopback");
  connectable = new_address ("127.0.0.1", rules);
  enumerator = g_socket_connectable_enumerate (connectable);
  g_assert_null (next_async (enumerator, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED);
}

static void
test_proxy_enumeration (void)
{
  g_autoptr (GSocketConnectable) connectable = new_address ("169.254.1.1", /* rules= */ NULL);
  g_autoptr (GSocketAddressEnumerator) enumerator
      = g_socket_connectable_proxy_enumerate (connectable);
  g_autoptr (GError) error = NULL;

  g_assert_null (g_socket_address_enumerator_next (enumerator, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_ADDRESS_DENIED);
}

static void
assert_is (GSocketAddress *address, const char *expected)
{
  GInetSocketAddress *inet = G_INET_SOCKET_ADDRESS (address);
  g_autofree char *text = g_inet_address_to_string (g_inet_socket_address_get_address (inet));

  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (g_inet_socket_address_get_port (inet), ==, 443);
}

static void
test_lets_through (void)
{
  static const char *const names[] = { "127.0.0.1", "::1", "192.0.2.1" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GSocketAddressEnumerator) enumerator = enumerate (names[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (GSocketAddress) address
          = g_socket_address_enumerator_next (enumerator, NULL, &error);

      g_assert_no_error (error);
      assert_is (address, names[i]);
      g_assert_null (g_socket_address_enumerator_next (enumerator, NULL, &error));
      g_assert_no_error (error);
    }
}

static void
test_lets_through_async (void)
{
  g_autoptr (GSocketAddressEnumerator) enumerator = enumerate ("127.0.0.1");
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address = next_async (enumerator, &error);

  g_assert_no_error (error);
  assert_is (address, "127.0.0.1");
  g_assert_null (next_async (enumerator, &error));
  g_assert_no_error (error);
}

/* TLS takes the connectable's name for the server's. */
static void
test_keeps_the_name (void)
{
  g_autoptr (GSocketConnectable) connectable = new_address ("h.example", /* rules= */ NULL);

  g_assert_true (G_IS_NETWORK_ADDRESS (connectable));
  g_assert_cmpstr (g_network_address_get_hostname (G_NETWORK_ADDRESS (connectable)), ==,
                   "h.example");
  g_assert_cmpuint (g_network_address_get_port (G_NETWORK_ADDRESS (connectable)), ==, 443);
}

/* A resolver that is asked and does not answer. */
G_DECLARE_FINAL_TYPE (SilentResolver, silent_resolver, SILENT, RESOLVER, GResolver)

struct _SilentResolver
{
  GResolver parent;

  GPtrArray *asked; /* of GTask */
};

G_DEFINE_FINAL_TYPE (SilentResolver, silent_resolver, G_TYPE_RESOLVER)

static void
silent_resolver_lookup_async (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_assert_null (cancellable); /* which would only make it look over */
  g_ptr_array_add (SILENT_RESOLVER (resolver)->asked,
                   g_task_new (resolver, NULL, callback, user_data));
}

static GList *
silent_resolver_lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
silent_resolver_finalize (GObject *object)
{
  g_ptr_array_unref (SILENT_RESOLVER (object)->asked);
  G_OBJECT_CLASS (silent_resolver_parent_class)->finalize (object);
}

static void
silent_resolver_class_init (SilentResolverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = silent_resolver_finalize;
  G_RESOLVER_CLASS (klass)->lookup_by_name_with_flags_async = silent_resolver_lookup_async;
  G_RESOLVER_CLASS (klass)->lookup_by_name_with_flags_finish = silent_resolver_lookup_finish;
}

static void
silent_resolver_init (SilentResolver *resolver)
{
  resolver->asked = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
silent_resolver_give_up (SilentResolver *resolver)
{
  for (unsigned int i = 0; i < resolver->asked->len; i++)
    g_task_return_new_error (resolver->asked->pdata[i], G_RESOLVER_ERROR,
                             G_RESOLVER_ERROR_NOT_FOUND, "no answer");
  g_ptr_array_set_size (resolver->asked, 0);
}

/* Whoever waits for it is told only when the look-up is really over: so it can be counted. */
static void
test_cancelled (void)
{
  g_autoptr (GResolver) usual = g_resolver_get_default ();
  g_autoptr (GSocketConnectable) connectable = new_address ("h.example", /* rules= */ NULL);
  g_autoptr (GSocketAddressEnumerator) enumerator = g_socket_connectable_enumerate (connectable);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SilentResolver *silent = g_object_new (silent_resolver_get_type (), NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *pending = NULL;

  g_resolver_set_default (G_RESOLVER (silent));
  g_socket_address_enumerator_next_async (enumerator, cancellable, test_loop_on_result, &pending);
  g_cancellable_cancel (cancellable);
  test_loop_settle ();
  g_assert_null (pending);
  silent_resolver_give_up (silent);
  result = test_loop_wait_for (&pending);
  g_assert_null (g_socket_address_enumerator_next_finish (enumerator, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_resolver_set_default (usual);
  g_object_unref (silent);
}

static void
test_cancelled_before (void)
{
  g_autoptr (GResolver) usual = g_resolver_get_default ();
  g_autoptr (GSocketConnectable) connectable = new_address ("h.example", /* rules= */ NULL);
  g_autoptr (GSocketAddressEnumerator) enumerator = g_socket_connectable_enumerate (connectable);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SilentResolver) silent = g_object_new (silent_resolver_get_type (), NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GAsyncResult *pending = NULL;

  g_resolver_set_default (G_RESOLVER (silent));
  g_cancellable_cancel (cancellable);
  g_socket_address_enumerator_next_async (enumerator, cancellable, test_loop_on_result, &pending);
  g_assert_cmpuint (silent->asked->len, ==, 0);
  result = test_loop_wait_for (&pending);
  g_assert_null (g_socket_address_enumerator_next_finish (enumerator, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_resolver_set_default (usual);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/address/refuses-link-local", test_refuses);
  g_test_add_func ("/transport/address/refuses-link-local-async", test_refuses_async);
  g_test_add_func ("/transport/address/refuses-what-is-denied", test_refuses_denied);
  g_test_add_func ("/transport/address/refuses-link-local-by-proxy-enumeration",
                   test_proxy_enumeration);
  g_test_add_func ("/transport/address/lets-others-through", test_lets_through);
  g_test_add_func ("/transport/address/lets-others-through-async", test_lets_through_async);
  g_test_add_func ("/transport/address/cancelled-look-ups-are-awaited", test_cancelled);
  g_test_add_func ("/transport/address/cancelled-before-asks-nothing", test_cancelled_before);
  g_test_add_func ("/transport/address/keeps-the-name", test_keeps_the_name);
  return g_test_run ();
}
