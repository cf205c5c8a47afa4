/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which answers are refused for how they are framed, and that what crosses the bus is
 * UTF-8. */

#include "config.h"

#include "daemon/transport/cpd-response-headers.h"

/* `fields`: "Name: value" lines */
static GVariant *
read_fields (const char *const *fields, unsigned int status, GError **error)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  GVariant *result;

  for (size_t i = 0; fields[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (fields[i], ": ", 2);
      soup_message_headers_append (headers, parts[0], parts[1]);
    }
  result = cpd_response_headers_read (headers, status, error);
  soup_message_headers_unref (headers);
  return result;
}

static void
assert_refused (const char *const *fields, unsigned int status)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) headers = read_fields (fields, status, &error);

  g_test_message ("%u, %s", status, fields[0] != NULL ? fields[0] : "(no headers)");
  g_assert_null (headers);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void
assert_read (const char *const *fields, unsigned int status, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) headers = read_fields (fields, status, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = g_variant_print (headers, TRUE);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_repeats (void)
{
  static const char *const fields[] = { "B: 1", "A: 2", "B: 3", NULL };

  assert_read (fields, 200, "[('B', '1'), ('A', '2'), ('B', '3')]");
}

static void
test_no_headers (void)
{
  static const char *const fields[] = { NULL };

  assert_read (fields, 200, "@a(ss) []");
}

static void
test_status_range (void)
{
  static const char *const fields[] = { NULL };
  static const unsigned int good[] = { 200, 204, 304, 404, 599 };
  static const unsigned int bad[] = { 0, 99, 100, 101, 103, 199, 600, 999 };

  for (size_t i = 0; i < G_N_ELEMENTS (good); i++)
    assert_read (fields, good[i], "@a(ss) []");
  for (size_t i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (fields, bad[i]);
}

/* RFC 9112, section 6.3 */
static void
test_ambiguous_length (void)
{
  static const char *const cases[][4] = {
    { "Content-Length: 3", "Content-Length: 4" },
    { "Content-Length: 3", "content-length: 03" },
    { "Content-Length: 3", "A: b", "Content-Length: 4" },
    { "Content-Length: 3, 3" },
    { "Content-Length: +3" },
    { "Content-Length: -3" },
    { "Content-Length: 0x3" },
    { "Content-Length: 3 3" },
    { "Content-Length: three" },
    { "Content-Length: " },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i], 200);
}

static void
test_same_length_twice (void)
{
  static const char *const fields[] = { "Content-Length: 3", "Content-Length: 3", NULL };

  assert_read (fields, 200, "[('Content-Length', '3'), ('Content-Length', '3')]");
}

/* RFC 9112, section 6.1 */
static void
test_length_and_coding (void)
{
  static const char *const cases[][3] = {
    { "Content-Length: 3", "Transfer-Encoding: chunked" },
    { "transfer-encoding: chunked", "content-length: 3" },
    { "Content-Length: 3", "Transfer-Encoding: identity" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i], 200);
}

static void
test_coding_alone (void)
{
  static const char *const fields[] = { "Transfer-Encoding: chunked", NULL };

  assert_read (fields, 200, "[('Transfer-Encoding', 'chunked')]");
}

static void
test_not_utf8 (void)
{
  static const char *const latin[] = { "A: caf\xe9", NULL };
  static const char *const utf8[] = { "A: caf\xc3\xa9", NULL };
  static const char *const c1[] = { "A: \x80\xff", NULL };

  assert_read (latin, 200, "[('A', 'caf\xef\xbf\xbd')]");
  assert_read (utf8, 200, "[('A', 'caf\xc3\xa9')]");
  assert_read (c1, 200, "[('A', '\xef\xbf\xbd\xef\xbf\xbd')]");
}

static void
test_too_many (void)
{
  g_autoptr (GPtrArray) fields = g_ptr_array_new_with_free_func (g_free);

  for (unsigned int i = 0; i < 100; i++)
    g_ptr_array_add (fields, g_strdup_printf ("A%u: b", i));
  g_ptr_array_add (fields, NULL);
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) headers = read_fields ((const char *const *)fields->pdata, 200, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (g_variant_n_children (headers), ==, 100);
  }
  g_ptr_array_insert (fields, 0, g_strdup ("One: more"));
  assert_refused ((const char *const *)fields->pdata, 200);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/response-headers/repeats-kept", test_repeats);
  g_test_add_func ("/transport/response-headers/none-at-all", test_no_headers);
  g_test_add_func ("/transport/response-headers/status-200-to-599", test_status_range);
  g_test_add_func ("/transport/response-headers/refuses-ambiguous-length", test_ambiguous_length);
  g_test_add_func ("/transport/response-headers/same-length-twice-is-one", test_same_length_twice);
  g_test_add_func ("/transport/response-headers/refuses-length-with-coding",
                   test_length_and_coding);
  g_test_add_func ("/transport/response-headers/coding-alone", test_coding_alone);
  g_test_add_func ("/transport/response-headers/not-utf8-is-replaced", test_not_utf8);
  g_test_add_func ("/transport/response-headers/refuses-too-many", test_too_many);
  return g_test_run ();
}
