/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Feeds a Location to what follows redirects: wherever it leads is https, on a host that can be
 * pinned, and who asked stays behind when that is another origin. */

#include "config.h"

#include "daemon/core/pins/cpd-host.h"
#include "daemon/transport/cpd-redirect.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static gboolean
tells_who_asked (CertpinRequest *request)
{
  g_autofree char *text = g_variant_print (certpin_request_get_headers (request), FALSE);

  return strstr (text, "secret") != NULL;
}

static gboolean
is_at_home (GUri *uri)
{
  g_autoptr (CpdHost) host = cpd_host_new_target (g_uri_get_host (uri), 0, NULL);
  int port = g_uri_get_port (uri);

  if (host == NULL || !g_str_equal (g_uri_get_scheme (uri), "https"))
    abort ();
  return g_str_equal (cpd_host_get_name (host), "h.example") && (port == -1 || port == 443);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  static const unsigned int statuses[] = { 301, 302, 303, 307, 308 };
  g_autofree char *location = g_strndup ((const char *)data, size);
  g_autofree char *text = g_strdup_printf ("HTTP/1.1 %u So\r\nLocation: %s\r\n\r\n",
                                           statuses[size % G_N_ELEMENTS (statuses)], location);
  CpdHttpScan scan = { 0 };
  g_autoptr (CertpinRequest) request
      = certpin_request_new ("GET", "https://h.example/a/b?c",
                             g_variant_new_parsed ("[('Cookie', 'secret')]"), NULL, NULL);
  g_autoptr (CpdHttpHead) head = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdHost) target = cpd_host_new_target ("h.example", CPD_HTTPS_PORT, NULL);
  const CpdHop hop = { request, target, NULL };
  CpdHop next;

  if (!cpd_http_scan_check (&scan, text, strlen (text), NULL) || !cpd_http_scan_is_complete (&scan))
    return 0;
  head = cpd_http_head_new (text, scan.scanned, "GET", NULL);
  if (head == NULL || !cpd_redirect_is_one (head))
    return 0;
  if (cpd_redirect_follow (&hop, head, &next, &error) == (error != NULL))
    abort ();
  if (error != NULL)
    return 0;
  if (!is_at_home (certpin_request_get_uri (next.request)) && tells_who_asked (next.request))
    abort ();
  cpd_hop_clear (&next);
  return 0;
}
