/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds what a server says before TLS to its parser: the first byte chooses the protocol. It must
 * come to an end within its bounds, and say no more than its few requests. */

#include "config.h"

#include "daemon/transport/cpd-preamble.h"

#include <stdlib.h>

/* Three answers, of 128 lines of 8192 bytes. */
#define TAKEN_MAX (3 * 128 * 8192)
#define SAID_MAX  64

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check (gboolean right)
{
  if (!right)
    abort ();
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autoptr (CpdPreamble) preamble = NULL;
  g_autoptr (GError) error = NULL;
  gsize said = 0;

  if (size == 0)
    return 0;
  preamble = cpd_preamble_new ((CpdStarttls)(CPD_STARTTLS_IMAP + data[0] % CPD_STARTTLS_LDAP));
  for (size_t i = 1; i < size && error == NULL && !cpd_preamble_is_over (preamble); i++)
    {
      g_autoptr (GBytes) request = cpd_preamble_steal_request (preamble);

      said += request != NULL ? g_bytes_get_size (request) : 0;
      check (i <= TAKEN_MAX && said <= SAID_MAX);
      cpd_preamble_take (preamble, data[i], &error);
    }
  check (error == NULL || g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE));
  check (error == NULL || g_utf8_validate (error->message, -1, NULL));
  return 0;
}
