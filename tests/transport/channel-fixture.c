/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server on the loopback and a fetcher that trusts its authority, in one process. */

#include "config.h"

#include "channel-fixture.h"

#include "tests/lib/test-loop.h"

#define TIMEOUT_MS 20000
#define MAX_BODY   (1024 * 1024)

static TestIdentity *
new_leaf (TestIdentity *root)
{
  return TEST_IDENTITY (.subject = "leaf", .dns = { "localhost", CHANNEL_NAME },
                        .addresses = { "127.0.0.1" }, .issuer = root);
}

static void
write_trust_file (ChannelFixture *f, TestIdentity *root)
{
  TestIdentity *const roots[] = { root, NULL };

  test_pki_write_certificates (f->trust_file, roots);
}

static void
open_store (ChannelFixture *f)
{
  static const char *const no_dirs[] = { NULL };
  g_autoptr (CpdTrustSource) trust = cpd_trust_source_new (f->trust_file, NULL);
  const CpdStoreSettings settings
      = { .trust = trust, .pins_dirs = no_dirs, .first_generation = 100 };
  g_autoptr (GPtrArray) problems = NULL;

  f->store = cpd_store_new (&settings);
  problems = cpd_store_load (f->store);
  g_assert_cmpuint (problems->len, ==, 0);
}

void
channel_set_up (ChannelFixture *f, gconstpointer user_data)
{
  f->folder = test_folder_new ();
  f->trust_file = g_build_filename (f->folder, "trust.pem", NULL);
  f->root = TEST_IDENTITY (.subject = "root", .is_ca = TRUE);
  f->leaf = new_leaf (f->root);
  f->other = new_leaf (f->root);
  write_trust_file (f, f->root);
  f->server = test_server_new (f->leaf, f->root);
  f->config = cpd_config_new ();
  open_store (f);
  f->fetcher = CPD_FETCHER (cpd_channel_fetcher_new (f->store, f->config));
  f->bodies = cpd_budget_new (64 * MAX_BODY);
}

void
channel_tear_down (ChannelFixture *f, gconstpointer user_data)
{
  test_loop_release (f->fetcher);
  test_server_free (f->server);
  test_loop_release (f->store); /* connections that are being closed have it */
  cpd_budget_unref (f->bodies);
  cpd_config_free (f->config);
  test_identity_unref (f->other);
  test_identity_unref (f->leaf);
  test_identity_unref (f->root);
  g_free (f->trust_file);
  test_folder_remove (f->folder);
}

/* One that knows what `config` says now. */
void
channel_renew_fetcher (ChannelFixture *f)
{
  g_object_unref (f->fetcher);
  f->fetcher = CPD_FETCHER (cpd_channel_fetcher_new (f->store, f->config));
}

static CertpinRequest *
new_request (ChannelFixture *f, const FetchOptions *options)
{
  g_autofree char *usual
      = g_strdup_printf ("https://127.0.0.1:%u/", test_server_get_port (f->server));
  g_autoptr (GBytes) body
      = options->body != NULL ? g_bytes_new (options->body, strlen (options->body)) : NULL;
  g_autoptr (GError) error = NULL;
  CertpinRequest *request
      = certpin_request_new (options->method != NULL ? options->method : "GET",
                             options->url != NULL ? options->url : usual, NULL, body, &error);

  g_assert_no_error (error);
  return request;
}

static GPtrArray *
new_keys (TestIdentity *identity)
{
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  GPtrArray *keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);

  g_ptr_array_add (keys, certpin_key_ref (cpd_certificate_get_key (certificate)));
  return keys;
}

/* Returns: (transfer full): a fetch that is under way */
Fetch *
channel_start (ChannelFixture *f, const FetchOptions *options)
{
  g_autoptr (CertpinRequest) request = new_request (f, options);
  g_autoptr (GPtrArray) keys = options->require != NULL ? new_keys (options->require) : NULL;
  g_autoptr (CpdOrder) order = cpd_order_new ();
  Fetch *fetch = g_new0 (Fetch, 1);

  fetch->fetcher = g_object_ref (f->fetcher);
  fetch->cancellable = g_cancellable_new ();
  if (options->cancelled)
    g_cancellable_cancel (fetch->cancellable);
  order->request = g_steal_pointer (&request);
  order->target = cpd_host_new_of_uri (certpin_request_get_uri (order->request), NULL);
  order->owner = options->owner;
  order->require_keys = g_steal_pointer (&keys);
  order->timeout_ms = options->timeout_ms != 0 ? options->timeout_ms : TIMEOUT_MS;
  order->max_body_bytes = options->max_body != 0 ? options->max_body : MAX_BODY;
  order->max_inline_bytes = order->max_body_bytes;
  order->max_redirects = options->redirects;
  cpd_fetcher_fetch_async (f->fetcher, order, g_get_monotonic_time (), f->bodies,
                           fetch->cancellable, test_loop_on_result, &fetch->result);
  return fetch;
}

/* Returns: (transfer full): a fetch that was sent and waits for its answer */
Fetch *
channel_start_held (ChannelFixture *f, CpdOwner owner)
{
  Fetch *fetch;

  test_server_hold (f->server);
  fetch = START (f, .method = "POST", .body = "body", .owner = owner);
  while (test_server_count_held (f->server) == 0)
    test_loop_step ();
  return fetch;
}

/* Until it has ended. */
void
channel_wait (Fetch *fetch)
{
  g_autoptr (GAsyncResult) result = test_loop_wait_for (&fetch->result);

  fetch->response
      = cpd_fetcher_fetch_finish (fetch->fetcher, result, &fetch->verdict, &fetch->error);
  g_assert_true ((fetch->response != NULL) == (fetch->error == NULL));
  g_clear_object (&fetch->fetcher);
}

void
fetch_free (Fetch *fetch)
{
  if (fetch == NULL)
    return;
  g_assert_null (fetch->fetcher); /* it was waited for */
  g_object_unref (fetch->cancellable);
  g_clear_pointer (&fetch->response, cpd_response_free);
  cpd_verdict_unref (fetch->verdict);
  g_clear_error (&fetch->error);
  g_free (fetch);
}

/* Waits, too. */
void
channel_assert_answered (Fetch *fetch, unsigned int status)
{
  channel_wait (fetch);
  g_assert_no_error (fetch->error);
  g_assert_cmpuint (fetch->response->status, ==, status);
  g_assert_nonnull (fetch->verdict);
  g_assert_true (fetch->verdict->passed);
}

/* Waits, too. */
void
channel_assert_failed (Fetch *fetch, CertpinError code)
{
  channel_wait (fetch);
  g_assert_error (fetch->error, CERTPIN_ERROR, (int)code);
}

/* Returns: (transfer none) (nullable): the first value of that name */
const char *
channel_get_header (Fetch *fetch, const char *name)
{
  for (GStrv header = fetch->response->headers; *header != NULL; header += 2)
    if (g_str_equal (header[0], name))
      return header[1];
  return NULL;
}

gboolean
channel_was_reused (Fetch *fetch)
{
  return fetch->response->reused;
}

void
channel_assert_passes (ChannelFixture *f)
{
  g_autoptr (Fetch) fetch = START (f, .method = "GET");

  channel_assert_answered (fetch, 200);
}

/* By its verdict, without a byte of it reaching the server. */
void
channel_assert_refused (ChannelFixture *f, CertpinError code)
{
  unsigned int before = test_server_count_requests (f->server);
  g_autoptr (Fetch) fetch = START (f, .method = "GET");

  channel_assert_failed (fetch, code);
  g_assert_nonnull (fetch->verdict);
  g_assert_false (fetch->verdict->passed);
  g_assert_cmpint (fetch->verdict->error, ==, code);
  test_loop_settle ();
  g_assert_cmpuint (test_server_count_requests (f->server), ==, before);
}

/* Returns: (transfer full): a pin with the identity's key */
CpdPin *
channel_make_pin (const char *host, CpdLayer layer, TestIdentity *identity)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (CpdCertificate) certificate = test_certificate (identity);
  CpdPin *pin = cpd_pin_new (parsed, layer);

  cpd_pin_add_key (pin, cpd_certificate_get_key (certificate));
  return pin;
}

void
channel_set_pin (ChannelFixture *f, CpdOwner owner, CpdPin *pin)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (CpdPin) set = NULL;
  g_autoptr (GError) error = NULL;

  cpd_store_set_pin_async (f->store, owner, pin, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  set = cpd_store_change_finish (f->store, result, &error);
  g_assert_no_error (error);
}

/* The server's host, for CHANNEL_UID. */
void
channel_pin (ChannelFixture *f, TestIdentity *identity)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("127.0.0.1", CPD_LAYER_USER, identity);

  channel_set_pin (f, CHANNEL_UID, pin);
}

/* As a pinning that failed does, for CHANNEL_UID. */
void
channel_block (ChannelFixture *f, const char *host)
{
  g_autoptr (CpdHost) parsed = test_host (host);
  g_autoptr (CpdPin) block = cpd_pin_new_blocked (parsed, CPD_LAYER_USER, "a test");

  channel_set_pin (f, CHANNEL_UID, block);
}

void
channel_unpin (ChannelFixture *f)
{
  g_autoptr (CpdHost) host = test_host ("127.0.0.1");
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  cpd_store_remove_pin_async (f->store, CPD_LAYER_USER, CHANNEL_UID, host, test_loop_on_result,
                              &pending);
  result = test_loop_wait_for (&pending);
  g_assert_null (cpd_store_change_finish (f->store, result, &error));
  g_assert_no_error (error);
}

/* Reads the trust file anew, which now holds this authority alone. */
void
channel_reload (ChannelFixture *f, TestIdentity *root)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  write_trust_file (f, root);
  cpd_store_reload_async (f->store, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  g_assert_true (cpd_store_reload_finish (f->store, result, &error));
  g_assert_no_error (error);
}

/* Returns: (transfer full): a server that takes connections and says nothing */
GSocket *
channel_listen_silently (void)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GError) error = NULL;
  GSocket *server
      = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);

  g_assert_no_error (error);
  g_assert_true (g_socket_bind (server, address, FALSE, NULL));
  g_assert_true (g_socket_listen (server, NULL));
  return server;
}

/* Returns: (transfer full): a fetch that is connected and waits for the server to shake hands */
Fetch *
channel_start_at_silent (ChannelFixture *f, GSocket *server, CpdOwner owner)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (server, NULL);
  g_autofree char *url = g_strdup_printf (
      "https://127.0.0.1:%u/", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address)));
  Fetch *fetch = START (f, .url = url, .owner = owner);

  while ((g_socket_condition_check (server, G_IO_IN) & G_IO_IN) == 0)
    test_loop_step ();
  return fetch;
}
