// SPDX-License-Identifier: LGPL-2.1-or-later
// download URL FILE, in C++: downloads a file without blocking, and shows how far it is. Ctrl+C
// cancels it. errors.c shows what to tell a person of each error.

#include <certpin.h>
#include <glib-unix.h>

#include <clocale>
#include <functional>
#include <iostream>
#include <memory>

template <auto function> struct Release
{
  template <typename T>
  void
  operator() (T *value) const
  {
    function (value);
  }
};

template <typename T, auto function> using Owned = std::unique_ptr<T, Release<function> >;

// What is called while the file comes, and once at the end, with the response or with the error.
struct Handlers
{
  std::function<void (goffset done, goffset total)> progress;
  std::function<void (CertpinResponse *response, const GError *error)> end;
};

static void
on_progress (goffset done, goffset total, gpointer handlers)
{
  static_cast<Handlers *> (handlers)->progress (done, total);
}

static void
on_end (GObject *source, GAsyncResult *result, gpointer data)
{
  std::unique_ptr<Handlers> handlers (static_cast<Handlers *> (data));
  GError *error = nullptr;
  Owned<CertpinResponse, certpin_response_unref> response (
      certpin_client_download_finish (CERTPIN_CLIENT (source), result, &error));
  Owned<GError, g_error_free> owned (error);

  handlers->end (response.get (), error);
}

static void
download (CertpinClient *client, CertpinRequest *request, GFile *file, GCancellable *cancellable,
          Handlers handlers)
{
  auto data = new Handlers (std::move (handlers)); // until on_end() is called

  certpin_client_download_async (client, request, file, nullptr, cancellable, on_progress, data,
                                 nullptr, on_end, data);
}

static gboolean
on_interrupt (gpointer cancellable)
{
  g_cancellable_cancel (static_cast<GCancellable *> (cancellable));
  return G_SOURCE_CONTINUE;
}

static int
run (CertpinRequest *request, GFile *file)
{
  Owned<CertpinClient, g_object_unref> client (certpin_client_new ());
  Owned<GCancellable, g_object_unref> cancellable (g_cancellable_new ());
  Owned<GMainLoop, g_main_loop_unref> loop (g_main_loop_new (nullptr, FALSE));
  int status = 0;

  auto show = [] (goffset done, goffset total) {
    if (total >= 0)
      std::cerr << '\r' << done << " of " << total << " bytes";
  };
  auto end = [&] (CertpinResponse *response, const GError *error) {
    if (response != nullptr)
      std::cout << certpin_response_get_status (response) << '\n';
    else
      status = g_cancellable_is_cancelled (cancellable.get ()) ? 130 : 1;
    if (status == 1)
      std::cerr << '\n' << error->message << '\n';
    g_main_loop_quit (loop.get ());
  };

  g_unix_signal_add (SIGINT, on_interrupt, cancellable.get ());
  download (client.get (), request, file, cancellable.get (), { show, end });
  g_main_loop_run (loop.get ());
  return status;
}

int
main (int argc, char **argv)
{
  GError *error = nullptr;

  setlocale (LC_ALL, "");
  if (argc != 3)
    return 2;
  Owned<CertpinRequest, certpin_request_unref> request (
      certpin_request_new ("GET", argv[1], nullptr, nullptr, &error));
  Owned<GError, g_error_free> owned (error);
  if (request == nullptr)
    {
      std::cerr << error->message << '\n';
      return 1;
    }
  Owned<GFile, g_object_unref> file (g_file_new_for_commandline_arg (argv[2]));
  return run (request.get (), file.get ());
}
