# SPDX-License-Identifier: LGPL-2.1-or-later
"""One program of one user on the bus: started as root, becomes that user before it connects, and
then does what it is told over a socket."""

import grp
import multiprocessing.connection
import os
import pwd
import socket
import sys
from multiprocessing import reduction

from gi.repository import Gio, GLib

from .variant import V

CALL_TIMEOUT_MS = GLib.MAXINT  # none: whoever waits has a deadline, and a body may take long


def to_glib(value):
    if isinstance(value, V) and value.signature == 'aay':
        return GLib.Variant.new_array(GLib.VariantType('ay'), [_one('ay', item) for item in value.value])
    if isinstance(value, V):
        return GLib.Variant(value.signature, to_glib(value.value))
    if isinstance(value, dict):
        return {key: to_glib(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_glib(item) for item in value)
    return value


def from_glib(value):
    """As Variant.unpack, but with bytes for ay."""
    kind = value.get_type_string()
    if kind == 'ay':
        return value.get_data_as_bytes().get_data() or b''
    if kind[0] == 'v':
        return from_glib(value.get_variant())
    if kind.startswith('a{'):
        entries = (value.get_child_value(i) for i in range(value.n_children()))
        return {from_glib(entry.get_child_value(0)): from_glib(entry.get_child_value(1))
                for entry in entries}
    if kind[0] in 'a(':
        items = [from_glib(value.get_child_value(i)) for i in range(value.n_children())]
        return tuple(items) if kind[0] == '(' else items
    return value.unpack()


def _one(kind, value):
    if kind == 'ay':  # as it is: byte by byte it takes seconds for a megabyte
        return GLib.Variant.new_from_bytes(GLib.VariantType('ay'), GLib.Bytes(value), True)
    return GLib.Variant(kind, to_glib(value))


def build(signature, arguments):
    """The arguments of a call; None where it takes none."""
    if not signature:
        return None
    return GLib.Variant.new_tuple(*map(_one, GLib.Variant.split_signature(signature), arguments))


class Program:
    """The connection to the bus and the line to the test."""

    def __init__(self, line, descriptors, address):
        self.line = line
        self.descriptors = descriptors
        self.bus = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.bus.set_exit_on_close(False)
        line.send(('ready', self.bus.get_unique_name()))

    def on_line(self, _descriptor, _condition):
        try:
            what, *arguments = self.line.recv()
            getattr(self, 'do_' + what)(*arguments)
        except EOFError:
            os._exit(0)
        return True

    def do_call(self, number, target, method, signature, arguments, n_descriptors):
        destination, path, interface = target
        self.bus.call_with_unix_fd_list(
            destination, path, interface, method, build(signature, arguments), None,
            Gio.DBusCallFlags.NO_AUTO_START, CALL_TIMEOUT_MS, self.take(n_descriptors), None,
            self.on_reply, number)

    def take(self, count):
        """Descriptors for a call, which the test has sent."""
        if count == 0:
            return None
        taken = Gio.UnixFDList()
        for descriptor in socket.recv_fds(self.descriptors, 1, count)[1]:
            taken.append(descriptor)
            os.close(descriptor)
        return taken

    def give(self, given):
        """Passes the descriptors of a reply to the test. Returns: how many there are"""
        descriptors = given.steal_fds() if given else []
        if descriptors:
            socket.send_fds(self.descriptors, [b'.'], descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        return len(descriptors)

    def on_reply(self, bus, result, number):
        try:
            reply, given = bus.call_with_unix_fd_list_finish(result)
            reply, count = from_glib(reply), self.give(given)
        except GLib.Error as error:
            name = Gio.DBusError.get_remote_error(error) or f'local:{error.code}'
            message = error.message.removeprefix(f'GDBus.Error:{name}: ')
            self.line.send(('error', number, name, message))
            return
        self.line.send(('reply', number, reply, count))

    def do_flush(self, number):
        self.bus.flush_sync()
        self.line.send(('reply', number, (), 0))

    def do_subscribe(self, sender, interface, path):
        self.bus.signal_subscribe(sender, interface, None, path, None,
                                  Gio.DBusSignalFlags.NONE, self.on_signal)

    def on_signal(self, _bus, _sender, _path, _interface, name, arguments):
        self.line.send(('signal', name, from_glib(arguments)))


def groups_of(uid):
    names = {user.pw_name for user in pwd.getpwall() if user.pw_uid == uid}
    return [group.gr_gid for group in grp.getgrall() if names.intersection(group.gr_mem)]


def become(uid):
    """With the user's groups, too: polkit 126 asks for the program's, not for the user's."""
    if uid != 0:
        os.setgroups(groups_of(uid))
        os.setresgid(65534, 65534, 65534)
        os.setresuid(uid, uid, uid)


def main():
    descriptor, descriptors, uid = map(int, sys.argv[1:4])
    become(uid)
    program = Program(multiprocessing.connection.Connection(descriptor),
                      socket.socket(fileno=descriptors), sys.argv[4])
    GLib.io_add_watch(descriptor, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP,
                      program.on_line)
    GLib.MainLoop().run()


if __name__ == '__main__':
    main()
