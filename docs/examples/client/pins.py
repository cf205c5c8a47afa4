#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pins.py HOST KEY...: pins a host to the keys that this program comes with, unless that was done before, and goes on
to tell of what happens to pins, until it is interrupted."""

import signal
import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

from advice import title_of


def on_key_seen(_client, host, sighting):
    if sighting.props.position > 0:
        print(f'{host} has begun to use the next key: ship an update that has one more', flush=True)


def on_pin_changed(_client, host, change):
    what = change.props.change
    if what in (Certpin.Change.MISSED, Certpin.Change.RELOADED):
        print('any pin may have changed', flush=True)
    elif what == Certpin.Change.REMOVED:
        print(f'{host}: unpinned', flush=True)
    elif what == Certpin.Change.PINNED:
        print(f'{host}: pinned by {change.props.created_by or "somebody"}', flush=True)
    else:
        print(f'{host}: changed', flush=True)


def ensure_pin(client, host, keys):
    """Pins are for all programs of the user: one that is there may be newer than this program. So the host is pinned
    only if it is certain that there is none."""
    try:
        return client.get_pin(host, None, None)
    except GLib.Error as error:
        if not error.matches(Certpin.error_quark(), Certpin.Error.NOT_PINNED):
            raise
    builder = Certpin.PinBuilder.new()
    builder.set_note("keys that came with the shop's app")
    return client.pin_keys(host, keys, builder.build(), None)


client = Certpin.Client.new()
client.connect('key-seen', on_key_seen)
client.connect('pin-changed', on_pin_changed)
client.set_watching(True)
try:
    ensure_pin(client, sys.argv[1], sys.argv[2:])
except GLib.Error as problem:
    sys.exit(f'{title_of(problem)}: {problem.message}.')
loop = GLib.MainLoop()
GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, loop.quit)
loop.run()
