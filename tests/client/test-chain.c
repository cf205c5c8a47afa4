/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a fetched chain comes as a program can pass it on, with what is told of it, and that
 * the call can be cancelled in the service. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <string.h>

typedef struct
{
  FakeService *service;
  CertpinClient *client;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

static void
assert_bytes (GBytes *bytes, const char *text)
{
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

static void
test_result (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinChain) verdict = NULL,
                           chain = certpin_client_fetch_chain (
                               f->client, "h.example",
                               g_variant_new_parsed ("{'timeout-ms': <uint32 5>}"), NULL, &error);
  GPtrArray *der;

  g_assert_no_error (error);
  der = certpin_chain_get_der (chain);
  g_assert_cmpuint (der->len, ==, 2);
  assert_bytes (der->pdata[0], "a");
  assert_bytes (der->pdata[1], "bc");
  g_assert_true (certpin_chain_get_trusted (chain));
  verdict = certpin_client_verify_chain (f->client, "h.example", der, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (certpin_chain_get_der (verdict)->len, ==, 0);
}

static GDBusMessage *
fail (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  return g_dbus_message_new_method_error_literal (call, "org.certpin.Certpin1.Error.TlsFailed",
                                                  "it speaks no TLS");
}

static void
test_error (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  fake_service_set_handler (f->service, fail, NULL);
  g_assert_null (certpin_client_fetch_chain (f->client, "h.example", NULL, NULL, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_TLS_FAILED);
}

static void
test_cancel (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  certpin_client_fetch_chain_async (f->client, "h.example", NULL, cancellable, test_loop_on_result,
                                    &pending);
  fake_service_wait_for_held (f->service, 1);
  g_cancellable_cancel (cancellable);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_fetch_chain_finish (f->client, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  fake_service_wait_for (f->service, "Cancel", 1);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/chain/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("result", test_result);
  ADD ("error", test_error);
  ADD ("cancel", test_cancel);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
