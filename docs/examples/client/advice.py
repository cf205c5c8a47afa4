# SPDX-License-Identifier: LGPL-2.1-or-later
"""What to tell a person of each error of certpin; errors.py and download.py use it."""

from gi.repository import Certpin

REFUSED = (Certpin.Error.NOT_PINNED, Certpin.Error.BLOCKED, Certpin.Error.PIN_EXPIRED, Certpin.Error.PIN_MISMATCH,
           Certpin.Error.PIN_CHANGED, Certpin.Error.UNTRUSTED, Certpin.Error.TLS_FAILED,
           Certpin.Error.ADDRESS_DENIED, Certpin.Error.NOT_SECURE)
NETWORK = (Certpin.Error.UNREACHABLE, Certpin.Error.OFFLINE, Certpin.Error.TIMED_OUT, Certpin.Error.TRUNCATED,
           Certpin.Error.PROTOCOL_ERROR, Certpin.Error.PROXY_FAILED, Certpin.Error.PROXY_AUTH_REQUIRED)
MISTAKE = (Certpin.Error.INVALID_ARGUMENT, Certpin.Error.INVALID_HOST, Certpin.Error.INVALID_KEY,
           Certpin.Error.WRONG_FORMAT, Certpin.Error.FILE_NOT_FOUND, Certpin.Error.SELF_SIGNED,
           Certpin.Error.BODY_TOO_LARGE)


def is_one_of(error, codes):
    return any(error.matches(Certpin.error_quark(), code) for code in codes)


def title_of(error):
    if is_one_of(error, REFUSED):
        return 'This server cannot be trusted now'
    if is_one_of(error, NETWORK):
        return 'The server does not answer as it should'
    if is_one_of(error, MISTAKE):
        return 'This program made a mistake'
    return 'This does not work now'
