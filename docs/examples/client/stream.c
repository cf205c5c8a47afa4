/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stream URL FILE: gets a response of any size, and writes it to a file while it comes. */

#include <certpin.h>
#include <locale.h>

static void
on_progress (goffset done, goffset total, gpointer user_data)
{
  if (total >= 0)
    g_printerr ("\r%" G_GOFFSET_FORMAT " of %" G_GOFFSET_FORMAT " bytes", done, total);
}

static gboolean
download (CertpinClient *client, const char *url, const char *path, GError **error)
{
  g_autoptr (CertpinRequest) request = certpin_request_new ("GET", url, NULL, NULL, error);
  g_autoptr (GFile) file = g_file_new_for_commandline_arg (path);
  g_autoptr (CertpinResponse) response = NULL;

  if (request != NULL)
    response
        = certpin_client_download (client, request, file, NULL, NULL, on_progress, NULL, error);
  return response != NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (argc != 3)
    return 2;
  if (!download (client, argv[1], argv[2], &error))
    {
      g_printerr ("\n%s\n", error->message);
      return 1;
    }
  g_printerr ("\n");
  return 0;
}
