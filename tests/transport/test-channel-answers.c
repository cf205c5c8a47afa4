/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that redirects are judged hop by hop, and that answers that are no proper answers are
 * errors. Which redirect is followed where, and with what, is in test-redirect. */

#include "config.h"

#include "channel-fixture.h"
#include "daemon/transport/cpd-http-reader.h"
#include "tests/lib/test-loop.h"

#define MANY 10

static void
redirect (ChannelFixture *f, unsigned int status, const char *location)
{
  test_server_set_answer (f->server, status, 0);
  test_server_set_location (f->server, location);
}

static void
test_follows (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestServer) second = test_server_new (f->leaf, f->root);
  g_autofree char *url
      = g_strdup_printf ("https://127.0.0.1:%u/there?q", test_server_get_port (second));
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  redirect (f, 302, url);
  fetch = START (f, .method = "POST", .body = "body", .redirects = MANY);
  channel_assert_answered (fetch, 200);
  g_assert_cmpstr (test_server_get_last_request (second), ==, "GET /there ");
  g_assert_cmpstr (fetch->response->url, ==, url);
  g_assert_cmpuint (fetch->response->redirects, ==, 1);
}

/* Each hop is judged as a request of its own. */
static void
test_to_wrong_key (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestServer) second = test_server_new (f->other, f->root);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/", test_server_get_port (second));
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  redirect (f, 302, url);
  fetch = START (f, .redirects = MANY);
  channel_assert_failed (fetch, CERTPIN_ERROR_PIN_MISMATCH);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 1);
  g_assert_cmpuint (test_server_count_requests (second), ==, 0);
}

static void
test_to_not_pinned (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  redirect (f, 301, "https://other.example/");
  fetch = START (f, .redirects = MANY);
  channel_assert_failed (fetch, CERTPIN_ERROR_NOT_PINNED);
  g_assert_cmpstr (cpd_host_get_name (fetch->verdict->target), ==, "other.example");
}

static void
test_to_http (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  redirect (f, 301, "http://127.0.0.1/");
  fetch = START (f, .redirects = MANY);
  channel_assert_failed (fetch, CERTPIN_ERROR_NOT_SECURE);
}

static void
test_past_the_limit (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) none = NULL, some = NULL;

  channel_pin (f, f->leaf);
  redirect (f, 302, "/again");
  none = START (f, .redirects = 0);
  channel_assert_answered (none, 302);
  g_assert_cmpstr (channel_get_header (none, "Location"), ==, "/again");
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 1);
  some = START (f, .redirects = 3);
  channel_assert_answered (some, 302);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 5);
}

/* Far more hops than attempts that one hop has. */
static void
test_many_hops (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  redirect (f, 302, "/again");
  fetch = START (f, .redirects = 40);
  channel_assert_answered (fetch, 302);
  g_assert_cmpuint (test_server_count_requests (f->server), ==, 41);
}

static void
test_body_elsewhere (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  redirect (f, 307, "https://other.example/");
  fetch = START (f, .method = "POST", .body = "body", .redirects = MANY);
  channel_assert_answered (fetch, 307);
}

/* The deadline is one for all hops. */
static void
test_deadline_of_all_hops (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (TestServer) second = test_server_new (f->leaf, f->root);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/", test_server_get_port (second));
  g_autoptr (Fetch) warm = NULL, fetch = NULL;

  channel_pin (f, f->leaf);
  channel_assert_passes (f);
  warm = START (f, .url = url);
  channel_assert_answered (warm, 200);
  redirect (f, 302, url);
  test_server_hold (second);
  fetch = START (f, .redirects = MANY, .timeout_ms = 500);
  channel_assert_failed (fetch, CERTPIN_ERROR_TIMED_OUT);
  g_assert_cmpuint (test_server_count_held (second), ==, 1);
}

static void
test_error_statuses (ChannelFixture *f, gconstpointer user_data)
{
  static const unsigned int statuses[] = { 204, 304, 400, 401, 404, 407, 500, 503, 599 };

  channel_pin (f, f->leaf);
  for (size_t i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autoptr (Fetch) fetch = NULL;

      test_server_set_answer (f->server, statuses[i], 0);
      fetch = START (f, .redirects = MANY);
      channel_assert_answered (fetch, statuses[i]);
    }
}

static void
test_raw_answers (ChannelFixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *answer;
    CertpinError code;
  } cases[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", CERTPIN_ERROR_TRUNCATED },
    { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", CERTPIN_ERROR_TRUNCATED },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", CERTPIN_ERROR_TRUNCATED },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
      CERTPIN_ERROR_PROTOCOL_ERROR },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      CERTPIN_ERROR_PROTOCOL_ERROR },
    { "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", CERTPIN_ERROR_PROTOCOL_ERROR },
    { "SSH-2.0-OpenSSH\r\n\r\n", CERTPIN_ERROR_PROTOCOL_ERROR },
    { "HTTP/1.1 200 OK\r\nA: b", CERTPIN_ERROR_TRUNCATED },
    { "", CERTPIN_ERROR_TRUNCATED },
  };

  channel_pin (f, f->leaf);
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (Fetch) fetch = NULL;
      g_autofree char *shown = g_strescape (cases[i].answer, NULL);

      test_server_set_raw (f->server, cases[i].answer);
      fetch = START (f, .method = "POST", .body = "body");
      channel_wait (fetch);
      g_test_message ("%s → %s", shown, fetch->error != NULL ? fetch->error->message : "an answer");
      g_assert_error (fetch->error, CERTPIN_ERROR, (int)cases[i].code);
    }
}

/* Returns: (transfer full): a fetch of an answer with so many interim ones before it */
static Fetch *
start_with_interim_answers (ChannelFixture *f, unsigned int count)
{
  g_autoptr (GString) answer = g_string_new (NULL);

  for (unsigned int i = 0; i < count; i++)
    g_string_append (answer, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
  g_string_append (answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  test_server_set_raw (f->server, answer->str);
  return START (f, .method = "GET");
}

static void
test_interim (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) some = NULL, too_many = NULL;

  channel_pin (f, f->leaf);
  some = start_with_interim_answers (f, CPD_HTTP_INTERIM_MAX);
  channel_assert_answered (some, 200);
  too_many = start_with_interim_answers (f, CPD_HTTP_INTERIM_MAX + 1);
  channel_assert_failed (too_many, CERTPIN_ERROR_PROTOCOL_ERROR);
}

static void
test_chunked (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;
  g_autoptr (GBytes) expected = g_bytes_new_static ("hello", 5);

  channel_pin (f, f->leaf);
  test_server_set_raw (f->server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  fetch = START (f, .method = "GET");
  channel_assert_answered (fetch, 200);
  g_assert_true (g_bytes_equal (fetch->response->body, expected));
}

/* Two answers where one was asked for: the second must not be anybody's. */
static void
test_answer_too_many (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) first = NULL, second = NULL;

  channel_pin (f, f->leaf);
  test_server_set_raw (f->server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                  "HTTP/1.1 404 Smuggled\r\nContent-Length: 0\r\n\r\n");
  first = START (f, .method = "GET");
  channel_assert_answered (first, 200);
  test_server_set_raw (f->server, NULL);
  second = START (f, .method = "POST", .body = "body");
  channel_assert_answered (second, 200);
  g_assert_false (channel_was_reused (second));
  g_assert_cmpstr (test_server_get_last_request (f->server), ==, "POST / body");
}

static void
test_content_is_not_decoded (ChannelFixture *f, gconstpointer user_data)
{
  /* “ñáé” by zlib, which needs no zero byte for it. */
  static const char packed[] = "\x78\x9c\x3b\xbc\xf1\xf0\xc2\xc3\x2b\x01\x0f\x2b\x04\x45";
  g_autofree char *answer = g_strconcat ("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n"
                                         "Content-Length: 14\r\n\r\n",
                                         packed, NULL);
  g_autoptr (GBytes) expected = g_bytes_new_static (packed, sizeof packed - 1);
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  test_server_set_raw (f->server, answer);
  fetch = START (f, .method = "GET");
  channel_assert_answered (fetch, 200);
  g_assert_true (g_bytes_equal (fetch->response->body, expected));
  g_assert_cmpstr (channel_get_header (fetch, "Content-Encoding"), ==, "deflate");
}

static void
test_head (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = START (f, .method = "HEAD");
  channel_assert_answered (fetch, 200);
  g_assert_cmpstr (channel_get_header (fetch, "Content-Length"), ==, "5");
  g_assert_cmpuint (g_bytes_get_size (fetch->response->body), ==, 0);
}

/* These have no body, whatever their length says (RFC 9110, sections 8.6, 15.3.5, 15.4.5). */
static void
test_no_body (ChannelFixture *f, gconstpointer user_data)
{
  static const unsigned int statuses[] = { 204, 304 };

  channel_pin (f, f->leaf);
  for (size_t i = 0; i < G_N_ELEMENTS (statuses); i++)
    {
      g_autofree char *answer
          = g_strdup_printf ("HTTP/1.1 %u So\r\nContent-Length: 5\r\n\r\n", statuses[i]);
      g_autoptr (Fetch) fetch = NULL;

      test_server_set_raw (f->server, answer);
      fetch = START (f, .method = "GET");
      channel_assert_answered (fetch, statuses[i]);
      g_assert_cmpuint (g_bytes_get_size (fetch->response->body), ==, 0);
    }
}

static void
test_nobody_listens (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (Fetch) fetch = NULL;

  channel_pin (f, f->leaf);
  fetch = START (f, .url = "https://127.0.0.1:1/");
  channel_assert_failed (fetch, CERTPIN_ERROR_UNREACHABLE);
}

static void
test_link_local (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (CpdPin) pin = channel_make_pin ("169.254.169.254", CPD_LAYER_USER, f->leaf);
  g_autoptr (Fetch) fetch = NULL;

  channel_set_pin (f, CHANNEL_UID, pin);
  fetch = START (f, .url = "https://169.254.169.254/");
  channel_assert_failed (fetch, CERTPIN_ERROR_ADDRESS_DENIED);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source,
             gpointer user_data)
{
  static const char greeting[] = "220 mail.example ESMTP\r\n";

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), greeting,
                             sizeof greeting - 1, NULL, NULL, NULL);
  return TRUE;
}

/* A server that speaks, but no TLS. */
static void
test_no_tls (ChannelFixture *f, gconstpointer user_data)
{
  g_autoptr (GSocketService) service = g_socket_service_new ();
  guint16 port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, NULL);
  g_autofree char *url = g_strdup_printf ("https://127.0.0.1:%u/", port);
  g_autoptr (Fetch) fetch = NULL;

  g_signal_connect (service, "incoming", G_CALLBACK (on_incoming), NULL);
  channel_pin (f, f->leaf);
  fetch = START (f, .url = url);
  channel_assert_failed (fetch, CERTPIN_ERROR_TLS_FAILED);
}

static void
add_redirects (void)
{
  CHANNEL_TEST_ADD ("redirects/followed", test_follows);
  CHANNEL_TEST_ADD ("redirects/to-a-wrong-key", test_to_wrong_key);
  CHANNEL_TEST_ADD ("redirects/to-an-unpinned-host", test_to_not_pinned);
  CHANNEL_TEST_ADD ("redirects/to-http", test_to_http);
  CHANNEL_TEST_ADD ("redirects/past-the-limit", test_past_the_limit);
  CHANNEL_TEST_ADD ("redirects/many-hops", test_many_hops);
  CHANNEL_TEST_ADD ("redirects/body-does-not-go-elsewhere", test_body_elsewhere);
  CHANNEL_TEST_ADD ("redirects/one-deadline-for-all", test_deadline_of_all_hops);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  add_redirects ();
  CHANNEL_TEST_ADD ("answers/error-statuses-are-answers", test_error_statuses);
  CHANNEL_TEST_ADD ("answers/raw-ones", test_raw_answers);
  CHANNEL_TEST_ADD ("answers/after-interim-ones", test_interim);
  CHANNEL_TEST_ADD ("answers/chunked", test_chunked);
  CHANNEL_TEST_ADD ("answers/one-too-many", test_answer_too_many);
  CHANNEL_TEST_ADD ("answers/content-is-not-decoded", test_content_is_not_decoded);
  CHANNEL_TEST_ADD ("answers/head", test_head);
  CHANNEL_TEST_ADD ("answers/without-a-body", test_no_body);
  CHANNEL_TEST_ADD ("answers/nobody-listens", test_nobody_listens);
  CHANNEL_TEST_ADD ("answers/link-local-is-unreachable", test_link_local);
  CHANNEL_TEST_ADD ("answers/no-tls", test_no_tls);
  return g_test_run ();
}
