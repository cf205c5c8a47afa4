// SPDX-License-Identifier: LGPL-2.1-or-later
// request FILE URL: pins the URL's host to the key of the certificate in FILE, and gets the URL, without blocking.

async void get (string path, string url) throws GLib.Error {
  var client = new Certpin.Client ();
  var host = Uri.parse (url, UriFlags.NONE).get_host ();
  yield client.pin_certificate_from_file_async (host, File.new_for_commandline_arg (path), null, null);
  var request = new Certpin.Request ("GET", url, null, null);
  var response = yield client.secure_request_async (request, null, null);
  var body = response.get_body ().get_data ();
  print ("%u %.*s\n", response.get_status (), body.length, (string) body);
}

int main (string[] args) {
  var loop = new MainLoop ();
  var status = 0;

  Intl.setlocale ();
  if (args.length != 3)
    return 2;
  get.begin (args[1], args[2], (object, result) => {
    try {
      get.end (result);
    } catch (GLib.Error error) {
      printerr ("%s\n", error.message);
      status = 1;
    }
    loop.quit ();
  });
  loop.run ();
  return status;
}
