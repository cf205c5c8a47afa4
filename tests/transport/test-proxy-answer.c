/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves what is taken from a proxy's answer, however it arrives, and that none of its text is. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-http-reader.h"
#include "daemon/transport/cpd-proxy-answer.h"

#include <string.h>

#define REFUSED    1
#define INCOMPLETE 0
#define OK         "HTTP/1.1 200 Connection established\r\n"

static const struct
{
  const char *text;
  unsigned int status; /* or one of these words */
} cases[] = {
  { OK "\r\n", 200 },
  { "HTTP/1.0 200 OK\r\n\r\n", 200 },
  { "HTTP/1.1 204\r\n\r\n", 204 },
  { "HTTP/1.1 299 \r\nVia: hush\r\n\r\n", 299 },
  /* RFC 9110, section 9.3.6: these mean nothing. */
  { OK "Content-Length: 5\r\n\r\n", 200 },
  { OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 200 },
  { OK "Transfer-Encoding: chunked\r\n\r\n", 200 },
  { "HTTP/1.1 103 Early Hints\r\nLink: hush\r\n\r\n" OK "\r\n", 200 },
  { "HTTP/1.1 100 Continue\r\n\r\n", INCOMPLETE },
  { "", INCOMPLETE },
  { "HTTP/1.1 2", INCOMPLETE },
  { OK, INCOMPLETE },
  { OK "\r", INCOMPLETE },
  { OK "X: hush\r\n", INCOMPLETE },
  { "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 4\r\n\r\nhush", 407 },
  { "HTTP/1.1 502 hush\r\n\r\n", 502 },
  { "HTTP/1.1 302 Found\r\nLocation: https://h.example/\r\n\r\n", 302 },
  { "HTTP/1.1 999 hush\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 999 },
  /* The host does not speak first. */
  { OK "\r\nh", REFUSED },
  { OK "\r\n\x16\x03\x03", REFUSED },
  { OK "\r\n" OK "\r\n", REFUSED },
  { "HTTP/1.1 101 Switching Protocols\r\n\r\n", REFUSED },
  { "HTTP/2 200 hush\r\n\r\n", REFUSED },
  { "HTTP/1.1 099 hush\r\n\r\n", REFUSED },
  { "HTTP/1.1 200 OK\n\n", REFUSED },
  { "hush\r\n", REFUSED },
  { " HTTP/1.1 200 OK\r\n\r\n", REFUSED },
  { OK " hush: x\r\n\r\n", REFUSED },
  { OK "hush : x\r\n\r\n", REFUSED },
  { OK "hush\r\n\r\n", REFUSED },
  { OK "X: hush\x01\r\n\r\n", REFUSED },
  { "HTTP/1.1 500 hush\r\nContent-Length: 5, 6\r\n\r\n", REFUSED },
};

/* In parts of that many bytes. Returns: the status, or one of the words */
static unsigned int
read_answer (const char *text, gsize length, gsize part)
{
  g_auto (CpdProxyAnswer) answer = { .text = NULL };
  unsigned int status = INCOMPLETE;

  for (gsize at = 0; at < length && status == INCOMPLETE; at += part)
    {
      g_autoptr (GError) error = NULL;

      if (cpd_proxy_answer_read (&answer, text + at, MIN (part, length - at), &status, &error))
        continue;
      g_assert_error (error, CERTPIN_ERROR, CERTPIN_ERROR_PROXY_FAILED);
      g_assert_null (strstr (error->message, "hush"));
      return REFUSED;
    }
  return status;
}

static void
test_answers (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *text = cases[i].text;

      g_test_message ("%s", text);
      g_assert_cmpuint (read_answer (text, strlen (text), 4096), ==, cases[i].status);
    }
}

/* What is behind a head that came alone is not seen here: the caller looks. */
static void
test_byte_by_byte (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *text = cases[i].text;
      unsigned int due = g_str_has_prefix (text, OK "\r\n") ? 200 : cases[i].status;

      g_test_message ("%s", text);
      g_assert_cmpuint (read_answer (text, strlen (text), 1), ==, due);
    }
}

static void
test_limits (void)
{
  g_autoptr (GString) interim = g_string_new (NULL);
  g_autoptr (GString) large = g_string_new (OK "X: ");
  g_autoptr (GString) many = g_string_new (OK);

  for (int i = 0; i < CPD_HTTP_INTERIM_MAX; i++)
    g_string_append (interim, "HTTP/1.1 100 Continue\r\n\r\n");
  g_assert_cmpuint (read_answer (interim->str, interim->len, 7), ==, INCOMPLETE);
  g_string_append (interim, "HTTP/1.1 100 Continue\r\n\r\n");
  g_assert_cmpuint (read_answer (interim->str, interim->len, 7), ==, REFUSED);
  while (large->len <= CPD_HTTP_SECTION_MAX_BYTES)
    g_string_append_c (large, 'x');
  g_assert_cmpuint (read_answer (large->str, large->len, 4096), ==, REFUSED);
  for (int i = 0; i <= CPD_HTTP_FIELDS_MAX; i++)
    g_string_append (many, "X: y\r\n");
  g_assert_cmpuint (read_answer (many->str, many->len, 4096), ==, REFUSED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/proxy-answer/answers", test_answers);
  g_test_add_func ("/transport/proxy-answer/byte-by-byte", test_byte_by_byte);
  g_test_add_func ("/transport/proxy-answer/limits", test_limits);
  return g_test_run ();
}
