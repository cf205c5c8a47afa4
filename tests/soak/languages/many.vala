// SPDX-License-Identifier: LGPL-2.1-or-later
// many URL WRONG ROUND..., as many.c, without blocking.

async void ask (Certpin.Client client, string url, bool passes) {
  try {
    var request = new Certpin.Request ("GET", url, null, null);
    var response = yield client.secure_request_async (request, null, null);
    if (passes && response.get_body ().length == 1000)
      return;
    printerr ("another answer\n");
  } catch (Certpin.Error.PIN_MISMATCH error) {
    if (!passes)
      return;
    printerr ("%s\n", error.message);
  } catch (GLib.Error error) {
    printerr ("%s\n", error.message);
  }
  Process.exit (1);
}

async void run (string[] args) {
  var client = new Certpin.Client ();
  for (var round = 3; round < args.length; round++) {
    var count = int.parse (args[round]);
    for (var i = 0; i < count; i++)
      yield ask (client, args[i % 10 == 9 ? 2 : 1], i % 10 != 9);
    stdout.printf ("%s\n", args[round]);
    stdout.flush ();
    stdin.read_line ();
  }
}

int main (string[] args) {
  var loop = new MainLoop ();
  run.begin (args, (object, result) => {
    run.end (result);
    loop.quit ();
  });
  loop.run ();
  return 0;
}
