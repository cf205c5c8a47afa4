#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sandboxed app that takes all that it can get leaves room to its user's own programs, and so do several: of each
thing of which a user may have so many at a time, one app gets half, and all apps together three quarters."""

from lib import http
from lib.apps import MAPS, WEATHER, AppsWorld
from lib.caller import CallError
from lib.server import Gate, echo
from lib.tap import equal, holds, run, test
from lib.world import HOST

LIMIT = 8
LIMITS = ''.join(f'{name}PerUser={LIMIT}\n' for name in ('Running', 'Waiting', 'Streams', 'Tunnels'))


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


run(AppsWorld)
