/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The certificates of a PEM text (RFC 7468, section 5). Only the text is read here: what the bytes
 * are is for others to check. */

#include "config.h"

#include "client-lib/certpin-pem.h"

#include <string.h>

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

static const char *
find (const char *text, const char *end, const char *marker)
{
  return g_strstr_len (text, end - text, marker);
}

static GBytes *
decode (const char *start, const char *stop)
{
  g_autofree char *base64 = g_strndup (start, (gsize)(stop - start));
  gsize length;
  guchar *der = g_base64_decode (base64, &length);

  return g_bytes_new_take (der, length);
}

/* Adds every whole certificate, and passes over all other text. `ders`: of GBytes.
 * Returns: FALSE: one of them has no end */
gboolean
certpin_pem_read (const char *text, gsize length, GPtrArray *ders)
{
  const char *const end = text + length, *next;
  gboolean whole = TRUE;

  for (const char *block = find (text, end, BEGIN); block != NULL; block = next)
    {
      const char *base64 = block + strlen (BEGIN);
      const char *stop = find (base64, end, END);

      next = find (base64, end, BEGIN);
      if (stop != NULL && (next == NULL || stop < next))
        g_ptr_array_add (ders, decode (base64, stop));
      else
        whole = FALSE;
    }
  return whole;
}
