#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs of one user that treat the bus as no library would: they leave in the middle of something, or stay and never
read. Started as root, becomes that user before it connects, and then does what it is told over a socket."""

import multiprocessing.connection
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from gi.repository import Gio, GLib

from lib.caller import NAME, PATH, PINS, REQUESTS
from lib.caller_process import become
from lib.unread import READ_DEADLINE_S, Unread

NO_OPTIONS = GLib.Variant('a{sv}', {})
INTERACTIVE = Gio.DBusMessageFlags.ALLOW_INTERACTIVE_AUTHORIZATION
KEY = 'sha256/' + 'E' * 43 + '='
UPLOAD, SMALL_UPLOAD = bytes(256 * 1024), bytes(64 * 1024)


def request(url, method='GET', body=b''):
    """The arguments of a call that makes a request."""
    data = GLib.Variant.new_from_bytes(GLib.VariantType('ay'), GLib.Bytes(body), True)
    return (REQUESTS, 'SecureRequest', GLib.Variant.new_tuple(
        GLib.Variant('s', method), GLib.Variant('s', url), GLib.Variant('a(ss)', []), data, NO_OPTIONS))


def list_pins():
    return PINS, 'ListPins', GLib.Variant.new_tuple(NO_OPTIONS)


def pin_for_all():
    options = GLib.Variant('a{sv}', {'scope': GLib.Variant('s', 'system')})
    return PINS, 'PinKeys', GLib.Variant.new_tuple(GLib.Variant('s', 'asked.localhost'),
                                                   GLib.Variant('as', [KEY]), options)


class Visits:
    """Each method is a stage at which a program leaves: it returns a connection that has come so far."""

    def __init__(self, address, urls):
        self.address, self.urls = address, urls

    def silent_socket(self):
        return Unread(self.address, greet=False)

    def half_authenticated(self):
        connection = Unread(self.address, greet=False)
        connection.authenticate()
        return connection

    def connected(self):
        return Unread(self.address)

    def half_a_message(self):
        connection = Unread(self.address)
        message = connection.message(NAME, PATH, *request(self.urls['good'], 'POST', UPLOAD))
        connection.socket.sendall(message[:len(message) // 2])
        return connection

    def with_a_reply_unread(self):
        connection = Unread(self.address)
        connection.call(*list_pins())
        connection.call(*request(self.urls['unpinned']))
        return connection

    def with_a_reply_half_read(self):
        connection = Unread(self.address)
        connection.call(*request(self.urls['large']))
        connection.socket.settimeout(READ_DEADLINE_S)
        connection.socket.recv(16)
        return connection

    def in_a_handshake(self):
        return self._under_way(request(self.urls['mute']))

    def in_an_upload(self):
        return self._under_way(request(self.urls['jam'], 'POST', UPLOAD))

    def in_a_request(self):
        return self._under_way(request(self.urls['stall']))

    def subscribed(self):
        return self._under_way((PINS, 'Subscribe'))

    def asking_for_a_password(self):
        return self._under_way(pin_for_all(), flags=INTERACTIVE)

    def _under_way(self, call, **keywords):
        """Once a call that needs the same right was answered; and the service takes a connection's calls in turn."""
        connection = Unread(self.address)
        connection.call(*request(self.urls['unpinned']))
        connection.read_until(b'NotPinned')
        connection.call(*call, **keywords)
        connection.call(PINS, 'NoMethodOfThisName')
        connection.read_until(b'NoMethodOfThisName')
        return connection


STAGES = [name for name in vars(Visits) if not name.startswith('_')]


class Silent:
    """Stays, subscribed, and calls without ever reading."""

    def __init__(self, address, call):
        self.connection = Unread(address)
        self.connection.socket.setblocking(False)
        self.call = call
        self.sent = 0
        self._out = self.connection.message(NAME, PATH, PINS, 'Subscribe')

    def send(self):
        """One call; or more of the last one, where the bus has not taken all of it."""
        if not self._out:
            self._out = self.connection.message(NAME, PATH, *self.call)
            self.sent += 1
        try:
            self._out = self._out[self.connection.socket.send(self._out):]
        except BlockingIOError:
            pass


class Program:
    def __init__(self, line, address):
        self.line, self.address = line, address
        self.visits, self.silent = [], []

    def do_come(self, urls, stage, count):
        self.visits += [getattr(Visits(self.address, urls), stage)() for _ in range(count)]

    def do_go(self):
        for connection in self.visits:
            connection.close()
        self.visits = []

    def do_be_silent(self, urls):
        calls = [list_pins(), request(urls['largest']), request(urls['large']), request(urls['unpinned']),
                 request(urls['wrong']), request(urls['good'], 'POST', SMALL_UPLOAD),
                 ('org.freedesktop.DBus.Introspectable', 'Introspect'), (PINS, 'NoSuchMethod')]
        self.silent = [Silent(self.address, call) for call in calls]
        return len(self.silent)

    def do_send(self, count):
        """Each of the silent ones calls so often, as far as the bus takes it. Returns: how many calls were made"""
        before = sum(one.sent for one in self.silent)
        for _ in range(count):
            for one in self.silent:
                one.send()
        return sum(one.sent for one in self.silent) - before

    def do_leave(self):
        for one in self.silent:
            one.connection.close()
        self.silent = []


def main():
    descriptor, uid, address = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    become(uid)
    line = multiprocessing.connection.Connection(descriptor)
    program = Program(line, address)
    while True:
        try:
            what, *arguments = line.recv()
        except EOFError:
            return
        try:
            line.send(('done', getattr(program, 'do_' + what)(*arguments)))
        except Exception as error:  # whatever it is, the soak has to know
            line.send(('failed', f'{type(error).__name__}: {error}'))


if __name__ == '__main__':
    main()
