/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* upload URL FILE: sends a file of any size. */

#include <certpin.h>
#include <locale.h>

static CertpinResponse *
put (CertpinClient *client, const char *url, const char *path, GError **error)
{
  g_autoptr (CertpinRequestBuilder) builder = certpin_request_builder_new (url);
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (CertpinRequest) request = NULL;

  certpin_request_builder_set_method (builder, "PUT");
  certpin_request_builder_set_body_file (builder, "application/octet-stream", file);
  request = certpin_request_builder_build (builder, error);
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

  setlocale (LC_ALL, "");
  if (argc != 3)
    return 2;
  response = put (client, argv[1], argv[2], &error);
  if (response == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  g_print ("%u\n", certpin_response_get_status (response));
  return 0;
}
