/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the Requests interface as a program sees it: what becomes an order and what a reply, how a
 * request is ended early, and whose turn it is. */

#include "config.h"

#include "tests/lib/test-bus.h"

#include <unistd.h>

static GVariant *
request (const char *url, const char *options)
{
  return g_variant_new ("(ss@a(ss)@ay@a{sv})", "POST", url, g_variant_new_parsed ("[('X-A', 'b')]"),
                        g_variant_new_parsed ("b'body'"), g_variant_new_parsed (options));
}

static GVariant *
usual (void)
{
  return request ("https://h.example/", "@a{sv} {}");
}

static GVariant *
with_token (const char *token)
{
  g_autofree char *options = g_strdup_printf ("{'handle-token': <'%s'>}", token);

  return request ("https://h.example/", options);
}

static void
wait_until_held (TestBus *f, unsigned int count)
{
  while (fake_fetcher_count_held (f->fetcher) < count)
    test_loop_step ();
}

static void
wait_until_cancelled (TestBus *f, unsigned int count)
{
  while (fake_fetcher_count_cancelled (f->fetcher) < count)
    test_loop_step ();
}

/* One identity, pinned and offered; or another one pinned. */
static void
set_verdict (TestBus *f, gboolean matches, CpdMode mode)
{
  g_autoptr (TestIdentity) offered = TEST_IDENTITY (.subject = "offered", .dns = { "h.example" });
  g_autoptr (TestIdentity) other = TEST_IDENTITY (.subject = "other");
  g_autoptr (CpdVerdict) verdict
      = fake_verdict_new ("h.example:443", matches ? offered : other, offered, mode);

  fake_fetcher_set_verdict (f->fetcher, verdict);
}

static void
assert_answered (TestCall *call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = test_call_wait (call, &error);

  g_assert_no_error (error);
}

static void
test_order (TestBus *f, gconstpointer user_data)
{
  const CpdOrder *order;

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  test_call_done (f, "SecureRequest",
                  request ("https://h.example/a?b",
                           "{'timeout-ms': <uint32 60000>, 'max-body': <uint64 9>,"
                           " 'redirects': <uint32 3>}"));
  order = fake_fetcher_get_order (f->fetcher);
  g_assert_cmpstr (certpin_request_get_method (order->request), ==, "POST");
  g_assert_cmpuint (g_variant_n_children (certpin_request_get_headers (order->request)), ==, 1);
  g_assert_cmpuint (order->owner, ==, getuid ());
  g_assert_cmpuint (order->max_body_bytes, ==, 9);
  g_assert_cmpuint (order->max_redirects, ==, 3);
  g_assert_cmpstr (cpd_host_get_text (order->target), ==, "h.example:443");
  g_assert_cmpuint (order->timeout_ms, ==, 60000);
}

static void
test_reply (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL, headers = NULL, body = NULL, info = NULL;
  guint32 status, position;
  gsize length;

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  reply = test_call (f, "SecureRequest", usual (), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (reply), ==, "(ua(ss)aya{sv})");
  g_variant_get (reply, "(u@a(ss)@ay@a{sv})", &status, &headers, &body, &info);
  g_assert_cmpuint (status, ==, 200);
  g_assert_cmpuint (g_variant_n_children (headers), ==, 2);
  g_variant_get_fixed_array (body, &length, 1);
  g_assert_cmpuint (length, ==, 4);
  test_bus_assert_text (info, "url", "https://h.example/final");
  g_assert_true (g_variant_lookup (info, "body-bytes", "t", NULL));
  g_assert_true (g_variant_lookup (info, "matched-key", "s", NULL));
  g_assert_true (g_variant_lookup (info, "matched-position", "u", &position));
  g_assert_true (g_variant_lookup (info, "path-keys", "as", NULL));
  g_assert_true (g_variant_lookup (info, "generation", "t", NULL));
  g_assert_false (g_variant_lookup (info, "report", "a{sv}", NULL));
}

static void
test_report (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL, info = NULL, report = NULL, failure = NULL;

  set_verdict (f, FALSE, CPD_MODE_REPORT);
  reply = test_call (f, "SecureRequest", usual (), &error);
  g_assert_no_error (error);
  info = g_variant_get_child_value (reply, 3);
  report = g_variant_lookup_value (info, "report", G_VARIANT_TYPE_VARDICT);
  test_bus_assert_text (report, "error", "PinMismatch");
  test_bus_assert_text (report, "mode", "report");
  test_bus_wait_for_signal (f, "PinFailed h.example:443 PinMismatch");
  failure = test_call_value (f, "LastFailure", g_variant_new ("(s)", "h.example"));
  test_bus_assert_text (failure, "mode", "report");
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_REPORT_ONLY), ==, 1);
}

static void
test_refusal (TestBus *f, gconstpointer user_data)
{
  g_autoptr (GVariant) failure = NULL;

  set_verdict (f, FALSE, CPD_MODE_ENFORCE);
  test_call_fails (f, "SecureRequest", usual (), "PinMismatch");
  test_bus_wait_for_signal (f, "PinFailed h.example:443 PinMismatch");
  failure = test_call_value (f, "LastFailure", g_variant_new ("(s)", "h.example"));
  test_bus_assert_text (failure, "error", "PinMismatch");
  test_bus_assert_text (failure, "host", "h.example:443");
  test_bus_assert_text (failure, "subject", "CN=offered");
  test_call_fails (f, "LastFailure", g_variant_new ("(s)", "h.example:8443"), "NotPinned");
  g_assert_cmpuint (test_bus_count_audits (CERTPIN_MESSAGE_PIN_FAILED), ==, 1);
}

static void
test_errors_of_the_fetcher (TestBus *f, gconstpointer user_data)
{
  static const CertpinError codes[]
      = { CERTPIN_ERROR_UNREACHABLE, CERTPIN_ERROR_TIMED_OUT,      CERTPIN_ERROR_TLS_FAILED,
          CERTPIN_ERROR_TRUNCATED,   CERTPIN_ERROR_BODY_TOO_LARGE, CERTPIN_ERROR_PROTOCOL_ERROR,
          CERTPIN_ERROR_PIN_CHANGED, CERTPIN_ERROR_OFFLINE,        CERTPIN_ERROR_LIMIT_EXCEEDED,
          CERTPIN_ERROR_NOT_SECURE,  CERTPIN_ERROR_ADDRESS_DENIED };

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  fake_fetcher_hold (f->fetcher);
  for (size_t i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      TestCall *call = test_call_start (f->client, "SecureRequest", usual ());

      wait_until_held (f, 1);
      fake_fetcher_fail (f->fetcher, codes[i]);
      test_call_wait_fails (call, certpin_error_get_name (codes[i]));
    }
  /* None of them is a refusal, so there is no evidence of any. */
  test_call_fails (f, "LastFailure", g_variant_new ("(s)", "h.example"), "NotPinned");
}

static void
test_arguments (TestBus *f, gconstpointer user_data)
{
  static const struct
  {
    const char *url, *options, *name;
  } cases[] = {
    { "http://h.example/", "@a{sv} {}", "NotSecure" },
    { "https://u@h.example/", "@a{sv} {}", "InvalidArgument" },
    { "https://a..b/", "@a{sv} {}", "InvalidHost" },
    { "https://h.example/", "{'no': <1>}", "InvalidArgument" },
    { "https://h.example/", "{'timeout-ms': <uint32 0>}", "InvalidArgument" },
    { "https://h.example/", "{'require-keys': <['x']>}", "InvalidKey" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    test_call_fails (f, "SecureRequest", request (cases[i].url, cases[i].options), cases[i].name);
  g_assert_cmpuint (fake_fetcher_count_orders (f->fetcher), ==, 0);
}

/* Calls Cancel. `error`: NULL: it must be done */
static void
cancel (TestBus *f, GDBusConnection *by, const char *token, const char *error_name)
{
  g_autofree char *sender
      = g_strdelimit (g_strdup (g_dbus_connection_get_unique_name (f->client) + 1), ".", '_');
  g_autofree char *path = g_strdup_printf (CERTPIN_REQUEST_PATH "/%s/%s", sender, token);
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GError) error = NULL;

  g_dbus_connection_call (by, CERTPIN_BUS_NAME, path, CERTPIN_REQUEST_IFACE, "Cancel", NULL, NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  reply = g_dbus_connection_call_finish (by, result, &error);
  if (error_name != NULL)
    {
      g_autofree char *name = error != NULL ? g_dbus_error_get_remote_error (error) : NULL;
      g_assert_cmpstr (name, ==, error_name);
    }
  else
    g_assert_no_error (error);
}

static void
test_cancel (TestBus *f, gconstpointer user_data)
{
  TestCall *call;

  fake_fetcher_hold (f->fetcher);
  call = test_call_start (f->client, "SecureRequest", with_token ("a"));
  wait_until_held (f, 1);
  cancel (f, f->client, "a", NULL);
  test_call_wait_fails (call, "Cancelled");
  g_assert_cmpuint (fake_fetcher_count_cancelled (f->fetcher), ==, 1);
}

/* Sent right behind the request itself. */
static void
test_cancel_at_once (TestBus *f, gconstpointer user_data)
{
  TestCall *call;

  fake_fetcher_hold (f->fetcher);
  call = test_call_start (f->client, "SecureRequest", with_token ("a"));
  cancel (f, f->client, "a", NULL);
  test_call_wait_fails (call, "Cancelled");
}

static void
test_cancel_by_another (TestBus *f, gconstpointer user_data)
{
  GDBusConnection *other = test_bus_connect (f);
  TestCall *call;

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  fake_fetcher_hold (f->fetcher);
  call = test_call_start (f->client, "SecureRequest", with_token ("a"));
  wait_until_held (f, 1);
  cancel (f, other, "a", CERTPIN_ERROR_PREFIX "NotAuthorized");
  g_assert_cmpuint (fake_fetcher_count_cancelled (f->fetcher), ==, 0);
  fake_fetcher_answer (f->fetcher);
  assert_answered (call);
  test_bus_disconnect (other);
}

static void
test_token_in_use (TestBus *f, gconstpointer user_data)
{
  TestCall *first, *again;

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  fake_fetcher_hold (f->fetcher);
  first = test_call_start (f->client, "SecureRequest", with_token ("a"));
  wait_until_held (f, 1);
  test_call_fails (f, "SecureRequest", with_token ("a"), "InvalidArgument");
  fake_fetcher_answer (f->fetcher);
  assert_answered (first);
  again = test_call_start (f->client, "SecureRequest", with_token ("a"));
  wait_until_held (f, 1);
  fake_fetcher_answer (f->fetcher);
  assert_answered (again);
}

static void
test_limits (TestBus *f, gconstpointer user_data)
{
  TestCall *calls[2];

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  fake_fetcher_hold (f->fetcher);
  for (size_t i = 0; i < G_N_ELEMENTS (calls); i++)
    calls[i] = test_call_start (f->client, "SecureRequest", usual ());
  test_call_fails (f, "SecureRequest", usual (), "LimitExceeded");
  g_assert_cmpuint (fake_fetcher_count_held (f->fetcher), ==, 1);
  for (size_t i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      wait_until_held (f, 1);
      fake_fetcher_answer (f->fetcher);
      assert_answered (calls[i]);
    }
  g_assert_cmpuint (fake_fetcher_count_orders (f->fetcher), ==, 2);
}

static void
test_cancel_while_waiting (TestBus *f, gconstpointer user_data)
{
  TestCall *running, *waiting;

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  fake_fetcher_hold (f->fetcher);
  running = test_call_start (f->client, "SecureRequest", usual ());
  waiting = test_call_start (f->client, "SecureRequest", with_token ("a"));
  wait_until_held (f, 1);
  cancel (f, f->client, "a", NULL);
  test_call_wait_fails (waiting, "Cancelled");
  fake_fetcher_answer (f->fetcher);
  assert_answered (running);
  g_assert_cmpuint (fake_fetcher_count_orders (f->fetcher), ==, 1);
}

static void
test_deadline_while_waiting (TestBus *f, gconstpointer user_data)
{
  TestCall *running, *waiting;

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  fake_fetcher_hold (f->fetcher);
  running = test_call_start (f->client, "SecureRequest", usual ());
  waiting = test_call_start (f->client, "SecureRequest",
                             request ("https://h.example/", "{'timeout-ms': <uint32 50>}"));
  test_call_wait_fails (waiting, "TimedOut");
  fake_fetcher_answer (f->fetcher);
  assert_answered (running);
}

static void
test_bodies (TestBus *f, gconstpointer user_data)
{
  test_call_fails (f, "SecureRequest", usual (), "LimitExceeded");
  g_assert_cmpuint (fake_fetcher_count_orders (f->fetcher), ==, 0);
}

static void
send_and_leave (TestBus *f, GDBusConnection *connection)
{
  g_dbus_connection_call (connection, CERTPIN_BUS_NAME, CERTPIN_OBJECT_PATH, CERTPIN_REQUESTS_IFACE,
                          "SecureRequest", usual (), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL,
                          NULL);
  g_assert_true (g_dbus_connection_flush_sync (connection, NULL, NULL));
}

static void
test_vanished (TestBus *f, gconstpointer user_data)
{
  GDBusConnection *other = test_bus_connect (f);

  fake_fetcher_hold (f->fetcher);
  send_and_leave (f, other);
  wait_until_held (f, 1);
  test_bus_disconnect (other);
  wait_until_cancelled (f, 1);
}

/* While it waits for its turn, too. */
static void
test_vanished_while_waiting (TestBus *f, gconstpointer user_data)
{
  GDBusConnection *other = test_bus_connect (f);
  TestCall *running, *waiting;

  set_verdict (f, TRUE, CPD_MODE_ENFORCE);
  fake_fetcher_hold (f->fetcher);
  running = test_call_start (f->client, "SecureRequest", usual ());
  wait_until_held (f, 1);
  send_and_leave (f, other);
  test_bus_round_trip (f->service);
  test_loop_settle ();
  test_bus_leave (f, other);
  /* Its place is free again, for one that is then refused no more. */
  test_loop_settle ();
  waiting = test_call_start (f->client, "SecureRequest", usual ());
  fake_fetcher_answer (f->fetcher);
  assert_answered (running);
  wait_until_held (f, 1);
  fake_fetcher_answer (f->fetcher);
  assert_answered (waiting);
  g_assert_cmpuint (fake_fetcher_count_orders (f->fetcher), ==, 2);
}

/* The call and the end of its connection are there before the service has looked at either. */
static void
test_vanished_at_once (TestBus *f, gconstpointer user_data)
{
  GDBusConnection *other = test_bus_connect (f);
  TestCall *call
      = test_call_start (other, "GetPin", g_variant_new_parsed ("('h.example', @a{sv} {})"));

  test_call_wait_fails (call, "NotPinned");
  fake_fetcher_hold (f->fetcher);
  send_and_leave (f, other);
  test_bus_disconnect (other);
  test_bus_round_trip (f->client);
  test_bus_round_trip (f->service);
  test_loop_settle ();
  while (fake_fetcher_count_held (f->fetcher) > 0)
    test_loop_step ();
}

static const TestBusLimits one_and_one = { .running_per_uid = 1, .waiting_per_uid = 1 };
static const TestBusLimits few_bytes = { .body_bytes_per_uid = 3 };

#define ADD(path, function) TEST_BUS_ADD ("/bus/requests/" path, NULL, function)

static void
add_limits (void)
{
  TEST_BUS_ADD ("/bus/requests/limits", &one_and_one, test_limits);
  TEST_BUS_ADD ("/bus/requests/cancel-while-waiting", &one_and_one, test_cancel_while_waiting);
  TEST_BUS_ADD ("/bus/requests/deadline-while-waiting", &one_and_one, test_deadline_while_waiting);
  TEST_BUS_ADD ("/bus/requests/vanished-while-waiting", &one_and_one, test_vanished_while_waiting);
  TEST_BUS_ADD ("/bus/requests/budget-of-bodies", &few_bytes, test_bodies);
}

int
main (int argc, char *argv[])
{
  test_bus_init (&argc, &argv);
  ADD ("order", test_order);
  ADD ("reply-with-evidence", test_reply);
  ADD ("report-only", test_report);
  ADD ("refusal-with-evidence", test_refusal);
  ADD ("errors-by-name", test_errors_of_the_fetcher);
  ADD ("arguments", test_arguments);
  ADD ("cancel", test_cancel);
  ADD ("cancel-at-once", test_cancel_at_once);
  ADD ("cancel-by-another", test_cancel_by_another);
  ADD ("token-in-use", test_token_in_use);
  add_limits ();
  ADD ("vanished", test_vanished);
  ADD ("vanished-at-once", test_vanished_at_once);
  return g_test_run ();
}
