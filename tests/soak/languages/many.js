// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m many.js URL WRONG ROUND..., as many.c. Eight requests are under way at a time, with promises.

import Certpin from 'gi://Certpin?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

const AT_A_TIME = 8;
Gio._promisify(Certpin.Client.prototype, 'secure_request_async');

async function ask(client, url, passes) {
    try {
        const request = Certpin.Request.new('GET', url, null, null);
        const response = await client.secure_request_async(request, null, null);
        if (!passes || response.get_body().toArray().length !== 1000)
            throw new Error('another answer');
    } catch (error) {
        if (passes || !error.matches(Certpin.Error, Certpin.Error.PIN_MISMATCH))
            throw error;
    }
}

async function makeRound(client, url, wrong, count) {
    for (let at = 0; at < count; at += AT_A_TIME) {
        const some = [];
        for (let i = at; i < Math.min(at + AT_A_TIME, count); i++)
            some.push(ask(client, i % 10 === 9 ? wrong : url, i % 10 !== 9));
        await Promise.all(some);
    }
}

async function main(url, wrong, ...rounds) {
    const client = Certpin.Client.new();
    const input = Gio.DataInputStream.new(new Gio.UnixInputStream({fd: 0, close_fd: false}));
    for (const count of rounds) {
        await makeRound(client, url, wrong, Number(count));
        System.gc();
        print(count);
        input.read_line(null);
    }
}

const loop = new GLib.MainLoop(null, false);
let failed = false;
main(...ARGV).catch(error => {
    logError(error);
    failed = true;
}).finally(() => loop.quit());
loop.run();
System.exit(failed ? 1 : 0);
