#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dialogs.py: a program that wants to change pins of all users, and whose user leaves the password
dialogs open, with the argument `ignore` even when polkit wants them closed. Reads commands: `open N` begins
N calls, `leave` closes the connection that made them, and `finish` ends the dialogs, which allows what was
authenticated. Prints events as JSON, one a line:
["ready"], ["dialog", COOKIE], ["cancelled", COOKIE], ["reply", ERROR or null]."""

import json
import sys

from gi.repository import Gio, GLib

import agent

KEY = 'sha256/' + 'E' * 43 + '='


def tell(*event):
    print(json.dumps(event), flush=True)


class Program:
    def __init__(self):
        self.loop = GLib.MainLoop()
        self.open_dialogs = {}
        self.bus = None
        self.calls = 0
        self.ignored = [] if sys.argv[1:] == ['ignore'] else None
        self.agent_bus = self.connect()
        agent.register(self.agent_bus, 'C.UTF-8', self.on_begin, self.on_cancel)
        # A buffer would keep a second line from the watch.
        self.commands = open(sys.stdin.fileno(), 'rb', buffering=0, closefd=False)
        GLib.io_add_watch(GLib.IOChannel.unix_new(sys.stdin.fileno()), GLib.PRIORITY_DEFAULT,
                          GLib.IOCondition.IN | GLib.IOCondition.HUP, self.on_command)

    @staticmethod
    def connect():
        address = Gio.dbus_address_get_for_bus_sync(Gio.BusType.SYSTEM, None)
        return Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)

    def on_begin(self, _message, cookie, invocation):
        self.open_dialogs[cookie] = invocation
        tell('dialog', cookie)

    def on_cancel(self, cookie):
        """polkit asks twice where the program left, and the question was cancelled for that."""
        invocation = self.open_dialogs.pop(cookie, None)
        if invocation is None:
            return
        tell('cancelled', cookie)
        if self.ignored is None:
            invocation.return_dbus_error(agent.POLKIT + '.Error.Cancelled', '')
        else:
            self.ignored.append(invocation)

    def open(self, count):
        if self.bus is None:
            self.bus = self.connect()
        for _ in range(int(count)):
            self.calls += 1
            agent.begin(self.bus, 'PinKeys',
                        f"('h{self.calls}.example.org', ['{KEY}'], {{'scope': <'system'>}})",
                        lambda error: tell('reply', error))

    def leave(self):
        self.bus.close_sync(None)
        self.bus = None

    def finish(self):
        for invocation in self.open_dialogs.values():
            invocation.return_value(None)
        self.open_dialogs.clear()

    def on_command(self, _channel, _condition):
        words = self.commands.readline().decode().split()
        if not words:
            self.loop.quit()
        else:
            {'open': self.open, 'leave': self.leave, 'finish': self.finish}[words[0]](*words[1:])
        return True


def main():
    program = Program()
    tell('ready')
    program.loop.run()


if __name__ == '__main__':
    main()
