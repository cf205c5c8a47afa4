# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connection to the bus by hand: it reads only when it is told to, which no library can be kept from. It belongs to
the uid of this process."""

import os
import re
import socket

from gi.repository import Gio

from .caller import NAME, PATH

BUS = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus')
READ_DEADLINE_S = 60
FLOOD_PATIENCE_S = 1


class Unread:
    """`greet`: off for one that only connects."""

    def __init__(self, address, greet=True):
        path = re.match(r'unix:path=([^,]+)', address)[1]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.serial = 0
        self.name = None
        if greet:
            self.authenticate()
            self.hello()

    def authenticate(self):
        self.socket.sendall(b'\0AUTH EXTERNAL %s\r\n' % str(os.getuid()).encode().hex().encode())
        self.read_until(b'\r\n')

    def accept_descriptors(self):
        self.socket.sendall(b'NEGOTIATE_UNIX_FD\r\n')
        self.read_until(b'AGREE_UNIX_FD\r\n')

    def hello(self):
        self.socket.sendall(b'BEGIN\r\n')
        self.send(*BUS, 'Hello')
        self.name = re.search(rb':1\.\d+', self.read_until(b':1.'))[0].decode()

    def read_until(self, mark):
        self.socket.settimeout(READ_DEADLINE_S)
        data = b''
        while mark not in data:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError('the bus has closed the connection')
            data += more
        return data

    def message(self, destination, path, interface, method, arguments=None,
                flags=Gio.DBusMessageFlags.NONE):
        """Returns: a call as bytes, with a serial of its own"""
        message = Gio.DBusMessage.new_method_call(destination, path, interface, method)
        message.set_flags(flags)
        if arguments is not None:
            message.set_body(arguments)
        self.serial += 1
        message.set_serial(self.serial)
        return message.to_blob(Gio.DBusCapabilityFlags.NONE)

    def send(self, *what, **keywords):
        self.socket.sendall(self.message(*what, **keywords))

    def call(self, *what, **keywords):
        """Calls the service, and does not wait for the reply."""
        self.send(NAME, PATH, *what, **keywords)

    def flood(self, *what, count):
        """Calls the service as often as the bus takes it."""
        self.socket.settimeout(FLOOD_PATIENCE_S)
        try:
            for _ in range(count):
                self.call(*what)
        except TimeoutError:
            pass  # the bus has stopped reading from it

    def close(self):
        self.socket.close()
