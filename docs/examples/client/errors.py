#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""errors.py URL: gets the URL, and tells a person what went wrong."""

import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

REFUSED = (Certpin.Error.NOT_PINNED, Certpin.Error.BLOCKED, Certpin.Error.PIN_EXPIRED, Certpin.Error.PIN_MISMATCH,
           Certpin.Error.PIN_CHANGED, Certpin.Error.UNTRUSTED, Certpin.Error.TLS_FAILED,
           Certpin.Error.ADDRESS_DENIED, Certpin.Error.NOT_SECURE)
NETWORK = (Certpin.Error.UNREACHABLE, Certpin.Error.OFFLINE, Certpin.Error.TIMED_OUT, Certpin.Error.TRUNCATED,
           Certpin.Error.PROTOCOL_ERROR, Certpin.Error.PROXY_FAILED, Certpin.Error.PROXY_AUTH_REQUIRED)


def is_one_of(error, codes):
    return any(error.matches(Certpin.error_quark(), code) for code in codes)


def title_of(error):
    if is_one_of(error, REFUSED):
        return 'This server cannot be trusted now'
    if is_one_of(error, NETWORK):
        return 'The server does not answer'
    return 'This does not work now'


url = sys.argv[1]
client = Certpin.Client.new()
try:
    response = client.secure_request(Certpin.Request.new('GET', url, None, None), None, None)
    print(response.get_status())
except GLib.Error as error:
    sys.exit(f'{title_of(error)}: {error.message}.')
