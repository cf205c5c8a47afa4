// SPDX-License-Identifier: LGPL-2.1-or-later
// many URL WRONG ROUND..., as many.c. Eight requests are under way at a time, each with a function of its own.

#include <certpin.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

using Done = std::function<void (CertpinResponse *response, const GError *error)>;

static gsize
size_of (CertpinResponse *response)
{
  return g_bytes_get_size (certpin_response_get_body (response));
}

// Calls the function once, with what came of the request.
static void
send (CertpinClient *client, const char *url, Done done)
{
  GError *error = nullptr;
  std::unique_ptr<CertpinRequest, decltype (&certpin_request_unref)> request (
      certpin_request_new ("GET", url, nullptr, nullptr, &error), certpin_request_unref);

  certpin_client_secure_request_async (
      client, request.get (), nullptr, nullptr,
      [] (GObject *source, GAsyncResult *result, gpointer data) {
        std::unique_ptr<Done> done (static_cast<Done *> (data));
        g_autoptr (GError) error = nullptr;
        g_autoptr (CertpinResponse) response
            = certpin_client_secure_request_finish (CERTPIN_CLIENT (source), result, &error);
        (*done) (response, error);
      },
      new Done (std::move (done)));
}

class Round
{
public:
  Round (CertpinClient *client, char **urls, int count)
      : client (client), urls (urls), count (count)
  {
  }

  void
  run ()
  {
    while (begun < 8 && begun < count)
      begin ();
    while (ended < count)
      g_main_context_iteration (nullptr, TRUE);
  }

private:
  void
  begin ()
  {
    bool passes = begun++ % 10 != 9;
    std::string url = urls[passes ? 0 : 1];

    send (client, url.c_str (), [this, passes] (CertpinResponse *response, const GError *error) {
      if (passes ? response == nullptr || size_of (response) != 1000
                 : !g_error_matches (error, CERTPIN_ERROR, CERTPIN_ERROR_PIN_MISMATCH))
        {
          std::cerr << (error != nullptr ? error->message : "another answer") << '\n';
          std::exit (1);
        }
      ended++;
      if (begun < count)
        begin ();
    });
  }

  CertpinClient *client;
  char **urls;
  int count;
  int begun = 0;
  int ended = 0;
};

int
main (int argc, char **argv)
{
  g_autoptr (CertpinClient) client = certpin_client_new ();
  std::string line;

  for (int i = 3; i < argc; i++)
    {
      Round (client, argv + 1, std::atoi (argv[i])).run ();
      std::cout << argv[i] << std::endl;
      std::getline (std::cin, line);
    }
}
