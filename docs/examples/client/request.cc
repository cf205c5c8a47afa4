// SPDX-License-Identifier: LGPL-2.1-or-later
// request FILE URL, in C++: the C functions, and smart pointers that release what they return.

#include <certpin.h>

#include <clocale>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

template <auto function> struct Release
{
  template <typename T> void operator() (T *value) const { function (value); }
};

template <typename T, auto function> using Owned = std::unique_ptr<T, Release<function>>;
using Client = Owned<CertpinClient, g_object_unref>;
using Request = Owned<CertpinRequest, certpin_request_unref>;
using Response = Owned<CertpinResponse, certpin_response_unref>;

// The result of a call, or the error that it set, as an exception.
template <typename T>
T *
check (T *result, GError *error)
{
  if (result == nullptr)
    {
      Owned<GError, g_error_free> owned (error);
      throw std::runtime_error (owned->message);
    }
  return result;
}

static void
pin (CertpinClient *client, const char *url, const char *path)
{
  GError *error = nullptr;
  Owned<GUri, g_uri_unref> uri (check (g_uri_parse (url, G_URI_FLAGS_NONE, &error), error));
  Owned<GFile, g_object_unref> file (g_file_new_for_commandline_arg (path));
  auto host = g_uri_get_host (uri.get ());
  auto pin = certpin_client_pin_certificate_from_file (client, host, file.get (), nullptr, nullptr,
                                                       &error);

  g_object_unref (check (pin, error));
}

static Response
get (CertpinClient *client, const char *url)
{
  GError *error = nullptr;
  Request request (check (certpin_request_new ("GET", url, nullptr, nullptr, &error), error));
  auto response = certpin_client_secure_request (client, request.get (), nullptr, nullptr, &error);

  return Response (check (response, error));
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  if (argc != 3)
    return 2;
  try
    {
      Client client (certpin_client_new ());
      pin (client.get (), argv[2], argv[1]);
      auto response = get (client.get (), argv[2]);
      gsize size;
      auto data = g_bytes_get_data (certpin_response_get_body (response.get ()), &size);
      std::cout << certpin_response_get_status (response.get ()) << ' '
                << std::string (static_cast<const char *> (data), size) << '\n';
    }
  catch (const std::exception &error)
    {
      std::cerr << error.what () << '\n';
      return 1;
    }
}
