// SPDX-License-Identifier: LGPL-2.1-or-later
// download URL FILE: downloads a file without blocking, and shows how far it is. Ctrl+C cancels it.

string title_of (GLib.Error error) {
  if (error.domain != Certpin.Error.quark ())
    return "This does not work now";
  switch (error.code) {
    case Certpin.Error.NOT_PINNED:
    case Certpin.Error.BLOCKED:
    case Certpin.Error.PIN_EXPIRED:
    case Certpin.Error.PIN_MISMATCH:
    case Certpin.Error.PIN_CHANGED:
    case Certpin.Error.UNTRUSTED:
    case Certpin.Error.TLS_FAILED:
    case Certpin.Error.ADDRESS_DENIED:
    case Certpin.Error.NOT_SECURE:
      return "This server cannot be trusted now";
    case Certpin.Error.UNREACHABLE:
    case Certpin.Error.OFFLINE:
    case Certpin.Error.TIMED_OUT:
    case Certpin.Error.TRUNCATED:
    case Certpin.Error.PROTOCOL_ERROR:
    case Certpin.Error.PROXY_FAILED:
    case Certpin.Error.PROXY_AUTH_REQUIRED:
      return "The server does not answer as it should";
    case Certpin.Error.INVALID_ARGUMENT:
    case Certpin.Error.INVALID_HOST:
    case Certpin.Error.INVALID_KEY:
    case Certpin.Error.WRONG_FORMAT:
    case Certpin.Error.FILE_NOT_FOUND:
    case Certpin.Error.SELF_SIGNED:
    case Certpin.Error.BODY_TOO_LARGE:
      return "This program made a mistake";
    default:
      return "This does not work now";
  }
}

async void download (string url, string path, Cancellable cancellable) throws GLib.Error {
  var client = new Certpin.Client ();
  var request = new Certpin.Request ("GET", url, null, null);
  var file = File.new_for_commandline_arg (path);
  var response = yield client.download_async (request, file, null, cancellable, (done, total) => {
    if (total >= 0)
      printerr ("\r%lld of %lld bytes", done, total);
  });
  print ("%u\n", response.get_status ());
}

int main (string[] args) {
  var loop = new MainLoop ();
  var cancellable = new Cancellable ();
  var status = 0;

  Intl.setlocale ();
  if (args.length != 3)
    return 2;
  Unix.signal_add (Posix.Signal.INT, () => {
    cancellable.cancel ();
    return Source.CONTINUE;
  });
  download.begin (args[1], args[2], cancellable, (object, result) => {
    try {
      download.end (result);
    } catch (GLib.Error error) {
      status = cancellable.is_cancelled () ? 130 : 1;
      if (status == 1)
        printerr ("\n%s: %s.\n", title_of (error), error.message);
    }
    loop.quit ();
  });
  loop.run ();
  return status;
}
