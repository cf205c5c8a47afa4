/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which arguments of SecureRequest are a request, and which limits hold before anybody is
 * asked. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "client-lib/certpin-key.h"
#include "daemon/bus/cpd-request-order.h"

#define KEY "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

#define UID 1000

static char *last_token;      /* of the order made last */
static CpdRequestExtras last; /* of the last order */

/* Arguments in text; NULL: usual ones. */
typedef struct
{
  const char *method, *url, *headers, *options;
  gsize body_bytes;
} Texts;

static CpdOrder *
try_new (const Texts *texts, GError **error)
{
  g_autoptr (CpdConfig) config = cpd_config_new ();
  g_autofree char *bytes = g_malloc0 (texts->body_bytes + 1);
  g_autoptr (GBytes) body = g_bytes_new (bytes, texts->body_bytes);
  g_autoptr (GVariant) headers = g_variant_ref_sink (
      g_variant_new_parsed (texts->headers != NULL ? texts->headers : "@a(ss) []"));
  g_autoptr (GVariant) options = g_variant_ref_sink (
      g_variant_new_parsed (texts->options != NULL ? texts->options : "@a{sv} {}"));
  g_autoptr (GVariant) body_variant
      = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, body, TRUE));
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new (
      "(ss@a(ss)@ay@a{sv})", texts->method != NULL ? texts->method : "GET",
      texts->url != NULL ? texts->url : "https://h.example/", headers, body_variant, options));
  CpdOrder *order;

  config->url_bytes = 256;
  config->headers = 3;
  config->header_bytes = 1024;
  config->inline_body_bytes = 2048;
  g_assert_true (cpd_proxies_add (config->proxies, "http://proxy.example:3128", NULL));
  order = cpd_request_order_parse (arguments, UID, config, &last, error);
  g_assert_true (order != NULL || last.token == NULL);
  g_clear_pointer (&last_token, g_free);
  last_token = last.token;
  return order;
}

#define TRY(error, ...) try_new (&(const Texts){ __VA_ARGS__ }, error)

static void
assert_refused (const Texts *texts, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdOrder) order = try_new (texts, &error);

  g_test_message ("%s %s %s", texts->url, texts->headers, texts->options);
  g_assert_null (order);
  g_assert_error (error, CERTPIN_ERROR, code);
}

#define ASSERT_REFUSED(code, ...) assert_refused (&(const Texts){ __VA_ARGS__ }, code)

static void
test_usual (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdOrder) order = TRY (&error, .method = "POST", .body_bytes = 3);

  g_assert_no_error (error);
  g_assert_cmpstr (certpin_request_get_method (order->request), ==, "POST");
  g_assert_cmpuint (g_bytes_get_size (certpin_request_get_body (order->request)), ==, 3);
  g_assert_cmpuint (order->timeout_ms, ==, 30000);
  g_assert_cmpuint (order->max_body_bytes, ==, G_MAXUINT64);
  g_assert_cmpuint (order->max_inline_bytes, ==, 2048);
  g_assert_cmpuint (order->auto_bytes, ==, 2048);
  g_assert_cmpint (order->stream, ==, CPD_STREAM_NEVER);
  g_assert_cmpuint (order->max_redirects, ==, 10);
  g_assert_null (order->require_keys);
  g_assert_null (order->proxy);
  g_assert_null (last_token);
  g_assert_cmpuint (order->owner, ==, UID);
  g_assert_cmpstr (cpd_host_get_text (order->target), ==, "h.example:443");
}

static void
test_options (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdOrder) order
      = TRY (&error, .options = "{'timeout-ms': <uint32 600000>, 'max-body': <uint64 0>,"
                                " 'redirects': <uint32 20>, 'require-keys': <['" KEY "']>,"
                                " 'handle-token': <'aZ_9'>, 'error-cause': <true>,"
                                " 'proxy': <'HTTP://proxy.example.:3128/'>}");

  g_assert_no_error (error);
  g_assert_cmpuint (order->timeout_ms, ==, 600000);
  g_assert_cmpuint (order->max_body_bytes, ==, 0);
  g_assert_cmpuint (order->max_redirects, ==, 20);
  g_assert_cmpuint (order->require_keys->len, ==, 1);
  g_assert_cmpstr (last_token, ==, "aZ_9");
  g_assert_true (last.tells_cause);
  g_assert_cmpstr (order->proxy, ==, "http://proxy.example:3128");
}

static void
test_streams (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdOrder) usual = TRY (&error, .options = "{'stream': <'auto'>}");
  g_autoptr (CpdOrder) limited
      = TRY (&error, .options = "{'stream': <'always'>, 'max-body': <uint64 9223372036854775807>,"
                                " 'stream-timeout-ms': <uint32 86400000>}");
  g_autoptr (CpdOrder) small
      = TRY (&error, .options = "{'stream': <'always'>, 'max-body': <uint64 7>}");

  g_assert_no_error (error);
  g_assert_cmpint (usual->stream, ==, CPD_STREAM_AUTO);
  g_assert_cmpuint (usual->max_body_bytes, ==, G_MAXUINT64);
  g_assert_cmpuint (usual->max_inline_bytes, ==, 2048);
  g_assert_cmpuint (usual->stream_timeout_ms, ==, 0);
  g_assert_cmpint (limited->stream, ==, CPD_STREAM_ALWAYS);
  g_assert_cmpuint (limited->max_body_bytes, ==, G_MAXINT64);
  g_assert_cmpuint (limited->stream_timeout_ms, ==, 86400000);
  g_assert_cmpuint (small->max_body_bytes, ==, 7);
  g_assert_cmpuint (small->max_inline_bytes, ==, 7);
}

static void
test_uploads (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdOrder) order
      = TRY (&error, .options = "{'body-stream': <handle 0>, 'stream-timeout-ms': <uint32 1>,"
                                " 'body-length': <uint64 9223372036854775807>}");

  g_assert_no_error (error);
  g_assert_cmpint (last.body_handle, ==, 0);
  g_assert_cmpuint (last.body_length, ==, G_MAXINT64);
  g_assert_cmpuint (order->stream_timeout_ms, ==, 1);
  g_clear_pointer (&order, cpd_order_unref);
  order = TRY (&error, .method = "PUT");
  g_assert_no_error (error);
  g_assert_cmpint (last.body_handle, ==, -1);
  g_assert_false (last.tells_cause);
}

static void
test_refuses_options (void)
{
  static const char *const texts[] = {
    "{'timeout-ms': <uint32 0>}",
    "{'timeout-ms': <uint32 600001>}",
    "{'timeout-ms': <30000>}",
    "{'max-body': <uint64 2049>}",
    "{'max-body': <uint32 1>}",
    "{'redirects': <uint32 21>}",
    "{'require-keys': <@as []>}",
    "{'handle-token': <''>}",
    "{'handle-token': <'a-b'>}",
    "{'handle-token': <'a/b'>}",
    "{'handle-token': <'\\u00e9'>}",
    "{'error-cause': <'yes'>}",
    "{'stream': <'sometimes'>}",
    "{'stream': <''>}",
    "{'stream': <true>}",
    "{'stream': <'always'>, 'max-body': <uint64 9223372036854775808>}",
    "{'body-stream': <handle 0>}",
    "{'body-length': <uint64 1>}",
    "{'body-stream': <0>, 'body-length': <uint64 1>}",
    "{'body-stream': <handle 0>, 'body-length': <uint64 9223372036854775808>}",
    "{'stream-timeout-ms': <uint32 1000>}",
    "{'stream': <'never'>, 'stream-timeout-ms': <uint32 1000>}",
    "{'stream': <'always'>, 'stream-timeout-ms': <uint32 0>}",
    "{'stream': <'always'>, 'stream-timeout-ms': <uint32 86400001>}",
    "{'proxy': <'http://other.example:3128'>}",
    "{'proxy': <'direct'>}",
    "{'proxy': <''>}",
    "{'proxy': <uint32 3128>}",
    "{'scope': <'user'>}",
    "{'handle-token': <'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'>}",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    ASSERT_REFUSED (CERTPIN_ERROR_INVALID_ARGUMENT, .options = texts[i]);
  ASSERT_REFUSED (CERTPIN_ERROR_INVALID_KEY, .options = "{'require-keys': <['" KEY "', 'x']>}");
}

static void
test_limits (void)
{
  g_autofree char *path = g_strnfill (256, 'a');
  g_autofree char *url = g_strconcat ("https://h.example/", path, NULL);
  g_autofree char *value = g_strnfill (1024, 'a');
  g_autofree char *large = g_strdup_printf ("[('A', '%s')]", value);

  ASSERT_REFUSED (CERTPIN_ERROR_LIMIT_EXCEEDED, .url = url);
  ASSERT_REFUSED (CERTPIN_ERROR_LIMIT_EXCEEDED,
                  .headers = "[('A', ''), ('B', ''), ('C', ''), ('D', '')]");
  ASSERT_REFUSED (CERTPIN_ERROR_LIMIT_EXCEEDED, .headers = large);
  ASSERT_REFUSED (CERTPIN_ERROR_LIMIT_EXCEEDED, .body_bytes = 2049);
}

/* As many as are allowed, and the sizes of names, values and what goes between them counted. */
static void
test_just_within_limits (void)
{
  g_autofree char *value = g_strnfill (1024 - 5, 'a');
  g_autofree char *headers = g_strdup_printf ("[('A', '%s')]", value);
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdOrder) large = TRY (&error, .headers = headers, .body_bytes = 2048);
  g_autoptr (CpdOrder) many = NULL;

  g_assert_no_error (error);
  many = TRY (&error, .headers = "[('A', ''), ('B', ''), ('C', '')]");
  g_assert_no_error (error);
}

static void
test_not_a_request (void)
{
  ASSERT_REFUSED (CERTPIN_ERROR_NOT_SECURE, .url = "http://h.example/");
  ASSERT_REFUSED (CERTPIN_ERROR_INVALID_ARGUMENT, .url = "https://u@h.example/");
  ASSERT_REFUSED (CERTPIN_ERROR_INVALID_ARGUMENT, .method = "TRACE");
  ASSERT_REFUSED (CERTPIN_ERROR_INVALID_ARGUMENT, .headers = "[('Host', 'a')]");
}

/* A host that cannot be pinned must not come out as one that is not pinned. */
static void
test_not_a_host (void)
{
  static const char *const urls[]
      = { "https://*.h.example/", "https://a..b/", "https://**.h.example/" };

  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    ASSERT_REFUSED (CERTPIN_ERROR_INVALID_HOST, .url = urls[i]);
}

int
main (int argc, char *argv[])
{
  int status;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus/request-order/usual-values", test_usual);
  g_test_add_func ("/bus/request-order/options", test_options);
  g_test_add_func ("/bus/request-order/streams", test_streams);
  g_test_add_func ("/bus/request-order/uploads", test_uploads);
  g_test_add_func ("/bus/request-order/refuses-options", test_refuses_options);
  g_test_add_func ("/bus/request-order/limits", test_limits);
  g_test_add_func ("/bus/request-order/just-within-limits", test_just_within_limits);
  g_test_add_func ("/bus/request-order/not-a-request", test_not_a_request);
  g_test_add_func ("/bus/request-order/not-a-host", test_not_a_host);
  status = g_test_run ();
  g_free (last_token);
  return status;
}
