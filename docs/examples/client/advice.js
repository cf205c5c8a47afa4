// SPDX-License-Identifier: LGPL-2.1-or-later
// What to tell a person of each error of certpin; errors.js and download.js use it.

import Certpin from 'gi://Certpin?version=1';

const REFUSED = [Certpin.Error.NOT_PINNED, Certpin.Error.BLOCKED, Certpin.Error.PIN_EXPIRED,
    Certpin.Error.PIN_MISMATCH, Certpin.Error.PIN_CHANGED, Certpin.Error.UNTRUSTED, Certpin.Error.TLS_FAILED,
    Certpin.Error.ADDRESS_DENIED, Certpin.Error.NOT_SECURE];
const NETWORK = [Certpin.Error.UNREACHABLE, Certpin.Error.OFFLINE, Certpin.Error.TIMED_OUT, Certpin.Error.TRUNCATED,
    Certpin.Error.PROTOCOL_ERROR, Certpin.Error.PROXY_FAILED, Certpin.Error.PROXY_AUTH_REQUIRED];
const MISTAKE = [Certpin.Error.INVALID_ARGUMENT, Certpin.Error.INVALID_HOST, Certpin.Error.INVALID_KEY,
    Certpin.Error.WRONG_FORMAT, Certpin.Error.FILE_NOT_FOUND, Certpin.Error.SELF_SIGNED,
    Certpin.Error.BODY_TOO_LARGE];

// An error that is none of GLib's, such as a TypeError, is a mistake of the program.
export function titleOf(error) {
    const isOneOf = codes => codes.some(code => error.matches(Certpin.Error, code));
    if (!error.matches || isOneOf(MISTAKE))
        return 'This program made a mistake';
    if (isOneOf(REFUSED))
        return 'This server cannot be trusted now';
    if (isOneOf(NETWORK))
        return 'The server does not answer as it should';
    return 'This does not work now';
}
