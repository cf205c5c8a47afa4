/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds a response to its reader at once, byte by byte, and in random pieces: it must come to the
 * same. What comes out as whole is checked for what it claims. The first byte chooses the method of
 * the request, and how the connection ends. */

#include "config.h"

#include "tests/transport/http-feed.h"

#include "client-lib/certpin-error.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check (gboolean right)
{
  if (!right)
    abort ();
}

static void
check_head (const CpdHttpHead *head)
{
  check (head->status >= 200 && head->status <= 999 && head->minor_version <= 9);
  check (head->n_fields <= CPD_HTTP_FIELDS_MAX && head->length <= G_MAXINT64);
  for (unsigned int i = 0; i < head->n_fields; i++)
    {
      const CpdHttpField *field = &head->fields[i];

      check (*field->name != '\0' && g_utf8_validate (field->value, -1, NULL));
      check (strpbrk (field->name, " \t\r\n:") == NULL && g_str_is_ascii (field->name));
      check (strpbrk (field->value, "\r\n\x1b\x7f") == NULL);
      check (!g_str_has_prefix (field->value, " ") && !g_str_has_suffix (field->value, " "));
    }
}

static void
check_whole (const HttpOutcome *outcome, HttpThen then)
{
  const CpdHttpHead *head = outcome->head;

  check (head != NULL && outcome->error == NULL);
  if (head->framing == CPD_HTTP_FRAMING_NONE)
    check (outcome->body->len == 0);
  if (head->framing == CPD_HTTP_FRAMING_LENGTH)
    check (outcome->body->len == head->length);
  if (head->framing == CPD_HTTP_FRAMING_UNTIL_END)
    check (then == HTTP_THEN_CLOSE && outcome->surplus == 0);
  if (outcome->reusable)
    check (head->keeps && outcome->surplus == 0);
}

static void
compare (const HttpOutcome *one, const HttpOutcome *other)
{
  check (one->complete == other->complete && one->interim == other->interim);
  check ((one->error != NULL) == (other->error != NULL));
  check (one->error == NULL || one->error->code == other->error->code);
  check ((one->head != NULL) == (other->head != NULL));
  check (one->body->len == other->body->len);
  check (one->body->len == 0 || memcmp (one->body->data, other->body->data, one->body->len) == 0);
  check (one->surplus == other->surplus && one->reusable == other->reusable);
  if (one->head == NULL)
    return;
  check (one->head->status == other->head->status && one->head->keeps == other->head->keeps);
  check (one->head->framing == other->head->framing && one->head->length == other->head->length);
  check (one->head->n_fields == other->head->n_fields);
  for (unsigned int i = 0; i < one->head->n_fields; i++)
    {
      check (g_str_equal (one->head->fields[i].name, other->head->fields[i].name));
      check (g_str_equal (one->head->fields[i].value, other->head->fields[i].value));
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static const char *const methods[] = { "GET", "HEAD", "CONNECT", "GET" };
  const guint8 choice = size > 0 ? *data : 0;
  const char *method = methods[choice & 3];
  const HttpThen then = (choice >> 2) % 3;
  g_autoptr (GBytes) bytes = g_bytes_new (data + (size > 0), size - (size > 0));
  g_autoptr (HttpOutcome) outcome = http_feed (method, bytes, HTTP_FEED_AT_ONCE, then);

  for (HttpFeed feed = HTTP_FEED_BYTEWISE; feed < HTTP_FEEDS; feed++)
    {
      g_autoptr (HttpOutcome) other = http_feed (method, bytes, feed, then);

      compare (outcome, other);
    }
  if (outcome->head != NULL)
    check_head (outcome->head);
  if (outcome->complete)
    check_whole (outcome, then);
  return 0;
}
