# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of logind as says when the machine sleeps."""

from gi.repository import Gio, GLib

LOGIND = 'org.freedesktop.login1'


class FakeLogind:
    """`name`: None: a stranger, who says the same."""

    def __init__(self, address, name=LOGIND):
        self._connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self._connection.set_exit_on_close(False)
        if name is not None:
            self._call('RequestName', GLib.Variant('(su)', (name, 0)))

    def _call(self, method, arguments=None):
        self._connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                   method, arguments, None, 0, -1, None)

    def prepare_for_sleep(self, goes_to_sleep):
        """Returns when the bus has it."""
        self._connection.emit_signal(None, '/org/freedesktop/login1', LOGIND + '.Manager', 'PrepareForSleep',
                                     GLib.Variant('(b)', (goes_to_sleep,)))
        self._call('GetId')

    def close(self):
        self._connection.close_sync()
