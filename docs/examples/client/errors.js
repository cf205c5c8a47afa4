// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m errors.js URL: gets the URL, and tells a person what went wrong.

import Certpin from 'gi://Certpin?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

import {titleOf} from './advice.js';

// What to look at first, where the cause says so.
function printHint(error) {
    const cause = error.matches ? Certpin.Error.get_cause(error) : null;
    if (cause?.matches(Gio.ResolverError, Gio.ResolverError.NOT_FOUND))
        printerr('No such host is known. Is its name right?');
    else if (cause?.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_REFUSED))
        printerr('The host is there, but nothing answers at that port.');
}

// The words of the service: what helps. An older refusal of the host may have had another cause.
function printAdvice(client, url, error, beganS) {
    try {
        const failure = client.last_failure(GLib.Uri.parse(url, GLib.UriFlags.NONE).get_host(), null);
        if (failure.advice && failure.time?.to_unix() >= beganS && failure.get_code() === error.code)
            printerr(failure.advice);
    } catch (_) {
        // Nothing was refused.
    }
}

const [url] = ARGV;
const client = Certpin.Client.new();
const beganS = Math.floor(Date.now() / 1000);
try {
    const request = Certpin.Request.new('GET', url, null, null);
    const options = new GLib.Variant('a{sv}', {'timeout-ms': new GLib.Variant('u', 20000)});
    print(client.secure_request(request, options, null).get_status());
} catch (error) {
    printerr(`${titleOf(error)}: ${error.message}.`);
    printHint(error);
    printAdvice(client, url, error, beganS);
    System.exit(1);
}
