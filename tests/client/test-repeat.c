/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which calls are made once more if the service ends, and which ones never are. */

#include "config.h"

#include "tests/client/fake-service.h"
#include "tests/client/methods.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#define UNDER_WAY_MAX 64

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  unsigned int over;      /* calls */
  unsigned int responses; /* of these */
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

/* The service ends while calls are under way, and another one is there for what comes then. */
static void
end_service (Fixture *f, unsigned int held, FakeHandler next_handler)
{
  FakeService *next = fake_service_new_successor (next_handler, f);

  fake_service_wait_for_held (f->service, held);
  fake_service_free (f->service);
  f->service = next;
}

static void
on_pin (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinPin) pin
      = certpin_client_get_pin_finish (CERTPIN_CLIENT (source), result, &error);

  g_assert_no_error (error);
  ((Fixture *)user_data)->over++;
}

/* Also those that waited behind them. */
static void
test_a_safe_call_is_made_once_more (Fixture *f, gconstpointer user_data)
{
  const unsigned int calls = UNDER_WAY_MAX + 8;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  for (unsigned int i = 0; i < calls; i++)
    certpin_client_get_pin_async (f->client, "h.example", NULL, NULL, on_pin, f);
  end_service (f, UNDER_WAY_MAX, /* next_handler= */ NULL);
  while (f->over < calls)
    test_loop_step ();
  g_assert_cmpuint (fake_service_count (f->service, "GetPin"), ==, calls);
}

static void
on_any_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_secure_request_finish (CERTPIN_CLIENT (source), result, &error);
  Fixture *f = user_data;

  g_assert_true (response != NULL
                 || g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE));
  f->over++;
  f->responses += response != NULL;
}

/* What a server does at a request may happen only once, unless the request is a safe one. */
static void
test_a_request_is_made_once_more_if_it_is_safe (Fixture *f, gconstpointer user_data)
{
  static const struct
  {
    const char *method;
    gboolean is_safe;
  } cases[] = { { "GET", TRUE },    { "HEAD", TRUE }, { "OPTIONS", TRUE },
                { "POST", FALSE },  { "PUT", FALSE }, { "DELETE", FALSE },
                { "PATCH", FALSE }, { "get", FALSE }, { "QUERY", FALSE } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CertpinRequest) request
          = certpin_request_new (cases[i].method, "https://h.example/", NULL, NULL, NULL);

      g_test_message ("%s", cases[i].method);
      f->over = f->responses = 0;
      fake_service_set_handler (f->service, fake_service_hold, NULL);
      certpin_client_secure_request_async (f->client, request, NULL, NULL, on_any_response, f);
      end_service (f, 1, /* next_handler= */ NULL);
      while (f->over < 1)
        test_loop_step ();
      g_assert_cmpuint (f->responses, ==, cases[i].is_safe);
      g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, cases[i].is_safe);
    }
}

/* What came from a stream is gone. */
static void
test_a_request_with_a_stream_is_not_made_twice (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new ("https://h.example/");
  g_autoptr (GInputStream) stream = g_memory_input_stream_new_from_data ("body", 4, NULL);
  g_autoptr (CertpinRequest) request = NULL;

  certpin_request_builder_set_body_stream (builder, "text/plain", stream, /* length= */ -1);
  certpin_request_builder_set_method (builder, "GET");
  request = certpin_request_builder_build (builder, NULL);
  fake_service_set_handler (f->service, fake_service_hold, NULL);
  certpin_client_secure_request_async (f->client, request, NULL, NULL, on_any_response, f);
  end_service (f, 1, /* next_handler= */ NULL);
  while (f->over < 1)
    test_loop_step ();
  g_assert_cmpuint (f->responses, ==, 0);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 0);
}

/* A change is made once, or not at all; an upload cannot be made again. */
static gboolean
is_made_once (const Method *method)
{
  static const char *const names[] = { "pin_certificate",
                                       "pin_certificate_from_file",
                                       "pin_keys",
                                       "add_keys",
                                       "remove_keys",
                                       "unpin",
                                       "pause_pin",
                                       "resume_pin",
                                       "block_host",
                                       "import_pins",
                                       "reload",
                                       "upload",
                                       NULL };

  return g_strv_contains (names, method->name);
}

static void
test_each_method (Fixture *f, gconstpointer user_data)
{
  Sample *sample = sample_new ();

  for (unsigned int i = 0; i < n_methods; i++)
    {
      Arguments a = sample_get_arguments (sample, &methods[i], f->client);
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      GAsyncResult *pending = NULL;

      if (g_str_equal (methods[i].name, "pin_certificate_from_file"))
        continue; /* it calls pin_certificate, once it has read the file */
      g_test_message ("%s", methods[i].name);
      fake_service_set_handler (f->service, fake_service_hold, NULL);
      methods[i].start (&a, test_loop_on_result, &pending);
      end_service (f, 1, /* next_handler= */ NULL);
      result = test_loop_wait_for (&pending);
      g_assert_true (methods[i].finish (f->client, result, &error) != is_made_once (&methods[i]));
      if (is_made_once (&methods[i]))
        g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
    }
  sample_free (sample);
}

/* The next service does not have the pins of this connection, which bind the call, too. */
static void
test_not_without_transient_pins (Fixture *f, gconstpointer user_data)
{
  static const char *const keys[] = { "key", NULL };
  static const char *const scopes[] = { "user", "transient" };
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);

  for (unsigned int transient = 0; transient < G_N_ELEMENTS (scopes); transient++)
    {
      g_autoptr (GVariant) options
          = g_variant_ref_sink (g_variant_new_parsed ("{'scope': <%s>}", scopes[transient]));
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinPin) pin
          = certpin_client_pin_keys (f->client, "h.example", keys, options, NULL, &error);

      g_assert_no_error (error);
      f->over = f->responses = 0;
      fake_service_set_handler (f->service, fake_service_hold, NULL);
      certpin_client_secure_request_async (f->client, request, NULL, NULL, on_any_response, f);
      end_service (f, 1, /* next_handler= */ NULL);
      while (f->over < 1)
        test_loop_step ();
      g_assert_cmpuint (f->responses, ==, !transient);
      g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, !transient);
    }
}

/* It may be what ends the service. */
static void
test_a_safe_call_is_made_no_third_time (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GAsyncResult *pending = NULL;

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  certpin_client_secure_request_async (f->client, request, NULL, NULL, test_loop_on_result,
                                       &pending);
  end_service (f, 1, fake_service_hold);
  end_service (f, 1, /* next_handler= */ NULL);
  result = test_loop_wait_for (&pending);
  g_assert_null (certpin_client_secure_request_finish (f->client, result, &error));
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_SERVICE_UNAVAILABLE);
  g_assert_cmpuint (fake_service_count (f->service, "SecureRequest"), ==, 0);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/repeat/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  ADD ("safe-calls", test_a_safe_call_is_made_once_more);
  ADD ("each-method", test_each_method);
  ADD ("safe-requests", test_a_request_is_made_once_more_if_it_is_safe);
  ADD ("not-from-a-stream", test_a_request_with_a_stream_is_not_made_twice);
  ADD ("not-without-transient-pins", test_not_without_transient_pins);
  ADD ("no-third-time", test_a_safe_call_is_made_no_third_time);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
