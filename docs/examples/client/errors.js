// SPDX-License-Identifier: LGPL-2.1-or-later
// gjs -m errors.js URL: gets the URL, and tells a person what went wrong.

import Certpin from 'gi://Certpin?version=1';
import System from 'system';

const REFUSED = [Certpin.Error.NOT_PINNED, Certpin.Error.BLOCKED, Certpin.Error.PIN_EXPIRED,
    Certpin.Error.PIN_MISMATCH, Certpin.Error.PIN_CHANGED, Certpin.Error.UNTRUSTED, Certpin.Error.TLS_FAILED,
    Certpin.Error.ADDRESS_DENIED, Certpin.Error.NOT_SECURE];

function titleOf(error) {
    if (REFUSED.some(code => error.matches(Certpin.Error, code)))
        return 'This server cannot be trusted now';
    return 'This does not work now';
}

const [url] = ARGV;
try {
    const request = Certpin.Request.new('GET', url, null, null);
    print(Certpin.Client.new().secure_request(request, null, null).get_status());
} catch (error) {
    printerr(`${titleOf(error)}: ${error.message}.`);
    System.exit(1);
}
