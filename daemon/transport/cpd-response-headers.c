/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A response's status and headers, made fit for the bus, and refused where their framing is
 * ambiguous: what two readers would cut differently can smuggle an answer to another request (RFC
 * 9112, sections 6.1, 6.3). */

#include "config.h"

#include "daemon/transport/cpd-response-headers.h"

#include <string.h>

#define HEADERS_MAX 100

typedef struct
{
  GVariantBuilder fields; /* a(ss) */
  unsigned int count;
  const char *length; /* the first Content-Length */
  gboolean lengths_differ;
  gboolean chunked;
} Reading;

static void
read_field (const char *name, const char *value, gpointer user_data)
{
  Reading *reading = user_data;
  /* Only UTF-8 may cross the bus. libsoup has replaced what is none already; this does not rest on
   * it. */
  g_autofree char *name_utf8 = g_utf8_make_valid (name, -1);
  g_autofree char *value_utf8 = g_utf8_make_valid (value, -1);

  if (g_ascii_strcasecmp (name, "Content-Length") == 0)
    {
      reading->lengths_differ |= reading->length != NULL && !g_str_equal (reading->length, value);
      reading->lengths_differ |= *value == '\0' || strspn (value, "0123456789") != strlen (value);
      reading->length = value;
    }
  reading->chunked |= g_ascii_strcasecmp (name, "Transfer-Encoding") == 0;
  if (reading->count++ < HEADERS_MAX)
    g_variant_builder_add (&reading->fields, "(ss)", name_utf8, value_utf8);
}

/* Errors: G_IO_ERROR_INVALID_DATA. Returns: (transfer full): a(ss) */
GVariant *
cpd_response_headers_read (SoupMessageHeaders *headers, unsigned int status, GError **error)
{
  Reading reading = { .count = 0 };
  g_autoptr (GVariant) fields = NULL;
  const char *wrong = NULL;

  g_variant_builder_init (&reading.fields, G_VARIANT_TYPE ("a(ss)"));
  soup_message_headers_foreach (headers, read_field, &reading);
  fields = g_variant_ref_sink (g_variant_builder_end (&reading.fields));

  if (status < 200 || status > 599)
    wrong = "its status code is out of range";
  else if (reading.count > HEADERS_MAX)
    wrong = "it has too many headers";
  else if (reading.lengths_differ)
    wrong = "its Content-Length is ambiguous";
  else if (reading.length != NULL && reading.chunked)
    wrong = "it has both Content-Length and Transfer-Encoding";
  if (wrong == NULL)
    return g_steal_pointer (&fields);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, wrong);
  return NULL;
}
