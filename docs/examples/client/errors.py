#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""errors.py URL: gets the URL, and tells a person what went wrong."""

import sys
import time

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, Gio, GLib

from advice import title_of


def hint_for(error):
    """What to look at first, where the cause says so."""
    cause = Certpin.Error.get_cause(error)
    if cause and cause.matches(Gio.resolver_error_quark(), Gio.ResolverError.NOT_FOUND):
        return '\nNo such host is known. Is its name right?'
    if cause and cause.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CONNECTION_REFUSED):
        return '\nThe host is there, but nothing answers at that port.'
    return ''


def advice_for(client, url, error, began_s):
    """The words of the service: what helps. An older refusal of the host may have had another cause."""
    try:
        failure = client.last_failure(GLib.Uri.parse(url, GLib.UriFlags.NONE).get_host(), None)
    except GLib.Error:
        return ''
    when, advice = failure.props.time, failure.props.advice
    if advice and when and when.to_unix() >= began_s and failure.get_code() == error.code:
        return f'\n{advice}'
    return ''


url = sys.argv[1]
client = Certpin.Client.new()
began_s = int(time.time())
try:
    response = client.secure_request(Certpin.Request.new('GET', url, None, None), None, None)
    print(response.get_status())
except GLib.Error as error:
    more = hint_for(error) or advice_for(client, url, error, began_s)
    sys.exit(f'{title_of(error)}: {error.message}.{more}')
