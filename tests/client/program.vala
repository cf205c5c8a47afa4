// SPDX-License-Identifier: LGPL-2.1-or-later
// What a program in Vala writes; that it compiles is the test.

async void ask () throws GLib.Error {
  var client = new Certpin.Client ();
  var key = new Certpin.Key.from_text ("sha256/mjLZM/F4Hc2BGr1JKLMzsvmzzN4VpisdLNAPBEhqh5g=");

  client.pin_changed.connect ((host, change) => {
    if (change.change == Certpin.Change.REMOVED)
      print ("%s has no pin any more\n", host);
  });
  client.key_seen.connect ((host, sighting) => print ("%s: key %u\n", host, sighting.position));
  client.pin_failed.connect ((host, failure) => print ("%s: %s\n", host, failure.message));
  client.interactive = true;
  var pins = new Certpin.PinList (client);
  pins.items_changed.connect ((at, removed, added) => {
    for (var i = at; i < at + added; i++) {
      var pin = (Certpin.Pin) pins.get_item (i);
      if (pin.state == Certpin.State.PAUSED)
        print ("%s only reports until %s\n", pin.host, pin.paused_until.to_string ());
    }
  });
  client.watching = true;
  var pin = yield client.pin_keys_async ("shop.example", { key.to_text () }, null, null);
  print ("%s is pinned\n", pin.host);
  foreach (var other in (yield client.list_pins_async (null, null)))
    print ("%s\n", other.host);
  var chain = yield client.fetch_chain_async ("shop.example", null, null);
  yield client.pin_certificate_async ("shop.example", chain.get_der ()[0], null, null);
  var request = new Certpin.Request ("GET", "https://shop.example/cart", null, null);
  var response = yield client.secure_request_async (request, null, null);
  print ("%u, %" + size_t.FORMAT + " bytes\n", response.get_status (), response.get_body ().length);
  print ("%s\n", response.get_evidence ().matched_key);
  var large = yield client.send_async (request, null, null);
  var first = yield large.get_stream ().read_bytes_async (1000, Priority.DEFAULT, null);
  print ("%" + size_t.FORMAT + " bytes\n", first.length);
  yield client.upload_async (request, large.get_stream (), 3, null, null, null);
  yield client.download_async (request, File.new_for_path ("page.html"), null, null,
                               (done, total) => print ("%s of %s\n", done.to_string (), total.to_string ()));
}

int main () {
  var loop = new MainLoop ();
  ask.begin ((object, result) => {
    try {
      ask.end (result);
    } catch (GLib.Error error) {
      printerr ("%s\n", error.message);
    }
    loop.quit ();
  });
  loop.run ();
  return 0;
}
