/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves the values that both sides of the bus speak: the names of errors, the spellings of keys,
 * and the rules that a request meets before anybody looks at its host. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "client-lib/certpin-key.h"
#include "client-lib/certpin-request.h"

#include <string.h>

/* 00 01 … 1f */
#define HEX    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
/* fb ff repeated: its base64 uses both characters that differ in the URL-safe alphabet */
#define BASE64_STANDARD "+//7//v/+//7//v/+//7//v/+//7//v/+//7//v/+/8="
#define BASE64_URL_SAFE "-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_8="

static void
test_version (void)
{
  const int major = CERTPIN_MAJOR_VERSION, minor = CERTPIN_MINOR_VERSION,
            micro = CERTPIN_MICRO_VERSION;

  g_assert_true (CERTPIN_CHECK_VERSION (major, minor, micro));
  g_assert_true (CERTPIN_CHECK_VERSION (major - 1, minor + 1, micro + 1));
  g_assert_true (CERTPIN_CHECK_VERSION (major, minor - 1, micro + 1));
  g_assert_true (CERTPIN_CHECK_VERSION (major, minor, micro - 1));
  g_assert_false (CERTPIN_CHECK_VERSION (major + 1, minor - 1, micro - 1));
  g_assert_false (CERTPIN_CHECK_VERSION (major, minor + 1, micro - 1));
  g_assert_false (CERTPIN_CHECK_VERSION (major, minor, micro + 1));
}

static void
test_error_names (void)
{
  g_assert_cmpstr (certpin_error_get_name (CERTPIN_ERROR_FAILED), ==, "Failed");
  g_assert_cmpstr (certpin_error_get_name (CERTPIN_ERROR_PIN_MISMATCH), ==, "PinMismatch");
  g_assert_cmpstr (certpin_error_get_name (CERTPIN_ERROR_SERVICE_UNAVAILABLE), ==,
                   "ServiceUnavailable");
}

/* Other languages make their names from the nicks. */
static void
test_error_type (void)
{
  g_autoptr (GEnumClass) type = g_type_class_ref (CERTPIN_TYPE_ERROR);

  g_assert_cmpuint (type->n_values, ==, CERTPIN_ERROR_PROXY_AUTH_REQUIRED + 1);
  for (unsigned int code = 0; code < type->n_values; code++)
    {
      const GEnumValue *member = g_enum_get_value (type, (int)code);
      g_autofree char *upper = g_ascii_strup (member->value_nick, -1);
      g_autofree char *name = g_strconcat ("CERTPIN_ERROR_", g_strdelimit (upper, "-", '_'), NULL);
      g_auto (GStrv) words = g_strsplit (member->value_nick, "-", -1);
      g_autofree char *joined = g_strjoinv (NULL, words);

      g_assert_cmpstr (member->value_name, ==, name);
      g_assert_cmpint (g_ascii_strcasecmp (joined, certpin_error_get_name ((CertpinError)code)), ==,
                       0);
    }
  g_assert_cmpstr (g_enum_get_value (type, CERTPIN_ERROR_PIN_MISMATCH)->value_nick, ==,
                   "pin-mismatch");
}

static void
test_error_name_of_no_code (void)
{
  g_assert_cmpstr (certpin_error_get_name ((CertpinError)-1), ==, "Failed");
  g_assert_cmpstr (certpin_error_get_name ((CertpinError)1000), ==, "Failed");
}

static void
test_error_crosses_the_bus (void)
{
  for (int code = CERTPIN_ERROR_FAILED; code <= (int)CERTPIN_ERROR_PROXY_AUTH_REQUIRED; code++)
    {
      g_autofree char *name = g_strconcat ("org.certpin.Certpin1.Error.",
                                           certpin_error_get_name ((CertpinError)code), NULL);
      g_autoptr (GError) there = g_error_new (CERTPIN_ERROR, code, "text");
      g_autofree char *encoded = g_dbus_error_encode_gerror (there);
      g_autoptr (GError) back = g_dbus_error_new_for_dbus_error (name, "text");

      g_assert_cmpstr (encoded, ==, name);
      g_assert_error (back, CERTPIN_ERROR, code);
    }
}

static void
assert_key (const char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinKey) key = certpin_key_new_from_text (text, &error);
  g_autofree char *again = NULL;

  g_assert_no_error (error);
  again = certpin_key_to_text (key);
  g_assert_cmpstr (again, ==, expected);
}

static void
assert_no_key (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinKey) key = certpin_key_new_from_text (text, &error);

  if (key != NULL)
    g_test_message ("‘%s’ was taken for a key", text);
  g_assert_null (key);
  g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY);
}

static void
test_key_own_spelling (void)
{
  assert_key ("sha256/" BASE64, "sha256/" BASE64);
}

static void
test_key_published_spellings (void)
{
  static const char *const texts[] = {
    "sha256//" BASE64,
    "pin-sha256=\"" BASE64 "\"",
    BASE64,
    HEX,
    "00010203"
    "0405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:"
    "1F",
    "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_key (texts[i], "sha256/" BASE64);
}

static void
test_key_url_safe (void)
{
  assert_key ("sha256/" BASE64_URL_SAFE, "sha256/" BASE64_STANDARD);
  assert_key (BASE64_URL_SAFE, "sha256/" BASE64_STANDARD);
}

static void
test_key_base64_may_begin_with_slash (void)
{
  const char *text = "sha256//wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

  assert_key (text, text);
}

static void
test_key_refuses_other_lengths (void)
{
  static const char *const texts[] = {
    "",
    "sha256/",
    "sha256//",
    "pin-sha256=\"\"",
    "00",
    HEX "00",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
    "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==",
    "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g",
    "sha256/" HEX,
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_no_key (texts[i]);
}

static void
test_key_refuses_untidy_text (void)
{
  static const char *const texts[] = {
    " sha256/" BASE64,
    "sha256/" BASE64 " ",
    "sha256/" BASE64 "\n",
    "SHA256:" BASE64,
    "sha256:" BASE64,
    "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh!=",
    "sha256/AAECAwQFBgcICQoLDA0O xAREhMUFRYXGBkaGxwdHh8=",
    "pin-sha256=\"" BASE64,
    "pin-sha256=" BASE64,
    "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", /* stray bits behind the last byte */
    "0001:02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "00-01-02-03-04-05-06-07-08-09-0A-0B-0C-0D-0E-0F-10-11-12-13-14-15-16-17-18-19-1A-1B-1C-1D-1E-"
    "1F",
    "key",
    "\xff\xfe",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_no_key (texts[i]);
}

static void
test_key_refusal_names_the_digest (void)
{
  static const struct
  {
    const char *text;
    const char *digest;
  } cases[] = {
    { "sha1/2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "sha1" },
    { "sha512/" BASE64, "sha512" },
    { "pin-sha1=\"2jmj7l5rSw0yVb/vlWAYkK/YBwk=\"", "sha1" },
    { "md5:d41d8cd98f00b204e9800998ecf8427e", "md5" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (certpin_key_new_from_text (cases[i].text, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY);
      g_assert_nonnull (strstr (error->message, cases[i].digest));
    }
}

/* What a failed pipeline prints and what examples hold, in all spellings. */
static void
test_key_refuses_what_no_key_has (void)
{
  static const struct
  {
    const char *text;
    const char *word;
  } cases[] = {
    { "sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "empty input" },
    { "pin-sha256=\"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"", "empty input" },
    { "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "empty input" },
    { "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "zeros" },
    { "sha256///////////////////////////////////////////8=", "ones" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (certpin_key_new_from_text (cases[i].text, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_KEY);
      g_assert_nonnull (strstr (error->message, cases[i].word));
    }
  assert_key ("sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
              "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=");
}

static void
test_key_equal (void)
{
  g_autoptr (CertpinKey) a = certpin_key_new_from_text (HEX, NULL);
  g_autoptr (CertpinKey) b = certpin_key_new_from_text (BASE64, NULL);
  g_autoptr (CertpinKey) c = certpin_key_new_from_text (BASE64_URL_SAFE, NULL);

  g_assert_true (certpin_key_equal (a, b));
  g_assert_false (certpin_key_equal (a, c));
  g_assert_cmpuint (certpin_key_get_digest (a)[31], ==, 0x1f);
}

static GVariant *
one_header (const char *name, const char *value)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ss)"));
  g_variant_builder_add (&builder, "(ss)", name, value);
  return g_variant_builder_end (&builder);
}

static void
assert_request_refused (const char *method, const char *url, GVariant *headers, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinRequest) request = certpin_request_new (method, url, headers, NULL, &error);

  if (request != NULL)
    g_test_message ("‘%s’ of ‘%s’ was accepted", method, url);
  g_assert_null (request);
  g_assert_error (error, CERTPIN_ERROR, code);
}

static void
test_request_keeps_what_it_is_given (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) body = g_bytes_new_static ("body", 4);
  g_autoptr (CertpinRequest) request = certpin_request_new (
      "PATCH", "https://h.example:8443/a%2Fb?q=%20", one_header ("X-A", "b\tc"), body, &error);
  g_autofree char *url = NULL;
  const char *name, *value;

  g_assert_no_error (error);
  url = g_uri_to_string (certpin_request_get_uri (request));
  g_assert_cmpstr (certpin_request_get_method (request), ==, "PATCH");
  g_assert_cmpstr (url, ==, "https://h.example:8443/a%2Fb?q=%20");
  g_variant_get_child (certpin_request_get_headers (request), 0, "(&s&s)", &name, &value);
  g_assert_cmpstr (name, ==, "X-A");
  g_assert_cmpstr (value, ==, "b\tc");
  g_assert_true (g_bytes_equal (certpin_request_get_body (request), body));
}

static void
test_request_without_headers_and_body (void)
{
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://h.example", NULL, NULL, NULL);

  g_assert_cmpuint (g_variant_n_children (certpin_request_get_headers (request)), ==, 0);
  g_assert_cmpuint (g_bytes_get_size (certpin_request_get_body (request)), ==, 0);
  g_assert_cmpstr (g_uri_get_path (certpin_request_get_uri (request)), ==, "/");
}

static void
test_request_drops_the_fragment (void)
{
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://h.example/a#secret", NULL, NULL, NULL);

  g_assert_nonnull (request);
  g_assert_null (g_uri_get_fragment (certpin_request_get_uri (request)));
}

static void
test_request_scheme_in_any_case (void)
{
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "HTTPS://h.example/", NULL, NULL, NULL);

  g_assert_nonnull (request);
  g_assert_cmpstr (g_uri_get_scheme (certpin_request_get_uri (request)), ==, "https");
}

static void
test_request_refuses_other_schemes (void)
{
  static const char *const urls[]
      = { "http://h.example/",  "ftp://h.example/",  "ws://h.example/",
          "file:///etc/passwd", "data:text/plain,a", "httpsx://h.example/" };

  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    assert_request_refused ("GET", urls[i], NULL, CERTPIN_ERROR_NOT_SECURE);
}

/* A host is not taken for a scheme, and GLib's words for what is missing are not passed on. */
static void
test_request_explains_urls_without_scheme (void)
{
  static const char *const urls[]
      = { "shop.localhost:8443/", "h.localhost", "localhost:1", "//h.localhost/", "/path", "" };

  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *expected
          = g_strdup_printf ("‘%s’ is not a URL; give one such as https://h.example/path", urls[i]);

      g_assert_null (certpin_request_new ("GET", urls[i], NULL, NULL, &error));
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_INVALID_ARGUMENT);
      g_assert_cmpstr (error->message, ==, expected);
    }
}

static void
test_request_refuses_userinfo (void)
{
  static const char *const urls[]
      = { "https://user@h.example/", "https://user:secret@h.example/", "https://@h.example/" };

  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    assert_request_refused ("GET", urls[i], NULL, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_request_refusal_shows_no_password (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (certpin_request_new ("GET", "https://u:hunter2@h.example/", NULL, NULL, &error));
  g_assert_null (strstr (error->message, "hunter2"));
  g_clear_error (&error);
  g_assert_null (certpin_request_new ("GET", "http://u:hunter2@h.example/", NULL, NULL, &error));
  g_assert_null (strstr (error->message, "hunter2"));
  g_clear_error (&error);
  g_assert_null (
      certpin_request_new ("GET", "https://u:hunter2@h.example/a b", NULL, NULL, &error));
  g_assert_null (strstr (error->message, "hunter2"));
}

static void
test_request_refuses_bad_urls (void)
{
  static const char *const urls[] = {
    "",
    "h.example",
    "/path",
    "https:",
    "https://",
    "https:///path",
    "https:h.example",
    "https://h.example:0/",
    "https://h.example:65536/",
    "https://h.example:x/",
    "https://h.example/a b",
    "https://h.example/\r\nX: y",
    "https://h.example\\@other.example/",
    "https://h.example/\xc3\xbc",
    "https://h.example/?q=\x7f",
    " https://h.example/",
    "https://[::1/",
    "https://h.example/%zz",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (urls); i++)
    assert_request_refused ("GET", urls[i], NULL, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_request_refuses_bad_methods (void)
{
  static const char *const methods[]
      = { "", "GE T", "GET\r\n", "GET/", "G\xc3\x89T", "CONNECT", "connect", "TRACE", "Trace" };

  for (size_t i = 0; i < G_N_ELEMENTS (methods); i++)
    assert_request_refused (methods[i], "https://h.example/", NULL, CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_request_refuses_bad_header_names (void)
{
  static const char *const names[] = { "", "X A", "X:A", "X\r\nA", "X\xc3\xbc", "(X)" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    assert_request_refused ("GET", "https://h.example/", one_header (names[i], "a"),
                            CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_request_refuses_bad_header_values (void)
{
  static const char *const values[] = { "a\r\nX: y", "a\n", "\x01", "a\x7f", "\xc3\xbc" };

  for (size_t i = 0; i < G_N_ELEMENTS (values); i++)
    assert_request_refused ("GET", "https://h.example/", one_header ("X-A", values[i]),
                            CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_request_refuses_reserved_headers (void)
{
  static const char *const names[] = {
    "Host",
    "host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Keep-Alive",
    "Upgrade",
    "Expect",
    "TE",
    "Trailer",
    "Proxy-Authorization",
    "Proxy-Connection",
    "PROXY-AUTHENTICATE",
  };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    assert_request_refused ("GET", "https://h.example/", one_header (names[i], "a"),
                            CERTPIN_ERROR_INVALID_ARGUMENT);
}

static void
test_request_allows_ordinary_headers (void)
{
  static const char *const names[]
      = { "Authorization", "Cookie", "Accept-Encoding", "Content-Type", "If-None-Match",
          "X-Proxy-A",     "TEA" };

  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (CertpinRequest) request = certpin_request_new (
          "GET", "https://h.example/", one_header (names[i], "a b~!"), NULL, &error);

      g_assert_no_error (error);
    }
}

static void
add_keys (void)
{
  g_test_add_func ("/client/values/key/own-spelling", test_key_own_spelling);
  g_test_add_func ("/client/values/key/published-spellings", test_key_published_spellings);
  g_test_add_func ("/client/values/key/url-safe", test_key_url_safe);
  g_test_add_func ("/client/values/key/base64-may-begin-with-slash",
                   test_key_base64_may_begin_with_slash);
  g_test_add_func ("/client/values/key/refuses-other-lengths", test_key_refuses_other_lengths);
  g_test_add_func ("/client/values/key/refuses-untidy-text", test_key_refuses_untidy_text);
  g_test_add_func ("/client/values/key/refusal-names-the-digest",
                   test_key_refusal_names_the_digest);
  g_test_add_func ("/client/values/key/refuses-what-no-key-has", test_key_refuses_what_no_key_has);
  g_test_add_func ("/client/values/key/equal", test_key_equal);
}

static void
add_requests (void)
{
  g_test_add_func ("/client/values/request/keeps-what-it-is-given",
                   test_request_keeps_what_it_is_given);
  g_test_add_func ("/client/values/request/without-headers-and-body",
                   test_request_without_headers_and_body);
  g_test_add_func ("/client/values/request/drops-the-fragment", test_request_drops_the_fragment);
  g_test_add_func ("/client/values/request/scheme-in-any-case", test_request_scheme_in_any_case);
  g_test_add_func ("/client/values/request/refuses-other-schemes",
                   test_request_refuses_other_schemes);
  g_test_add_func ("/client/values/request/explains-urls-without-scheme",
                   test_request_explains_urls_without_scheme);
  g_test_add_func ("/client/values/request/refuses-userinfo", test_request_refuses_userinfo);
  g_test_add_func ("/client/values/request/refusal-shows-no-password",
                   test_request_refusal_shows_no_password);
  g_test_add_func ("/client/values/request/refuses-bad-urls", test_request_refuses_bad_urls);
  g_test_add_func ("/client/values/request/refuses-bad-methods", test_request_refuses_bad_methods);
  g_test_add_func ("/client/values/request/refuses-bad-header-names",
                   test_request_refuses_bad_header_names);
  g_test_add_func ("/client/values/request/refuses-bad-header-values",
                   test_request_refuses_bad_header_values);
  g_test_add_func ("/client/values/request/refuses-reserved-headers",
                   test_request_refuses_reserved_headers);
  g_test_add_func ("/client/values/request/allows-ordinary-headers",
                   test_request_allows_ordinary_headers);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/values/version", test_version);
  g_test_add_func ("/client/values/error/names", test_error_names);
  g_test_add_func ("/client/values/error/type", test_error_type);
  g_test_add_func ("/client/values/error/name-of-no-code", test_error_name_of_no_code);
  g_test_add_func ("/client/values/error/crosses-the-bus", test_error_crosses_the_bus);
  add_keys ();
  add_requests ();
  return g_test_run ();
}
