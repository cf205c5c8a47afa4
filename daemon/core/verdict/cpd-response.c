/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A response as the service sees it: the library's is made of values of the bus. */

#include "config.h"

#include "daemon/core/verdict/cpd-response.h"

/* `response`: (nullable) (transfer full): made with g_new0 () */
void
cpd_response_free (CpdResponse *response)
{
  if (response == NULL)
    return;
  g_strfreev (response->headers);
  g_bytes_unref (response->body);
  g_free (response->url);
  g_free (response->proxy);
  g_free (response);
}
