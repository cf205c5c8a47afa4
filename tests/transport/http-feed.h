/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "daemon/transport/cpd-http-reader.h"

G_BEGIN_DECLS

/* How a message begins about what is not HTTP/1.1. */
#define HTTP_NOT_VALID "sent a response that is not valid HTTP/1.1: "

/* How a response's bytes arrive. */
typedef enum
{
  HTTP_FEED_AT_ONCE,
  HTTP_FEED_BYTEWISE,
  HTTP_FEED_RANDOM, /* in pieces of 1 to 32 bytes, the same ones in each run */
  HTTP_FEEDS,
} HttpFeed;

/* What follows the last byte. */
typedef enum
{
  HTTP_THEN_KEEP, /* nothing */
  HTTP_THEN_CLOSE,
  HTTP_THEN_CUT, /* an end without TLS's close_notify */
} HttpThen;

/* What became of a response. */
typedef struct
{
  gboolean complete;
  GError *error; /* NULL: complete, or still waiting for bytes */
  unsigned int interim;
  CpdHttpHead *head; /* the final one; NULL: none came */
  GByteArray *body;
  gsize surplus; /* bytes that came behind the response */
  gboolean reusable;
} HttpOutcome;

HttpOutcome *http_feed (const char *method, GBytes *bytes, HttpFeed feed, HttpThen then);
HttpOutcome *http_feed_text (const char *method, const char *text, HttpThen then);
void http_outcome_free (HttpOutcome *outcome);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HttpOutcome, http_outcome_free)

G_END_DECLS
