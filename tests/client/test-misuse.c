/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that every method of the client accepts any value without harm. A wrong value, which other
 * languages easily pass, is an error. A message for which the bus would disconnect the program is
 * not sent. test-symbols.c proves what a wrong pointer does. */

#include "config.h"

#include "tests/client/criticals.h"
#include "tests/client/fake-service.h"
#include "tests/client/methods.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

/* Larger than a message may be. */
#define HUGE_BYTES (26 * 1024 * 1024)

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  Sample *sample;
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->sample = sample_new ();
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  sample_free (f->sample);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

static Arguments
good_arguments (Fixture *f, const Method *method)
{
  return sample_get_arguments (f->sample, method, f->client);
}

/* The asynchronous and the waiting function end with this error, or without one if `code` is -1,
 * and also if the caller does not want the error. */
static void
assert_ends (const Method *method, Arguments *a, int code)
{
  GAsyncResult *pending = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) async_error = NULL, error = NULL;

  g_test_message ("%s", method->name);
  method->start (a, test_loop_on_result, &pending);
  result = test_loop_wait_for (&pending);
  g_assert_true (method->finish (a->client, result, &async_error) == (code == -1));
  g_assert_true (method->wait (a, &error) == (code == -1));
  g_assert_true (method->wait (a, NULL) == (code == -1));
  if (code == -1)
    {
      g_assert_no_error (async_error);
      g_assert_no_error (error);
    }
  else
    {
      g_test_message ("%s", error->message);
      g_assert_error (async_error, CERTPIN_ERROR, code);
      g_assert_error (error, CERTPIN_ERROR, code);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
  assert_criticals (0);
}

/* Calls every method with these options. `options`: (transfer full) */
static void
assert_all_end (Fixture *f, GVariant *options, int code)
{
  g_autoptr (GVariant) kept = g_variant_ref_sink (options);

  for (unsigned int i = 0; i < n_methods; i++)
    {
      Arguments a = good_arguments (f, &methods[i]);

      a.options = kept;
      if (methods[i].has_options)
        assert_ends (&methods[i], &a, code);
    }
}

static void
test_good_arguments (Fixture *f, gconstpointer user_data)
{
  for (unsigned int i = 0; i < n_methods; i++)
    {
      Arguments a = good_arguments (f, &methods[i]);

      assert_ends (&methods[i], &a, -1);
    }
  assert_all_end (f, g_variant_new_parsed ("{'scope': <'user'>}"), -1);
}

static GVariant *
nest (GVariant *value, unsigned int levels)
{
  for (unsigned int i = 0; i < levels; i++)
    value = g_variant_new_variant (value);
  return value;
}

static GVariant *
one_option (GVariant *value)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "option", value);
  return g_variant_builder_end (&builder);
}

static GVariant *
huge_booleans (void)
{
  g_autofree guint8 *zeros = g_malloc0 (HUGE_BYTES / 4);

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BOOLEAN, zeros, HUGE_BYTES / 4, 1);
}

static GVariant *
many_members (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_TUPLE);
  for (int i = 0; i < 300; i++)
    g_variant_builder_add (&builder, "y", 0);
  return g_variant_builder_end (&builder);
}

static void
test_options_of_a_wrong_type (Fixture *f, gconstpointer user_data)
{
  static const char *const texts[]
      = { "'scope'",   "uint32 1", "{'scope': 'user'}", "[('scope', <'user'>)]",
          "<'scope'>", "()",       "@ms nothing" };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_all_end (f, g_variant_new_parsed (texts[i]), CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (fake_service_count (f->service, "GetPin"), ==, 0);
}

/* A mistake of the program is told even if the call was cancelled as well. */
static void
test_wrong_and_cancelled (Fixture *f, gconstpointer user_data)
{
  g_autoptr (GVariant) wrong = g_variant_ref_sink (g_variant_new_string ("scope"));
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();

  g_cancellable_cancel (cancelled);
  for (unsigned int i = 0; i < n_methods; i++)
    {
      Arguments a = good_arguments (f, &methods[i]);

      a.options = wrong;
      a.cancellable = cancelled;
      if (methods[i].has_options)
        assert_ends (&methods[i], &a, CERTPIN_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_options_that_d_bus_has_not (Fixture *f, gconstpointer user_data)
{
  static const char deep_array[] = "@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaai []";

  assert_all_end (f, one_option (g_variant_new_parsed ("@mi 1")), CERTPIN_ERROR_INVALID_ARGUMENT);
  assert_all_end (f, one_option (g_variant_new_parsed ("[()]")), CERTPIN_ERROR_INVALID_ARGUMENT);
  assert_all_end (f, one_option (many_members ()), CERTPIN_ERROR_INVALID_ARGUMENT);
  assert_all_end (f, one_option (g_variant_new_parsed (deep_array)),
                  CERTPIN_ERROR_INVALID_ARGUMENT);
  assert_all_end (f, one_option (nest (g_variant_new_byte (0), 1000)),
                  CERTPIN_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (fake_service_count (f->service, "GetPin"), ==, 0);
}

/* These cross the bus, and the service is the one to refuse them. */
static void
test_odd_options (Fixture *f, gconstpointer user_data)
{
  static const guint8 garbage[] = { 'k', 0, 0xff, 0xff, 0x01, 0xff, 0xfe };

  assert_all_end (f, one_option (g_variant_new_handle (7)), -1);
  assert_all_end (f, one_option (nest (g_variant_new_byte (0), 10)), -1);
  assert_all_end (f, one_option (g_variant_new_parsed ("[{'': (<[<'a'>]>, @a{sv} {})}]")), -1);
  assert_all_end (f, one_option (g_variant_new_parsed ("(@ay [], @ad [], [true], objectpath '/')")),
                  -1);
  assert_all_end (f,
                  g_variant_new_from_data (G_VARIANT_TYPE_VARDICT, garbage, sizeof garbage,
                                           /* trusted= */ FALSE, NULL, NULL),
                  -1);
}

/* An oversize message is an error, and the connection still works. */
static void
test_too_large (Fixture *f, gconstpointer user_data)
{
  g_autofree char *text = g_strnfill (HUGE_BYTES, 'x');
  const char *const keys[] = { text, NULL };
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, HUGE_BYTES);
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("POST", "https://h.example/", NULL, bytes, NULL);
  const struct
  {
    const char *method;
    gpointer second;
  } cases[] = { { "pin_certificate", bytes },   { "pin_keys", (gpointer)keys },
                { "add_keys", (gpointer)keys }, { "remove_keys", (gpointer)keys },
                { "block_host", text },         { "verify_chain", chain } };
  Arguments body = good_arguments (f, method_find ("secure_request"));

  body.second = request; /* its body does not go in the message */
  assert_ends (method_find ("secure_request"), &body, -1);
  g_ptr_array_add (chain, bytes);
  for (unsigned int i = 0; i < n_methods; i++)
    {
      Arguments a = good_arguments (f, &methods[i]);

      a.host = text;
      if (methods[i].has_host)
        assert_ends (&methods[i], &a, CERTPIN_ERROR_LIMIT_EXCEEDED);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Method *method = method_find (cases[i].method);
      Arguments a = good_arguments (f, method);

      a.second = cases[i].second;
      assert_ends (method, &a, CERTPIN_ERROR_LIMIT_EXCEEDED);
    }
  assert_all_end (f, one_option (g_variant_new_string (text)), CERTPIN_ERROR_LIMIT_EXCEEDED);
  assert_all_end (f, one_option (huge_booleans ()), CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL));
}

/* The service is the one to refuse empty values and text that is not UTF-8. */
static void
test_empty (Fixture *f, gconstpointer user_data)
{
  static const char *const no_keys[] = { NULL }, *const odd_keys[] = { "", "\xff", NULL };
  g_autoptr (GBytes) no_bytes = g_bytes_new_static ("", 0);
  g_autoptr (GPtrArray) no_chain = g_ptr_array_new ();
  const struct
  {
    const char *method;
    gpointer second;
  } cases[] = { { "pin_certificate", no_bytes },       { "pin_keys", (gpointer)no_keys },
                { "pin_keys", (gpointer)odd_keys },    { "add_keys", (gpointer)no_keys },
                { "remove_keys", (gpointer)odd_keys }, { "block_host", (gpointer) "" },
                { "block_host", (gpointer) "\xff" },   { "verify_chain", no_chain } };

  for (unsigned int i = 0; i < n_methods; i++)
    {
      Arguments a = good_arguments (f, &methods[i]);

      a.host = "";
      assert_ends (&methods[i], &a, -1);
      a.host = "\xff\xfe";
      assert_ends (&methods[i], &a, -1);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const Method *method = method_find (cases[i].method);
      Arguments a = good_arguments (f, method);

      a.second = cases[i].second;
      assert_ends (method, &a, -1);
    }
}

static void
test_hole_in_chain (Fixture *f, gconstpointer user_data)
{
  const Method *method = method_find ("verify_chain");
  Arguments a = good_arguments (f, method);

  g_ptr_array_add (f->sample->chain, NULL);
  assert_ends (method, &a, CERTPIN_ERROR_INVALID_ARGUMENT);
}

/* The service is the one to refuse an invalid token. Cancelling such a call does no harm. */
static void
test_odd_tokens (Fixture *f, gconstpointer user_data)
{
  static const char *const texts[]
      = { "''", "'../x'", "'a b'", "'\xc3\xbc'", "uint32 1", "@ay []", "'a'" };

  fake_service_set_handler (f->service, fake_service_hold, NULL);
  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *text = g_strdup_printf ("{'handle-token': <%s>}", texts[i]);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GAsyncResult) result = NULL;
      g_autoptr (GError) error = NULL;
      GAsyncResult *pending = NULL;

      certpin_client_secure_request_async (f->client, f->sample->request,
                                           g_variant_new_parsed (text), cancellable,
                                           test_loop_on_result, &pending);
      fake_service_wait_for (f->service, "SecureRequest", (unsigned int)i + 1);
      g_cancellable_cancel (cancellable);
      result = test_loop_wait_for (&pending);
      g_assert_null (certpin_client_secure_request_finish (f->client, result, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
  fake_service_wait_for (f->service, "Cancel", 1);
  assert_criticals (0);
}

/* A refused call leaves the result to the next one. */
static void
test_wrong_results (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) other = certpin_client_new ();
  g_autoptr (GError) used = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "old");

  for (unsigned int i = 0; i < n_methods; i++)
    {
      const Method *method = &methods[i], *next = &methods[(i + 1) % n_methods];
      Arguments a = good_arguments (f, method);
      g_autoptr (GAsyncResult) result = NULL;
      GAsyncResult *pending = NULL;

      method->start (&a, test_loop_on_result, &pending);
      result = test_loop_wait_for (&pending);
      g_assert_false (method->finish (NULL, result, NULL));
      g_assert_false (method->finish (other, result, NULL));
      g_assert_false (next->finish (f->client, result, NULL));
      g_assert_false (method->finish (f->client, result, &used));
      assert_criticals (4);
      g_assert_error (used, CERTPIN_ERROR, CERTPIN_ERROR_FAILED);
      g_assert_true (method->finish (f->client, result, NULL));
      assert_criticals (0);
    }
}

static void
test_client (Fixture *f, gconstpointer user_data)
{
  certpin_client_set_interactive (f->client, 17);
  g_assert_cmpint (certpin_client_get_interactive (f->client), ==, TRUE);
  certpin_client_set_watching (f->client, 17);
  g_assert_true (certpin_client_get_watching (f->client));
  g_object_run_dispose (G_OBJECT (f->client));
  g_assert_false (certpin_client_get_watching (f->client));
  certpin_client_set_watching (f->client, TRUE);
  g_object_run_dispose (G_OBJECT (f->client));
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL));
  assert_criticals (0);
}

/* The service is the one to refuse a host that is not UTF-8, unless certpin_request_new() does. */
static void
test_odd_url (Fixture *f, gconstpointer user_data)
{
  const Method *method = method_find ("secure_request");
  Arguments a = good_arguments (f, method);
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://\xff\xfe.example/", NULL, NULL, NULL);

  a.second = request;
  if (request != NULL)
    assert_ends (method, &a, -1);
  assert_criticals (0);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/client/misuse/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  int status;

  private_bus_init (&argc, &argv);
  criticals_init ();
  ADD ("good-arguments", test_good_arguments);
  ADD ("options-of-a-wrong-type", test_options_of_a_wrong_type);
  ADD ("wrong-and-cancelled", test_wrong_and_cancelled);
  ADD ("options-that-d-bus-has-not", test_options_that_d_bus_has_not);
  ADD ("odd-options", test_odd_options);
  ADD ("too-large", test_too_large);
  ADD ("empty", test_empty);
  ADD ("hole-in-chain", test_hole_in_chain);
  ADD ("odd-tokens", test_odd_tokens);
  ADD ("odd-url", test_odd_url);
  ADD ("wrong-results", test_wrong_results);
  ADD ("client", test_client);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
