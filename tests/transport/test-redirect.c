/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what of a request follows a redirect, and where to: all rows of that, since here one costs
 * nothing. What is done with the result is in test-channel-answers. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-redirect.h"

#define BASE "https://h.example/a/b?q=1"

static CpdHttpHead *
new_head (unsigned int status, const char *fields)
{
  g_autofree char *text = g_strdup_printf ("HTTP/1.1 %u So\r\nServer: x\r\n%s\r\n", status, fields);
  CpdHttpScan scan = { 0 };
  g_autoptr (GError) error = NULL;
  CpdHttpHead *head;

  g_assert_true (cpd_http_scan_check (&scan, text, strlen (text), &error));
  g_assert_true (cpd_http_scan_is_complete (&scan));
  head = cpd_http_head_new (text, strlen (text), "GET", &error);
  g_assert_no_error (error);
  return head;
}

static CpdHttpHead *
new_redirect (unsigned int status, const char *target)
{
  g_autofree char *field = g_strdup_printf ("lOcation: %s\r\n", target);

  return new_head (status, field);
}

static CertpinRequest *
new_request (const char *method, const char *headers, const char *body)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = body != NULL ? g_bytes_new (body, strlen (body)) : NULL;
  CertpinRequest *request = certpin_request_new (
      method, BASE, headers != NULL ? g_variant_new_parsed (headers) : NULL, bytes, &error);

  g_assert_no_error (error);
  return request;
}

static CertpinRequest *
follow (CertpinRequest *request, unsigned int status, const char *target, GError **error)
{
  g_autoptr (CpdHttpHead) head = new_redirect (status, target);
  g_autoptr (CpdHost) host = cpd_host_new_of_uri (certpin_request_get_uri (request), NULL);
  const CpdHop hop = { request, host, NULL };
  g_autoptr (CpdHost) leads_to = NULL;
  CpdHop next;

  if (!cpd_redirect_follow (&hop, head, &next, error))
    return NULL;
  leads_to = cpd_host_new_of_uri (certpin_request_get_uri (next.request), NULL);
  g_assert_cmpstr (cpd_host_get_text (next.target), ==, cpd_host_get_text (leads_to));
  cpd_host_unref (next.target);
  return next.request;
}

static void
test_is_one (void)
{
  for (unsigned int status = 200; status < 600; status++)
    {
      g_autoptr (CpdHttpHead) with = new_redirect (status, "/");
      g_autoptr (CpdHttpHead) without = new_head (status, "Content-Location: /\r\n");
      gboolean expected
          = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;

      g_assert_cmpint (cpd_redirect_is_one (with), ==, expected);
      g_assert_false (cpd_redirect_is_one (without));
    }
}

/* RFC 9110, section 15.4 */
static void
test_methods (void)
{
  static const struct
  {
    unsigned int status;
    const char *method, *next;
    gboolean keeps_body;
  } cases[] = {
    { 301, "GET", "GET", FALSE },      { 302, "GET", "GET", FALSE },
    { 303, "GET", "GET", FALSE },      { 307, "GET", "GET", FALSE },
    { 308, "GET", "GET", FALSE },      { 301, "HEAD", "HEAD", FALSE },
    { 302, "HEAD", "HEAD", FALSE },    { 303, "HEAD", "HEAD", FALSE },
    { 307, "HEAD", "HEAD", FALSE },    { 308, "HEAD", "HEAD", FALSE },
    { 301, "POST", "GET", FALSE },     { 302, "POST", "GET", FALSE },
    { 303, "POST", "GET", FALSE },     { 307, "POST", "POST", TRUE },
    { 308, "POST", "POST", TRUE },     { 301, "PUT", "PUT", TRUE },
    { 302, "PUT", "PUT", TRUE },       { 303, "PUT", "GET", FALSE },
    { 307, "PUT", "PUT", TRUE },       { 308, "PUT", "PUT", TRUE },
    { 301, "DELETE", "DELETE", TRUE }, { 303, "DELETE", "GET", FALSE },
    { 303, "OPTIONS", "GET", FALSE },  { 302, "post", "post", TRUE },
    { 302, "DELETE", "DELETE", TRUE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      gboolean bodyless
          = g_str_equal (cases[i].method, "GET") || g_str_equal (cases[i].method, "HEAD");
      g_autoptr (CertpinRequest) request
          = new_request (cases[i].method, NULL, bodyless ? NULL : "body");
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinRequest) next = follow (request, cases[i].status, "/c", &error);

      g_test_message ("%u of %s", cases[i].status, cases[i].method);
      g_assert_no_error (error);
      g_assert_cmpstr (certpin_request_get_method (next), ==, cases[i].next);
      g_assert_cmpuint (g_bytes_get_size (certpin_request_get_body (next)), ==,
                        cases[i].keeps_body ? 4 : 0);
    }
}

static void
assert_headers (CertpinRequest *request, const char *expected)
{
  g_autoptr (GVariant) headers = g_variant_ref_sink (g_variant_new_parsed (expected));
  g_autofree char *text = g_variant_print (certpin_request_get_headers (request), FALSE);

  g_test_message ("%s", text);
  g_assert_true (g_variant_equal (certpin_request_get_headers (request), headers));
}

#define MANY_HEADERS                                                                               \
  "[('Authorization', 'a'), ('accept', 'b'), ('Cookie', 'c'), ('Content-Type', 'd'),"              \
  " ('Accept-Language', 'e'), ('range', 'f'), ('If-None-Match', 'g'), ('User-Agent', 'h'),"        \
  " ('Referer', 'i'), ('X-Own', 'j'), ('Accept-Encoding', 'k'), ('IF-Range', 'l'),"                \
  " ('Origin', 'm'), ('If-', 'n'), ('Accept', 'o')]"

#define CROSSING_HEADERS                                                                           \
  "[('accept', 'b'), ('Accept-Language', 'e'), ('range', 'f'), ('If-None-Match', 'g'),"            \
  " ('User-Agent', 'h'), ('IF-Range', 'l'), ('If-', 'n'), ('Accept', 'o')]"

static void
test_same_origin_headers (void)
{
  g_autoptr (CertpinRequest) request = new_request ("POST", MANY_HEADERS, "body");
  g_autoptr (CertpinRequest) next = follow (request, 307, "/c", NULL);

  assert_headers (next, MANY_HEADERS);
}

static void
test_cross_origin_headers (void)
{
  static const char *const targets[] = { "https://other.example/", "https://h.example:8443/",
                                         "https://a.h.example/", "//other.example/" };

  for (size_t i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      g_autoptr (CertpinRequest) request = new_request ("GET", MANY_HEADERS, NULL);
      g_autoptr (CertpinRequest) next = follow (request, 302, targets[i], NULL);

      assert_headers (next, CROSSING_HEADERS);
    }
}

/* What describes a body goes with it. */
static void
test_no_body_no_content_headers (void)
{
  g_autoptr (CertpinRequest) request = new_request (
      "POST", "[('Content-Type', 'a'), ('content-language', 'b'), ('Cookie', 'c')]", "body");
  g_autoptr (CertpinRequest) next = follow (request, 303, "/c", NULL);

  assert_headers (next, "[('Cookie', 'c')]");
}

static void
test_locations (void)
{
  static const struct
  {
    const char *location, *url;
  } cases[] = {
    { "c", "https://h.example/a/c" },
    { "/c", "https://h.example/c" },
    { "../c", "https://h.example/c" },
    { "../../../c", "https://h.example/c" },
    { "?q=2", "https://h.example/a/b?q=2" },
    { "", "https://h.example/a/b?q=1" },
    { "#part", "https://h.example/a/b?q=1" },
    { "c#part", "https://h.example/a/c" },
    { "//other.example/c", "https://other.example/c" },
    { "https://other.example", "https://other.example/" },
    { "HTTPS://other.example/%2F?%20", "https://other.example/%2F?%20" },
    { "https://h.example:8443/c", "https://h.example:8443/c" },
    { "/a b", "https://h.example/a%20b" },
    { "/\xc3\xbc", "https://h.example/%C3%BC" },
    { "/\xe9", "https://h.example/%E9" }, /* as it was sent, whatever that means to the server */
    { "/\xe9\xc3\xbc?\xe9#\xe9", "https://h.example/%E9%C3%BC?%E9" },
    { "/100%", "https://h.example/100%25" },
    { "/%zz%4", "https://h.example/%25zz%254" },
    { "/|{}\"<>^`\\", "https://h.example/%7C%7B%7D%22%3C%3E%5E%60%5C" },
    { "c\xe9//d", "https://h.example/a/c%E9//d" },
    { "https://b\xc3\xbc.example/\xc3\xbc", "https://xn--b-eha.example/%C3%BC" },
    { "//b\xfc.example?\xfc", "https://xn--b-eha.example/?%FC" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CertpinRequest) request = new_request ("GET", NULL, NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinRequest) next = follow (request, 302, cases[i].location, &error);
      g_autofree char *url = NULL, *shown = g_strescape (cases[i].location, NULL);

      g_test_message ("‘%s’", shown);
      g_assert_no_error (error);
      url = g_uri_to_string (certpin_request_get_uri (next));
      g_assert_cmpstr (url, ==, cases[i].url);
    }
}

static void
assert_refused (const char *target, int code)
{
  g_autoptr (CertpinRequest) request = new_request ("GET", NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) next = follow (request, 302, target, &error);

  g_test_message ("‘%s’", target);
  g_assert_null (next);
  g_assert_error (error, CERTPIN_ERROR, code);
  g_assert_true (g_str_has_prefix (error->message, "cannot follow a redirect of host ‘h.example’: ")
                 || g_str_has_prefix (error->message, "host ‘h.example’ redirects to "));
}

static void
test_other_schemes (void)
{
  static const char *const targets[]
      = { "http://h.example/", "HTTP://h.example/", "ftp://h.example/", "file:///etc/passwd",
          "data:,a",           "javascript:a",      "ws://h.example/",  "ftp:/.//h.example/" };

  for (size_t i = 0; i < G_N_ELEMENTS (targets); i++)
    assert_refused (targets[i], CERTPIN_ERROR_NOT_SECURE);
}

static void
test_leads_nowhere (void)
{
  static const char *const targets[] = {
    "https://user@other.example/",
    "https://u:p@h.example/",
    "//u@other.example/",
    "https://",
    "https:///c",
    "https:/.//h.example/",
    "https:c",
    "//",
    "https://h.example:0/",
    "https://h.example:65536",
    "https://a..b/",
    "https://h.example:x/",
    "https://[::1/",
    "https://h.example\\@other.example/",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (targets); i++)
    assert_refused (targets[i], CERTPIN_ERROR_PROTOCOL_ERROR);
}

/* However the host is spelt: what is one host to the pins is one origin. */
static void
test_one_origin (void)
{
  static const char *const targets[] = {
    "https://h.example/",
    "https://H.Example/",
    "https://h.example./",
    "https://h.example:443/",
    "https://H.EXAMPLE.:443/",
    "//h.example",
    "/",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      g_autoptr (CertpinRequest) request = new_request ("PUT", "[('Cookie', 'c')]", "body");
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinRequest) next = follow (request, 307, targets[i], &error);

      g_test_message ("‘%s’", targets[i]);
      g_assert_no_error (error);
      g_assert_nonnull (next);
      assert_headers (next, "[('Cookie', 'c')]");
      g_assert_cmpuint (g_bytes_get_size (certpin_request_get_body (next)), ==, 4);
    }
}

static void
test_body_stays_in_its_origin (void)
{
  static const struct
  {
    unsigned int status;
    const char *method;
  } cases[]
      = { { 307, "POST" }, { 308, "POST" }, { 307, "PUT" }, { 302, "PUT" }, { 301, "PATCH" } };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CertpinRequest) request = new_request (cases[i].method, NULL, "body");
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinRequest) next
          = follow (request, cases[i].status, "https://other.example/", &error);

      g_assert_null (next);
      g_assert_no_error (error);
    }
}

static void
test_bodyless_post_crosses (void)
{
  g_autoptr (CertpinRequest) request = new_request ("POST", NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) next = follow (request, 307, "https://other.example/", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (certpin_request_get_method (next), ==, "POST");
}

/* A POST that turns into a GET has nothing left that could not cross. */
static void
test_post_that_becomes_get_crosses (void)
{
  g_autoptr (CertpinRequest) request = new_request ("POST", "[('Cookie', 'c')]", "body");
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) next = follow (request, 302, "https://other.example/", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (certpin_request_get_method (next), ==, "GET");
  assert_headers (next, "@a(ss) []");
}

static void
test_refusal_before_the_body_counts (void)
{
  g_autoptr (CertpinRequest) request = new_request ("POST", NULL, "body");
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) next = follow (request, 307, "http://other.example/", &error);

  g_assert_null (next);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_NOT_SECURE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/redirect/is-one-by-status-and-location", test_is_one);
  g_test_add_func ("/transport/redirect/method-and-body-by-status", test_methods);
  g_test_add_func ("/transport/redirect/same-origin-keeps-headers", test_same_origin_headers);
  g_test_add_func ("/transport/redirect/across-origins-few-headers", test_cross_origin_headers);
  g_test_add_func ("/transport/redirect/no-body-no-content-headers",
                   test_no_body_no_content_headers);
  g_test_add_func ("/transport/redirect/relative-and-absolute-locations", test_locations);
  g_test_add_func ("/transport/redirect/other-schemes-are-not-secure", test_other_schemes);
  g_test_add_func ("/transport/redirect/userinfo-and-garbage-lead-nowhere", test_leads_nowhere);
  g_test_add_func ("/transport/redirect/spellings-of-one-origin", test_one_origin);
  g_test_add_func ("/transport/redirect/body-stays-in-its-origin", test_body_stays_in_its_origin);
  g_test_add_func ("/transport/redirect/bodyless-post-crosses", test_bodyless_post_crosses);
  g_test_add_func ("/transport/redirect/post-that-becomes-get-crosses",
                   test_post_that_becomes_get_crosses);
  g_test_add_func ("/transport/redirect/not-secure-before-the-body-counts",
                   test_refusal_before_the_body_counts);
  return g_test_run ();
}
