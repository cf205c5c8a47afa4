/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* request FILE URL: pins the URL's host to the key of the certificate in FILE, and gets the URL. */

#include <certpin.h>
#include <locale.h>

static char *
host_of (const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, error);

  return uri != NULL ? g_strdup (g_uri_get_host (uri)) : NULL;
}

static gboolean
pin (CertpinClient *client, const char *url, const char *path, GError **error)
{
  g_autofree char *host = host_of (url, error);
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (CertpinPin) pin = NULL;

  if (host == NULL)
    return FALSE;
  pin = certpin_client_pin_certificate_from_file (client, host, file, NULL, NULL, error);
  return pin != NULL;
}

static CertpinResponse *
get (CertpinClient *client, const char *url, GError **error)
{
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", url, NULL, NULL, error);

  if (request == NULL)
    return NULL;
  return certpin_client_secure_request (client, request, NULL, NULL, error);
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (CertpinResponse) response = NULL;
  g_autoptr (GError) error = NULL;
  GBytes *body;

  setlocale (LC_ALL, ""); /* or the quotes in messages become question marks */
  if (argc != 3)
    return 2;
  if (pin (client, argv[2], argv[1], &error))
    response = get (client, argv[2], &error);
  if (response == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  body = certpin_response_get_body (response);
  g_print ("%u %.*s\n", certpin_response_get_status (response), (int)g_bytes_get_size (body),
           (const char *)g_bytes_get_data (body, NULL));
  return 0;
}
