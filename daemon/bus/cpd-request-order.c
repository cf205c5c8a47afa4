/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SecureRequest's arguments as a value: checks sizes, options, and that it is a valid request. */

#include "config.h"

#include "daemon/bus/cpd-request-order.h"

#include "client-lib/certpin-key.h"
#include "daemon/core/base/cpd-refuse.h"

#include <string.h>

#define REDIRECTS     10
#define REDIRECTS_MAX 20

/* A reply with more costs more than a descriptor does. */
#define AUTO_BYTES ((guint64)64 * 1024)

/* A day. */
#define STREAM_TIMEOUT_MAX_MS (24 * 60 * 60 * 1000)

/* The arguments of the method. */
typedef struct
{
  GVariant *method, *url, *headers, *body, *options;
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_variant_unref (arguments->method);
  g_variant_unref (arguments->url);
  g_variant_unref (arguments->headers);
  g_variant_unref (arguments->body);
  g_variant_unref (arguments->options);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
check_size (const char *what, const char *unit, guint64 size, guint64 most, GError **error)
{
  if (size <= most)
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_LIMIT_EXCEEDED,
                     "%s %" G_GUINT64_FORMAT " %s; at most %" G_GUINT64_FORMAT " are allowed", what,
                     size, unit, most);
}

static gboolean
check_sizes (const Arguments *arguments, const CpdConfig *config, GError **error)
{
  guint64 header_bytes = 0;
  const char *name, *value;
  GVariantIter iter;

  g_variant_iter_init (&iter, arguments->headers);
  while (g_variant_iter_next (&iter, "(&s&s)", &name, &value))
    header_bytes += strlen (name) + strlen (value) + strlen (": \r\n");
  return check_size ("the URL has", "bytes", strlen (g_variant_get_string (arguments->url, NULL)),
                     config->url_bytes, error)
         && check_size ("the request has", "headers", g_variant_n_children (arguments->headers),
                        config->headers, error)
         && check_size ("the headers have", "bytes", header_bytes, config->header_bytes, error)
         && check_size ("the body has", "bytes", g_variant_get_size (arguments->body),
                        config->inline_body_bytes, error);
}

/* `token`: (nullable). Errors: CERTPIN_ERROR_INVALID_ARGUMENT. */
gboolean
cpd_request_order_check_token (const char *token, GError **error)
{
  for (const char *c = token; c != NULL && *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && *c != '_')
      return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                         "option ‘handle-token’ is ‘%s’, but may only hold letters, digits and ‘_’",
                         token);
  return TRUE;
}

/* `array`: (nullable). `keys`: (out) (nullable): of CertpinKey.
 * Errors: CERTPIN_ERROR_INVALID_KEY. */
gboolean
cpd_request_order_take_keys (GPtrArray **keys, GVariant *array, GError **error)
{
  g_autofree const char **texts = NULL;

  if (array == NULL)
    return TRUE;
  texts = g_variant_get_strv (array, NULL);
  *keys = g_ptr_array_new_with_free_func ((GDestroyNotify)certpin_key_unref);
  for (size_t i = 0; texts[i] != NULL; i++)
    {
      CertpinKey *key = certpin_key_new_from_text (texts[i], error);

      if (key == NULL)
        return FALSE;
      g_ptr_array_add (*keys, key);
    }
  return TRUE;
}

/* Returns: how many bytes of a body come in the reply if the caller leaves that to the service */
guint64
cpd_request_order_get_auto_bytes (const CpdConfig *config)
{
  return MIN (AUTO_BYTES, config->inline_body_bytes);
}

/* What concerns the body of the answer. `max_bytes`: given, or G_MAXUINT64 */
static gboolean
take_stream (CpdOrder *order, const char *wish, guint64 max_bytes, const CpdConfig *config,
             GError **error)
{
  static const char *const wishes[] = { "never", "auto", "always", NULL };
  int chosen = CPD_STREAM_NEVER;

  if (!cpd_options_take_choice ("stream", wish, wishes, &chosen, error))
    return FALSE;
  order->stream = (CpdStreamWish)chosen;
  order->max_inline_bytes = MIN (max_bytes, config->inline_body_bytes);
  order->max_body_bytes = max_bytes;
  order->auto_bytes = cpd_request_order_get_auto_bytes (config);
  if (chosen == CPD_STREAM_NEVER && max_bytes != G_MAXUINT64
      && max_bytes > config->inline_body_bytes)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘max-body’ is out of range; give 0 to %" G_GUINT64_FORMAT
                       ", or the option ‘stream’",
                       config->inline_body_bytes);
  return TRUE;
}

/* A body without a length would look whole to the server when it was cut. `length`: G_MAXUINT64: it
 * is not given */
static gboolean
take_upload (CpdRequestExtras *extras, guint64 length, GError **error)
{
  extras->body_length = length;
  if ((extras->body_handle >= 0) == (length != G_MAXUINT64))
    return TRUE;
  return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                     "the options ‘body-stream’ and ‘body-length’ need each other");
}

static gboolean
take_proxy (CpdOrder *order, const char *proxy, const CpdConfig *config, GError **error)
{
  if (proxy != NULL)
    order->proxy = cpd_proxies_check_choice (config->proxies, proxy, error);
  return proxy == NULL || order->proxy != NULL;
}

static gboolean
parse_options (CpdOrder *order, GVariant *options, const CpdConfig *config,
               CpdRequestExtras *extras, GError **error)
{
  const char *given = NULL, *wish = NULL, *proxy = NULL;
  guint64 max_bytes = G_MAXUINT64, length = G_MAXUINT64;
  g_autoptr (GVariant) keys = NULL;
  const CpdOption table[] = {
    CPD_REQUEST_OPTIONS (&order->timeout_ms, &keys, &given, &extras->tells_cause),
    { "max-body", "t", &max_bytes, 0, G_MAXINT64 },
    { "redirects", "u", &order->max_redirects, 0, REDIRECTS_MAX },
    { "stream", "s", &wish, 1, sizeof "always" },
    { "stream-timeout-ms", "u", &order->stream_timeout_ms, 1, STREAM_TIMEOUT_MAX_MS },
    { "body-stream", "h", &extras->body_handle },
    { "body-length", "t", &length, 0, G_MAXINT64 },
    { "proxy", "s", &proxy, 1, CPD_REQUEST_PROXY_MAX_BYTES },
  };

  if (!cpd_options_parse (options, table, G_N_ELEMENTS (table), error)
      || !take_stream (order, wish, max_bytes, config, error)
      || !cpd_request_order_check_token (given, error)
      || !cpd_request_order_take_keys (&order->require_keys, keys, error)
      || !take_proxy (order, proxy, config, error) || !take_upload (extras, length, error))
    return FALSE;
  if (order->stream == CPD_STREAM_NEVER && extras->body_handle < 0 && order->stream_timeout_ms != 0)
    return cpd_refuse (error, CERTPIN_ERROR_INVALID_ARGUMENT,
                       "option ‘stream-timeout-ms’ is given without a stream");
  extras->token = g_strdup (given);
  return TRUE;
}

/* An invalid host must not pass for one that is not pinned. */
static gboolean
take_request (CpdOrder *order, const Arguments *arguments, GError **error)
{
  g_autoptr (GBytes) body = g_variant_get_data_as_bytes (arguments->body);

  order->request = certpin_request_new (g_variant_get_string (arguments->method, NULL),
                                        g_variant_get_string (arguments->url, NULL),
                                        arguments->headers, body, error);
  if (order->request != NULL)
    order->target = cpd_host_new_of_uri (certpin_request_get_uri (order->request), error);
  return order->target != NULL;
}

/* A format string takes ten times as long. */
static void
get_arguments (GVariant *tuple, Arguments *arguments)
{
  arguments->method = g_variant_get_child_value (tuple, 0);
  arguments->url = g_variant_get_child_value (tuple, 1);
  arguments->headers = g_variant_get_child_value (tuple, 2);
  arguments->body = g_variant_get_child_value (tuple, 3);
  arguments->options = g_variant_get_child_value (tuple, 4);
}

/* `arguments`: SecureRequest's. `extras`: (out caller-allocates).
 * Errors: CERTPIN_ERROR_LIMIT_EXCEEDED, CERTPIN_ERROR_INVALID_ARGUMENT,
 * CERTPIN_ERROR_INVALID_KEY, CERTPIN_ERROR_INVALID_HOST, CERTPIN_ERROR_NOT_SECURE.
 * Returns: (transfer full) */
CpdOrder *
cpd_request_order_parse (GVariant *arguments, CpdOwner owner, const CpdConfig *config,
                         CpdRequestExtras *extras, GError **error)
{
  g_autoptr (CpdOrder) order = cpd_order_new ();
  g_auto (Arguments) parts = { NULL };

  get_arguments (arguments, &parts);
  *extras = (CpdRequestExtras){ .body_handle = -1 };
  order->owner = owner;
  order->timeout_ms = CPD_REQUEST_TIMEOUT_MS;
  order->max_redirects = REDIRECTS;
  if (check_sizes (&parts, config, error)
      && parse_options (order, parts.options, config, extras, error)
      && take_request (order, &parts, error))
    return g_steal_pointer (&order);
  g_clear_pointer (&extras->token, g_free);
  return NULL;
}
