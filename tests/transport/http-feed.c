/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gives a response's bytes to a reader, as a connection would. */

#include "config.h"

#include "http-feed.h"

#include <string.h>

static void
use_part (HttpOutcome *outcome, CpdHttpReader *reader, CpdHttpPart part, const CpdHttpSpan *span)
{
  g_assert_true ((span->length > 0) == (part == CPD_HTTP_PART_CONTENT));
  switch (part)
    {
    case CPD_HTTP_PART_INTERIM:
      g_assert_true (cpd_http_head_is_interim (cpd_http_reader_get_head (reader)));
      outcome->interim++;
      break;
    case CPD_HTTP_PART_HEAD:
      g_assert_null (outcome->head);
      outcome->head = cpd_http_head_ref (cpd_http_reader_get_head (reader));
      g_assert_false (cpd_http_head_is_interim (outcome->head));
      break;
    case CPD_HTTP_PART_CONTENT:
      g_byte_array_append (outcome->body, (const guint8 *)span->data, (guint)span->length);
      break;
    case CPD_HTTP_PART_END:
      outcome->complete = TRUE;
      break;
    default:
      break;
    }
}

/* Returns: whether the reader still reads */
static gboolean
feed_piece (HttpOutcome *outcome, CpdHttpReader *reader, const char *data, gsize length)
{
  /* Of its own, so that a sanitizer sees who reads beyond it or holds on to it. */
  g_autofree char *piece = g_memdup2 (data, length);
  const char *input = piece;
  CpdHttpPart part;
  CpdHttpSpan span;

  do
    {
      const char *before = input;
      gsize left = length;

      if (!cpd_http_reader_read (reader, &input, &length, &part, &span, &outcome->error))
        return FALSE;
      g_assert_true (input - before == (gssize)(left - length));
      g_assert_true (span.length == 0 || (span.data >= before && span.data + span.length <= input));
      use_part (outcome, reader, part, &span);
    }
  while (part != CPD_HTTP_PART_NONE && part != CPD_HTTP_PART_END);
  g_assert_true (part == CPD_HTTP_PART_END || length == 0);
  outcome->surplus += length;
  return TRUE;
}

static gsize
next_size (HttpFeed feed, GRand *random)
{
  switch (feed)
    {
    case HTTP_FEED_BYTEWISE:
      return 1;
    case HTTP_FEED_RANDOM:
      return (gsize)g_rand_int_range (random, 1, 33);
    default:
      return G_MAXSIZE;
    }
}

static void
finish (HttpOutcome *outcome, CpdHttpReader *reader, HttpThen then)
{
  g_autoptr (GError) later = NULL;

  if (outcome->error != NULL)
    {
      /* What was wrong once stays wrong. */
      g_assert_false (cpd_http_reader_end (reader, TRUE, &later));
      g_assert_error (later, outcome->error->domain, outcome->error->code);
      return;
    }
  outcome->reusable = cpd_http_reader_is_reusable (reader);
  if (then == HTTP_THEN_KEEP)
    return;
  outcome->complete = cpd_http_reader_end (reader, then == HTTP_THEN_CLOSE, &outcome->error);
  g_assert_false (cpd_http_reader_is_reusable (reader));
}

HttpOutcome *
http_feed (const char *method, GBytes *bytes, HttpFeed feed, HttpThen then)
{
  g_autoptr (CpdHttpReader) reader = cpd_http_reader_new (method);
  HttpOutcome *outcome = g_new0 (HttpOutcome, 1);
  g_autoptr (GRand) random = feed == HTTP_FEED_RANDOM ? g_rand_new_with_seed (1) : NULL;
  gsize left;
  const char *data = g_bytes_get_data (bytes, &left);
  gboolean reads = TRUE;

  outcome->body = g_byte_array_new ();
  while (reads && left > 0)
    {
      gsize size = next_size (feed, random);

      size = MIN (size, left);
      reads = feed_piece (outcome, reader, data, size);
      data += size;
      left -= size;
    }
  finish (outcome, reader, then);
  return outcome;
}

HttpOutcome *
http_feed_text (const char *method, const char *text, HttpThen then)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));

  return http_feed (method, bytes, HTTP_FEED_AT_ONCE, then);
}

void
http_outcome_free (HttpOutcome *outcome)
{
  g_clear_error (&outcome->error);
  g_clear_pointer (&outcome->head, cpd_http_head_unref);
  g_byte_array_unref (outcome->body);
  g_free (outcome);
}
