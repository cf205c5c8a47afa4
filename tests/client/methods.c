/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All methods of the client behind one signature, for tests that call each of them. */

#include "config.h"

#include "methods.h"

#include <glib/gstdio.h>

static gboolean
take_object (gpointer object)
{
  gboolean taken = object != NULL;

  g_clear_object (&object);
  return taken;
}

static gboolean
take_pin (CertpinPin *pin)
{
  return take_object (pin);
}

static gboolean
take_failure (CertpinFailure *failure)
{
  return take_object (failure);
}

static gboolean
take_chain (CertpinChain *chain)
{
  return take_object (chain);
}

static gboolean
take_strings (char **strings)
{
  gboolean taken = strings != NULL;

  g_strfreev (strings);
  return taken;
}

static gboolean
take_array (GPtrArray *array)
{
  gboolean taken = array != NULL;

  g_clear_pointer (&array, g_ptr_array_unref);
  return taken;
}

static gboolean
take_uids (GArray *uids)
{
  gboolean taken = uids != NULL;

  g_clear_pointer (&uids, g_array_unref);
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
take_connection (GSocketConnection *connection)
{
  return take_object (connection);
}

static gboolean
take_explanation (CertpinExplanation *explanation)
{
  return take_object (explanation);
}

static gboolean
take_service_status (CertpinServiceStatus *status)
{
  return take_object (status);
}

static gboolean
take_boolean (gboolean value)
{
  return value;
}

#define TAKE(result)                                                                               \
  _Generic((result), CertpinPin *                                                                  \
           : take_pin, CertpinFailure *                                                            \
           : take_failure, CertpinChain *                                                          \
           : take_chain, CertpinExplanation *                                                      \
           : take_explanation, CertpinServiceStatus *                                              \
           : take_service_status, char **                                                          \
           : take_strings, GPtrArray *                                                             \
           : take_array, GArray *                                                                  \
           : take_uids, CertpinResponse *                                                          \
           : take_response, GSocketConnection *                                                    \
           : take_connection, gboolean                                                             \
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
DEFINE (add_keys, a->client, a->host, a->second, a->options)
DEFINE (remove_keys, a->client, a->host, a->second, a->options)
DEFINE (pause_pin, a->client, a->host, a->options)
DEFINE (resume_pin, a->client, a->host, a->options)
DEFINE (unpin, a->client, a->host, a->options)
DEFINE (block_host, a->client, a->host, a->second, a->options)
DEFINE (get_pin, a->client, a->host, a->options)
DEFINE (list_pins, a->client, a->options)
DEFINE (export_pins, a->client, a->options)
DEFINE (import_pins, a->client, a->second, a->options)
DEFINE (last_failure, a->client, a->host)
DEFINE (explain_host, a->client, a->host, a->options)
DEFINE (verify_chain, a->client, a->host, a->second, a->options)
DEFINE (get_status, a->client, a->options)
DEFINE (list_users, a->client, a->options)
DEFINE (list_apps, a->client, a->options)

static void
reload_start (const Arguments *a, GAsyncReadyCallback callback, gpointer user_data)
{
  certpin_client_reload_async (a->client, a->cancellable, callback, user_data);
}

static gboolean
reload_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  return certpin_client_reload_finish (client, result, error);
}

static gboolean
reload_wait (const Arguments *a, GError **error)
{
  return certpin_client_reload (a->client, a->cancellable, error);
}

DEFINE (secure_request, a->client, a->second, a->options)
DEFINE (send, a->client, a->second, a->options)

static void
download_start (const Arguments *a, GAsyncReadyCallback callback, gpointer user_data)
{
  certpin_client_download_async (a->client, a->third, a->second, a->options, a->cancellable,
                                 /* progress= */ NULL, NULL, NULL, callback, user_data);
}

static gboolean
download_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  return take_response (certpin_client_download_finish (client, result, error));
}

static gboolean
download_wait (const Arguments *a, GError **error)
{
  return take_response (certpin_client_download (a->client, a->third, a->second, a->options,
                                                 a->cancellable, /* progress= */ NULL, NULL,
                                                 error));
}

static void
upload_start (const Arguments *a, GAsyncReadyCallback callback, gpointer user_data)
{
  certpin_client_upload_async (a->client, a->third, a->second, /* length= */ 0, a->options,
                               a->cancellable, /* progress= */ NULL, NULL, NULL, callback,
                               user_data);
}

static gboolean
upload_finish (CertpinClient *client, GAsyncResult *result, GError **error)
{
  return take_response (certpin_client_upload_finish (client, result, error));
}

static gboolean
upload_wait (const Arguments *a, GError **error)
{
  return take_response (certpin_client_upload (a->client, a->third, a->second, /* length= */ 0,
                                               a->options, a->cancellable, /* progress= */ NULL,
                                               NULL, error));
}

DEFINE (fetch_chain, a->client, a->host, a->options)
DEFINE (open_connection, a->client, a->host, 443, NULL, a->options)

#define METHOD(method, has_host, has_second, has_options)                                          \
  {                                                                                                \
#method, method##_start, method##_finish, method##_wait, has_host, has_second, has_options     \
  }

const Method methods[] = {
  METHOD (pin_certificate, TRUE, TRUE, TRUE),  METHOD (pin_certificate_from_file, TRUE, TRUE, TRUE),
  METHOD (pin_keys, TRUE, TRUE, TRUE),         METHOD (add_keys, TRUE, TRUE, TRUE),
  METHOD (remove_keys, TRUE, TRUE, TRUE),      METHOD (unpin, TRUE, FALSE, TRUE),
  METHOD (pause_pin, TRUE, FALSE, TRUE),       METHOD (resume_pin, TRUE, FALSE, TRUE),
  METHOD (block_host, TRUE, TRUE, TRUE),       METHOD (get_pin, TRUE, FALSE, TRUE),
  METHOD (export_pins, FALSE, FALSE, TRUE),    METHOD (import_pins, FALSE, TRUE, TRUE),
  METHOD (list_pins, FALSE, FALSE, TRUE),      METHOD (last_failure, TRUE, FALSE, FALSE),
  METHOD (explain_host, TRUE, FALSE, TRUE),    METHOD (verify_chain, TRUE, TRUE, TRUE),
  METHOD (secure_request, FALSE, TRUE, TRUE),  METHOD (send, FALSE, TRUE, TRUE),
  METHOD (download, FALSE, TRUE, TRUE),        METHOD (upload, FALSE, TRUE, TRUE),
  METHOD (open_connection, TRUE, FALSE, TRUE), METHOD (fetch_chain, TRUE, FALSE, TRUE),
  METHOD (get_status, FALSE, FALSE, TRUE),     METHOD (list_users, FALSE, FALSE, TRUE),
  METHOD (list_apps, FALSE, FALSE, TRUE),      METHOD (reload, FALSE, FALSE, FALSE),
};

const unsigned int n_methods = G_N_ELEMENTS (methods);

const Method *
method_find (const char *name)
{
  for (unsigned int i = 0; i < n_methods; i++)
    if (g_str_equal (methods[i].name, name))
      return &methods[i];
  g_assert_not_reached ();
}

Sample *
sample_new (void)
{
  Sample *sample = g_new0 (Sample, 1);

  sample->file = g_file_new_for_path ("/proc/self/cmdline"); /* a few bytes */
  sample->path = g_strdup_printf ("%s/certpin-sample-%08x", g_get_tmp_dir (), g_random_int ());
  sample->target = g_file_new_for_path (sample->path);
  sample->stream = g_memory_input_stream_new ();
  sample->bytes = g_bytes_new_static ("der", 3);
  sample->chain = g_ptr_array_new ();
  g_ptr_array_add (sample->chain, sample->bytes);
  sample->request = certpin_request_new ("GET", "https://h.example/", NULL, NULL, NULL);
  return sample;
}

void
sample_free (Sample *sample)
{
  g_unlink (sample->path);
  g_free (sample->path);
  g_object_unref (sample->target);
  g_object_unref (sample->stream);
  g_object_unref (sample->file);
  g_bytes_unref (sample->bytes);
  g_ptr_array_unref (sample->chain);
  certpin_request_unref (sample->request);
  g_free (sample);
}

/* What the method takes, without options. */
Arguments
sample_get_arguments (Sample *sample, const Method *method, CertpinClient *client)
{
  static const char *const keys[] = { "key", NULL };
  const struct
  {
    const char *method;
    gpointer second;
  } seconds[]
      = { { "pin_certificate", sample->bytes }, { "pin_certificate_from_file", sample->file },
          { "pin_keys", (gpointer)keys },       { "add_keys", (gpointer)keys },
          { "remove_keys", (gpointer)keys },    { "block_host", (gpointer) "why" },
          { "verify_chain", sample->chain },    { "secure_request", sample->request },
          { "send", sample->request },          { "download", sample->target },
          { "upload", sample->stream },         { "import_pins", (gpointer) "text" } };
  Arguments a = { .client = client, .host = "h.example", .third = sample->request };

  for (size_t i = 0; i < G_N_ELEMENTS (seconds); i++)
    if (g_str_equal (method->name, seconds[i].method))
      a.second = seconds[i].second;
  return a;
}
