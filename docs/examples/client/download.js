// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m download.js URL FILE: downloads a file with promises, and shows how far it is. Ctrl+C cancels it.

import Certpin from 'gi://Certpin?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

import {titleOf} from './advice.js';

const SIGINT = 2;
Gio._promisify(Certpin.Client.prototype, 'download_async');

function show(done, total) {
    printerr(total >= 0 ? `${done} of ${total} bytes` : `${done} bytes`);
}

async function download(url, path, cancellable) {
    const client = Certpin.Client.new();
    const request = Certpin.Request.new('GET', url, null, null);
    const file = Gio.File.new_for_commandline_arg(path);
    const response = await client.download_async(request, file, null, cancellable, show);
    print(response.get_status());
}

async function main(url, path) {
    const cancellable = new Gio.Cancellable();
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, SIGINT, () => {
        cancellable.cancel();
        return GLib.SOURCE_CONTINUE;
    });
    try {
        await download(url, path, cancellable);
        return 0;
    } catch (error) {
        if (cancellable.is_cancelled())
            return 130;
        printerr(`${titleOf(error)}: ${error.message}.`);
        return 1;
    }
}

const loop = new GLib.MainLoop(null, false);
let status = 1;
main(...ARGV).then(result => {
    status = result;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
