// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m request.js FILE URL: pins the URL's host to the key of the certificate in FILE, and gets the URL, with promises.

import Certpin from 'gi://Certpin?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

Gio._promisify(Certpin.Client.prototype, 'pin_certificate_from_file_async');
Gio._promisify(Certpin.Client.prototype, 'secure_request_async');

async function get(path, url) {
    const client = Certpin.Client.new();
    const host = GLib.Uri.parse(url, GLib.UriFlags.NONE).get_host();
    await client.pin_certificate_from_file_async(host, Gio.File.new_for_path(path), null, null);
    const request = Certpin.Request.new('GET', url, null, null);
    const response = await client.secure_request_async(request, null, null);
    const body = new TextDecoder().decode(response.get_body().toArray());
    print(response.get_status(), body);
}

const loop = new GLib.MainLoop(null, false);
let failed = false;
get(...ARGV).catch(error => {
    printerr(error.message);
    failed = true;
}).finally(() => loop.quit());
loop.run();
System.exit(failed ? 1 : 0);
