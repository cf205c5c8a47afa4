/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a body which comes by a descriptor ends only if it is whole, whichever way it is
 * read, that a cut has the reason that the service gives, and that no descriptor stays open. */

#include "config.h"

#include "tests/client/fake-body.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include "dbus/certpin-names.h"

#include <certpin.h>

#include <string.h>

#define STREAMS    1000
#define SPARE      8 /* descriptors of calls that are not freed yet */
#define PIECE_SIZE 1000

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  CertpinRequest *request;
  FakeBody body;
  const char *reason;    /* (nullable): the error of Finish */
  GCancellable *cancels; /* (nullable): is cancelled by Finish, which is not answered */
  GVariant *options;     /* of the last request */
} Fixture;

/* How a body is read; `error`: as g_input_stream_read() sets it */
typedef gssize (*Read) (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
                        GError **error);

static GDBusMessage *
on_call (FakeService *service, GDBusMessage *call, gpointer user_data)
{
  Fixture *f = user_data;

  if (g_str_equal (g_dbus_message_get_member (call), "SecureRequest"))
    {
      g_clear_pointer (&f->options, g_variant_unref);
      f->options = g_variant_get_child_value (g_dbus_message_get_body (call), 4);
      return fake_body_reply (&f->body, call, 200, "[('A', 'b')]");
    }
  if (g_str_equal (g_dbus_message_get_member (call), "Finish"))
    g_assert_cmpstr (g_dbus_message_get_path (call), ==, CERTPIN_REQUEST_PATH "/1_1/token");
  if (f->cancels != NULL)
    {
      g_cancellable_cancel (f->cancels);
      return NULL;
    }
  if (g_str_equal (g_dbus_message_get_member (call), "Finish") && f->reason != NULL)
    return g_dbus_message_new_method_error_literal (call, f->reason, "the reason");
  return fake_service_reply (service, call);
}

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->request = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
  f->reason = CERTPIN_ERROR_PREFIX "Truncated";
  fake_body_init (&f->body);
  fake_service_set_handler (f->service, on_call, f);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_clear_object (&f->client);
  certpin_request_unref (f->request);
  g_clear_pointer (&f->service, fake_service_free);
  g_clear_pointer (&f->options, g_variant_unref);
  fake_body_clear (&f->body);
  test_loop_settle ();
  private_bus_stop ();
}

static void
renew_body (Fixture *f)
{
  fake_body_clear (&f->body);
  fake_body_init (&f->body);
}

static CertpinResponse *
begin (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  CertpinResponse *response = certpin_client_send (f->client, f->request, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (certpin_response_get_body (response)), ==, 0);
  g_assert_nonnull (certpin_response_get_stream (response));
  return response;
}

static gssize
read_async (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
            GError **error)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  g_input_stream_read_async (stream, buffer, count, G_PRIORITY_DEFAULT, cancellable,
                             test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  return g_input_stream_read_finish (stream, result, error);
}

static const Read ways[] = { g_input_stream_read, read_async };

/* Returns: how many bytes came before the end or `error` */
static gsize
read_all (GInputStream *stream, Read way, GError **error)
{
  char buffer[PIECE_SIZE];
  gsize total = 0;
  gssize length;

  while ((length = way (stream, buffer, sizeof buffer, NULL, error)) > 0)
    total += (gsize)length;
  g_assert_true ((length < 0) == (*error != NULL));
  return total;
}

static void
test_whole (Fixture *f, gconstpointer user_data)
{
  g_autofree char *bytes = g_malloc0 (3 * PIECE_SIZE);

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (CertpinResponse) response = begin (f);
      GInputStream *stream = certpin_response_get_stream (response);
      g_autoptr (GError) error = NULL;

      g_assert_cmpstr (certpin_response_get_header (response, "a"), ==, "b");
      g_assert_false (g_variant_lookup (certpin_record_get_description (CERTPIN_RECORD (
                                            certpin_response_get_evidence (response))),
                                        "body", "h", NULL));
      fake_body_write (&f->body, bytes, 3 * PIECE_SIZE);
      fake_body_finish (&f->body);
      g_assert_cmpuint (read_all (stream, ways[i], &error), ==, 3 * PIECE_SIZE);
      g_assert_no_error (error);
      g_assert_cmpuint (read_all (stream, ways[i], &error), ==, 0);
      g_assert_no_error (error);
      renew_body (f);
    }
}

/* All that came, then the reason, as often as somebody reads. */
static void
assert_cut (Fixture *f, Read way, gsize length, int code)
{
  g_autofree char *bytes = g_malloc0 (length + 1);
  g_autoptr (CertpinResponse) response = begin (f);
  GInputStream *stream = certpin_response_get_stream (response);

  fake_body_write (&f->body, bytes, length);
  fake_body_cut (&f->body);
  for (int round = 0; round < 3; round++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpuint (read_all (stream, way, &error), ==, round == 0 ? length : 0);
      g_assert_error (error, CERTPIN_ERROR, code);
    }
  renew_body (f);
}

static void
test_cut (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *name;
    CertpinError code;
  } reasons[] = { { CERTPIN_ERROR_PREFIX "Truncated", CERTPIN_ERROR_TRUNCATED },
                  { CERTPIN_ERROR_PREFIX "PinChanged", CERTPIN_ERROR_PIN_CHANGED },
                  { CERTPIN_ERROR_PREFIX "TimedOut", CERTPIN_ERROR_TIMED_OUT },
                  { CERTPIN_ERROR_PREFIX "Cancelled", CERTPIN_ERROR_CANCELLED },
                  { CERTPIN_ERROR_PREFIX "BodyTooLarge", CERTPIN_ERROR_BODY_TOO_LARGE },
                  { CERTPIN_ERROR_PREFIX "InvalidArgument", CERTPIN_ERROR_SERVICE_UNAVAILABLE },
                  { CERTPIN_ERROR_PREFIX "NotAuthorized", CERTPIN_ERROR_SERVICE_UNAVAILABLE },
                  { "org.freedesktop.DBus.Error.NoReply", CERTPIN_ERROR_SERVICE_UNAVAILABLE },
                  { NULL, CERTPIN_ERROR_FAILED } };

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    for (size_t j = 0; j < G_N_ELEMENTS (reasons); j++)
      for (gsize length = 0; length <= 2 * PIECE_SIZE; length += PIECE_SIZE)
        {
          f->reason = reasons[j].name;
          assert_cut (f, ways[i], length, (int)reasons[j].code);
        }
}

static void
test_service_vanishes (Fixture *f, gconstpointer user_data)
{
  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (CertpinResponse) response = begin (f);
      g_autoptr (GError) error = NULL;

      fake_body_write (&f->body, "hello", 5);
      g_clear_pointer (&f->service, fake_service_free);
      fake_body_cut (&f->body);
      g_assert_cmpuint (read_all (certpin_response_get_stream (response), ways[i], &error), ==, 5);
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
      f->service = fake_service_new ();
      fake_service_set_handler (f->service, on_call, f);
      renew_body (f);
    }
}

static void
test_bus_vanishes (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinResponse) response = begin (f);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&f->service, fake_service_free);
  private_bus_stop ();
  fake_body_cut (&f->body);
  g_assert_cmpuint (read_all (certpin_response_get_stream (response), ways[0], &error), ==, 0);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
  private_bus_start ();
}

static gpointer
cancel_soon (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_cancelled_read (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinResponse) response = begin (f);
  GInputStream *stream = certpin_response_get_stream (response);
  char buffer[8];

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    for (int late = 0; late < 2; late++)
      {
        g_autoptr (GCancellable) cancellable = g_cancellable_new ();
        g_autoptr (GError) error = NULL;
        GThread *thread = late ? g_thread_new (NULL, cancel_soon, cancellable) : NULL;

        if (!late)
          g_cancellable_cancel (cancellable);
        g_assert_cmpint (ways[i](stream, buffer, sizeof buffer, cancellable, &error), ==, -1);
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
        g_clear_pointer (&thread, g_thread_join);
        /* The next read goes on. */
        fake_body_write (&f->body, "hello", 5);
        g_clear_error (&error);
        g_assert_cmpint (ways[i](stream, buffer, sizeof buffer, NULL, &error), ==, 5);
        g_assert_no_error (error);
      }
}

/* A service that hangs holds nobody up. The reason is lost, but not the cut. */
static void
test_cancelled_question (Fixture *f, gconstpointer user_data)
{
  char buffer[8];

  for (size_t i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autoptr (CertpinResponse) response = begin (f);
      GInputStream *stream = certpin_response_get_stream (response);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;

      fake_body_cut (&f->body);
      f->cancels = cancellable;
      g_assert_cmpint (ways[i](stream, buffer, sizeof buffer, cancellable, &error), ==, -1);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      f->cancels = NULL;
      g_clear_error (&error);
      g_assert_cmpint (ways[i](stream, buffer, sizeof buffer, NULL, &error), ==, -1);
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED);
      renew_body (f);
    }
}

static void
test_dropped (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  for (int closed = 0; closed < 2; closed++)
    {
      g_autoptr (CertpinResponse) response = begin (f);

      fake_body_write (&f->body, "hello", 5);
      if (closed)
        g_assert_true (g_input_stream_close (certpin_response_get_stream (response), NULL, &error));
      g_assert_no_error (error);
      g_clear_pointer (&response, certpin_response_unref);
      fake_body_wait_until_closed (&f->body);
      renew_body (f);
    }
}

/* The end of its connection would end the stream. */
static void
test_outlives_client (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinResponse) response = begin (f);
  g_autoptr (GError) error = NULL;

  g_clear_object (&f->client);
  /* Whatever that leads to has happened when a later call is answered. */
  f->client = certpin_client_new ();
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, &error));
  fake_body_write (&f->body, "hello", 5);
  fake_body_cut (&f->body);
  g_assert_cmpuint (read_all (certpin_response_get_stream (response), ways[1], &error), ==, 5);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED);
}

/* A body in the reply is a stream, too. */
static void
test_small (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;

  fake_service_set_handler (f->service, NULL, NULL);
  response = begin (f);
  g_assert_cmpuint (read_all (certpin_response_get_stream (response), ways[0], &error), ==, 1);
  g_assert_no_error (error);
}

static CertpinResponse *
request_in_memory (Fixture *f, const char *options, GError **error)
{
  return certpin_client_secure_request (f->client, f->request, g_variant_new_parsed (options), NULL,
                                        error);
}

static gpointer
write_later (gpointer data)
{
  Fixture *f = data;
  g_autofree char *bytes = g_malloc0 (100 * PIECE_SIZE);

  fake_service_wait_for (f->service, "SecureRequest", 1);
  for (int i = 0; i < 10; i++)
    fake_body_write (&f->body, bytes, 100 * PIECE_SIZE);
  if (f->reason == NULL)
    fake_body_finish (&f->body);
  else
    fake_body_cut (&f->body);
  return NULL;
}

static void
test_in_memory (Fixture *f, gconstpointer user_data)
{
  static const char *const reasons[] = { NULL, CERTPIN_ERROR_PREFIX "Truncated" };

  for (size_t i = 0; i < G_N_ELEMENTS (reasons); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinResponse) response = NULL;
      GThread *thread;

      f->reason = reasons[i];
      thread = g_thread_new (NULL, write_later, f);
      response = request_in_memory (f, "@a{sv} {}", &error);
      g_thread_join (thread);
      if (reasons[i] == NULL)
        {
          g_assert_no_error (error);
          g_assert_cmpuint (
              certpin_evidence_get_body_bytes (certpin_response_get_evidence (response)), ==,
              1000 * PIECE_SIZE);
          g_assert_null (certpin_response_get_stream (response));
          g_assert_cmpuint (g_bytes_get_size (certpin_response_get_body (response)), ==,
                            1000 * PIECE_SIZE);
        }
      else
        g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED);
      renew_body (f);
    }
}

/* What the service is asked for by a program that does not say how it wants the body. */
static void
test_options_in_memory (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *given, *stream;
    guint64 max_body;
    guint32 stream_timeout_ms;
  } cases[] = {
    { "@a{sv} {}", "auto", 64 * 1024 * 1024, 30000 },
    { "{'timeout-ms': <uint32 7>}", "auto", 64 * 1024 * 1024, 7 },
    { "{'max-body': <uint64 100000000>, 'stream-timeout-ms': <uint32 9>}", "auto", 100000000, 9 },
    { "{'stream': <'always'>}", "always", 64 * 1024 * 1024, 0 },
    { "{'stream': <'never'>}", "never", 0, 0 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinResponse) response = NULL;
      g_autofree char *stream = NULL;
      guint32 stream_timeout_ms = 0;
      guint64 max_body = 0;

      fake_body_finish (&f->body);
      response = request_in_memory (f, cases[i].given, &error);
      g_assert_no_error (error);
      g_assert_true (g_variant_lookup (f->options, "stream", "s", &stream));
      g_assert_cmpstr (stream, ==, cases[i].stream);
      g_variant_lookup (f->options, "max-body", "t", &max_body);
      g_assert_cmpuint (max_body, ==, cases[i].max_body);
      g_variant_lookup (f->options, "stream-timeout-ms", "u", &stream_timeout_ms);
      g_assert_cmpuint (stream_timeout_ms, ==, cases[i].stream_timeout_ms);
      renew_body (f);
    }
}

static unsigned int
count_open_files (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  unsigned int count = 0;

  while (g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

/* Read to their end, cut, or dropped. */
static void
test_many (Fixture *f, gconstpointer user_data)
{
  unsigned int before = 0;

  for (unsigned int i = 0; i < STREAMS; i++)
    {
      g_autoptr (CertpinResponse) response = begin (f);
      g_autoptr (GError) error = NULL;

      fake_body_write (&f->body, "hello", 5);
      if (i % 3 == 0)
        fake_body_finish (&f->body);
      else if (i % 3 == 1)
        fake_body_cut (&f->body);
      if (i % 3 != 2)
        g_assert_cmpuint (read_all (certpin_response_get_stream (response), ways[i % 2], &error),
                          ==, 5);
      if (i == 2)
        before = count_open_files ();
      renew_body (f);
    }
  g_assert_cmpuint (count_open_files (), <=, before + SPARE);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/stream/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("whole", test_whole);
  ADD ("cut", test_cut);
  ADD ("service-vanishes", test_service_vanishes);
  ADD ("bus-vanishes", test_bus_vanishes);
  ADD ("cancelled-read", test_cancelled_read);
  ADD ("cancelled-question", test_cancelled_question);
  ADD ("dropped", test_dropped);
  ADD ("outlives-client", test_outlives_client);
  ADD ("small", test_small);
  ADD ("in-memory", test_in_memory);
  ADD ("options-in-memory", test_options_in_memory);
  ADD ("many", test_many);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
