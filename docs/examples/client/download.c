/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* download URL FILE: downloads a file without blocking, and shows how far it is. Ctrl+C cancels it.
 * errors.c shows what to tell a person of each error. */

#include <certpin.h>
#include <glib-unix.h>
#include <locale.h>

typedef struct
{
  GCancellable *cancellable;
  GMainLoop *loop;
  int status;
} Download;

static gboolean
on_interrupt (gpointer user_data)
{
  Download *download = user_data;

  g_cancellable_cancel (download->cancellable);
  return G_SOURCE_CONTINUE;
}

static void
on_progress (goffset done, goffset total, gpointer user_data)
{
  if (total >= 0)
    g_printerr ("\r%" G_GOFFSET_FORMAT " of %" G_GOFFSET_FORMAT " bytes", done, total);
}

/* Somebody who cancelled it knows that it did not end. */
static void
on_downloaded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Download *download = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (CertpinResponse) response
      = certpin_client_download_finish (CERTPIN_CLIENT (source), result, &error);

  if (response != NULL)
    g_print ("%u\n", certpin_response_get_status (response));
  else if (g_cancellable_is_cancelled (download->cancellable))
    download->status = 130;
  else
    {
      g_printerr ("\n%s\n", error->message);
      download->status = 1;
    }
  g_main_loop_quit (download->loop);
}

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (CertpinRequest) request = NULL;
  g_autoptr (GFile) file = NULL;
  g_autoptr (GError) error = NULL;
  Download download = { .cancellable = cancellable, .loop = loop };

  setlocale (LC_ALL, "");
  if (argc != 3)
    return 2;
  request = certpin_request_new ("GET", argv[1], NULL, NULL, &error);
  if (request == NULL)
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  file = g_file_new_for_commandline_arg (argv[2]);
  g_unix_signal_add (SIGINT, on_interrupt, &download);
  certpin_client_download_async (client, request, file, NULL, cancellable, on_progress, NULL, NULL,
                                 on_downloaded, &download);
  g_main_loop_run (loop);
  return download.status;
}
