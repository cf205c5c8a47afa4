/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that every exported function takes a wrong argument without harm: it logs one critical
 * message and returns a harmless value. The functions tried here are compared with the list of
 * exported symbols, so a new function without such a proof fails the test. */

#include "config.h"

#include "tests/client/criticals.h"
#include "tests/client/methods.h"
#include "tests/client/symbols-of-records.h"

/* The names of the functions that were tried. */
static GHashTable *tried;

static void
mark (const char *function)
{
  g_hash_table_add (tried, g_strdup (function));
}

/* One argument is wrong; `call` is whether the value is harmless. */
#define REFUSES(function, call)                                                                    \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_true (call);                                                                          \
    assert_criticals (1);                                                                          \
    mark (#function);                                                                              \
  }                                                                                                \
  G_STMT_END

#define REFUSES_NULL(function, ...)  REFUSES (function, function (__VA_ARGS__) == NULL)
#define REFUSES_FALSE(function, ...) REFUSES (function, !function (__VA_ARGS__))
#define REFUSES_VOID(function, ...)  REFUSES (function, (function (__VA_ARGS__), TRUE))

/* No argument can be wrong. */
#define ACCEPTS(function, call)                                                                    \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_true (call);                                                                          \
    assert_criticals (0);                                                                          \
    mark (#function);                                                                              \
  }                                                                                                \
  G_STMT_END

/* An error that was set before, as no function may be given one. Returns: (transfer none) */
static GError **
get_used_error (void)
{
  static GError *error;

  if (error == NULL)
    error = g_error_new_literal (CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "old");
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "old");
  return &error;
}

static void
try_key (void)
{
  g_autoptr (CertpinKey) key = certpin_key_new_from_digest ((const guint8[CERTPIN_KEY_BYTES]){ 0 });

  ACCEPTS (certpin_key_get_type, certpin_key_get_type () == CERTPIN_TYPE_KEY);
  REFUSES_NULL (certpin_key_new_from_digest, NULL);
  REFUSES_NULL (certpin_key_new_from_text, NULL, NULL);
  REFUSES_NULL (certpin_key_new_from_text, "", get_used_error ());
  REFUSES_NULL (certpin_key_ref, NULL);
  ACCEPTS (certpin_key_unref, (certpin_key_unref (NULL), TRUE));
  REFUSES_NULL (certpin_key_get_digest, NULL);
  REFUSES_NULL (certpin_key_to_text, NULL);
  REFUSES_FALSE (certpin_key_equal, key, NULL);
  REFUSES_FALSE (certpin_key_equal, NULL, key);
}

static void
try_error (void)
{
  ACCEPTS (certpin_error_quark, certpin_error_quark () != 0);
  ACCEPTS (certpin_error_get_name,
           g_str_equal (certpin_error_get_name ((CertpinError)G_MAXINT), "Failed"));
  ACCEPTS (certpin_error_get_name,
           g_str_equal (certpin_error_get_name ((CertpinError)G_MININT), "Failed"));
  REFUSES_NULL (certpin_error_get_cause, NULL);
}

static void
try_request (void)
{
  static const char url[] = "https://h.example/";

  ACCEPTS (certpin_request_get_type, certpin_request_get_type () == CERTPIN_TYPE_REQUEST);
  REFUSES_NULL (certpin_request_new, NULL, url, NULL, NULL, NULL);
  REFUSES_NULL (certpin_request_new, "GET", NULL, NULL, NULL, NULL);
  REFUSES_NULL (certpin_request_new, "", url, NULL, NULL, get_used_error ());
  REFUSES_NULL (certpin_request_ref, NULL);
  ACCEPTS (certpin_request_unref, (certpin_request_unref (NULL), TRUE));
  REFUSES_NULL (certpin_request_get_method, NULL);
  REFUSES_NULL (certpin_request_get_uri, NULL);
  REFUSES_NULL (certpin_request_get_headers, NULL);
  REFUSES_NULL (certpin_request_get_body, NULL);
}

static void
try_request_builder (void)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new ("https://h.example/");
  g_autoptr (GFile) file = g_file_new_for_path ("/");
  g_autoptr (GInputStream) stream = g_memory_input_stream_new ();

  ACCEPTS (certpin_request_builder_get_type,
           certpin_request_builder_get_type () == CERTPIN_TYPE_REQUEST_BUILDER);
  REFUSES_NULL (certpin_request_builder_new, NULL);
  REFUSES_NULL (certpin_request_builder_ref, NULL);
  ACCEPTS (certpin_request_builder_unref, (certpin_request_builder_unref (NULL), TRUE));
  REFUSES_VOID (certpin_request_builder_set_method, NULL, "GET");
  REFUSES_VOID (certpin_request_builder_set_method, builder, NULL);
  REFUSES_VOID (certpin_request_builder_set_header, NULL, "a", "b");
  REFUSES_VOID (certpin_request_builder_set_header, builder, NULL, "b");
  REFUSES_VOID (certpin_request_builder_add_header, NULL, "a", "b");
  REFUSES_VOID (certpin_request_builder_add_header, builder, NULL, "b");
  REFUSES_VOID (certpin_request_builder_add_header, builder, "a", NULL);
  REFUSES_VOID (certpin_request_builder_set_body, NULL, NULL, NULL);
  REFUSES_VOID (certpin_request_builder_set_body_text, NULL, "a");
  REFUSES_VOID (certpin_request_builder_set_body_text, builder, NULL);
  REFUSES_VOID (certpin_request_builder_set_body_text, builder, "\xff");
  REFUSES_VOID (certpin_request_builder_set_body_json, NULL, "1");
  REFUSES_VOID (certpin_request_builder_set_body_json, builder, NULL);
  REFUSES_VOID (certpin_request_builder_set_body_json, builder, "\xff");
  REFUSES_VOID (certpin_request_builder_set_body_file, NULL, NULL, file);
  REFUSES_VOID (certpin_request_builder_set_body_file, builder, NULL, NULL);
  REFUSES_VOID (certpin_request_builder_set_body_stream, NULL, NULL, stream, 0);
  REFUSES_VOID (certpin_request_builder_set_body_stream, builder, NULL, NULL, 0);
  REFUSES_VOID (certpin_request_builder_set_body_stream, builder, NULL, stream, -2);
  REFUSES_NULL (certpin_request_builder_build, NULL, NULL);
  REFUSES_NULL (certpin_request_builder_build, builder, get_used_error ());
}

static void
try_pin_builder (void)
{
  g_autoptr (CertpinPinBuilder) builder = certpin_pin_builder_new ();
  g_autoptr (GBytes) bytes = g_bytes_new_static ("der", 3);
  g_autoptr (GVariant) options = NULL;

  ACCEPTS (certpin_pin_builder_get_type,
           certpin_pin_builder_get_type () == CERTPIN_TYPE_PIN_BUILDER);
  ACCEPTS (certpin_pin_builder_new, builder != NULL);
  REFUSES_NULL (certpin_pin_builder_ref, NULL);
  ACCEPTS (certpin_pin_builder_unref, (certpin_pin_builder_unref (NULL), TRUE));
  REFUSES_VOID (certpin_pin_builder_set_scope, NULL, CERTPIN_SCOPE_USER);
  REFUSES_VOID (certpin_pin_builder_set_scope, builder, CERTPIN_SCOPE_UNKNOWN);
  REFUSES_VOID (certpin_pin_builder_set_scope, builder, (CertpinScope)17);
  REFUSES_VOID (certpin_pin_builder_set_app, NULL, "snap:demo");
  REFUSES_VOID (certpin_pin_builder_set_app, builder, "snap:\xff");
  REFUSES_VOID (certpin_pin_builder_set_match, NULL, CERTPIN_MATCH_LEAF);
  REFUSES_VOID (certpin_pin_builder_set_match, builder, CERTPIN_MATCH_UNKNOWN);
  REFUSES_VOID (certpin_pin_builder_set_mode, NULL, CERTPIN_MODE_REPORT);
  REFUSES_VOID (certpin_pin_builder_set_mode, builder, CERTPIN_MODE_UNKNOWN);
  REFUSES_VOID (certpin_pin_builder_set_expires, NULL, NULL);
  REFUSES_VOID (certpin_pin_builder_set_note, NULL, "a");
  REFUSES_VOID (certpin_pin_builder_set_note, builder, "\xff");
  REFUSES_VOID (certpin_pin_builder_add_backup_certificate, NULL, bytes);
  REFUSES_VOID (certpin_pin_builder_add_backup_certificate, builder, NULL);
  REFUSES_VOID (certpin_pin_builder_add_trust_anchor, NULL, bytes);
  REFUSES_VOID (certpin_pin_builder_add_trust_anchor, builder, NULL);
  REFUSES_VOID (certpin_pin_builder_set_block_on_failure, NULL, TRUE);
  REFUSES_NULL (certpin_pin_builder_build, NULL);
  options = certpin_pin_builder_build (builder);
  g_assert_cmpuint (g_variant_n_children (options), ==, 0);
}

static void
try_response (gpointer stranger)
{
  g_autoptr (GVariant) headers = g_variant_ref_sink (g_variant_new_parsed ("[('A', 'b')]"));
  g_autoptr (GVariant) wrong = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  g_autoptr (CertpinEvidence) evidence = certpin_evidence_new (wrong);
  g_autoptr (GBytes) body = g_bytes_new_static ("", 0);
  g_autoptr (CertpinResponse) response = certpin_response_new (200, headers, body, evidence);

  ACCEPTS (certpin_response_get_type, certpin_response_get_type () == CERTPIN_TYPE_RESPONSE);
  REFUSES_NULL (certpin_response_new, 199, headers, body, evidence);
  REFUSES_NULL (certpin_response_new, 600, headers, body, evidence);
  REFUSES_NULL (certpin_response_new, 200, NULL, body, evidence);
  REFUSES_NULL (certpin_response_new, 200, wrong, body, evidence);
  REFUSES_NULL (certpin_response_new, 200, headers, NULL, evidence);
  REFUSES_NULL (certpin_response_new, 200, headers, body, NULL);
  REFUSES_NULL (certpin_response_new, 200, headers, body, stranger);
  REFUSES_NULL (certpin_response_ref, NULL);
  ACCEPTS (certpin_response_unref, (certpin_response_unref (NULL), TRUE));
  REFUSES_FALSE (certpin_response_get_status, NULL);
  REFUSES_NULL (certpin_response_get_headers, NULL);
  REFUSES_NULL (certpin_response_get_header, NULL, "a");
  REFUSES_NULL (certpin_response_get_header, response, NULL);
  REFUSES_NULL (certpin_response_get_body, NULL);
  REFUSES_NULL (certpin_response_get_evidence, NULL);
  REFUSES_NULL (certpin_response_get_stream, NULL);
  g_assert_null (certpin_response_get_stream (response));
}

static void
try_client (CertpinClient *client, gpointer stranger)
{
  ACCEPTS (certpin_client_get_type, certpin_client_get_type () == CERTPIN_TYPE_CLIENT);
  ACCEPTS (certpin_client_new, client != NULL);
  REFUSES_NULL (certpin_client_new_for_connection, NULL);
  REFUSES_NULL (certpin_client_new_for_connection, stranger);
  REFUSES_VOID (certpin_client_set_interactive, NULL, TRUE);
  REFUSES_VOID (certpin_client_set_interactive, stranger, TRUE);
  REFUSES_FALSE (certpin_client_get_interactive, NULL);
  REFUSES_FALSE (certpin_client_get_interactive, stranger);
  REFUSES_VOID (certpin_client_set_watching, NULL, TRUE);
  REFUSES_VOID (certpin_client_set_watching, stranger, TRUE);
  REFUSES_FALSE (certpin_client_get_watching, NULL);
  REFUSES_FALSE (certpin_client_get_watching, stranger);
  REFUSES_FALSE (certpin_client_get_connected, NULL);
  REFUSES_FALSE (certpin_client_get_connected, stranger);
  REFUSES_NULL (certpin_client_get_connection_evidence, NULL, stranger);
  REFUSES_NULL (certpin_client_get_connection_evidence, client, NULL);
  REFUSES_NULL (certpin_client_get_connection_evidence, client, stranger);
}

static void
try_upload_length (CertpinClient *client)
{
  g_autoptr (GInputStream) stream = g_memory_input_stream_new ();
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("PUT", "https://h.example/", NULL, NULL, NULL);

  REFUSES_VOID (certpin_client_upload_async, client, request, stream, -2, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL);
  REFUSES_NULL (certpin_client_upload, client, request, stream, -2, NULL, NULL, NULL, NULL, NULL);
}

static void
try_connection_end (CertpinClient *client, gpointer stranger)
{
  g_autoptr (GSocket) socket
      = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GSocketConnection) other = g_socket_connection_factory_create_connection (socket);

  REFUSES_VOID (certpin_client_get_connection_end_async, NULL, other, NULL, NULL, NULL);
  REFUSES_VOID (certpin_client_get_connection_end_async, client, stranger, NULL, NULL, NULL);
  REFUSES_VOID (certpin_client_get_connection_end_async, client, other, stranger, NULL, NULL);
  REFUSES_NULL (certpin_client_get_connection_end_finish, NULL, stranger, NULL);
  REFUSES_NULL (certpin_client_get_connection_end_finish, client, NULL, NULL);
  REFUSES_NULL (certpin_client_get_connection_end_finish, client, stranger, NULL);
  REFUSES_NULL (certpin_client_get_connection_end, NULL, other, NULL, NULL);
  REFUSES_NULL (certpin_client_get_connection_end, client, stranger, NULL, NULL);
  REFUSES_NULL (certpin_client_get_connection_end, client, other, stranger, NULL);
  REFUSES_NULL (certpin_client_get_connection_end, client, other, NULL, get_used_error ());
}

static void
try_failed_response (CertpinClient *client, gpointer stranger)
{
  g_autoptr (GTask) untagged = g_task_new (client, NULL, NULL, NULL);
  gpointer result = untagged;

  REFUSES_NULL (certpin_client_download_get_failed_response, NULL, result);
  REFUSES_NULL (certpin_client_download_get_failed_response, stranger, result);
  REFUSES_NULL (certpin_client_download_get_failed_response, client, NULL);
  REFUSES_NULL (certpin_client_download_get_failed_response, client, stranger);
  REFUSES_NULL (certpin_client_download_get_failed_response, client, result);
  g_task_return_boolean (untagged, TRUE);
}

static void
on_unexpected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_not_reached ();
}

/* The function that starts the method and the one that waits refuse these arguments, without a
 * callback and without waiting. */
static void
assert_refused (const Method *method, const Arguments *a)
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
try_arguments (const Method *method, Arguments good, gpointer stranger)
{
  Arguments a = good;

  a.client = NULL;
  assert_refused (method, &a);
  a.client = stranger;
  assert_refused (method, &a);
  a = good;
  a.cancellable = stranger;
  assert_refused (method, &a);
  a = good;
  a.host = NULL;
  if (method->has_host)
    assert_refused (method, &a);
  a = good;
  a.second = NULL;
  if (method->has_second)
    assert_refused (method, &a);
  g_assert_false (method->wait (&good, get_used_error ()));
  assert_criticals (1);
}

/* The results of other calls are tried in test-misuse.c. */
static void
try_results (const Method *method, CertpinClient *client, gpointer stranger)
{
  g_autoptr (GTask) foreign = g_task_new (stranger, NULL, NULL, NULL);
  g_autoptr (GTask) untagged = g_task_new (client, NULL, NULL, NULL);

  g_assert_false (method->finish (NULL, G_ASYNC_RESULT (untagged), NULL));
  g_assert_false (method->finish (stranger, G_ASYNC_RESULT (foreign), NULL));
  g_assert_false (method->finish (client, NULL, NULL));
  g_assert_false (method->finish (client, stranger, NULL));
  g_assert_false (method->finish (client, G_ASYNC_RESULT (foreign), NULL));
  g_assert_false (method->finish (client, G_ASYNC_RESULT (untagged), NULL));
  assert_criticals (6);
  g_task_return_boolean (foreign, TRUE);
  g_task_return_boolean (untagged, TRUE);
}

static void
try_methods (CertpinClient *client, gpointer stranger)
{
  static const char *const forms[] = { "", "_async", "_finish" };
  Sample *sample = sample_new ();

  for (unsigned int i = 0; i < n_methods; i++)
    {
      try_arguments (&methods[i], sample_get_arguments (sample, &methods[i], client), stranger);
      try_results (&methods[i], client, stranger);
      for (size_t j = 0; j < G_N_ELEMENTS (forms); j++)
        {
          g_autofree char *function
              = g_strdup_printf ("certpin_client_%s%s", methods[i].name, forms[j]);

          mark (function);
        }
    }
  sample_free (sample);
}

static void
assert_all_tried (void)
{
  const char *list = g_test_get_filename (G_TEST_DIST, "certpin.symbols", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) symbols = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (list, &text, NULL, &error);
  g_assert_no_error (error);
  symbols = g_strsplit (g_strchomp (text), "\n", 0);
  for (size_t i = 0; symbols[i] != NULL; i++)
    {
      g_test_message ("%s", symbols[i]);
      g_assert_true (g_hash_table_remove (tried, symbols[i]));
    }
  g_assert_cmpuint (g_hash_table_size (tried), ==, 0);
}

static void
test_wrong_arguments (void)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (GObject) stranger = g_object_new (G_TYPE_OBJECT, NULL);

  tried = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  try_key ();
  try_error ();
  try_request ();
  try_request_builder ();
  try_pin_builder ();
  try_response (stranger);
  try_client (client, stranger);
  try_upload_length (client);
  try_connection_end (client, stranger);
  try_failed_response (client, stranger);
  try_methods (client, stranger);
  try_records (stranger, mark);
  while (g_main_context_iteration (NULL, /* may_block= */ FALSE))
    ; /* nothing calls back */
  assert_all_tried ();
  g_clear_pointer (&tried, g_hash_table_unref);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  criticals_init ();
  g_test_add_func ("/client/symbols/wrong-arguments", test_wrong_arguments);
  return g_test_run ();
}
