/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a builder makes the request that it was told to, and none that certpin_request_new()
 * refuses. */

#include "config.h"

#include <certpin.h>

#include <string.h>

static const char url[] = "https://h.example/path";

/* The builder makes this request. `headers`: the text of an `a(ss)` */
static void
assert_builds (CertpinRequestBuilder *builder, const char *method, const char *headers,
               const char *body)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) request = certpin_request_builder_build (builder, &error);
  g_autoptr (GVariant) expected = g_variant_ref_sink (g_variant_new_parsed (headers));
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = g_uri_to_string (certpin_request_get_uri (request));
  g_assert_cmpstr (text, ==, url);
  g_assert_cmpstr (certpin_request_get_method (request), ==, method);
  g_assert_cmpvariant (certpin_request_get_headers (request), expected);
  g_assert_cmpmem (g_bytes_get_data (certpin_request_get_body (request), NULL),
                   g_bytes_get_size (certpin_request_get_body (request)), body, strlen (body));
}

static void
test_methods_and_headers (void)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new (url);

  assert_builds (builder, "GET", "@a(ss) []", "");
  certpin_request_builder_set_method (builder, "PUT");
  certpin_request_builder_add_header (builder, "Accept", "a");
  certpin_request_builder_add_header (builder, "ACCEPT", "b");
  certpin_request_builder_add_header (builder, "Range", "c");
  assert_builds (builder, "PUT", "[('Accept', 'a'), ('ACCEPT', 'b'), ('Range', 'c')]", "");
  certpin_request_builder_set_header (builder, "accept", "d");
  assert_builds (builder, "PUT", "[('Range', 'c'), ('accept', 'd')]", "");
  certpin_request_builder_set_header (builder, "RANGE", NULL);
  certpin_request_builder_set_header (builder, "Not-There", NULL);
  assert_builds (builder, "PUT", "[('accept', 'd')]", "");
}

static void
test_bodies (void)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new (url);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("two", 3);

  certpin_request_builder_set_body_text (builder, "ein Schlüssel");
  assert_builds (builder, "GET", "[('Content-Type', 'text/plain; charset=utf-8')]",
                 "ein Schlüssel");
  certpin_request_builder_set_body_json (builder, "{\"a\": 1}");
  assert_builds (builder, "GET", "[('Content-Type', 'application/json')]", "{\"a\": 1}");
  certpin_request_builder_set_body (builder, NULL, bytes);
  certpin_request_builder_set_body (builder, NULL, bytes); /* its own */
  assert_builds (builder, "GET", "[('Content-Type', 'application/json')]", "two");
  certpin_request_builder_set_body (builder, "image/png", NULL);
  assert_builds (builder, "GET", "[('Content-Type', 'image/png')]", "");
}

/* What the program says of the type counts, in any order; otherwise it is that of the last body. */
static void
test_types (void)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new (url);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("one", 3);

  certpin_request_builder_set_body (builder, "image/png", bytes);
  certpin_request_builder_set_body_json (builder, "1");
  assert_builds (builder, "GET", "[('Content-Type', 'application/json')]", "1");
  certpin_request_builder_set_header (builder, "content-type", "application/x+json");
  assert_builds (builder, "GET", "[('content-type', 'application/x+json')]", "1");
  certpin_request_builder_set_body_json (builder, "2");
  certpin_request_builder_set_header (builder, "A", "b");
  assert_builds (builder, "GET", "[('content-type', 'application/x+json'), ('A', 'b')]", "2");
  certpin_request_builder_set_header (builder, "Content-Type", NULL);
  assert_builds (builder, "GET", "[('A', 'b')]", "2");
  certpin_request_builder_set_body_text (builder, "3");
  certpin_request_builder_set_header (builder, "Content-Type", NULL);
  assert_builds (builder, "GET", "[('A', 'b')]", "3");
  certpin_request_builder_add_header (builder, "Content-Type", "x/y");
  certpin_request_builder_set_body (builder, "image/png", bytes);
  assert_builds (builder, "GET", "[('A', 'b'), ('Content-Type', 'image/png')]", "one");
}

/* Such a body is not in memory. Each takes the place of the one before. */
static void
test_files_and_streams (void)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new (url);
  g_autoptr (GFile) file = g_file_new_for_path ("/proc/self/cmdline");
  g_autoptr (GInputStream) stream = g_memory_input_stream_new ();

  certpin_request_builder_set_body_text (builder, "text");
  certpin_request_builder_set_body_file (builder, NULL, file);
  assert_builds (builder, "GET", "[('Content-Type', 'text/plain; charset=utf-8')]", "");
  certpin_request_builder_set_body_stream (builder, "a/b", stream, -1);
  assert_builds (builder, "GET", "[('Content-Type', 'a/b')]", "");
  certpin_request_builder_set_body_json (builder, "1");
  assert_builds (builder, "GET", "[('Content-Type', 'application/json')]", "1");
  g_assert_cmpuint (G_OBJECT (stream)->ref_count, ==, 1);
  certpin_request_builder_set_body_stream (builder, "a\nb", stream, 1);
  g_assert_null (certpin_request_builder_build (builder, NULL));
}

static void
assert_refuses (CertpinRequestBuilder *builder, CertpinError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_request_builder_build (builder, &error));
  g_assert_error (error, CERTPIN_ERROR, (int)code);
}

static void
test_refusals (void)
{
  g_autoptr (CertpinRequestBuilder) insecure = certpin_request_builder_new ("http://h.example/");
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new (url);

  assert_refuses (insecure, CERTPIN_ERROR_NOT_SECURE);
  certpin_request_builder_set_method (builder, "G ET");
  assert_refuses (builder, CERTPIN_ERROR_INVALID_ARGUMENT);
  certpin_request_builder_set_method (builder, "GET");
  certpin_request_builder_set_header (builder, "Host", "other.example");
  assert_refuses (builder, CERTPIN_ERROR_INVALID_ARGUMENT);
  certpin_request_builder_set_header (builder, "Host", NULL);
  certpin_request_builder_set_header (builder, "X", "\xff");
  assert_refuses (builder, CERTPIN_ERROR_INVALID_ARGUMENT);
  certpin_request_builder_set_header (builder, "X", "a\r\nY: b");
  assert_refuses (builder, CERTPIN_ERROR_INVALID_ARGUMENT);
  certpin_request_builder_set_header (builder, "X", "a");
  assert_builds (builder, "GET", "[('X', 'a')]", "");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/request-builder/methods-and-headers", test_methods_and_headers);
  g_test_add_func ("/client/request-builder/bodies", test_bodies);
  g_test_add_func ("/client/request-builder/types", test_types);
  g_test_add_func ("/client/request-builder/files-and-streams", test_files_and_streams);
  g_test_add_func ("/client/request-builder/refusals", test_refusals);
  return g_test_run ();
}
