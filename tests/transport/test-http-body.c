/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves that a body is whole only where its framing says so, and where a response ends. */

#include "config.h"

#include "http-feed.h"

#include "client-lib/certpin-error.h"

#include <string.h>

#define OK      "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define LENGTH5 OK "Content-Length: 5\r\n\r\n"
#define UNTIL   OK "\r\n"

/* `rule`: the section of RFC 9112 */
typedef struct
{
  const char *rule;
  const char *response;
  gsize length;
} Refusal;

/* Text with NUL bytes in it. */
#define TEXT(text) (text), sizeof (text) - 1

static const Refusal refusals[] = {
  { "7.1: no chunk size", TEXT (CHUNKED "\r\n") },
  { "7.1: not hexadecimal", TEXT (CHUNKED "g\r\n") },
  { "7.1: a sign", TEXT (CHUNKED "-1\r\n") },
  { "7.1: a plus", TEXT (CHUNKED "+1\r\n") },
  { "7.1: 0x", TEXT (CHUNKED "0x1\r\n") },
  { "7.1: white space before the size", TEXT (CHUNKED " 1\r\n") },
  { "7.1: white space in the size", TEXT (CHUNKED "1 1\r\n") },
  { "7.1: NUL behind the size", TEXT (CHUNKED "1\0\r\n") },
  { "7.1: LF alone behind the size", TEXT (CHUNKED "1\nx") },
  { "7.1: LF alone behind white space", TEXT (CHUNKED "1 \nx") },
  { "7.1: CR alone behind the size", TEXT (CHUNKED "1\rx") },
  { "7.1: CR twice behind the size", TEXT (CHUNKED "1\r\r\n") },
  { "7.1: too large for 63 bits", TEXT (CHUNKED "8000000000000000\r\n") },
  { "7.1: too large for 64 bits", TEXT (CHUNKED "10000000000000001\r\n") },
  { "7.1: more data than the size", TEXT (CHUNKED "1\r\nab\r\n") },
  { "7.1: no CR behind the data", TEXT (CHUNKED "1\r\na\n") },
  { "7.1: no LF behind the data", TEXT (CHUNKED "1\r\na\r1") },
  { "7.1: the next size at once", TEXT (CHUNKED "1\r\na0\r\n\r\n") },
  { "7.1.1: LF in an extension", TEXT (CHUNKED "1;a\nb\r\n") },
  { "7.1.1: CR in an extension", TEXT (CHUNKED "1;a\rb\r\n") },
  { "7.1.1: NUL in an extension", TEXT (CHUNKED "1;a\0b\r\n") },
  { "7.1.1: LF in a quoted string", TEXT (CHUNKED "1;a=\"\n\"\r\n") },
  { "7.1.2: no colon in a trailer", TEXT (CHUNKED "0\r\nA\r\n\r\n") },
  { "7.1.2: white space before the colon", TEXT (CHUNKED "0\r\nA : b\r\n\r\n") },
  { "7.1.2: white space before the first trailer", TEXT (CHUNKED "0\r\n A: b\r\n\r\n") },
  { "7.1.2: NUL in a trailer", TEXT (CHUNKED "0\r\nA: \0\r\n\r\n") },
  { "7.1.2: LF alone behind a trailer", TEXT (CHUNKED "0\r\nA: b\n\r\n") },
  { "7.1.2: LF alone as the last line", TEXT (CHUNKED "0\r\n\n") },
  { "7.1.2: CR alone in the last line", TEXT (CHUNKED "0\r\n\rx") },
  { "4: no head behind an interim one", TEXT ("HTTP/1.1 100 Continue\r\n\r\nbody") },
};

static void
test_refusals (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (refusals); i++)
    for (HttpFeed feed = 0; feed < HTTP_FEEDS; feed++)
      {
        g_autoptr (GBytes) bytes = g_bytes_new_static (refusals[i].response, refusals[i].length);
        g_autoptr (HttpOutcome) outcome = http_feed ("GET", bytes, feed, HTTP_THEN_CLOSE);

        g_test_message ("RFC 9112, %s", refusals[i].rule);
        g_assert_error (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
        g_assert_false (outcome->complete);
        g_assert_false (outcome->reusable);
      }
}

typedef struct
{
  const char *method, *response;
  const char *body;
  gsize surplus;
  gboolean reusable;
} Whole;

static const Whole wholes[] = {
  { "GET", LENGTH5 "hello", "hello", 0, TRUE },
  { "GET", OK "Content-Length: 0\r\n\r\n", "", 0, TRUE },
  { "HEAD", LENGTH5, "", 0, TRUE },
  { "GET", "HTTP/1.1 204 No Content\r\n\r\n", "", 0, TRUE },
  { "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", 0, TRUE },
  { "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 0, FALSE },
  { "GET", OK "Content-Length: 5\r\nConnection: close\r\n\r\nhello", "hello", 0, FALSE },
  { "GET", CHUNKED "5\r\nhello\r\n0\r\n\r\n", "hello", 0, TRUE },
  { "GET", CHUNKED "0\r\n\r\n", "", 0, TRUE },
  { "GET", CHUNKED "000\r\n\r\n", "", 0, TRUE },
  { "GET", CHUNKED "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello", 0, TRUE },
  { "GET", CHUNKED "0A\r\n0123456789\r\n000a\r\nabcdefghij\r\n0\r\n\r\n", "0123456789abcdefghij", 0,
    TRUE },
  { "GET", CHUNKED "5;a=b;c=\"d;e\"\r\nhello\r\n0 ; f\r\n\r\n", "hello", 0, TRUE },
  { "GET", CHUNKED "5 \t\r\nhello\r\n0 \r\n\r\n", "hello", 0, TRUE },
  { "GET", CHUNKED "5\r\nhello\r\n0\r\nA: b\r\n  c\r\nD:\r\n\r\n", "hello", 0, TRUE },
  { "GET", CHUNKED "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n", 0, TRUE },
  /* Bytes behind the end belong to nobody: never to the next request's response. */
  { "GET", LENGTH5 "hello!", "hello", 1, FALSE },
  { "HEAD", LENGTH5 "hello", "", 5, FALSE },
  { "GET", "HTTP/1.1 204 No Content\r\n\r\n\r\n", "", 2, FALSE },
  { "GET", CHUNKED "0\r\n\r\n\r\n", "", 2, FALSE },
  { "GET", LENGTH5 "hello" LENGTH5 "HELLO", "hello", sizeof (LENGTH5 "HELLO") - 1, FALSE },
  { "CONNECT", OK "\r\n\x16\x03\x01", "", 3, FALSE },
};

static void
test_whole (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (wholes); i++)
    for (HttpFeed feed = 0; feed < HTTP_FEEDS; feed++)
      {
        const Whole *whole = &wholes[i];
        g_autoptr (GBytes) bytes = g_bytes_new_static (whole->response, strlen (whole->response));
        g_autoptr (HttpOutcome) outcome = http_feed (whole->method, bytes, feed, HTTP_THEN_KEEP);
        g_autofree char *shown = g_strescape (whole->response, NULL);

        g_test_message ("%s: %s", whole->method, shown);
        g_assert_no_error (outcome->error);
        g_assert_true (outcome->complete);
        g_assert_cmpmem (outcome->body->data, outcome->body->len, whole->body,
                         strlen (whole->body));
        g_assert_cmpuint (outcome->surplus, ==, whole->surplus);
        g_assert_cmpuint (outcome->reusable, ==, whole->reusable);
      }
}

/* RFC 9112, section 8: cut anywhere, none of them is whole. However the connection ends. */
static void
test_cuts (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (wholes); i++)
    {
      gsize length = strlen (wholes[i].response) - wholes[i].surplus;

      for (gsize cut = 0; cut < length; cut++)
        for (HttpThen then = HTTP_THEN_KEEP; then <= HTTP_THEN_CUT; then++)
          {
            g_autoptr (GBytes) bytes = g_bytes_new_static (wholes[i].response, cut);
            g_autoptr (HttpOutcome) outcome
                = http_feed (wholes[i].method, bytes, HTTP_FEED_AT_ONCE, then);

            g_assert_false (outcome->complete);
            g_assert_false (outcome->reusable);
            if (then == HTTP_THEN_KEEP)
              g_assert_no_error (outcome->error);
            else
              g_assert_error (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED);
          }
    }
}

/* RFC 9112, section 9.8: without a length, only TLS's own end tells a whole body from a cut one. */
static void
test_until_end (void)
{
  for (HttpFeed feed = 0; feed < HTTP_FEEDS; feed++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (UNTIL "hello", strlen (UNTIL "hello"));
      g_autoptr (HttpOutcome) open = http_feed ("GET", bytes, feed, HTTP_THEN_KEEP);
      g_autoptr (HttpOutcome) closed = http_feed ("GET", bytes, feed, HTTP_THEN_CLOSE);
      g_autoptr (HttpOutcome) cut = http_feed ("GET", bytes, feed, HTTP_THEN_CUT);

      g_assert_false (open->complete);
      g_assert_no_error (open->error);
      g_assert_true (closed->complete);
      g_assert_no_error (closed->error);
      g_assert_false (closed->reusable);
      g_assert_cmpmem (closed->body->data, closed->body->len, "hello", 5);
      g_assert_false (cut->complete);
      g_assert_error (cut->error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED);
    }
}

/* What is complete stays so, however the connection ends. */
static void
test_end_after_completion (void)
{
  g_autoptr (HttpOutcome) cut = http_feed_text ("GET", LENGTH5 "hello", HTTP_THEN_CUT);

  g_assert_no_error (cut->error);
  g_assert_true (cut->complete);
}

static char *
make_response (const char *start, char repeated, gsize times, const char *end)
{
  g_autofree char *middle = g_strnfill (times, repeated);

  return g_strconcat (start, middle, end, NULL);
}

static void
assert_size (const char *response, gboolean fits)
{
  for (HttpFeed feed = 0; feed < HTTP_FEEDS; feed++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (response, strlen (response));
      g_autoptr (HttpOutcome) outcome = http_feed ("GET", bytes, feed, HTTP_THEN_KEEP);

      if (fits)
        g_assert_no_error (outcome->error);
      else
        g_assert_error (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
      g_assert_true (outcome->complete == fits);
    }
}

static void
test_limits (void)
{
  const gsize most = CPD_HTTP_SECTION_MAX_BYTES;
  g_autofree char *trailers
      = make_response (CHUNKED "0\r\nA:", 'x', most - strlen ("A:\r\n\r\n"), "\r\n\r\n");
  g_autofree char *long_trailers
      = make_response (CHUNKED "0\r\nA:", 'x', most - strlen ("A:\r\n\r\n") + 1, "\r\n\r\n");
  g_autofree char *extension
      = make_response (CHUNKED "0;", 'x', most - strlen ("0;\r\n"), "\r\n\r\n");
  g_autofree char *long_extension
      = make_response (CHUNKED "0;", 'x', most - strlen ("0;\r\n") + 1, "\r\n\r\n");
  g_autofree char *second
      = make_response (CHUNKED "1;x\r\nx\r\n0;", 'x', most - strlen ("0;\r\n"), "\r\n\r\n");

  assert_size (trailers, TRUE);
  assert_size (long_trailers, FALSE);
  assert_size (extension, TRUE);
  assert_size (long_extension, FALSE);
  assert_size (second, TRUE);
}

static char *
make_interim (unsigned int times)
{
  GString *text = g_string_new (NULL);

  for (unsigned int i = 0; i < times; i++)
    /* RFC 9112, section 6.3, item 1: it ends with its head, whatever that says. */
    g_string_append (text, "HTTP/1.1 103 Early Hints\r\nContent-Length: 9, 8\r\n\r\n");
  return g_string_free (g_string_append (text, LENGTH5 "hello"), FALSE);
}

/* RFC 9110, section 15.2 */
static void
test_interim (void)
{
  for (unsigned int times = 0; times <= CPD_HTTP_INTERIM_MAX + 1; times++)
    for (HttpFeed feed = 0; feed < HTTP_FEEDS; feed++)
      {
        g_autofree char *text = make_interim (times);
        g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
        g_autoptr (HttpOutcome) outcome = http_feed ("GET", bytes, feed, HTTP_THEN_KEEP);

        g_assert_cmpuint (outcome->interim, ==, MIN (times, CPD_HTTP_INTERIM_MAX));
        if (times > CPD_HTTP_INTERIM_MAX)
          g_assert_error (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
        g_assert_true (outcome->complete == (times <= CPD_HTTP_INTERIM_MAX));
        g_assert_true (outcome->reusable == outcome->complete);
      }
}

/* The content is not copied, and a call takes no more than its part. */
static void
test_spans (void)
{
  static const char text[] = CHUNKED "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nrest";
  static const struct
  {
    CpdHttpPart part;
    const char *content, *left;
  } steps[] = {
    { CPD_HTTP_PART_HEAD, "", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nrest" },
    { CPD_HTTP_PART_CONTENT, "he", "\r\n3\r\nllo\r\n0\r\n\r\nrest" },
    { CPD_HTTP_PART_CONTENT, "llo", "\r\n0\r\n\r\nrest" },
    { CPD_HTTP_PART_END, "", "rest" },
    { CPD_HTTP_PART_END, "", "rest" },
  };
  g_autoptr (CpdHttpReader) reader = cpd_http_reader_new ("GET");
  const char *input = text;
  gsize length = strlen (text);

  for (size_t i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autoptr (GError) error = NULL;
      CpdHttpPart part;
      CpdHttpSpan span;

      g_assert_true (cpd_http_reader_read (reader, &input, &length, &part, &span, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (part, ==, steps[i].part);
      g_assert_cmpmem (span.data, span.length, steps[i].content, strlen (steps[i].content));
      g_assert_cmpmem (input, length, steps[i].left, strlen (steps[i].left));
      if (span.length > 0)
        g_assert_true (span.data + span.length == input);
    }
}

/* Whoever has nothing to give may call all the same. */
static void
test_no_bytes (void)
{
  static const char *const pieces[]
      = { "", "HTTP/1.1 200", "", " OK\r\n", "", "Content-Length: 0", "", "\r\n\r" };
  g_autoptr (CpdHttpReader) reader = cpd_http_reader_new ("GET");

  for (size_t i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      const char *input = *pieces[i] != '\0' ? pieces[i] : NULL;
      gsize length = strlen (pieces[i]);
      g_autoptr (GError) error = NULL;
      CpdHttpPart part;
      CpdHttpSpan span;

      g_assert_true (cpd_http_reader_read (reader, &input, &length, &part, &span, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (part, ==, CPD_HTTP_PART_NONE);
      g_assert_cmpuint (length, ==, 0);
    }
}

/* What was refused once is refused for ever, with the same reason. */
static void
test_failure (void)
{
  g_autoptr (CpdHttpReader) reader = cpd_http_reader_new ("GET");
  const char *input = "ICY";
  gsize length = strlen (input);
  g_autoptr (GError) first = NULL, second = NULL;
  CpdHttpPart part;
  CpdHttpSpan span;

  g_assert_null (cpd_http_reader_get_head (reader));
  g_assert_false (cpd_http_reader_read (reader, &input, &length, &part, &span, &first));
  input = LENGTH5 "hello";
  length = strlen (input);
  g_assert_false (cpd_http_reader_read (reader, &input, &length, &part, &span, &second));
  g_assert_error (second, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
  g_assert_cmpstr (second->message, ==, first->message);
  g_assert_false (cpd_http_reader_is_reusable (reader));
}

/* What a person reads, behind "host ‘h’ ", or "host ‘h’ did not send a complete response: ". */
static void
test_messages (void)
{
  static const struct
  {
    const char *response, *message;
  } cases[] = {
    { CHUNKED "x", "a chunk size starts with ‘x’" },
    { CHUNKED "1-", "a chunk size is followed by ‘-’" },
    { CHUNKED "1;\x7f", "a chunk extension contains the byte 0x7f" },
    { CHUNKED "1\r\r", "the carriage return behind a chunk size is followed by a carriage return" },
    { CHUNKED "1\r\nab", "the data of a chunk is not followed by a line end but by ‘b’" },
    { CHUNKED "8000000000000000", "a chunk size is larger than 9223372036854775807" },
    { CHUNKED "0\r\nA : b",
      "the trailer field name ‘A’ is followed by white space instead of a colon" },
    { "", "no byte of it came" },
    { "HTTP/1.1 200", "the end of its head is missing" },
    { LENGTH5 "hel", "the body has 3 of 5 bytes" },
    { CHUNKED "5\r\nhello\r\n", "the end of the chunked body is missing" },
    { UNTIL "hello",
      "the body has no length, and the connection ended without TLS's close_notify" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HttpOutcome) outcome = http_feed_text ("GET", cases[i].response, HTTP_THEN_CUT);
      gboolean invalid
          = g_error_matches (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
      g_autofree char *expected
          = g_strconcat (invalid ? HTTP_NOT_VALID : "", cases[i].message, NULL);

      g_assert_nonnull (outcome->error);
      g_assert_cmpstr (outcome->error->message, ==, expected);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/http-body/refusals", test_refusals);
  g_test_add_func ("/transport/http-body/whole", test_whole);
  g_test_add_func ("/transport/http-body/cuts", test_cuts);
  g_test_add_func ("/transport/http-body/until-end", test_until_end);
  g_test_add_func ("/transport/http-body/end-after-completion", test_end_after_completion);
  g_test_add_func ("/transport/http-body/limits", test_limits);
  g_test_add_func ("/transport/http-body/interim", test_interim);
  g_test_add_func ("/transport/http-body/spans", test_spans);
  g_test_add_func ("/transport/http-body/no-bytes", test_no_bytes);
  g_test_add_func ("/transport/http-body/failure", test_failure);
  g_test_add_func ("/transport/http-body/messages", test_messages);
  return g_test_run ();
}
