// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m pins.js HOST KEY...: pins a host to the keys that this program comes with, unless that was done before, and goes
// on to tell of what happens to pins, until it is interrupted.

import Certpin from 'gi://Certpin?version=1';
import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import System from 'system';

import {titleOf} from './advice.js';

const SIGINT = 2;
Gio._promisify(Certpin.Client.prototype, 'get_pin_async');
Gio._promisify(Certpin.Client.prototype, 'pin_keys_async');

function onKeySeen(_client, host, sighting) {
    if (sighting.position > 0)
        print(`${host} has begun to use the next key: ship an update that has one more`);
}

function onPinChanged(_client, host, change) {
    if ([Certpin.Change.MISSED, Certpin.Change.RELOADED].includes(change.change))
        print('any pin may have changed');
    else if (change.change === Certpin.Change.REMOVED)
        print(`${host}: unpinned`);
    else if (change.change === Certpin.Change.PINNED)
        print(`${host}: pinned by ${change.created_by ?? 'somebody'}`);
    else
        print(`${host}: changed`);
}

// Pins are for all programs of the user: one that is there may be newer than this program. So the host is pinned only if
// it is certain that there is none.
async function ensurePin(client, host, keys) {
    try {
        return await client.get_pin_async(host, null, null);
    } catch (error) {
        if (!error.matches?.(Certpin.Error, Certpin.Error.NOT_PINNED))
            throw error;
    }
    const builder = Certpin.PinBuilder.new();
    builder.set_note("keys that came with the shop's app");
    return client.pin_keys_async(host, keys, builder.build(), null);
}

const loop = new GLib.MainLoop(null, false);
const client = Certpin.Client.new();
const [host, ...keys] = ARGV;
let status = 0;
client.connect('key-seen', onKeySeen);
client.connect('pin-changed', onPinChanged);
client.watching = true;
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, SIGINT, () => loop.quit());
ensurePin(client, host, keys).catch(error => {
    printerr(`${titleOf(error)}: ${error.message}.`);
    status = 1;
    loop.quit();
});
loop.run();
System.exit(status);
