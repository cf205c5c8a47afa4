#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenConnection with the option starttls: a socket on which the caller has already spoken becomes a pinned
connection."""

import os
import socket
import threading

from lib.caller import REQUESTS
from lib.starttls import DIALOGUES, hear_no_more, hold_dialogue
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.world import HOST, World

GO = b'220 go ahead\r\n'


def echo(connection):
    data = connection.read()
    if data:
        connection.send(data)
    return bool(data)


def upgrade(server, answer=GO):
    """From now on, the server speaks in plaintext up to STARTTLS."""
    wrap = server.wrap

    def wrap_later(connection):
        data = b''
        while not data.endswith(b'STARTTLS\r\n'):
            more = connection.socket.recv(100)
            if not more:
                raise OSError('the client has gone')
            data += more
        connection.socket.sendall(answer)
        return wrap(connection)

    server.wrap, server.speak = wrap_later, echo


def serve(world, answer=GO, **keywords):
    server, identity = world.serve_pinned(**keywords)
    upgrade(server, answer)
    return server, identity


def ask(client, answer=GO):
    """Says STARTTLS, and reads the answer up to where TLS begins."""
    client.settimeout(DEADLINE_S)
    client.sendall(b'STARTTLS\r\n')
    data = b''
    while len(data) < len(answer):
        data += client.recv(len(answer) - len(data))
    equal(data, answer, 'the answer')
    client.setblocking(True)
    return client


def knock(server):
    return ask(socket.create_connection((server.address, server.port)))


def begin(world, client, port=143, handle=0, **options):
    return world.alice.begin_connect(HOST, port, descriptors=[client.fileno()], starttls=V('h', handle), **options)


def start(world, client, port=143, **options):
    return world.alice.connect(HOST, port, descriptors=[client.fileno()], starttls=V('h', 0), **options)


@test('the connection goes on with TLS, on the port that was named')
def _(world):
    server, identity = serve(world)
    client = knock(server)
    tunnel = start(world, client, alpn=['imap'])
    holds(client.getblocking() and os.get_blocking(client.fileno()), 'the caller’s copy does not block any more')
    client.close()
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')
    equal((tunnel.info['matched-key'], tunnel.info['timings']['connect']), (identity.pin, 0), 'the evidence')
    equal(len(server.connections), 1, 'the connections')
    tunnel.end()
    equal(tunnel.read_all(), b'', 'what came before the end')


@test('the way may be a program of this machine')
def _(world):
    server, _ = serve(world)
    ours, theirs = socket.socketpair()

    def carry(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side has gone

    far = socket.create_connection((server.address, server.port))
    for ends in ((theirs, far), (far, theirs)):
        threading.Thread(target=carry, args=ends, daemon=True).start()
    tunnel = start(world, ask(ours))
    ours.close()
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')
    tunnel.close()
    server.wait_until_idle()


@test('data that waits before the handshake fails it')
def _(world):
    injected = b'250 injected\r\n'
    server, _ = serve(world, GO + injected)
    client = knock(server)
    holds(client.recv(1, socket.MSG_PEEK), 'nothing waits')
    world.alice.refused('TlsFailed', begin(world, client).wait)
    client.settimeout(DEADLINE_S)
    equal(client.recv(100), injected, 'what is left on the socket')
    client.close()
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')


@test('not a byte over TLS reaches a server that does not pass')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    server = world.serve(world.impostor())
    upgrade(server)
    world.alice.refused('PinMismatch', begin(world, knock(server)).wait)
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')
    world.alice.unpin(HOST)
    client = knock(server)
    world.alice.refused('NotPinned', begin(world, client).wait)
    holds(client.fileno() >= 0, 'the socket')


@test('a change of pins cuts it, even if the caller has kept a copy of its socket')
def _(world):
    server, _ = serve(world)
    client = knock(server)
    tunnel = start(world, client)
    world.alice.unpin(HOST)
    try:
        tunnel.read_all()
        cut = False
    except ConnectionResetError:
        cut = True
    holds(cut, 'it goes on')
    server.wait_until_idle()
    world.alice.refused('PinChanged', tunnel.finish)


@test('what is no connected stream socket is refused')
def _(world):
    world.serve_pinned()
    for make in (lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), lambda: open('/dev/null', 'rb')):
        with make() as other:
            world.alice.refused('InvalidArgument', begin(world, other).wait)
    with socket.socket() as lonely:
        world.alice.refused('Unreachable', begin(world, lonely).wait)
    with socket.create_server(('127.0.0.1', 0)) as listener:
        world.alice.refused('Unreachable', begin(world, listener).wait)
    ours, theirs = socket.socketpair()
    theirs.close()
    world.alice.refused(('TlsFailed', 'Unreachable'), begin(world, ours).wait)


@test('the option and the descriptor go together')
def _(world):
    world.serve_pinned()
    refused, alice = world.alice.refused, world.alice
    with socket.socket() as client:
        refused('InvalidArgument', alice.connect, HOST, 143, starttls=V('h', 0))
        refused('InvalidArgument', alice.connect, HOST, 143, descriptors=[client.fileno()])
        refused('InvalidArgument', begin(world, client, handle=1).wait)
        refused('InvalidArgument', alice.connect, HOST, 143, starttls=V('u', 0))
        two = alice.begin(REQUESTS, 'OpenConnection', '(sqa{sv})', HOST, 143, {'starttls': V('h', 1)},
                          descriptors=[client.fileno()] * 2)
        refused('LimitExceeded', two.wait)


@test('nothing is left of sockets that were refused')
def _(world):
    server, _ = serve(world)
    before = None
    for i in range(60):
        with socket.socket() as lonely:
            world.alice.refused('Unreachable', begin(world, lonely).wait)
        with knock(server) as client:
            start(world, client).close()
        if i == 10:
            server.wait_until_idle()
            before = world.count_files()
    server.wait_until_idle()
    world.wait_for_files(before)


# The service speaks up to TLS itself

def serve_protocol(world, steps, **keywords):
    server, identity = world.serve_pinned(**keywords)
    hold_dialogue(server, steps)
    server.speak = echo
    return server, identity


def connect(world, server, protocol, **options):
    return world.alice.connect(HOST, server.port, starttls_protocol=protocol, **options)


def add_protocol_test(protocol, steps):
    @test(f'the service speaks {protocol} up to TLS, and the caller nothing but its own')
    def _(world):
        server, identity = serve_protocol(world, steps)
        tunnel = connect(world, server, protocol, alpn=['x'])
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')
        equal(tunnel.info['matched-key'], identity.pin, 'the evidence')
        tunnel.end()
        equal(tunnel.read_all(), b'', 'what came before the end')
        equal(tunnel.finish(), {'bytes-sent': 5, 'bytes-received': 5}, 'what Finish says')
        equal(server.bytes, 5, 'the bytes that arrived over TLS')

    @test(f'a server of {protocol} that does not pass gets nothing over TLS; one that is not pinned, no connection')
    def _(world):
        server = world.serve(world.impostor())
        hold_dialogue(server, steps)
        world.alice.refused('NotPinned', connect, world, server, protocol)
        equal(len(server.connections), 0, 'the connections')
        world.alice.pin(HOST, world.issue().der)
        world.alice.refused('PinMismatch', connect, world, server, protocol)
        server.wait_until_idle()
        equal(server.bytes, 0, 'the bytes that arrived over TLS')

    @test(f'what {protocol} cannot say before TLS fails it')
    def _(world):
        *before, (consent, _) = steps
        for last in ((consent + b'250 injected\r\n', b''), (b'\n' * 4000 + b'a' * 20000, b'never')):
            server, _ = world.serve_pinned()
            heard = hear_no_more(server)
            hold_dialogue(server, [*before, last])
            world.alice.refused('TlsFailed', connect, world, server, protocol)
            server.wait_until_idle()
            equal(b''.join(heard), b'', 'what the server hears then')
        for i in range(len(steps) + 1):
            server, _ = world.serve_pinned()
            server.wrap = go_away
            hold_dialogue(server, steps[:i])
            world.alice.refused(('Unreachable', 'TlsFailed'), connect, world, server, protocol)
            server.wait_until_idle()


def go_away(_connection):
    raise OSError('the server goes away')


for _protocol, (_steps, _) in DIALOGUES.items():
    add_protocol_test(_protocol, _steps)


@test('a server that says nothing, or drips, takes no longer than the time that is allowed')
def _(world):
    for steps in [(b'', b'never')], [(b'220-hi\r\n', b'never')]:
        server, _ = serve_protocol(world, steps)
        world.alice.refused('TimedOut', connect, world, server, 'smtp', timeout_ms=300)
        server.wait_until_idle()


@test('an answer may come in any pieces')
def _(world):
    server, _ = serve_protocol(world, [(bytes([byte]), b'') for byte in b'220-hi\r\n220 there\r'] + [
        (b'\n', b'EHLO localhost\r\n'), (b'250-a\r\n25', b''), (b'0 STARTTLS\r\n', b'STARTTLS\r\n'), (b'220 go\r\n', b'')])
    tunnel = connect(world, server, 'smtp')
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')


@test('a change of pins while the service speaks ends it')
def _(world):
    server, _ = serve_protocol(world, [(b'220-hi\r\n', b'never')])
    opening = world.alice.begin_connect(HOST, server.port, starttls_protocol='smtp')
    server.wait(lambda: server.connections, 'a connection')
    world.alice.unpin(HOST)
    world.alice.refused('NotPinned', opening.wait)
    server.wait_until_idle()


@test('a protocol that is unknown, or beside a socket, is refused')
def _(world):
    server, _ = world.serve_pinned()
    refused, alice = world.alice.refused, world.alice
    for name in ('gopher', '', 'IMAP', 'x' * 100):
        refused('InvalidArgument', alice.connect, HOST, server.port, starttls_protocol=name)
    refused('InvalidArgument', alice.connect, HOST, server.port, starttls_protocol=V('u', 1))
    with socket.socket() as client:
        refused('InvalidArgument', begin(world, client, starttls_protocol='imap').wait)
    server.barrier()
    equal(len(server.connections), 0, 'the connections')


run(World)
