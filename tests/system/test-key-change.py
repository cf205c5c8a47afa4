#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pins that change under connections and sessions that were good before: nothing that was once
checked lets a later request pass."""

import socket
import ssl
import threading

from lib import http
from lib.caller import CallError
from lib.server import Gate
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import HOST, World

VERSIONS = (('TLS 1.3', ('TLSv1_3', 'TLSv1_3'), True),
            ('TLS 1.2 session tickets', ('TLSv1_2', 'TLSv1_2'), True),
            ('TLS 1.2 session ids', ('TLSv1_2', 'TLSv1_2'), False))


def resume_by_hand(server):
    """Connects twice as a client that does resume sessions."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    session = None
    for _ in range(2):
        with socket.create_connection((server.address, server.port)) as raw:
            with context.wrap_socket(raw, server_hostname=HOST, session=session) as client:
                client.sendall(b'GET / HTTP/1.1\r\n\r\n')
                client.recv(1000)
                session = client.session
                client.unwrap()


def close_after_each(server):
    server.respond = lambda connection, request: http.reply(200, b'hello', close=True)


def add_resumption_test(label, versions, tickets):
    @test(f'a session that the server would resume is never used again: {label}')
    def _(world):
        server, _ = world.serve_pinned(versions=versions, tickets=tickets)
        close_after_each(server)
        resume_by_hand(server)
        equal(server.resumptions, 1, 'the sessions that another client resumed')
        world.arrives(server)
        world.arrives(server)
        world.alice.pin(HOST, world.issue().der)
        world.nothing_arrives(server, 'PinMismatch')
        world.nothing_arrives(server, 'PinMismatch')
        equal(server.resumptions, 1, 'the sessions that were resumed')

    @test(f'another key answers after a good session, without a change of pins: {label}')
    def _(world):
        server, identity = world.serve_pinned(versions=versions, tickets=tickets)
        close_after_each(server)
        world.arrives(server)
        server.present(world.impostor())
        world.nothing_arrives(server, 'PinMismatch')
        server.present(identity)
        world.arrives(server)
        equal(server.resumptions, 0, 'the sessions that were resumed')


for arguments in VERSIONS:
    add_resumption_test(*arguments)


@test('an upload is cut where the pin changes: what waits in the kernel is never sent')
def _(world):
    server, _ = world.serve_pinned(buffer=4096)
    going_on = threading.Event()
    server.before_read = lambda connection: connection.bytes < 16384 or going_on.wait(DEADLINE_S)
    upload = world.alice.begin_request(server.url(HOST), 'PUT', body=bytes(8 << 20))
    server.wait(lambda: server.bytes >= 16384, 'the upload to begin')
    world.alice.pin(HOST, world.issue().der)
    world.alice.refused('PinChanged', upload.answer)
    going_on.set()
    server.wait_until_idle()
    holds(server.bytes < 1 << 20, f'{server.bytes} bytes reached the old key')


@test('no session is resumed after the service was restarted')
def _(world):
    server, _ = world.serve_pinned()
    close_after_each(server)
    world.arrives(server)
    world.daemon.restart()
    world.alice.pin(HOST, world.issue().der)
    world.nothing_arrives(server, 'PinMismatch')
    equal(server.resumptions, 0, 'the sessions that were resumed')


@test('a second PinCertificate overrides the first: the old key is refused on a kept connection')
def _(world):
    server, first = world.serve_pinned()
    world.arrives(server)
    equal(world.arrives(server).info['connection-reused'], True, 'connection-reused')
    world.alice.pin(HOST, world.issue().der)
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.pin(HOST, first.der)
    world.arrives(server)


@test('a second PinCertificate overrides the first: the new key passes')
def _(world):
    second = world.issue()
    server = world.serve(second)
    world.alice.pin(HOST, world.issue().der)
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.pin(HOST, second.der)
    equal(world.arrives(server).info['matched-key'], second.pin, 'the matched key')


@test('both ways, again and again, in the middle of kept connections')
def _(world):
    server, good = world.serve_pinned()
    bad = world.issue()
    for _ in range(5):
        world.alice.pin(HOST, good.der)
        world.arrives(server)
        world.arrives(server)
        world.alice.pin(HOST, bad.der)
        world.nothing_arrives(server, 'PinMismatch')


@test('a pinning that fails stops a kept connection')
def _(world):
    server, identity = world.serve_pinned()
    world.arrives(server)
    world.alice.refused('WrongFormat', world.alice.pin, HOST, b'no certificate')
    world.nothing_arrives(server, 'Blocked')
    world.alice.pin(HOST, identity.der)
    world.arrives(server)


@test('the server rotates: the idle connection of the old key is not used for the new pin')
def _(world):
    server, _ = world.serve_pinned()
    second = world.issue()
    world.arrives(server)
    server.present(second)
    world.alice.pin(HOST, second.der)
    answer = world.arrives(server)
    equal(answer.info['connection-reused'], False, 'connection-reused')
    equal(answer.info['matched-key'], second.pin, 'the matched key')
    equal([len(one.requests) for one in server.connections], [1, 1], 'requests by connection')


@test('a pin that still accepts the kept connection goes on with it')
def _(world):
    server, identity = world.serve_pinned()
    first = world.arrives(server)
    world.alice.pin(HOST, world.issue().der, backup_certificates=[identity.der])
    second = world.arrives(server)
    equal(second.info['connection-reused'], True, 'connection-reused')
    holds(second.info['generation'] > first.info['generation'], 'the generation did not grow')


@test('a pin of another host leaves kept connections alone')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.alice.pin('other.localhost', world.issue().der)
    world.bob.pin(HOST, world.issue().der)
    equal(world.arrives(server).info['connection-reused'], True, 'connection-reused')


@test('the pin changes while a request waits for its first byte: PinChanged')
def _(world):
    server, identity = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    pending = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(1)
    world.alice.pin(HOST, world.issue().der)
    world.alice.refused('PinChanged', pending.wait)
    server.wait_until_idle()
    equal(len(server.requests), 1, 'the number of requests that arrived')
    server.respond = lambda connection, request: http.reply(200)
    world.alice.pin(HOST, identity.der)
    world.arrives(server)


def outcome(pending):
    try:
        return pending.answer().status
    except CallError as error:
        return error.name


@test('of many requests those that were sent end with PinChanged, and the others are not sent')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    pending = [world.alice.begin_request(server.url(HOST)) for _ in range(40)]
    server.wait_for_requests(6)
    world.alice.pin(HOST, world.issue().der)
    outcomes = [outcome(one) for one in pending]
    server.wait_until_idle()
    equal(len(server.requests), 6, 'the number of requests that arrived')
    equal((outcomes.count('PinChanged'), outcomes.count('PinMismatch')), (6, 34), 'the outcomes')


@test('of many requests at once under changing pins those that are refused never arrived')
def _(world):
    server, good = world.serve_pinned()
    refused = 0
    programs = [world.alice, world.new_caller(world.alice.uid)]
    pending = []
    for _ in range(10):
        for certificate in (world.issue(), good):
            pending += [program.begin_request(server.url(HOST)) for program in programs * 3]
            world.alice.pin(HOST, certificate.der)
    for one in pending:
        result = outcome(one)
        holds(result in (200, 'PinChanged', 'PinMismatch'), f'the outcome is {result}')
        refused += result == 'PinMismatch'
    server.barrier()
    holds(len(server.requests) <= len(pending) - refused,
          f'{len(server.requests)} of {len(pending)} arrived, though {refused} were refused')


@test('a kept connection ends, and another key answers the second try: no byte of it')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    server.respond = lambda connection, request: None
    server.present(world.impostor())
    world.alice.refuses('PinMismatch', server.url(HOST))
    server.wait_until_idle()
    equal([len(one.requests) for one in server.connections], [2, 0], 'requests by connection')
    equal(server.connections[1].bytes, 0, 'the bytes of the second try')


@test('the pin changes while a body is under way: PinChanged, and no part of it is given')
def _(world):
    server, _ = world.serve_pinned()

    def half(connection, _request):
        connection.send(http.reply(200, b'x' * 1000)[:-500])
        connection.drain()

    server.respond = half
    pending = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(1)
    world.alice.pin(HOST, world.issue().der)
    world.alice.refused('PinChanged', pending.wait)
    server.wait_until_idle()


@test('the pin changes to one that still accepts the server: the request goes on')
def _(world):
    server, identity = world.serve_pinned()
    gate = Gate()
    server.respond = gate.respond
    pending = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(1)
    world.alice.pin(HOST, world.issue().der, backup_certificates=[identity.der])
    gate.open()
    equal(pending.answer().status, 200, 'the status')


@test('a request right behind a pinning ends by the old pin or the new, and later ones by the new')
def _(world):
    server, first = world.serve_pinned()
    for _ in range(5):
        pinning = world.alice.begin_pin(HOST, world.issue().der)
        pending = world.alice.begin_request(server.url(HOST))
        pinning.wait()
        try:
            equal(pending.answer().info['matched-key'], first.pin, 'the matched key')
        except CallError as error:
            holds(error.name in ('PinMismatch', 'PinChanged'), f'it ended with {error}')
        world.nothing_arrives(server, 'PinMismatch')
        world.alice.pin(HOST, first.der)
        world.arrives(server)


@test('Unpin and BlockHost stop a request under way')
def _(world):
    server, identity = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    for number, stop in enumerate((lambda: world.alice.unpin(HOST), lambda: world.alice.call(
            'org.certpin.Certpin1.Pins', 'BlockHost', '(ssa{sv})', HOST, 'why not', {})), 1):
        world.alice.pin(HOST, identity.der)
        pending = world.alice.begin_request(server.url(HOST))
        server.wait_for_requests(number)
        stop()
        world.alice.refused('PinChanged', pending.wait)
    server.wait_until_idle()


@test('a system pin that appears closes the users’ connections that it does not accept')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.root.pin(HOST, world.issue().der, scope='system')
    world.nothing_arrives(server, 'PinMismatch')
    world.root.unpin(HOST, scope='system')
    world.arrives(server)


@test('a pin that names a kept connection’s port is in force on it')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.alice.pin(f'{HOST}:{server.port}', world.issue().der)
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.unpin(f'{HOST}:{server.port}')
    world.arrives(server)


run(World)
