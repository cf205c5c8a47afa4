#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that call and never read: what the bus holds for them stays bounded, others are answered meanwhile, and what
they held is given back."""

import os
import re
import socket

from gi.repository import Gio, GLib

from lib.tap import equal, holds, run, test
from lib.world import HOST, World

NAME, PATH = 'org.certpin.Certpin1', '/org/certpin/Certpin1'
PINS = f'{NAME}.Pins'
KIB, MIB = 1024, 1024 * 1024
# dbus-daemon lets a caller wait for 128 replies; to each call beyond it answers itself, with an error.
FEW, MANY = 120, 3000
CREDIT, ERRORS = MIB, MIB
STATS = ('org.freedesktop.DBus.Debug.Stats', 'GetConnectionStats', '(s)')


class Unread:
    """A connection that sends calls and never reads what comes back."""

    def __init__(self, world):
        path = re.match(r'unix:path=([^,]+)', world.shared.bus.address)[1]
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.serial = 0
        self.socket.sendall(b'\0AUTH EXTERNAL %s\r\n' % str(os.getuid()).encode().hex().encode())
        self.read_until(b'\r\n')
        self.socket.sendall(b'BEGIN\r\n')
        self.send('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'Hello')
        self.name = re.search(rb':1\.\d+', self.read_until(b':1.'))[0].decode()

    def read_until(self, mark):
        data = b''
        while mark not in data:
            data += self.socket.recv(4096)
        return data

    def message(self, destination, path, interface, method, arguments=None):
        message = Gio.DBusMessage.new_method_call(destination, path, interface, method)
        if arguments is not None:
            message.set_body(arguments)
        self.serial += 1
        message.set_serial(self.serial)
        return message.to_blob(Gio.DBusCapabilityFlags.NONE)

    def send(self, *what):
        self.socket.sendall(self.message(*what))

    def flood(self, *what, count=MANY):
        """Sends as much as the bus takes."""
        self.socket.settimeout(1)
        try:
            for _ in range(count):
                self.send(NAME, PATH, *what)
        except TimeoutError:
            pass  # the bus has stopped reading from it

    def close(self):
        self.socket.close()


def undelivered(world, name):
    answer = world.root.call(*STATS, name, path='/org/freedesktop/DBus', destination='org.freedesktop.DBus')
    return answer[0]['OutgoingBytes']


def memory(world):
    with open(f'/proc/{world.daemon.process.pid}/status', encoding='ascii') as file:
        return int(re.search(r'VmRSS:\s+(\d+) kB', file.read())[1]) * KIB


def bystander_is_answered(world):
    for _ in range(20):
        world.bob.refused('NotPinned', world.bob.get_pin, 'nobody.localhost')


def add_test(what, count, most, *call):
    @test(f'three connections that never read, with {what}: little is held for them, and others are answered')
    def _(world):
        for number in range(40):
            world.root.pin_keys(f'h{number}.localhost', 'sha256/' + 'A' * 43 + '=', note='n' * 1000)
        before = memory(world)
        silent = [Unread(world) for _ in range(3)]
        for one in silent:
            one.flood(*call, count=count)
            bystander_is_answered(world)
        held = [undelivered(world, one.name) for one in silent]
        print(f'# the bus holds {[size // KIB for size in held]} KiB; memory grew by '
              f'{(memory(world) - before) // KIB} KiB', flush=True)
        holds(all(size <= most for size in held), f'the bus holds {held}')
        holds(memory(world) - before < 128 * MIB, f'it grew from {before} to {memory(world)}')
        for one in silent:
            one.close()
        bystander_is_answered(world)
        equal(len(world.root.list_pins()), 40, 'the pins')


add_test('ListPins', FEW, CREDIT, PINS, 'ListPins', GLib.Variant('(a{sv})', ({},)))
add_test('many calls of Introspect', MANY, CREDIT + ERRORS, 'org.freedesktop.DBus.Introspectable', 'Introspect')


@test('signals that are not read are dropped, and one that missed some is told so')
def _(world):
    silent = Unread(world)
    silent.send(NAME, PATH, PINS, 'Subscribe')
    world.root.be_told()
    for number in range(12):
        for host in range(60):
            world.root.block(f'h{host}.localhost', 'r' * 900)
        world.root.wait_for_signal_where('PinChanged', lambda *_: True)
        world.root.signals.clear()
    holds(undelivered(world, silent.name) <= CREDIT, 'what the bus holds')
    bystander_is_answered(world)
    silent.close()


run(World)
