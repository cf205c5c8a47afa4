/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy's answer to CONNECT (RFC 9110, section 9.3.6), from its bytes to a status. Only its heads
 * are read, as strictly as those of a server. What a proxy sends behind the head of a success would
 * be taken for the server's, which does not speak before it is spoken to: it is refused. */

#include "config.h"

#include "daemon/transport/cpd-proxy-answer.h"

#include "client-lib/certpin-error.h"
#include "daemon/transport/cpd-http-reader.h"

void
cpd_proxy_answer_clear (CpdProxyAnswer *answer)
{
  if (answer->text != NULL)
    g_string_free (g_steal_pointer (&answer->text), TRUE);
}

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error_literal (error, CERTPIN_ERROR, CERTPIN_ERROR_PROXY_FAILED, why);
  return FALSE;
}

static gboolean
take_interim (CpdProxyAnswer *answer, GError **error)
{
  if (++answer->interim > CPD_HTTP_INTERIM_MAX)
    return refuse (error, "sent interim responses without end and no final one");
  g_string_erase (answer->text, 0, (gssize)answer->scan.scanned);
  answer->scan = (CpdHttpScan){ .scanned = 0 };
  return TRUE;
}

static gboolean
take_final (CpdProxyAnswer *answer, unsigned int status, unsigned int *final, GError **error)
{
  if (status / 100 == 2 && answer->scan.scanned < answer->text->len)
    return refuse (error, CPD_PROXY_ANSWER_SPOKE_EARLY);
  *final = status;
  return TRUE;
}

gboolean
cpd_proxy_answer_read (CpdProxyAnswer *answer, const char *data, gsize length, unsigned int *status,
                       GError **error)
{
  *status = 0;
  if (answer->text == NULL)
    answer->text = g_string_new (NULL);
  g_string_append_len (answer->text, data, (gssize)length);
  for (;;)
    {
      g_autoptr (CpdHttpHead) head = NULL;

      if (!cpd_http_scan_check (&answer->scan, answer->text->str, answer->text->len, NULL))
        return refuse (error, "did not answer in HTTP/1.1");
      if (!cpd_http_scan_is_complete (&answer->scan))
        return TRUE;
      head = cpd_http_head_new (answer->text->str, answer->scan.scanned, "CONNECT", NULL);
      if (head == NULL)
        return refuse (error, "did not answer in HTTP/1.1");
      if (!cpd_http_head_is_interim (head))
        return take_final (answer, head->status, status, error);
      if (!take_interim (answer, error))
        return FALSE;
    }
}
