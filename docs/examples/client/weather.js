// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m weather.js URL CITY: asks a weather service for the weather of a city, with promises, and shows how much of the
// answer has come. Ctrl+C cancels it.

import Certpin from 'gi://Certpin?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

import {titleOf} from './advice.js';

const SIGINT = 2;
const PIECE = 4096;
const ANSWER_MAX = 1024 * 1024;
Gio._promisify(Certpin.Client.prototype, 'send_async');
Gio._promisify(Gio.InputStream.prototype, 'read_bytes_async');

// Something that is not an error of GLib's, with a sentence for people.
class Problem {
    constructor(sentence) {
        this.sentence = sentence;
    }
}

// Only an end without an error means that the answer is whole.
async function read(response, cancellable) {
    const length = response.get_header('Content-Length') ?? '?';
    const body = [];
    for (;;) {
        const bytes = await response.get_stream().read_bytes_async(PIECE, GLib.PRIORITY_DEFAULT, cancellable);
        const piece = bytes.toArray();
        if (piece.length === 0)
            return new TextDecoder().decode(Uint8Array.from(body));
        body.push(...piece);
        if (body.length > ANSWER_MAX)
            throw new Problem('The answer is too long.');
        printerr(`${body.length} of ${length} bytes`);
    }
}

// Takes nothing for granted: an answer that has no temperature is an error.
function temperatureIn(text) {
    try {
        return JSON.parse(text).temperature.toFixed(1);
    } catch (error) {
        throw new Problem('The answer is not what a weather service sends.');
    }
}

// A status such as 404 is a response like any other.
async function ask(url, city, cancellable) {
    const request = Certpin.Request.new('GET', `${url}?city=${encodeURIComponent(city)}`, null, null);
    const response = await Certpin.Client.new().send_async(request, null, cancellable);
    if (response.get_status() !== 200)
        throw new Problem(`The server answered with status ${response.get_status()}.`);
    print(`${city}: ${temperatureIn(await read(response, cancellable))} °C`);
}

async function main(url, city) {
    const cancellable = new Gio.Cancellable();
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, SIGINT, () => {
        cancellable.cancel();
        return GLib.SOURCE_CONTINUE;
    });
    try {
        await ask(url, city, cancellable);
        return 0;
    } catch (error) {
        if (cancellable.is_cancelled())
            return 130;
        printerr(error.sentence ?? `${titleOf(error)}: ${error.message}.`);
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
