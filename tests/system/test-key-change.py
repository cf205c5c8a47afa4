#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pins that change under connections and sessions that were good before: nothing that was once checked lets a later
request pass.

Each change of a pin at each moment is a row of the attacks, with the bytes that arrive; what becomes of connections
that still pass, and of those to others, is in /transport/channel/changes. Here is what needs more than one request, a
client of its own, or a slow reader; and the plain case, which prove-guards.py runs often and which is quick."""

import socket
import ssl
import threading

from lib import http
from lib.caller import CallError
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


for arguments in VERSIONS:
    add_resumption_test(*arguments)


@test('an upload is cut where the pin changes: what waits in the kernel is never sent')
def _(world):
    server, _ = world.serve_pinned(buffer=4096)
    going_on = threading.Event()
    server.before_read = lambda connection: connection.bytes < 16384 or going_on.wait(DEADLINE_S)
    upload = world.alice.begin_request(server.url(HOST), 'PUT', body=bytes(4 << 20))
    server.wait(lambda: server.bytes >= 16384, 'the upload to begin')
    world.alice.pin(HOST, world.issue().der)
    world.alice.refused('PinChanged', upload.answer)
    going_on.set()
    server.wait_until_idle()
    holds(server.bytes < 1 << 20, f'{server.bytes} bytes reached the old key')


@test('a second PinCertificate overrides the first: the old key is refused on a kept connection')
def _(world):
    server, first = world.serve_pinned()
    world.arrives(server)
    equal(world.arrives(server).info['connection-reused'], True, 'connection-reused')
    world.alice.pin(HOST, world.issue().der)
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.pin(HOST, first.der)
    world.arrives(server)


def outcome(pending):
    try:
        return pending.answer().status
    except CallError as error:
        return error.name


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


run(World)
