/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that every public function takes any argument without harm: what C can see to be wrong is
 * a critical message of the function's own, and nothing else happens; what languages easily get
 * wrong is an error; and what the bus would close the connection for is not sent. */

#include "config.h"

#include "tests/client/criticals.h"
#include "tests/client/fake-service.h"
#include "tests/client/private-bus.h"
#include "tests/lib/test-loop.h"

#include <certpin.h>

#include <string.h>

/* More than a message may have. */
#define HUGE_BYTES (26 * 1024 * 1024)

/* The arguments of a method of the client; `second` is what comes after the host. */
typedef struct
{
  CertpinClient *client;
  const char *host;
  gpointer second;
  GVariant *options;
  GCancellable *cancellable;
} Arguments;

typedef struct
{
  const char *name;
  void (*start) (const Arguments *a, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*finish) (CertpinClient *client, GAsyncResult *result, GError **error);
  gboolean (*wait) (const Arguments *a, GError **error);
  gboolean has_host;
  gboolean has_second;
  gboolean has_options;
} Method;

static gboolean
take_variant (GVariant *value)
{
  gboolean taken = value != NULL;

  g_clear_pointer (&value, g_variant_unref);
  return taken;
}

static gboolean
take_response (CertpinResponse *response)
{
  gboolean taken = response != NULL;

  certpin_response_unref (response);
  return taken;
}

static gboolean
take_boolean (gboolean value)
{
  return value;
}

#define TAKE(result)                                                                               \
  _Generic((result), GVariant *                                                                    \
           : take_variant, CertpinResponse *                                                       \
           : take_response, gboolean                                                               \
           : take_boolean) (result)

#define DEFINE(method, ...)                                                                        \
  static void method##_start (const Arguments *a, GAsyncReadyCallback callback,                    \
                              gpointer user_data)                                                  \
  {                                                                                                \
    certpin_client_##method##_async (__VA_ARGS__, a->cancellable, callback, user_data);            \
  }                                                                                                \
  static gboolean method##_finish (CertpinClient *client, GAsyncResult *result, GError **error)    \
  {                                                                                                \
    return TAKE (certpin_client_##method##_finish (client, result, error));                        \
  }                                                                                                \
  static gboolean method##_wait (const Arguments *a, GError **error)                               \
  {                                                                                                \
    return TAKE (certpin_client_##method (__VA_ARGS__, a->cancellable, error));                    \
  }

DEFINE (pin_certificate, a->client, a->host, a->second, a->options)
DEFINE (pin_certificate_from_file, a->client, a->host, a->second, a->options)
DEFINE (pin_keys, a->client, a->host, a->second, a->options)
DEFINE (unpin, a->client, a->host, a->options)
DEFINE (block_host, a->client, a->host, a->second, a->options)
DEFINE (get_pin, a->client, a->host, a->options)
DEFINE (list_pins, a->client, a->options)
DEFINE (last_failure, a->client, a->host)
DEFINE (explain_host, a->client, a->host, a->options)
DEFINE (verify_chain, a->client, a->host, a->second, a->options)
DEFINE (secure_request, a->client, a->second, a->options)

#define METHOD(method, has_host, has_second, has_options)                                          \
  {                                                                                                \
#method, method##_start, method##_finish, method##_wait, has_host, has_second, has_options     \
  }

static const Method methods[] = {
  METHOD (pin_certificate, TRUE, TRUE, TRUE), METHOD (pin_certificate_from_file, TRUE, TRUE, TRUE),
  METHOD (pin_keys, TRUE, TRUE, TRUE),        METHOD (unpin, TRUE, FALSE, TRUE),
  METHOD (block_host, TRUE, TRUE, TRUE),      METHOD (get_pin, TRUE, FALSE, TRUE),
  METHOD (list_pins, FALSE, FALSE, TRUE),     METHOD (last_failure, TRUE, FALSE, FALSE),
  METHOD (explain_host, TRUE, FALSE, TRUE),   METHOD (verify_chain, TRUE, TRUE, TRUE),
  METHOD (secure_request, FALSE, TRUE, TRUE),
};

typedef struct
{
  FakeService *service;
  CertpinClient *client;
  GFile *file;
  GBytes *bytes;
  GPtrArray *chain;
  CertpinRequest *request;
  gpointer stranger; /* an object of another type */
} Fixture;

static void
set_up (Fixture *f, gconstpointer user_data)
{
  static const char path[] = "/proc/self/cmdline"; /* a file of a few bytes */

  private_bus_start ();
  f->service = fake_service_new ();
  f->client = certpin_client_new ();
  f->file = g_file_new_for_path (path);
  f->bytes = g_bytes_new_static ("der", 3);
  f->chain = g_ptr_array_new ();
  g_ptr_array_add (f->chain, f->bytes);
  f->request = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
  f->stranger = g_object_new (G_TYPE_OBJECT, NULL);
}

static void
tear_down (Fixture *f, gconstpointer user_data)
{
  g_object_unref (f->client);
  g_object_unref (f->file);
  g_bytes_unref (f->bytes);
  g_ptr_array_unref (f->chain);
  certpin_request_unref (f->request);
  g_object_unref (f->stranger);
  fake_service_free (f->service);
  test_loop_settle ();
  private_bus_stop ();
}

/* What a method takes. */
static Arguments
good_arguments (Fixture *f, const Method *method)
{
  static const char *const keys[] = { "key", NULL };
  Arguments a = { .client = f->client, .host = "h.example" };

  if (g_str_equal (method->name, "pin_certificate"))
    a.second = f->bytes;
  else if (g_str_equal (method->name, "pin_certificate_from_file"))
    a.second = f->file;
  else if (g_str_equal (method->name, "pin_keys"))
    a.second = (gpointer)keys;
  else if (g_str_equal (method->name, "block_host"))
    a.second = (gpointer) "why";
  else if (g_str_equal (method->name, "verify_chain"))
    a.second = f->chain;
  else if (g_str_equal (method->name, "secure_request"))
    a.second = f->request;
  return a;
}

static void
on_unexpected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_not_reached ();
}

/* One critical message each, no callback, and no waiting. */
static void
assert_critical (const Method *method, const Arguments *a)
{
  g_autoptr (GError) error = NULL;

  g_test_message ("%s", method->name);
  method->start (a, on_unexpected, NULL);
  assert_criticals (1);
  g_assert_false (method->wait (a, &error));
  assert_criticals (1);
  g_assert_no_error (error);
  g_assert_false (method->wait (a, NULL));
  assert_criticals (1);
}

static void
test_null_and_strangers (Fixture *f, gconstpointer user_data)
{
  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      const Method *method = &methods[i];
      Arguments a = good_arguments (f, method);

      a.client = NULL;
      assert_critical (method, &a);
      a.client = f->stranger;
      assert_critical (method, &a);
      a.client = f->client;
      a.cancellable = f->stranger;
      assert_critical (method, &a);
      a.cancellable = NULL;
      a.host = NULL;
      if (method->has_host)
        assert_critical (method, &a);
      a.host = "h.example";
      a.second = NULL;
      if (method->has_second)
        assert_critical (method, &a);
    }
  test_loop_settle ();
}

/* Both ways end with the error, or none where `code` is -1, and with or without a place for it. */
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

/* With options of any kind, and back. `options`: (transfer full) */
static void
assert_all_end (Fixture *f, GVariant *options, int code)
{
  g_autoptr (GVariant) kept = g_variant_ref_sink (options);

  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
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
  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
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

/* The bus takes them, the connection survives, and the service is asked. */
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

/* Too much is an error, and the connection still works. */
static void
test_too_large (Fixture *f, gconstpointer user_data)
{
  g_autofree char *text = g_strnfill (HUGE_BYTES, 'x');
  const char *const keys[] = { text, NULL };
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, HUGE_BYTES);
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("POST", "https://h.example/", NULL, bytes, NULL);
  gpointer seconds[]
      = { bytes, NULL, (gpointer)keys, NULL, text, NULL, NULL, NULL, NULL, chain, request };

  g_ptr_array_add (chain, bytes);
  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      Arguments a = good_arguments (f, &methods[i]);

      a.host = text;
      if (methods[i].has_host)
        assert_ends (&methods[i], &a, CERTPIN_ERROR_LIMIT_EXCEEDED);
      a.host = "h.example";
      a.second = seconds[i];
      if (a.second != NULL)
        assert_ends (&methods[i], &a, CERTPIN_ERROR_LIMIT_EXCEEDED);
    }
  assert_all_end (f, one_option (g_variant_new_string (text)), CERTPIN_ERROR_LIMIT_EXCEEDED);
  assert_all_end (f, one_option (huge_booleans ()), CERTPIN_ERROR_LIMIT_EXCEEDED);
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL));
}

/* Nothing, and text that is not UTF-8: the service's to judge. */
static void
test_empty (Fixture *f, gconstpointer user_data)
{
  static const char *const no_keys[] = { NULL }, *const odd_keys[] = { "", "\xff", NULL };
  g_autoptr (GBytes) no_bytes = g_bytes_new_static ("", 0);
  g_autoptr (GPtrArray) no_chain = g_ptr_array_new ();
  const struct
  {
    size_t method;
    gpointer second;
  } cases[] = { { 0, no_bytes },      { 2, (gpointer)no_keys }, { 2, (gpointer)odd_keys },
                { 4, (gpointer) "" }, { 4, (gpointer) "\xff" }, { 9, no_chain } };

  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      Arguments a = good_arguments (f, &methods[i]);

      a.host = "";
      assert_ends (&methods[i], &a, -1);
      a.host = "\xff\xfe";
      assert_ends (&methods[i], &a, -1);
    }
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Arguments a = good_arguments (f, &methods[cases[i].method]);

      a.second = cases[i].second;
      assert_ends (&methods[cases[i].method], &a, -1);
    }
}

static void
test_hole_in_chain (Fixture *f, gconstpointer user_data)
{
  const Method *method = &methods[9];
  Arguments a = good_arguments (f, method);

  g_ptr_array_add (f->chain, NULL);
  assert_ends (method, &a, CERTPIN_ERROR_INVALID_ARGUMENT);
}

/* What is no token, the service has to refuse; and nothing breaks when the call is cancelled. */
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

      certpin_client_secure_request_async (f->client, f->request, g_variant_new_parsed (text),
                                           cancellable, test_loop_on_result, &pending);
      fake_service_wait_for (f->service, "SecureRequest", (unsigned int)i + 1);
      g_cancellable_cancel (cancellable);
      result = test_loop_wait_for (&pending);
      g_assert_null (certpin_client_secure_request_finish (f->client, result, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_CANCELLED);
    }
  fake_service_wait_for (f->service, "Cancel", 1);
  assert_criticals (0);
}

static void
test_wrong_results (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinClient) other = certpin_client_new ();
  g_autoptr (GTask) foreign = g_task_new (f->stranger, NULL, NULL, NULL);

  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      const Method *method = &methods[i], *next = &methods[(i + 1) % G_N_ELEMENTS (methods)];
      Arguments a = good_arguments (f, method);
      g_autoptr (GAsyncResult) result = NULL;
      GAsyncResult *pending = NULL;

      method->start (&a, test_loop_on_result, &pending);
      result = test_loop_wait_for (&pending);
      g_assert_false (method->finish (f->client, NULL, NULL));
      g_assert_false (method->finish (f->client, f->stranger, NULL));
      g_assert_false (method->finish (f->client, G_ASYNC_RESULT (foreign), NULL));
      g_assert_false (method->finish (NULL, result, NULL));
      g_assert_false (method->finish (other, result, NULL));
      g_assert_false (next->finish (f->client, result, NULL));
      assert_criticals (6);
      g_assert_true (method->finish (f->client, result, NULL));
      assert_criticals (0);
    }
}

static void
test_client (Fixture *f, gconstpointer user_data)
{
  g_assert_null (certpin_client_new_for_connection (NULL));
  g_assert_null (certpin_client_new_for_connection (f->stranger));
  certpin_client_set_interactive (NULL, TRUE);
  certpin_client_set_interactive (f->stranger, TRUE);
  assert_criticals (4);
  certpin_client_set_interactive (f->client, 17);
  g_object_run_dispose (G_OBJECT (f->client));
  g_assert_true (certpin_client_unpin (f->client, "h.example", NULL, NULL, NULL));
  assert_criticals (0);
}

/* A host that is not UTF-8 is a host that the service refuses, if it comes so far. */
static void
test_odd_url (Fixture *f, gconstpointer user_data)
{
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://\xff\xfe.example/", NULL, NULL, NULL);

  if (request != NULL)
    g_assert_true (
        take_response (certpin_client_secure_request (f->client, request, NULL, NULL, NULL)));
  assert_criticals (0);
}

/* Every symbol is in a test above, or of a value: a new one has to be added here, too. */
static void
test_all_symbols (void)
{
  static const char *const others[]
      = { "client_get_type",        "client_new",     "client_new_for_connection",
          "client_set_interactive", "error_get_name", "error_quark" };
  static const char *const values[] = { "key_", "request_", "response_" };
  const char *list = g_test_get_filename (G_TEST_DIST, "certpin.symbols", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) symbols = NULL;
  g_autoptr (GError) error = NULL;
  size_t covered = 0;

  g_file_get_contents (list, &text, NULL, &error);
  g_assert_no_error (error);
  symbols = g_strsplit (g_strchomp (text), "\n", 0);
  for (size_t i = 0; symbols[i] != NULL; i++)
    for (size_t j = 0; j < G_N_ELEMENTS (values); j++)
      covered += g_str_has_prefix (symbols[i] + strlen ("certpin_"), values[j]);
  covered += G_N_ELEMENTS (others) + 3 * G_N_ELEMENTS (methods);
  g_assert_cmpuint (covered, ==, g_strv_length (symbols));
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
  ADD ("null-and-strangers", test_null_and_strangers);
  ADD ("options-of-a-wrong-type", test_options_of_a_wrong_type);
  ADD ("options-that-d-bus-has-not", test_options_that_d_bus_has_not);
  ADD ("odd-options", test_odd_options);
  ADD ("too-large", test_too_large);
  ADD ("empty", test_empty);
  ADD ("hole-in-chain", test_hole_in_chain);
  ADD ("odd-tokens", test_odd_tokens);
  ADD ("odd-url", test_odd_url);
  ADD ("wrong-results", test_wrong_results);
  ADD ("client", test_client);
  g_test_add_func ("/client/misuse/all-symbols", test_all_symbols);
  status = g_test_run ();
  private_bus_finish ();
  return status;
}
