#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sandboxed app that takes all that it can get leaves room to its user's own programs, and so do several: of each
thing of which a user may have so many at a time, one app gets half, and all apps together three quarters."""

import fcntl
import os
import pathlib
import subprocess
import time

from lib import http
from lib.apps import MAPS, WEATHER, AppsWorld, evidence
from lib.caller import PINS, REQUESTS, CallError
from lib.server import Gate, echo
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, HOST

MIB = 1024 * 1024
LIMIT = 8
LIMITS = ''.join(f'{name}PerUser={LIMIT}\n' for name in ('Running', 'Waiting', 'Streams', 'Tunnels'))

# A program of an app that calls again and again, with arguments as text, and never reads. Its user may not be able to
# read the library.
DEAF = """
import os
import sys
sys.path.insert(0, sys.argv[1])
from gi.repository import GLib
from lib.unread import Unread
_, _, uid, address, connections, *calls = sys.argv
os.setgroups([])
os.setgid(int(uid))
os.setuid(int(uid))
deaf = [Unread(address, greet=False) for _ in range(int(connections))]
for one in deaf:
    one.authenticate()
    one.accept_descriptors()
    one.hello()
while calls:
    times, interface, method, arguments, *calls = calls
    for one in deaf:
        for _ in range(int(times)):
            one.call(interface, method, GLib.Variant.parse(None, arguments, None, None))
print(*[one.name for one in deaf], flush=True)
sys.stdin.read()
"""
LIST_PINS = (PINS, 'ListPins', '(@a{sv} {},)')
STATS = ('org.freedesktop.DBus.Debug.Stats', 'GetConnectionStats', '(s)')


def prepare(world):
    """Returns: a server, two apps that have pinned it, as their user has"""
    world.daemon.configure('[Limits]\n' + LIMITS)
    world.daemon.restart()
    server, identity = world.serve_pinned()
    apps = [world.new_app(WEATHER), world.new_app(MAPS)]
    for app in apps:
        app.pin(HOST, identity.der)
    return server, apps


def take_all(take):
    """Returns: what could be taken until LimitExceeded"""
    taken = []
    while True:
        try:
            taken.append(take())
        except CallError as error:
            equal(error.name, 'LimitExceeded', 'the error')
            return taken
        holds(len(taken) <= LIMIT, f'{len(taken)} were had')


def leaves_room(world, apps, take):
    """Returns: all that was taken"""
    had = [take_all(lambda caller=caller: take(caller)) for caller in (*apps, world.alice)]
    equal([len(some) for some in had], [LIMIT // 2, LIMIT // 4, LIMIT // 4], 'how many two apps got, and then their user')
    return sum(had, [])


@test('connections')
def _(world):
    server, apps = prepare(world)
    server.speak = echo
    had = leaves_room(world, apps, lambda caller: caller.connect(HOST, server.port))
    for tunnel in had:
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')


@test('streams')
def _(world):
    server, apps = prepare(world)
    server.respond = lambda connection, _: connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n') or connection.drain()
    leaves_room(world, apps, lambda caller: caller.stream(server.url(HOST)))


@test('requests that are under way, and that wait')
def _(world):
    server, apps = prepare(world)
    gate = Gate(http.reply(200, b'hello'))
    server.respond = gate.respond
    begun = []
    for app in apps:
        mine = [app.begin_request(server.url(HOST)) for _ in range(2 * LIMIT)]
        # Half of those that run, and of those that wait; the other app, a quarter of each.
        room = LIMIT if app is apps[0] else LIMIT // 2
        begun += mine[:room]
        for one in mine[room:]:
            try:
                one.wait()
                raise AssertionError('a request was not refused')
            except CallError as error:
                equal(error.name, 'LimitExceeded', 'the error')
    begun += [world.alice.begin_request(server.url(HOST)) for _ in range(LIMIT // 2)]
    world.alice.refuses('LimitExceeded', server.url(HOST))
    gate.open()
    for one in begun:
        equal(one.wait()[0], 200, 'the status')
    equal(world.alice.request(server.url(HOST)).status, 200, 'the status')


@test('connections to servers that do not answer: those of its user, and of another app, are set up meanwhile')
def _(world):
    server, apps = prepare(world)
    silent = [world.serve(handshake=False) for _ in range(3)]
    begun = [apps[0].begin_request(one.url(HOST)) for one in silent]
    begun.append(apps[0].begin_connect(HOST, silent[0].port))
    for one in silent[:2]:
        one.wait(lambda one=one: one.connections, 'a connection')
    for caller in (world.alice, apps[1], world.alice):
        equal(caller.request(server.url(HOST)).status, 200, 'the status')
    equal(sum(len(one.connections) for one in silent), 2, 'how many connections the app sets up')
    for one in silent:
        one.close()
    for one in begun:
        try:
            one.wait()
            raise AssertionError('a server that does not answer has answered')
        except CallError as error:
            holds(error.name in ('TlsFailed', 'Unreachable'), error)  # in the handshake, or before it began


@test('changes of pins of many apps, while the disk is slow: those of its user, of another user and of the system do not wait')
def _(world):
    hold = os.path.join(world.folder, 'hold')
    with open(hold, 'wb') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        world.daemon.more_environment['CERTPIN_TEST_HOLD'] = hold
        world.daemon.restart()
        key = world.issue().pin
        begun = [world.alice.begin_keys('PinKeys', HOST, key, app=f'flatpak:org.example.App{i}') for i in range(40)]
        for caller in (world.alice, world.bob):
            equal(caller.pin_keys(HOST, key)['stored'], True, 'whether it is stored')
        equal(world.root.pin_keys(HOST, key, scope='system')['stored'], True, 'whether it is stored')
        held = os.path.getsize(hold)
        holds(held <= 1, f'{held} pins of apps are written at a time')
    for one in begun:  # the file is closed, and so unlocked
        equal(one.wait()[0]['stored'], True, 'whether it is stored')


def start_deaf(world, connections, *calls):
    """`calls`: how often, and what. Returns: the program, and the names of its connections"""
    library = pathlib.Path(http.__file__).resolve().parents[1]
    program = subprocess.Popen(['/usr/bin/python3', '-B', '-c', DEAF, library, str(ALICE), world.shared.bus.address,
                                connections, *calls], encoding='ascii', env={**os.environ, **evidence(WEATHER, ALICE)},
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return program, program.stdout.readline().split()


def make_long_list(world, key):
    for number in range(40):
        world.alice.pin_keys(f'h{number}.localhost', key, app=WEATHER, note='n' * 1000)


def undelivered(world, name):
    return world.root.call(*STATS, name, path='/org/freedesktop/DBus', destination='org.freedesktop.DBus')[0]['OutgoingBytes']


def wait_for_undelivered(world, names, least):
    deadline = time.monotonic() + DEADLINE_S
    while sum(undelivered(world, name) for name in names) < least:
        holds(time.monotonic() < deadline, f'less than {least} bytes are undelivered')


@test('replies that it does not read: those of its user arrive')
def _(world):
    server, identity = world.serve_pinned()
    server.respond = lambda *_: http.reply(200, b'x' * MIB)
    make_long_list(world, identity.pin)
    program, names = start_deaf(world, '30', '120', *LIST_PINS)
    with program:
        wait_for_undelivered(world, names, 8 * MIB)
        for _ in range(10):
            equal(world.alice.request(server.url(HOST), timeout_ms=10000).status, 200, 'the status')
        program.stdin.close()


@test('descriptors that it does not take: those of its user arrive')
def _(world):
    server, identity = world.serve_pinned()
    server.speak = echo
    app = world.new_app(WEATHER)
    app.pin(HOST, identity.der)
    world.list_in_group(*app.inside())
    make_long_list(world, identity.pin)
    # What is small, the kernel takes for a program that does not read, unless there is much before it.
    program, _ = start_deaf(world, '20', '8', *LIST_PINS, '1', REQUESTS, 'OpenConnection',
                            f'("{HOST}", uint16 {server.port}, @a{{sv}} {{}})')
    with program:
        server.wait(lambda: len(server.connections) == 20, 'the connections')
        for _ in range(6):
            tunnel = world.alice.connect(HOST, server.port, timeout_ms=10000)
            tunnel.send(b'hello')
            equal(tunnel.read(5), b'hello', 'what came back')
        program.stdin.close()


run(AppsWorld)
