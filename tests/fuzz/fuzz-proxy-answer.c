/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds a proxy's answer to its parser at once and byte by byte. It must come to the same, but for
 * what is behind a head that arrived alone, and no message may have any of the proxy's text. */

#include "config.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-proxy-answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
check (gboolean right)
{
  if (!right)
    abort ();
}

/* `taken`: (out): how many bytes, where it came to an end.
 * Returns: the status; 0: it is incomplete; -1: it is refused */
static int
read_answer (const char *data, gsize size, gsize part, gsize *taken)
{
  static const char *const sentences[]
      = { "did not answer in HTTP/1.1", CPD_PROXY_ANSWER_SPOKE_EARLY,
          "sent interim responses without end and no final one", NULL };
  g_auto (CpdProxyAnswer) answer = { .text = NULL };

  for (*taken = 0; *taken < size;)
    {
      g_autoptr (GError) error = NULL;
      gsize length = MIN (part, size - *taken);
      unsigned int status;

      if (!cpd_proxy_answer_read (&answer, data + *taken, length, &status, &error))
        {
          check (g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_PROXY_FAILED));
          check (g_strv_contains (sentences, error->message));
          return -1;
        }
      *taken += length;
      check (status == 0 || (status >= 200 && status <= 999));
      if (status != 0)
        return (int)status;
    }
  return 0;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  gsize taken, all;
  int slow = read_answer ((const char *)data, size, 1, &taken);
  int fast = read_answer ((const char *)data, size, MAX (size, 1), &all);

  if (slow / 100 == 2)
    check (fast == (taken == size ? slow : -1));
  else
    check (fast == slow);
  return 0;
}
