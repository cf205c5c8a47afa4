/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Proves which heads are refused, what comes of the others, and where their bodies end. */

#include "config.h"

#include "http-feed.h"

#include "client-lib/certpin-error.h"

#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"

/* `rule`: the section of RFC 9112, if no other is named */
typedef struct
{
  const char *rule;
  const char *head;
  gsize length;
} Refusal;

/* Text with NUL bytes in it. */
#define TEXT(text) (text), sizeof (text) - 1

static const Refusal refusals[] = {
  { "2.2: an empty line before it", TEXT ("\r\n" OK "\r\n") },
  { "2.2: LF alone behind the status line", TEXT ("HTTP/1.1 200 OK\nA: b\r\n\r\n") },
  { "2.2: LF alone behind a status without a reason", TEXT ("HTTP/1.1 200\n\r\n") },
  { "2.2: LF alone behind a field", TEXT (OK "A: b\n\r\n") },
  { "2.2: LF alone as the empty line", TEXT (OK "A: b\r\n\n") },
  { "2.2: CR in the reason phrase", TEXT ("HTTP/1.1 200 O\rK\r\n\r\n") },
  { "2.2: CR in a value", TEXT (OK "A: b\rc\r\n\r\n") },
  { "2.2: CR twice behind a value", TEXT (OK "A: b\r\r\n\r\n") },
  { "2.2: CR alone as the empty line", TEXT (OK "A: b\r\n\rx") },
  { "2.2: white space before the first field", TEXT (OK " A: b\r\n\r\n") },
  { "2.2: HTAB before the first field", TEXT (OK "\tA: b\r\n\r\n") },
  { "2.3: HTTP/0.9", TEXT ("<html>\r\n\r\n") },
  { "2.3: HTTP/2", TEXT ("HTTP/2.0 200 OK\r\n\r\n") },
  { "2.3: two digits", TEXT ("HTTP/1.10 200 OK\r\n\r\n") },
  { "2.3: a zero before it", TEXT ("HTTP/01.1 200 OK\r\n\r\n") },
  { "2.3: in lower case", TEXT ("http/1.1 200 OK\r\n\r\n") },
  { "2.3: no minor version", TEXT ("HTTP/1 200 OK\r\n\r\n") },
  { "4: another protocol", TEXT ("ICY 200 OK\r\n\r\n") },
  { "4: two spaces before the status", TEXT ("HTTP/1.1  200 OK\r\n\r\n") },
  { "4: HTAB before the status", TEXT ("HTTP/1.1\t200 OK\r\n\r\n") },
  { "4: two digits", TEXT ("HTTP/1.1 20 OK\r\n\r\n") },
  { "4: four digits", TEXT ("HTTP/1.1 2000 OK\r\n\r\n") },
  { "4: no digits", TEXT ("HTTP/1.1 OK\r\n\r\n") },
  { "4: a sign", TEXT ("HTTP/1.1 -20 OK\r\n\r\n") },
  { "4: nothing between status and reason phrase", TEXT ("HTTP/1.1 200OK\r\n\r\n") },
  { "4: HTAB between status and reason phrase", TEXT ("HTTP/1.1 200\tOK\r\n\r\n") },
  { "4: NUL in the reason phrase", TEXT ("HTTP/1.1 200 O\0K\r\n\r\n") },
  { "4: a control character in the reason phrase", TEXT ("HTTP/1.1 200 O\x1bK\r\n\r\n") },
  { "RFC 9110, 15: a status below 100", TEXT ("HTTP/1.1 099 OK\r\n\r\n") },
  { "RFC 9110, 7.8: 101 unasked",
    TEXT ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n") },
  { "5: no colon", TEXT (OK "A\r\n\r\n") },
  { "5: no colon and LF alone", TEXT (OK "A\n\r\n") },
  { "5.1: a space before the colon", TEXT (OK "A : b\r\n\r\n") },
  { "5.1: HTAB before the colon", TEXT (OK "A\t: b\r\n\r\n") },
  { "RFC 9110, 5.1: no name", TEXT (OK ": b\r\n\r\n") },
  { "RFC 9110, 5.1: a space in the name", TEXT (OK "A B: c\r\n\r\n") },
  { "RFC 9110, 5.1: NUL in the name", TEXT (OK "A\0B: c\r\n\r\n") },
  { "RFC 9110, 5.1: NUL as the name", TEXT (OK "\0: c\r\n\r\n") },
  { "RFC 9110, 5.1: not ASCII", TEXT (OK "\xc3\xa4: c\r\n\r\n") },
  { "RFC 9110, 5.1: DEL in the name", TEXT (OK "A\x7f: c\r\n\r\n") },
  { "RFC 9110, 5.6.2: a delimiter", TEXT (OK "A(: c\r\n\r\n") },
  { "RFC 9110, 5.5: NUL in a value", TEXT (OK "A: b\0c\r\n\r\n") },
  { "RFC 9110, 5.5: a control character", TEXT (OK "A: b\x01\r\n\r\n") },
  { "RFC 9110, 5.5: DEL", TEXT (OK "A: b\x7f\r\n\r\n") },
  { "RFC 9110, 5.5: NUL in a folded line", TEXT (OK "A: b\r\n \0\r\n\r\n") },
  { "6.1: a coding in HTTP/1.0", TEXT ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") },
  { "6.3, 3: chunked and a length",
    TEXT (OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n") },
  { "6.3, 3: a length and chunked",
    TEXT (OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n") },
  { "6.3, 4: a coding other than chunked", TEXT (OK "Transfer-Encoding: gzip\r\n\r\n") },
  { "6.3, 4: chunked is not the last", TEXT (OK "Transfer-Encoding: chunked, gzip\r\n\r\n") },
  { "6.3, 4: chunked before identity",
    TEXT (OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n") },
  { "6.3, 4: no coding", TEXT (OK "Transfer-Encoding:\r\n\r\n") },
  { "6.3, 4: empty elements alone", TEXT (OK "Transfer-Encoding: , ,\r\n\r\n") },
  { "6.3, 4: almost chunked", TEXT (OK "Transfer-Encoding: chunked1\r\n\r\n") },
  { "6.1: chunked twice", TEXT (OK "Transfer-Encoding: chunked, chunked\r\n\r\n") },
  { "6.1: identity twice", TEXT (OK "Transfer-Encoding: identity, identity\r\n\r\n") },
  { "6.1: chunked in two fields",
    TEXT (OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n") },
  { "7.4: a coding that was not asked for", TEXT (OK "Transfer-Encoding: gzip, chunked\r\n\r\n") },
  { "6.3, 5: no number", TEXT (OK "Content-Length: a\r\n\r\n") },
  { "6.3, 5: nothing", TEXT (OK "Content-Length: \r\n\r\n") },
  { "6.3, 5: a sign", TEXT (OK "Content-Length: +5\r\n\r\n") },
  { "6.3, 5: negative", TEXT (OK "Content-Length: -5\r\n\r\n") },
  { "6.3, 5: hexadecimal", TEXT (OK "Content-Length: 0x5\r\n\r\n") },
  { "6.3, 5: a space in it", TEXT (OK "Content-Length: 4 2\r\n\r\n") },
  { "6.3, 5: a fold in it", TEXT (OK "Content-Length: 4\r\n 2\r\n\r\n") },
  { "6.3, 5: letters behind it", TEXT (OK "Content-Length: 42s\r\n\r\n") },
  { "6.3, 5: too large for 63 bits", TEXT (OK "Content-Length: 9223372036854775808\r\n\r\n") },
  { "6.3, 5: too large for 64 bits", TEXT (OK "Content-Length: 18446744073709551621\r\n\r\n") },
  { "6.3, 5: two lengths", TEXT (OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\n") },
  { "6.3, 5: two lengths in a list", TEXT (OK "Content-Length: 5, 6\r\n\r\n") },
  { "6.3, 5: one length begins like the other", TEXT (OK "Content-Length: 5, 55\r\n\r\n") },
  { "6.3, 5: one length in two spellings", TEXT (OK "Content-Length: 5, 05\r\n\r\n") },
  { "6.3, 5: an empty element", TEXT (OK "Content-Length: 5,\r\n\r\n") },
  { "6.3, 5: one of two is no number", TEXT (OK "Content-Length: 5\r\nContent-Length: \r\n\r\n") },
};

static void
test_refusals (void)
{
  for (size_t i = 0; i < G_N_ELEMENTS (refusals); i++)
    for (HttpFeed feed = 0; feed < HTTP_FEEDS; feed++)
      {
        g_autoptr (GBytes) bytes = g_bytes_new_static (refusals[i].head, refusals[i].length);
        g_autoptr (HttpOutcome) outcome = http_feed ("GET", bytes, feed, HTTP_THEN_KEEP);

        g_test_message ("RFC 9112, %s", refusals[i].rule);
        g_assert_error (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
        g_assert_null (outcome->head);
        g_assert_false (outcome->complete);
      }
}

/* Whatever is cut off a valid head, what is left waits for more. */
static void
test_incomplete (void)
{
  static const char head[] = OK "A: b\r\n c\r\nContent-Length: 0\r\n\r\n";

  for (gsize length = 0; length < strlen (head); length++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (head, length);
      g_autoptr (HttpOutcome) open = http_feed ("GET", bytes, HTTP_FEED_RANDOM, HTTP_THEN_KEEP);
      g_autoptr (HttpOutcome) closed = http_feed ("GET", bytes, HTTP_FEED_RANDOM, HTTP_THEN_CLOSE);

      g_assert_no_error (open->error);
      g_assert_null (open->head);
      g_assert_error (closed->error, CERTPIN_ERROR, CERTPIN_ERROR_TRUNCATED);
      g_assert_null (closed->head);
    }
}

static CpdHttpHead *
read_head (const char *method, const char *text)
{
  g_autoptr (HttpOutcome) outcome = http_feed_text (method, text, HTTP_THEN_KEEP);

  g_assert_no_error (outcome->error);
  g_assert_nonnull (outcome->head);
  return g_steal_pointer (&outcome->head);
}

static void
test_status_lines (void)
{
  static const struct
  {
    const char *line;
    unsigned int minor_version, status;
  } cases[] = {
    { "HTTP/1.1 200 OK", 1, 200 },     { "HTTP/1.0 404 Not Found", 0, 404 },
    { "HTTP/1.1 200 ", 1, 200 },       { "HTTP/1.1 204", 1, 204 },
    { "HTTP/1.9 599 X\xffZ", 9, 599 }, { "HTTP/1.1 999 \tDenied ", 1, 999 },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat (cases[i].line, "\r\n\r\n", NULL);
      g_autoptr (CpdHttpHead) head = read_head ("GET", text);

      g_assert_cmpuint (head->minor_version, ==, cases[i].minor_version);
      g_assert_cmpuint (head->status, ==, cases[i].status);
      g_assert_cmpuint (head->n_fields, ==, 0);
    }
}

/* RFC 9110, section 5.5; RFC 9112, section 5.2 */
static void
test_values (void)
{
  static const struct
  {
    const char *sent, *value;
  } cases[] = {
    { "b", "b" },
    { "", "" },
    { " \t ", "" },
    { " \tb c\td \t", "b c\td" },
    { "b:c", "b:c" },
    { "b\r\n c", "b c" },
    { "b \r\n\t  c", "b c" },
    { "b\r\n \r\n c", "b c" },
    { "\r\n b", "b" },
    { "b\r\n ", "b" },
    { "\r\n B: c", "B: c" },
    { "caf\xc3\xa9", "caf\xc3\xa9" },               /* UTF-8 */
    { "caf\xe9", "caf\xc3\xa9" },                   /* Latin-1 */
    { "\xc3\xa9\xe9", "\xc3\x83\xc2\xa9\xc3\xa9" }, /* both: Latin-1 */
    { "\xff", "\xc3\xbf" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat (OK "a:", cases[i].sent, "\r\n\r\n", NULL);
      g_autoptr (CpdHttpHead) head = read_head ("GET", text);

      g_assert_cmpuint (head->n_fields, ==, 1);
      g_assert_cmpstr (head->fields[0].name, ==, "a");
      g_assert_cmpstr (head->fields[0].value, ==, cases[i].value);
    }
}

/* They stay as they were sent: in their order, repeated, spelled like that. */
static void
test_fields (void)
{
  g_autoptr (CpdHttpHead) head
      = read_head ("GET", OK "zeta: 1\r\nSET-COOKIE: a\r\netag: 2\r\nset-cookie: b\r\n\r\n");
  static const char *const names[] = { "zeta", "SET-COOKIE", "etag", "set-cookie" };

  g_assert_cmpuint (head->n_fields, ==, G_N_ELEMENTS (names));
  for (size_t i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpstr (head->fields[i].name, ==, names[i]);
  g_assert_cmpstr (cpd_http_head_find (head, "Set-Cookie")->value, ==, "a");
  g_assert_cmpstr (cpd_http_head_find (head, "ETag")->value, ==, "2");
  g_assert_null (cpd_http_head_find (head, "et"));
}

#define NONE    CPD_HTTP_FRAMING_NONE
#define LENGTH  CPD_HTTP_FRAMING_LENGTH
#define CHUNKED CPD_HTTP_FRAMING_CHUNKED
#define UNTIL   CPD_HTTP_FRAMING_UNTIL_END

/* RFC 9112, sections 6.3 and 9.3 */
static void
test_framing (void)
{
  static const struct
  {
    const char *method, *head;
    CpdHttpFraming framing;
    guint64 length;
    gboolean keeps;
  } cases[] = {
    { "GET", OK "Content-Length: 5\r\n", LENGTH, 5, TRUE },
    { "GET", OK "Content-Length: 005\r\n", LENGTH, 5, TRUE },
    { "GET", OK "content-length: \t5 \r\n", LENGTH, 5, TRUE },
    { "GET", OK "Content-Length: 5\r\n \r\n", LENGTH, 5, TRUE },
    { "GET", OK "Content-Length: 5, 5 ,5\r\nContent-Length: 5\r\n", LENGTH, 5, TRUE },
    { "GET", OK "Content-Length: 9223372036854775807\r\n", LENGTH, G_MAXINT64, TRUE },
    { "GET", OK "Content-Length: 5\r\nConnection: close\r\n", LENGTH, 5, FALSE },
    { "GET", OK "Content-Length: 5\r\nconnection: a, CLOSE ,b\r\n", LENGTH, 5, FALSE },
    { "GET", OK "Content-Length: 5\r\nConnection: keep-alive\r\nConnection: close\r\n", LENGTH, 5,
      FALSE },
    { "GET", OK "Content-Length: 5\r\nConnection: closed, clos\r\n", LENGTH, 5, TRUE },
    { "GET", OK "Content-Length: 5\r\nProxy-Connection: close\r\n", LENGTH, 5, TRUE },
    { "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", LENGTH, 5, FALSE },
    { "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n", LENGTH, 5,
      FALSE },
    { "GET", "HTTP/1.2 200 OK\r\nContent-Length: 5\r\n", LENGTH, 5, TRUE },
    { "GET", OK "Transfer-Encoding: identity\r\nContent-Length: 5\r\n", LENGTH, 5, TRUE },
    { "GET", OK "Transfer-Encoding: Identity\r\n", UNTIL, 0, FALSE },
    { "GET", OK "Transfer-Encoding: cHunked\r\n", CHUNKED, 0, TRUE },
    { "GET", OK "Transfer-Encoding: , chunked\r\nTransfer-Encoding:\r\n", CHUNKED, 0, TRUE },
    { "GET", OK "Transfer-Encoding: chunked\r\nConnection: close\r\n", CHUNKED, 0, FALSE },
    { "GET", OK, UNTIL, 0, FALSE },
    { "GET", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n", NONE, 0, TRUE },
    { "GET", "HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n", NONE, 0, TRUE },
    { "HEAD", OK "Content-Length: 5, 6\r\n", NONE, 0, TRUE },
    { "HEAD", "HTTP/1.0 200 OK\r\n", NONE, 0, FALSE },
    { "head", OK "Content-Length: 5\r\n", LENGTH, 5, TRUE }, /* methods are case-sensitive */
    { "CONNECT", OK "Content-Length: 5\r\n", NONE, 0, FALSE },
    { "CONNECT", "HTTP/1.1 407 No\r\nContent-Length: 5\r\n", LENGTH, 5, TRUE },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat (cases[i].head, "\r\n", NULL);
      g_autoptr (CpdHttpHead) head = read_head (cases[i].method, text);
      g_autofree char *shown = g_strescape (cases[i].head, NULL);

      g_test_message ("%s: %s", cases[i].method, shown);
      g_assert_cmpuint (head->framing, ==, cases[i].framing);
      g_assert_cmpuint (head->length, ==, cases[i].length);
      g_assert_cmpuint (head->keeps, ==, cases[i].keeps);
    }
}

static char *
make_head (const char *start, const char *repeated, unsigned int times, gsize padding)
{
  GString *text = g_string_new (start);

  for (unsigned int i = 0; i < times; i++)
    g_string_append (text, repeated);
  for (gsize i = 0; i < padding; i++)
    g_string_append_c (text, 'x');
  return g_string_free (g_string_append (text, "\r\n\r\n"), FALSE);
}

static void
assert_size (const char *text, gboolean fits)
{
  for (HttpFeed feed = 0; feed < HTTP_FEEDS; feed++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
      g_autoptr (HttpOutcome) outcome = http_feed ("GET", bytes, feed, HTTP_THEN_KEEP);

      if (fits)
        g_assert_no_error (outcome->error);
      else
        g_assert_error (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
      g_assert_true ((outcome->head != NULL) == fits);
    }
}

/* RFC 9110, section 5.4: as much as that, and no byte more. */
static void
test_limits (void)
{
  const gsize most = CPD_HTTP_SECTION_MAX_BYTES - strlen ("\r\n\r\n");
  const gsize rest = most - strlen (OK "A: ");
  g_autofree char *large = make_head (OK "A: ", "", 0, rest);
  g_autofree char *too_large = make_head (OK "A: ", "", 0, rest + 1);
  g_autofree char *reason = make_head ("HTTP/1.1 200 ", "", 0, most - strlen ("HTTP/1.1 200 "));
  g_autofree char *long_reason = make_head ("HTTP/1.1 200 ", "", 0, most);
  g_autofree char *endless_reason = make_head ("HTTP/1.1 200 ", "", 0, 2 * most);
  g_autofree char *many = make_head (OK "A: b", "\r\nA: b", CPD_HTTP_FIELDS_MAX - 1, 0);
  g_autofree char *too_many = make_head (OK "A: b", "\r\nA: b", CPD_HTTP_FIELDS_MAX, 0);

  assert_size (large, TRUE);
  assert_size (too_large, FALSE);
  assert_size (reason, TRUE);
  assert_size (long_reason, FALSE);
  assert_size (endless_reason, FALSE);
  assert_size (many, TRUE);
  assert_size (too_many, FALSE);
}

/* What was checked is not looked at again: 64 KiB byte by byte cost the same as at once. */
static void
test_linear (void)
{
  g_autofree char *text = g_strdup (OK "A: b\r\nContent-Length: 5\r\n\r\n");
  const gsize length = strlen (text);
  CpdHttpScan scan = { .scanned = 0 };
  g_autoptr (GError) error = NULL;

  for (gsize available = 1; available <= length; available++)
    {
      g_assert_false (cpd_http_scan_is_complete (&scan));
      g_assert_true (cpd_http_scan_check (&scan, text, available, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (scan.scanned, ==, available);
      text[available - 1] = '\0'; /* would be refused */
    }
  g_assert_true (cpd_http_scan_is_complete (&scan));
}

/* What a person reads, behind "host ‘h’ ". */
static void
test_messages (void)
{
  static const struct
  {
    const char *head, *message;
  } cases[] = {
    { "ICY 200 OK\r\n", "‘ICY 200 OK’ is not a status line of HTTP/1" },
    { "HTTP/1.1 200\x1b[2J\xe2\x80\xae", "‘HTTP/1.1 200[2J’ is not a status line of HTTP/1" },
    { OK "A : b\r\n", "the header field name ‘A’ is followed by white space instead of a colon" },
    { OK "A\r\n", "the header field name ‘A’ is followed by a carriage return instead of a colon" },
    { OK "Ab\xe9: c\r\n",
      "the header field name ‘Ab’ is followed by the byte 0xe9 instead of a colon" },
    { OK "Set-Cookie: secret\nB: c\r\n", "the header field ‘Set-Cookie’ contains a line feed" },
    { OK "(\r\n", "a header line starts with ‘(’ instead of a field name" },
    { OK "A: b\rc\r\n", "a header line contains a carriage return without a line feed" },
    { OK "Content-Length: 5, 6\r\n\r\n", "the Content-Length ‘5, 6’ is ambiguous" },
    { OK "Content-Length: 5s\r\n\r\n", "the Content-Length ‘5s’ is not a number of bytes" },
    { OK "Transfer-Encoding: gzip\r\n\r\n", "the Transfer-Encoding ‘gzip’ is not ‘chunked’ alone" },
    { OK "A123456789a123456789a123456789a123456789a1234567\r\n",
      "the header field name ‘A123456789a123456789a123456789a123456789a1234567’ is followed by "
      "a carriage return instead of a colon" },
    { OK "A123456789a123456789a123456789a123456789a12345678\r\n",
      "the header field name ‘A123456789a123456789a123456789a123456789a1234567…’ is followed by "
      "a carriage return instead of a colon" },
  };

  for (size_t i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (HttpOutcome) outcome = http_feed_text ("GET", cases[i].head, HTTP_THEN_KEEP);
      g_autofree char *expected = g_strconcat (HTTP_NOT_VALID, cases[i].message, NULL);

      g_assert_error (outcome->error, CERTPIN_ERROR, CERTPIN_ERROR_PROTOCOL_ERROR);
      g_assert_cmpstr (outcome->error->message, ==, expected);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transport/http-head/refusals", test_refusals);
  g_test_add_func ("/transport/http-head/incomplete", test_incomplete);
  g_test_add_func ("/transport/http-head/status-lines", test_status_lines);
  g_test_add_func ("/transport/http-head/values", test_values);
  g_test_add_func ("/transport/http-head/fields", test_fields);
  g_test_add_func ("/transport/http-head/framing", test_framing);
  g_test_add_func ("/transport/http-head/limits", test_limits);
  g_test_add_func ("/transport/http-head/linear", test_linear);
  g_test_add_func ("/transport/http-head/messages", test_messages);
  return g_test_run ();
}
