/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds the head of a response, as libsoup parses it, to what makes it fit for the bus: only what
 * may cross the bus comes out of it, or an error. */

#include "config.h"

#include "daemon/transport/cpd-response-headers.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  SoupMessageHeaders *headers = soup_message_headers_new (SOUP_MESSAGE_HEADERS_RESPONSE);
  g_autofree char *reason = NULL;
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_autoptr (GVariant) fields = NULL;
  g_autoptr (GError) error = NULL;
  SoupHTTPVersion version;
  unsigned int status;

  if (soup_headers_parse_response (text, (int)size, headers, &version, &status, &reason))
    {
      fields = cpd_response_headers_read (headers, status, &error);
      if ((fields != NULL) == (error != NULL))
        abort ();
    }
  if (fields != NULL
      && (status < 200 || status > 599 || g_variant_n_children (fields) > 100
          || !g_variant_is_normal_form (fields)))
    abort ();
  soup_message_headers_unref (headers);
  return 0;
}
