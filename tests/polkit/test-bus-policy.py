#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the bus lets through to the service, and what of the bus the service may ask: the installed policy,
on a system bus of each kind."""

import os
import pathlib
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from gi.repository import Gio, GLib

from lib.caller import NAME, PATH, PINS, REQUESTS, Caller
from lib.tap import equal, holds, run, test
from machine import ALICE, BUS, SystemBus, enter, uid_of

SOCKET = '/run/dbus/system_bus_socket'
JOURNAL = '/run/systemd/journal/socket'
ACCESS_DENIED = BUS + '.Error.AccessDenied'
STATS = BUS + '.Debug.Stats'
SIGNALS = 'org.certpin.Test'
MARKER = NAME + '.Marker'
LOGIND = 'org.freedesktop.login1'
ALLOW_REPLACEMENT, REPLACE_EXISTING, DO_NOT_QUEUE = 1, 2, 4


class BrokerBus:
    """dbus-broker with the machine's configuration. Its launcher wants a socket as descriptor 3, a journal,
    and systemd, which it does without where it finds none."""

    def __init__(self):
        self.address = f'unix:path={SOCKET}'
        for path in (SOCKET, JOURNAL):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            pathlib.Path(path).unlink(missing_ok=True)
        self._journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._journal.bind(JOURNAL)
        os.chmod(JOURNAL, 0o666)
        threading.Thread(target=self._read_journal, daemon=True).start()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(SOCKET)
            os.chmod(SOCKET, 0o666)
            listener.listen()
            self.process = subprocess.Popen(
                ['bash', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec dbus-broker-launch --scope system 3<&"$0"',
                 str(listener.fileno())], pass_fds=[listener.fileno()],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': self.address})

    def _read_journal(self):
        while self._journal.recv(65536):
            pass

    def close(self):
        self.process.terminate()
        self.process.wait()


BUSES = {'dbus-daemon': SystemBus, 'dbus-broker': BrokerBus}


def connect(address):
    return Gio.DBusConnection.new_for_address_sync(
        address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
        | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)


def connect_as(uid, address):
    os.seteuid(uid)
    try:
        return connect(address)
    finally:
        os.seteuid(0)


class World:
    """A bus, something that has the service's name and hears signals, and a stranger."""

    def __init__(self):
        self.bus, self.service, self.stranger = None, None, None
        self.heard = []
        self._callers = []

    def start(self, kind):
        self.bus = BUSES[kind]()
        self.service, self.stranger = connect(self.bus.address), connect(self.bus.address)
        for interface, name in ((SIGNALS, None), (BUS, 'NameLost')):
            self.service.signal_subscribe(None, interface, name, None, None, Gio.DBusSignalFlags.NONE,
                                          lambda *arguments: self.heard.append(arguments[4]))
        self.ask(self.service, 'RequestName', '(su)', NAME, ALLOW_REPLACEMENT | DO_NOT_QUEUE)

    @staticmethod
    def ask(connection, method, signature, *arguments):
        return connection.call_sync(BUS, '/org/freedesktop/DBus', BUS, method,
                                    GLib.Variant(signature, arguments), None,
                                    Gio.DBusCallFlags.NONE, -1, None)

    def call(self, descriptors=None, interface=PINS):
        """What becomes of a stranger's call. Returns: the error's name"""
        try:
            self.stranger.call_with_unix_fd_list_sync(
                NAME, PATH, interface, 'AnyMethod', GLib.Variant('(a{sv})', ({},)), None,
                Gio.DBusCallFlags.NONE, -1, descriptors, None)
        except GLib.Error as error:
            return Gio.DBusError.get_remote_error(error)
        return None

    def signal(self, name, destination, sender=None):
        message = Gio.DBusMessage.new_signal('/', SIGNALS, name)
        message.set_destination(destination)
        (sender or self.stranger).send_message(message, Gio.DBusSendMessageFlags.NONE)

    def listen(self, connection):
        connection.signal_subscribe(None, SIGNALS, None, None, None, Gio.DBusSignalFlags.NONE,
                                    lambda *arguments: self.heard.append(arguments[4]))

    def hear(self):
        """What the service has heard of all that the stranger has sent or done."""
        self.ask(self.stranger, 'GetId', '()')
        self.ask(self.service, 'GetId', '()')
        while GLib.MainContext.default().iteration(False):
            pass
        return self.heard

    def user(self, name):
        caller = Caller(self.bus.address, uid_of(name))
        self._callers.append(caller)
        return caller

    def describe(self):
        return ''

    def check_health(self):
        pass

    def close(self):
        for caller in self._callers:
            caller.close()
        self.service.close_sync(None)
        self.stranger.close_sync(None)
        self.bus.close()


def test_on_each(name):
    """Registers a function as a test on a bus of each kind."""
    def register(function):
        for kind in BUSES:
            @test(f'{name}, on {kind}')
            def _(world, kind=kind):
                world.start(kind)
                function(world)
    return register


def list_of(count):
    descriptors = Gio.UnixFDList.new()
    with open('/dev/null', encoding='utf-8') as file:
        for _ in range(count):
            descriptors.append(file.fileno())
    return descriptors


@test_on_each('a message with a descriptor does not reach the service, but for one of the body of a request')
def _(world):
    unknown = BUS + '.Error.UnknownMethod'
    for interface in (PINS, REQUESTS, REQUESTS.removesuffix('s')):
        equal(world.call(interface=interface), unknown, 'the answer to a call without one')
    for interface in (PINS, REQUESTS.removesuffix('s')):
        equal(world.call(list_of(1), interface), ACCESS_DENIED, 'the answer to a call with one')
    equal(world.call(list_of(1), REQUESTS), unknown, 'the answer to a request with one')
    equal(world.call(list_of(2), REQUESTS), ACCESS_DENIED, 'the answer to a request with two')


@test_on_each('a signal reaches the service only if it is sent to all')
def _(world):
    world.signal('ToTheName', NAME)
    world.signal('ToTheConnection', world.service.get_unique_name())
    world.signal('ToAll', None)
    equal(world.hear(), ['ToAll'], 'the signals')


@test_on_each('a signal reaches no connection of the service’s user unless the bus or polkit sends it')
def _(world):
    other = connect_as(uid_of('certpin'), world.bus.address)
    polkit = connect_as(uid_of('polkitd'), world.bus.address)
    world.listen(other)
    world.ask(other, 'GetId', '()')
    world.ask(polkit, 'RequestName', '(su)', 'org.freedesktop.PolicyKit1', DO_NOT_QUEUE)
    world.signal('FromAStranger', other.get_unique_name())
    world.signal('FromPolkit', other.get_unique_name(), polkit)
    for connection in (world.stranger, polkit, other):
        world.ask(connection, 'GetId', '()')
    equal(world.hear(), ['FromPolkit'], 'the signals')
    other.close_sync(None)
    polkit.close_sync(None)


@test_on_each('logind reaches all connections of the service’s user with one signal, and a stranger with none')
def _(world):
    logind, other = connect(world.bus.address), connect_as(uid_of('certpin'), world.bus.address)
    other.signal_subscribe(None, LOGIND + '.Manager', None, None, None, Gio.DBusSignalFlags.NONE,
                           lambda *arguments: world.heard.append(arguments[4]))
    world.ask(other, 'GetId', '()')
    world.ask(logind, 'RequestName', '(su)', LOGIND, DO_NOT_QUEUE)
    for sender, name in ((world.stranger, 'PrepareForSleep'), (logind, 'UserNew'), (logind, 'PrepareForSleep')):
        sender.emit_signal(None, '/org/freedesktop/login1', LOGIND + '.Manager', name, None)
        world.ask(sender, 'GetId', '()')
    world.ask(other, 'GetId', '()')
    equal(world.hear(), ['PrepareForSleep'], 'the signals')
    other.close_sync(None)
    logind.close_sync(None)


@test_on_each('only the service’s user calls a connection without a name, and that only with one interface')
def _(world):
    quiet = connect_as(uid_of('certpin'), world.bus.address)
    where = {'path': PATH, 'destination': quiet.get_unique_name()}
    own, alice = world.user('certpin'), world.user(ALICE)
    own.refused(BUS + '.Error.UnknownMethod', own.call, MARKER, 'Pass', '(u)', 1, **where)
    own.refused(ACCESS_DENIED, own.call, PINS, 'ListPins', '(a{sv})', {}, **where)
    for interface in (MARKER, PINS, REQUESTS, BUS + '.Peer'):
        alice.refused(ACCESS_DENIED, alice.call, interface, 'AnyMethod', '', **where)
    quiet.close_sync(None)


@test_on_each('the bus tells the service alone that its name is another’s')
def _(world):
    world.ask(world.stranger, 'RequestName', '(su)', NAME, REPLACE_EXISTING)
    equal(world.hear(), ['NameLost'], 'the signals')


@test_on_each('the service’s user may ask the bus for its statistics, and others may not')
def _(world):
    where = {'path': '/org/freedesktop/DBus', 'destination': BUS}
    answer = world.user('certpin').call(STATS, 'GetStats', '', **where)[0]
    holds(len(answer) > 0, 'the statistics are empty')
    alice = world.user(ALICE)
    alice.refused(ACCESS_DENIED, alice.call, STATS, 'GetStats', '', **where)


if __name__ == '__main__':
    enter()
    run(World)
