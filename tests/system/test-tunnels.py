#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""OpenConnection: the plaintext of a pinned TLS connection as a socket. How a relay ends each of its directions is in
/transport/relay; here is what a caller sees."""

import datetime
import os
import socket
import ssl
import threading
import time

from gi.repository import GLib

from lib import pki
from lib.caller import PINS, PROPERTIES, REQUEST, REQUESTS, Tunnel
from lib.server import echo
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.unread import Unread
from lib.world import HOST, World

MIB = 1 << 20
# For how long the kernel may send nothing of what was sent last.
PATIENCE_S = 10


def after_end(connection):
    """Answers only when the other side has ended its direction."""
    data = b''
    while more := connection.read():
        data += more
    connection.send(b'got ' + data)
    return False


def serve(world, speak=echo, **keywords):
    server, identity = world.serve_pinned(**keywords)
    server.speak = speak
    return server, identity


def token_path(caller, token):
    return f'/org/certpin/Certpin1/request/{caller.unique_name[1:].replace(".", "_")}/{token}'


def is_cut(tunnel):
    """Waits for the end. Returns: whether it was a cut"""
    try:
        tunnel.read_all()
    except ConnectionResetError:
        return True
    return False


@test('bytes go both ways, and the evidence is told')
def _(world):
    server, identity = serve(world)
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')
    info = tunnel.info
    equal((info['alpn'], info['tls-version'], info['matched-key'], info['matched-position']),
          ('', '1.3', identity.pin, 0), 'the evidence')
    equal(sorted(info['timings']), ['connect', 'queue', 'resolve', 'tls', 'total'], 'the timings')
    equal(info['ocsp'], 'none', 'OCSP')


@test('each direction ends on its own, and both in order are an end of file')
def _(world):
    server, _ = serve(world, after_end)
    tunnel = world.alice.connect(HOST, server.port)
    asked = tunnel.begin_finish()
    tunnel.send(b'question')
    tunnel.end()
    equal(tunnel.read_all(), b'got question', 'the answer')
    equal(asked.wait()[0], {'bytes-sent': 8, 'bytes-received': 12}, 'what Finish says')
    world.alice.refused('InvalidArgument', tunnel.finish)


@test('Finish may come after the end')
def _(world):
    server, _ = serve(world)
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.send(b'x' * MIB)
    equal(len(tunnel.read(MIB)), MIB, 'how much came back')
    tunnel.close()
    server.wait_until_idle()
    equal(tunnel.finish(), {'bytes-sent': MIB, 'bytes-received': MIB}, 'what Finish says')


@test('what was written before the socket is closed still arrives')
def _(world):
    server, _ = serve(world, lambda connection: bool(connection.read()))
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.send(b'x' * MIB)
    tunnel.close()
    server.wait_until_idle()
    equal(server.bytes, MIB, 'the bytes that arrived')


@test('so does it to a server that still sends')
def _(world):
    def answer(connection):
        connection.send(b'so far')
        return bool(connection.read())

    server, _ = serve(world, answer)
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.send(b'x' * MIB)
    tunnel.close()
    server.wait_until_idle()
    equal(server.bytes, MIB, 'the bytes that arrived')


class Lazy:
    """A server that ends its direction at once, and reads only when it is told to. It counts what comes without
    decrypting it."""

    def __init__(self):
        self.told, self.done = threading.Event(), threading.Event()
        self.bytes, self.error = 0, None
        self.resets = False

    def speak(self, connection):
        connection.socket.setblocking(False)
        try:
            connection.socket.unwrap()
        except ssl.SSLError:
            pass  # the other side has not ended its own, or what it sent is here already
        self.told.wait()
        if self.resets:
            connection.reset()
        else:
            self._read_all(connection)
        self.done.set()
        return False

    def _read_all(self, connection):
        with socket.socket(fileno=os.dup(connection.socket.fileno())) as below:
            below.settimeout(DEADLINE_S)
            try:
                while data := below.recv(65536):
                    self.bytes += len(data)
            except OSError as error:
                self.error = error


def leave_with_lazy(world, size=200000):
    """Returns: a tunnel that was closed, of which the kernel still has some"""
    server, identity = world.serve_pinned(buffer=4096)
    lazy = Lazy()
    server.speak = lazy.speak
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.send(bytes(size))
    equal(tunnel.read_all(), b'', 'what came before the end')
    tunnel.close()
    deadline = time.monotonic() + DEADLINE_S
    while tunnel.get('BytesSent') < size and time.monotonic() < deadline:
        pass
    equal(tunnel.get('BytesSent'), size, 'what left')
    return lazy, tunnel, identity


@test('a change cuts also what a connection that ended in order still has in the kernel')
def _(world):
    lazy, tunnel, _ = leave_with_lazy(world)
    finish = tunnel.begin_finish()
    change_pin(world, tunnel)
    world.alice.refused('PinChanged', finish.wait)
    lazy.told.set()
    holds(lazy.done.wait(DEADLINE_S), 'the end never came')
    holds(isinstance(lazy.error, ConnectionResetError) and lazy.bytes < 200000,
          f'{lazy.bytes} bytes arrived, and then {lazy.error}')


@test('a server that goes away before it has everything is a cut, of which Finish knows before its patience is over')
def _(world):
    lazy, tunnel, _ = leave_with_lazy(world)
    lazy.resets = True
    lazy.told.set()
    world.alice.refused('Truncated', tunnel.begin_finish().wait, PATIENCE_S / 2)


@test('the end in order is told when the server has everything')
def _(world):
    lazy, tunnel, _ = leave_with_lazy(world)
    finish = tunnel.begin_finish()
    equal(tunnel.get('State'), 'open', 'the state')
    lazy.told.set()
    equal(finish.wait()[0], {'bytes-sent': 200000, 'bytes-received': 0}, 'what Finish says')
    holds(lazy.done.wait(DEADLINE_S) and lazy.error is None and lazy.bytes > 200000, f'{lazy.bytes}, {lazy.error}')


@test('a server that goes away without ending TLS is a cut')
def _(world):
    def cut(connection):
        connection.send(b'half')
        connection.cut()
        return False
    server, _ = serve(world, cut)
    tunnel = world.alice.connect(HOST, server.port)
    equal(tunnel.read(4), b'half', 'what came before the cut')
    holds(is_cut(tunnel), 'a cut connection reads as an end of file')
    world.alice.refused('Truncated', tunnel.finish)


@test('the server is offered the protocols that the caller names')
def _(world):
    server, _ = serve(world, alpn=('imap', 'pop3'))
    tunnel = world.alice.connect(HOST, server.port, alpn=['pop3', 'imap'])
    equal(tunnel.info['alpn'], 'imap', 'the protocol')
    equal(world.alice.connect(HOST, server.port).info['alpn'], '', 'the protocol where none was offered')
    equal(world.alice.connect(HOST, server.port, alpn=['other']).info['alpn'], '', 'one that the server lacks')


@test('arguments that mean nothing are refused')
def _(world):
    server, identity = serve(world)
    refused, connect = world.alice.refused, world.alice.connect
    refused('InvalidHost', connect, 'a..b', server.port)
    refused('InvalidHost', connect, '*.localhost', server.port)
    refused('InvalidHost', connect, f'{HOST}:{server.port}', server.port)
    refused('InvalidArgument', connect, HOST, 0)
    refused('InvalidArgument', connect, HOST, server.port, max_body=1)
    refused('InvalidArgument', connect, HOST, server.port, alpn=[])
    refused('InvalidArgument', connect, HOST, server.port, alpn=[''])
    refused('InvalidArgument', connect, HOST, server.port, alpn=['x' * 256])
    refused('InvalidArgument', connect, HOST, server.port, alpn=V('s', 'h2'))
    refused('InvalidArgument', connect, HOST, server.port, timeout_ms=0)
    refused('InvalidArgument', connect, HOST, server.port, handle_token='a/b')
    refused('InvalidKey', connect, HOST, server.port, require_keys=['sha256/x'])
    server.barrier()
    equal(len(server.connections), 0, 'the connections')


@test('not a byte reaches a server that does not pass')
def _(world):
    server = world.serve(world.impostor())
    server.speak = echo
    refused, connect = world.alice.refused, world.alice.connect
    refused('NotPinned', connect, HOST, server.port)
    equal(len(server.connections), 0, 'connections to a host that is not pinned')
    world.alice.pin(HOST, world.issue().der)
    refused('PinMismatch', connect, HOST, server.port)
    equal(world.alice.last_failure(f'{HOST}:{server.port}')['reason'], 'wrong-key', 'the evidence')
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')
    world.alice.block(HOST)
    refused('Blocked', connect, HOST, server.port)


@test('keys that the caller requires must pass, too')
def _(world):
    server, identity = serve(world)
    world.alice.refused('PinMismatch', world.alice.connect, HOST, server.port,
                        require_keys=[world.issue().pin])
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')
    world.alice.connect(HOST, server.port, require_keys=[identity.pin])


@test('other users have pins and connections of their own')
def _(world):
    server, _ = serve(world)
    world.bob.refused('NotPinned', world.bob.connect, HOST, server.port)
    tunnel = world.alice.connect(HOST, server.port)
    for method in 'Cancel', 'Finish':
        world.bob.refused('NotAuthorized', world.bob.call, REQUEST, method, '', path=tunnel.info['request'])
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')


@test('an open connection is cut when its server no longer passes, and not otherwise')
def _(world):
    server, identity = serve(world)
    tunnel = world.alice.connect(HOST, server.port)
    world.alice.pin(HOST, identity.der, note='the same key')
    world.bob.pin(HOST, world.issue().der)
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back after a change that it passes')
    before = server.bytes
    tunnel.socket.setblocking(False)
    world.alice.pin(HOST, world.issue().der)
    try:  # the reply has come: the new pin is in force, and has cut the connection
        tunnel.socket.recv(1)
        cut = False
    except ConnectionResetError:
        cut = True
    holds(cut, 'when the change is acknowledged, the connection is not cut')
    world.alice.refused('PinChanged', tunnel.finish)
    server.wait_until_idle()
    equal(server.bytes, before, 'the bytes that had arrived')
    equal(world.alice.last_failure(f'{HOST}:{server.port}')['error'], 'PinMismatch', 'the evidence')


@test('an open connection is held while its server is validated by new trust anchors, and then goes on')
def _(world):
    server, _ = serve(world)
    tunnel = world.alice.connect(HOST, server.port)
    with open(world.shared.trust_file, 'rb') as file:
        before = file.read()
    try:
        for i in range(3):
            with open(world.shared.trust_file, 'ab') as file:
                file.write(pki.Authority(f'Another Root {i}').pem)
            world.root.call(PINS, 'Reload', '')
            tunnel.send(b'hello')
            equal(tunnel.read(5), b'hello', 'what came back')
    finally:
        with open(world.shared.trust_file, 'wb') as file:
            file.write(before)
    tunnel.end()
    equal(tunnel.read_all(), b'', 'what came before the end')
    equal(tunnel.finish(), {'bytes-sent': 15, 'bytes-received': 15}, 'what Finish says')


def add_change_test(name, change):
    @test(f'an open connection is cut when its host is {name}')
    def _(world):
        server, _ = serve(world)
        tunnel = world.alice.connect(HOST, server.port)
        change(world.alice)
        holds(is_cut(tunnel), 'it goes on')
        world.alice.refused('PinChanged', tunnel.finish)


add_change_test('unpinned', lambda caller: caller.unpin(HOST))
add_change_test('blocked', lambda caller: caller.block(HOST))


@test('a connection whose pin expires moves no more bytes')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    server.speak = echo
    expires = pki.now() + datetime.timedelta(seconds=3)
    world.alice.pin(HOST, identity.der, expires=int(expires.replace(tzinfo=datetime.timezone.utc).timestamp()))
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')
    world.wait_for_time(expires)
    tunnel.send(b'late')
    holds(is_cut(tunnel), 'it goes on')
    server.wait_until_idle()
    equal(server.bytes, 5, 'the bytes that arrived')
    world.alice.refused('PinChanged', tunnel.finish)


@test('one that is being opened ends when its host is unpinned')
def _(world):
    server, _ = serve(world, handshake=False)
    opening = world.alice.begin_connect(HOST, server.port)
    server.wait(lambda: server.connections, 'a connection')
    world.alice.unpin(HOST)
    world.alice.refused('NotPinned', opening.wait)
    server.wait_until_idle()


@test('opening takes no longer than the time that is allowed')
def _(world):
    server, _ = serve(world, handshake=False)
    world.alice.refused('TimedOut', world.alice.connect, HOST, server.port, timeout_ms=200)
    server.wait_until_idle()


@test('one that is being opened can be cancelled, and one that is open')
def _(world):
    server, _ = serve(world, handshake=False)
    opening = world.alice.begin_connect(HOST, server.port, handle_token='mine')
    server.wait(lambda: server.connections, 'a connection')
    path = token_path(world.alice, 'mine')
    world.alice.call(REQUEST, 'Cancel', '', path=path)
    world.alice.refused('Cancelled', opening.wait)
    server.wait_until_idle()
    server.handshake = True
    tunnel = world.alice.connect(HOST, server.port, handle_token='mine')
    equal(tunnel.info['request'], path, 'the path')
    tunnel.cancel()
    holds(is_cut(tunnel), 'it goes on')
    world.alice.refused('Cancelled', tunnel.finish)


@test('a caller that leaves ends what is being opened; what is open belongs to the socket')
def _(world):
    server, _ = serve(world, handshake=False)
    leaver = world.new_caller(world.alice.uid)
    leaver.begin_connect(HOST, server.port)
    server.wait(lambda: server.connections, 'a connection')
    leaver.vanish()
    server.wait_until_idle()
    server.handshake = True
    leaver = world.new_caller(world.alice.uid)
    tunnel = leaver.connect(HOST, server.port)
    leaver.vanish()
    world.alice.get_pin(HOST)
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')
    tunnel.close()
    server.wait_until_idle()


# State and Finish

UNKNOWN = 2 ** 64 - 1


@test('how far a connection has come can be read at any time')
def _(world):
    server, _ = serve(world, handshake=False)
    opening = world.alice.begin_connect(HOST, server.port, handle_token='mine')
    server.wait(lambda: server.connections, 'a connection')
    path = token_path(world.alice, 'mine')
    equal(world.alice.call(PROPERTIES, 'GetAll', '(s)', REQUEST, path=path)[0],
          {'State': 'waiting', 'BytesDone': 0, 'BytesExpected': UNKNOWN, 'BytesSent': 0}, 'before it is open')
    world.alice.call(REQUEST, 'Cancel', '', path=path)
    world.alice.refused('Cancelled', opening.wait)
    world.alice.refused('InvalidArgument', world.alice.call, PROPERTIES, 'GetAll', '(s)', REQUEST, path=path)
    server, _ = serve(world, lambda connection: bool(connection.read()) and (connection.send(b'yes') or True))
    tunnel = world.alice.connect(HOST, server.port)
    for i in range(1, 3):
        tunnel.send(b'hello')
        equal(tunnel.read(3), b'yes', 'what came back')
        equal(tunnel.get_all(), {'State': 'open', 'BytesDone': 3 * i, 'BytesExpected': UNKNOWN, 'BytesSent': 5 * i},
              'the progress')


def speak_until_told(connection):
    """Sends back what comes; a word ends the connection in one of the ways that there are."""
    data = connection.read()
    if data == b'end':
        return False
    if data == b'cut':
        connection.cut()
    elif data == b'reset':
        connection.reset()
    elif data == b'junk':
        connection.write_raw(b'no record of TLS at all')
    elif data:
        connection.send(data)
    return bool(data)


def say(word):
    return lambda world, tunnel: tunnel.send(word)


def end_both(_world, tunnel):
    tunnel.end()


def cancel(_world, tunnel):
    tunnel.cancel()


def change_pin(world, _tunnel):
    world.alice.pin(HOST, world.issue().der)


def add_end_test(name, way, sent, error):
    """`sent`: the bytes that the way itself sends. `error`: None: in order"""
    @test(f'{name}: a connection says how it ended')
    def _(world):
        server, _ = serve(world, speak_until_told)
        tunnel = world.alice.connect(HOST, server.port, handle_token='mine')
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')
        way(world, tunnel)
        equal(is_cut(tunnel), error is not None, 'whether it reads as a cut')
        if error is None:
            tunnel.end()
        server.wait_until_idle()
        equal(server.bytes, 5 + sent, 'the bytes that arrived at the server')
        equal(tunnel.get_all(), {'State': 'failed' if error else 'complete', 'BytesDone': 5,
                                 'BytesExpected': UNKNOWN, 'BytesSent': 5 + sent}, 'what the object says')
        if error is None:
            equal(tunnel.finish(), {'bytes-sent': 5 + sent, 'bytes-received': 5}, 'what Finish says')
        else:
            world.alice.refused(error, tunnel.finish)
        world.alice.refused('InvalidArgument', tunnel.finish)
        world.alice.refused('InvalidArgument', tunnel.get, 'State')


for row in (('the server ends it', say(b'end'), 3, None),
            ('the caller ends it', end_both, 0, None),
            ('the server goes away without ending TLS', say(b'cut'), 3, 'Truncated'),
            ('the server resets it', say(b'reset'), 5, 'Truncated'),
            ('the server sends what is not TLS', say(b'junk'), 4, 'ProtocolError'),
            ('it is cancelled', cancel, 0, 'Cancelled'),
            ('its pin changes', change_pin, 0, 'PinChanged')):
    add_end_test(*row)


@test('when the change of a pin is acknowledged, connections have failed, and every Finish that waits says so')
def _(world):
    server, _ = serve(world)
    tunnels = [world.alice.connect(HOST, server.port) for _ in range(2)]
    finishes = [tunnels[1].begin_finish() for _ in range(3)]
    change_pin(world, tunnels[0])
    equal(tunnels[0].get('State'), 'failed', 'the state')
    for finish in finishes:
        world.alice.refused('PinChanged', finish.wait)
    world.alice.refused('InvalidArgument', tunnels[1].get, 'State')


@test('Finish that was called before a connection is open says how that failed, or how it ended')
def _(world):
    server, _ = serve(world, handshake=False)
    path = token_path(world.alice, 'mine')
    opening = world.alice.begin_connect(HOST, server.port, handle_token='mine', timeout_ms=500)
    finish = world.alice.begin(REQUEST, 'Finish', '', path=path)
    world.alice.refused('TimedOut', opening.wait)
    world.alice.refused('TimedOut', finish.wait)
    server, _ = serve(world)
    opening = world.alice.begin_connect(HOST, server.port, handle_token='mine')
    finish = world.alice.begin(REQUEST, 'Finish', '', path=path)
    Tunnel(world.alice, opening).end()
    equal(finish.wait()[0], {'bytes-sent': 0, 'bytes-received': 0}, 'what Finish says')
    world.alice.refused('InvalidArgument', world.alice.call, REQUEST, 'Finish', '', path=path)


@test('the service ends or is killed: what is open reads as a cut, and not a byte moves after that')
def _(world):
    for end, error in (world.daemon.terminate, 'Failed'), (world.daemon.kill, 'org.freedesktop.DBus.Error.NoReply'):
        server, _ = serve(world)
        tunnel = world.alice.connect(HOST, server.port)
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')
        finish = tunnel.begin_finish()
        equal(tunnel.get('State'), 'open', 'the state')
        end()
        holds(is_cut(tunnel), 'it reads as an end of file')
        server.wait_until_idle()
        equal(server.bytes, 5, 'the bytes that arrived')
        world.alice.refused(error, finish.wait)
        world.daemon.start()


@test('the end of its caller is the end of a connection, unless another program has the socket')
def _(world):
    server, _ = serve(world)
    before = world.count_files()
    leaver = world.new_caller(world.alice.uid)
    tunnel = leaver.connect(HOST, server.port)
    tunnel.begin_finish()
    tunnel.send(b'x' * MIB)
    leaver.vanish()
    world.alice.refused('NotAuthorized', world.alice.call, REQUEST, 'Finish', '', path=tunnel.path)
    equal(len(tunnel.read(MIB)), MIB, 'what came back after that')
    tunnel.close()
    server.wait_until_idle()
    equal(server.bytes, MIB, 'the bytes that arrived')
    world.wait_for_files(before)


@test('what is open or being opened, also without its caller, is cut when the service ends, and leaves no trace')
def _(world):
    server, _ = serve(world)
    leaver = world.new_caller(world.alice.uid)
    tunnels = [leaver.connect(HOST, server.port), world.alice.connect(HOST, server.port)]
    for tunnel in tunnels:
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')
    leaver.vanish()
    server.handshake = False
    opening = world.alice.begin_connect(HOST, server.port)
    server.wait(lambda: len(server.connections) == 3, 'the third connection')
    code, _ = world.daemon.terminate()
    equal(code, 0, 'the exit code')
    for tunnel in tunnels:
        holds(is_cut(tunnel), 'it reads as an end of file')
    world.alice.refused(('Failed', 'Cancelled', 'org.freedesktop.DBus.Error.NoReply'), opening.wait)
    server.wait_until_idle()
    equal(server.bytes, 10, 'the bytes that arrived')
    world.daemon.start()


@test('so many ends are remembered, and the oldest is forgotten first')
def _(world):
    server, _ = serve(world)
    tunnels = []
    for _ in range(101):
        tunnels.append(world.alice.connect(HOST, server.port))
        tunnels[-1].end()
        tunnels[-1].read_all()
    world.alice.refused('InvalidArgument', tunnels[0].finish)
    for tunnel in tunnels[1:]:
        equal(tunnel.finish(), {'bytes-sent': 0, 'bytes-received': 0}, 'what Finish says')


@test('a user may have 64 connections, and others have theirs')
def _(world):
    server, identity = serve(world)
    tunnels = [world.alice.connect(HOST, server.port) for _ in range(64)]
    world.alice.refused('LimitExceeded', world.alice.connect, HOST, server.port)
    world.bob.pin(HOST, identity.der)
    of_bob = world.bob.connect(HOST, server.port)
    one = tunnels.pop()
    one.close()
    server.wait(lambda: any(connection.ended for connection in server.connections), 'the end of one')
    one.finish()  # the server may have seen the end before the service has
    world.alice.connect(HOST, server.port)
    for tunnel in tunnels + [of_bob]:
        tunnel.close()


@test('a connection that is never read holds up no other, nor does one whose server never reads')
def _(world):
    stuck = threading.Semaphore(0)
    over = threading.Event()

    def speak(connection):
        word = connection.read()
        if word == b'flood':
            stuck.release()
            connection.send(b'x' * (64 * MIB))
        elif word == b'deaf':
            stuck.release()
            over.wait(DEADLINE_S)
        elif word:
            connection.send(word)
        return bool(word)

    server, _ = serve(world, speak)
    tunnels = [world.alice.connect(HOST, server.port) for _ in range(8)]
    for tunnel, word in zip(tunnels, (b'flood', b'deaf') * 4):
        tunnel.send(word)
        stuck.acquire()
        tunnel.socket.setblocking(False)
        try:
            while word == b'deaf':
                tunnel.socket.send(b'x' * MIB)
        except BlockingIOError:
            pass
    other = world.alice.connect(HOST, server.port)
    began = time.monotonic()
    for _ in range(100):
        other.send(b'ping')
        equal(other.read(4), b'ping', 'what came back')
    holds(time.monotonic() - began < 2, 'a connection waits for others')
    over.set()
    for tunnel in tunnels + [other]:
        tunnel.close()


@test('a caller that reads no replies gets few descriptors, holds up nobody else, and leaves nothing')
def _(world):
    server, identity = serve(world)
    before = world.count_files()
    for caller in (world.root, world.bob):
        caller.pin(HOST, identity.der)
    silent = [Unread(world.shared.bus.address, greet=False) for _ in range(3)]
    for one in silent:
        one.authenticate()
        one.socket.sendall(b'NEGOTIATE_UNIX_FD\r\n')
        one.read_until(b'AGREE_UNIX_FD')
        one.hello()
        for _ in range(60):  # the bus cannot hand over what comes behind these
            one.call('org.freedesktop.DBus.Introspectable', 'Introspect')
        for _ in range(30):
            one.call(REQUESTS, 'OpenConnection', GLib.Variant('(sqa{sv})', (HOST, server.port, {})))
    server.wait(lambda: server.handshakes >= 60, 'the connections of the silent callers')
    for _ in range(20):
        tunnel = world.bob.connect(HOST, server.port)
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')
        tunnel.close()
    for one in silent:
        one.close()
    server.wait_until_idle()
    world.wait_for_files(before)


@test('nothing is left after many connections that ended in every way')
def _(world):
    def speak(connection):
        data = connection.read()
        if data == b'cut':
            connection.cut()
        elif data == b'reset':
            connection.reset()
        elif data == b'end':
            return False
        elif data:
            connection.send(data)
        return bool(data)

    server, identity = serve(world, speak)
    pin = world.alice.get_pin(HOST)['keys']

    def close(tunnel):
        tunnel.close()

    def say(word):
        def way(tunnel):
            tunnel.send(word)
            try:
                tunnel.read_all()
            except ConnectionResetError:
                pass
            tunnel.close()
        return way

    def half(tunnel):
        tunnel.end()
        tunnel.read_all()
        tunnel.close()

    def cancel(tunnel):
        tunnel.cancel()
        tunnel.close()

    def change(tunnel):
        world.alice.unpin(HOST)
        world.alice.pin_keys(HOST, *pin)
        tunnel.close()

    ways = [close, say(b'cut'), say(b'reset'), say(b'end'), half, cancel, change]
    for way in ways:
        way(world.alice.connect(HOST, server.port))
    server.wait_until_idle()
    before = world.count_files()
    for i in range(1000):
        ways[i % len(ways)](world.alice.connect(HOST, server.port))
    server.wait_until_idle()
    world.wait_for_files(before)


run(World)
