/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A request as a call of the service, with a token by which it can be cancelled, and its reply as
 * a response, whose body may come by a descriptor. */

#include "config.h"

#include "certpin-exchange.h"

#include "certpin-arguments.h"
#include "certpin-body.h"
#include "certpin-client-private.h"
#include "certpin-error.h"
#include "certpin-handle.h"
#include "certpin-request-private.h"
#include "certpin-response-private.h"
#include "certpin-status.h"

#include "dbus/certpin-names.h"

#include <unistd.h>

static const CertpinMethod secure_request
    = { CERTPIN_REQUESTS_IFACE, "SecureRequest", "(ua(ss)aya{sv})" };

/* Smaller ones go in the call: then the service can send the request again if a kept-alive
 * connection turns out to be dead, which it cannot with what it has read from a descriptor. Larger
 * ones would cost more in a call, and much memory. */
#define INLINE_MAX_BYTES (1024 * 1024)

/* Returns: whether the body must go through a descriptor, because it is not in memory, or too large
 * for a call */
gboolean
certpin_exchange_needs_descriptor (CertpinRequest *request)
{
  return certpin_request_get_content (request) != NULL
         || g_bytes_get_size (certpin_request_get_body (request)) > INLINE_MAX_BYTES;
}

/* RFC 9110, section 9.2.1; no request has the method TRACE */
static gboolean
is_safe (const char *method)
{
  static const char *const safe[] = { "GET", "HEAD", "OPTIONS", NULL };

  return g_strv_contains (safe, method);
}

/* `options`: an `a{sv}`. Returns: (transfer full) */
CertpinCall *
certpin_exchange_new_call (CertpinRequest *request, GVariant *options)
{
  g_autofree char *url = g_uri_to_string (certpin_request_get_uri (request));
  g_autofree char *token = NULL;
  GVariant *with_token = certpin_handle_add (options, &token);
  CertpinCall *call = certpin_call_new (
      &secure_request,
      g_variant_new ("(s@s@a(ss)@ay@a{sv})", certpin_request_get_method (request),
                     certpin_arguments_text (url), certpin_request_get_headers (request),
                     certpin_arguments_bytes (certpin_request_get_body (request)), with_token));

  call->is_safe = is_safe (certpin_request_get_method (request));
  call->timeout_ms = certpin_handle_get_timeout_ms (options);
  call->token = g_steal_pointer (&token);
  return call;
}

/* Sets the error, and returns NULL. */
G_GNUC_PRINTF (2, 3)
static gpointer
refuse_reply (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
               "the reply of the certpin service is not valid: %s", what);
  return NULL;
}

/* Returns: floating: the evidence, without what only the library can use */
static GVariant *
strip_info (GVariant *info)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (info);

  g_variant_dict_remove (&dict, "body");
  g_variant_dict_remove (&dict, "request");
  return g_variant_dict_end (&dict);
}

/* Returns: one of the descriptors; the others are closed */
static int
steal_one (GUnixFDList *received, int index)
{
  int length;
  g_autofree int *descriptors = g_unix_fd_list_steal_fds (received, &length);

  for (int i = 0; i < length; i++)
    if (i != index)
      close (descriptors[i]);
  return descriptors[index];
}

/* Returns: (transfer full) (nullable): the body that comes by a descriptor */
static GInputStream *
take_body (GTask *task, GVariant *info, GError **error)
{
  CertpinCall *call = g_task_get_task_data (task);
  g_autoptr (GUnixFDList) received = g_steal_pointer (&call->received);
  CertpinClient *client = g_task_get_source_object (task);
  const char *path;
  gint32 index;

  if (received == NULL || !g_variant_lookup (info, "body", "h", &index)
      || !g_variant_lookup (info, "request", "&o", &path) || index < 0
      || index >= g_unix_fd_list_get_length (received))
    return refuse_reply (error, "it has no descriptor");
  return certpin_body_new (steal_one (received, index), call->connection, path,
                           certpin_client_get_link (client));
}

/* Ends a task that was submitted with such a call, or that returns a response. `streams`: the
 * response is to have a stream, whether or not its body came by a descriptor; otherwise it has one
 * only if it did.
 * Returns: (transfer full) (nullable) */
CertpinResponse *
certpin_exchange_take_response (GTask *task, gboolean streams, GError **error)
{
  g_autoptr (GVariant) reply = NULL, headers = NULL, body = NULL, info = NULL;
  g_autoptr (CertpinEvidence) evidence = NULL;
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gboolean by_descriptor;
  guint32 status;

  if (g_strcmp0 (g_task_get_name (task), CERTPIN_EXCHANGE_GATHERED) == 0)
    return g_task_propagate_pointer (task, error);
  reply = g_task_propagate_pointer (task, error);
  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(u@a(ss)@ay@a{sv})", &status, &headers, &body, &info);
  if (!CERTPIN_IS_FINAL_STATUS (status))
    return refuse_reply (error, "%u is not an HTTP status code", status);
  bytes = g_variant_get_data_as_bytes (body);
  by_descriptor = g_variant_lookup (info, "body", "h", NULL);
  evidence = certpin_evidence_new (by_descriptor ? strip_info (info) : info);
  if (!streams && !by_descriptor)
    return certpin_response_new (status, headers, bytes, evidence);
  if (!by_descriptor)
    stream = g_memory_input_stream_new_from_bytes (bytes);
  else if ((stream = take_body (task, info, error)) == NULL)
    return NULL;
  return certpin_response_new_for_stream (status, headers, stream, evidence);
}
