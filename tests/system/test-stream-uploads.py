#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests whose body is read from a descriptor: it arrives whole or looks cut to the server, it goes nowhere before
the server is accepted, and nothing of it goes to a server that no longer is."""

import datetime
import os
import socket
import threading
import time

from lib import http, pki
from lib.caller import REQUEST
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import HOST, World

MIB = 1 << 20
SMALL = b'hello, server'
LARGE = bytes(range(256)) * (5 * MIB // 256)
INLINE = LARGE[:4 * MIB]  # the most that a reply has
ROUNDS = 5
# What both kernels and TLS may still have taken in when a stream is cut, where the server's has this buffer.
HELD_BYTES = 8 * MIB
BUFFER = MIB


class Writer:
    """Writes a body into a descriptor in a thread. `pipe`: whether that is a pipe, and no socket"""

    def __init__(self, data, pipe=False, endless=False, keep=False):
        if pipe:
            self.theirs, self.ours = os.pipe()
        else:
            pair = socket.socketpair()
            self.theirs, self.ours = pair[0].detach(), pair[1].detach()
        self.broken = False
        self._thread = threading.Thread(target=self._write, args=(data, endless, keep), daemon=True)
        self._thread.start()

    def _write(self, data, endless, keep):
        try:
            while True:
                left = memoryview(data)
                while left:
                    left = left[os.write(self.ours, left):]
                if not endless:
                    break
        except (BrokenPipeError, ConnectionResetError):
            self.broken = True
        if not keep:
            self.close()

    def close(self):
        if self.ours is not None:
            os.close(self.ours)
        self.ours = None

    def wait(self):
        self._thread.join(DEADLINE_S)
        holds(not self._thread.is_alive(), 'the writer does not end')

    def given(self):
        """After the call: the test needs its copy no more."""
        os.close(self.theirs)


def upload(world, server, writer, length, caller=None, **options):
    pending = (caller or world.alice).begin_upload(server.url(HOST), writer.theirs, length, **options)
    return pending


def finish_giving(pending, writer):
    """The program has the descriptor once its call has been written."""
    pending.caller.flush()
    writer.given()
    return pending


def begin(world, data, length=None, caller=None, pipe=False, endless=False, keep=False, **options):
    server = options.pop('server', None) or world.serve_pinned()[0]
    writer = Writer(data, pipe, endless, keep)
    length = len(data) if length is None else length
    return server, writer, finish_giving(upload(world, server, writer, length, caller, **options), writer)


# What is whole

@test('a body of any size is read from a socket or a pipe, and arrives whole')
def _(world):
    server, _ = world.serve_pinned()
    for data in (b'', SMALL, LARGE[:MIB], LARGE):
        for pipe in (False, True):
            _, writer, pending = begin(world, data, pipe=pipe, server=server)
            equal(pending.answer().status, 200, 'the status')
            writer.wait()
            holds(server.requests[-1].body == data, f'{len(data)} bytes did not arrive as they are')
            equal(server.requests[-1].headers['content-length'], str(len(data)), 'the length')
    equal('expect' in server.requests[-1].headers, True, 'whether the server was asked first')
    equal(len(server.connections), 1, 'the number of connections')


@test('a body that comes slowly, byte by byte, arrives whole')
def _(world):
    server, writer, pending = begin(world, b'', 40, keep=True)
    for number in range(40):
        os.write(writer.ours, b'%d' % (number % 10))
        threading.Event().wait(0.01)
    pending.answer()
    equal(server.requests[0].body, b'0123456789' * 4, 'the body')
    writer.close()


@test('no more than its length is read, and the rest stays where it is')
def _(world):
    server, writer, pending = begin(world, LARGE[:1000] + b'more', 1000, keep=True)
    pending.answer()
    holds(server.requests[0].body == LARGE[:1000], 'the body is not what was sent')


@test('a body that is read and a response that is streamed go together')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda _connection, request: http.reply(200, request.body)
    _, writer, pending = begin(world, LARGE, server=server, stream='always')
    stream = pending.stream()
    holds(stream.read_all() == (LARGE, True), 'the body that came back')
    equal(stream.finish(), {'bytes-sent': len(LARGE), 'bytes-received': len(LARGE)}, 'the totals')


def echoes(connection, request):
    """A server that answers each piece of a body as it arrives, and so needs a client that reads while it sends."""
    if 'expect' in request.headers:
        connection.send(http.CONTINUE)
    left = int(request.headers['content-length'])
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % left)
    data = request.body
    while left:
        connection.send(data)
        left -= len(data)
        data = connection.read() if left else b''
        if left and not data:
            break
    return False


@test('a server that answers while it reads gets all of the body, and its answer is read meanwhile')
def _(world):
    server, _ = world.serve_pinned()
    server.on_head = echoes
    _, writer, pending = begin(world, INLINE, server=server)
    holds(pending.answer().body == INLINE, 'the body that came back in the reply')
    _, writer, pending = begin(world, LARGE * 4, server=server, stream='always')
    holds(pending.stream().read_all() == (LARGE * 4, True), 'the body that came back by a descriptor')
    _, writer, pending = begin(world, LARGE, server=server, stream='auto')
    holds(pending.stream().read_all() == (LARGE, True), 'the body that came back by a descriptor with auto')


# What is cut

@test('a writer that ends early, or dies: the server sees a request that was cut, and the caller is told')
def _(world):
    for pipe in (False, True):
        for data in (b'', SMALL, LARGE[:3 * MIB]):
            server, writer, pending = begin(world, data, len(data) + 1, pipe=pipe)
            world.alice.refused('InvalidArgument', pending.wait)
            server.wait_until_idle()
            equal(server.requests, [], 'the whole requests')


@test('a server that refuses while a body is sent is heard, and the rest is not read')
def _(world):
    def refuse(connection, _request):
        connection.send(http.reply(413, b'too much', close=True))
        return False
    server, _ = world.serve_pinned()
    server.on_head = refuse
    _, writer, pending = begin(world, LARGE, endless=True, length=1 << 40, server=server)
    equal(pending.answer().status, 413, 'the status')
    writer.wait()
    holds(writer.broken, 'the descriptor is still read')


@test('an answer before the end of a body cuts it: what the kernel holds of it goes no further')
def _(world):
    server, _ = world.serve_pinned(buffer=4096)
    blocked, ends = threading.Event(), []

    def refuse(connection, request):
        http.want(connection, request)
        connection.send(http.reply(413, b'too much', close=True))
        blocked.wait(DEADLINE_S)
        with socket.socket(fileno=os.dup(connection.socket.fileno())) as below:
            try:
                while below.recv(65536):
                    pass
                ends.append('in order')
            except ConnectionResetError:
                ends.append('cut')
        return False

    server.on_head = refuse
    _, writer, pending = begin(world, LARGE, endless=True, length=1 << 40, server=server)
    equal(pending.answer().status, 413, 'the status')
    writer.wait()
    world.alice.block(HOST)
    blocked.set()
    server.wait(lambda: ends, 'the end')
    equal(ends, ['cut'], 'the end')


@test('a server that dies while a body is sent: Truncated, and it is not sent again')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    def die(connection, request):
        http.want(connection, request)
        connection.read()
        connection.cut()
        return False
    server.on_head = die
    _, writer, pending = begin(world, LARGE, endless=True, length=1 << 40, server=server)
    world.alice.refused('Truncated', pending.wait)
    writer.wait()
    equal(len(server.connections), 1, 'the number of connections')


@test('a kept connection that is dead when a body is to be read gives way to a new one only if nothing was read')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    server.on_head = lambda connection, _request: connection.reset() or False
    _, _, pending = begin(world, SMALL, server=server)
    world.alice.refused('Truncated', pending.wait)
    server.on_head = http.want
    world.arrives(server)
    heads = []
    def first_dies(connection, request):
        heads.append(request)
        if len(heads) == 1:
            connection.reset()
            return False
        return http.want(connection, request)
    server.on_head = first_dies  # which asks first, since the body is large
    _, _, pending = begin(world, LARGE, server=server)
    equal(pending.answer().status, 200, 'the status')
    holds(server.requests[-1].body == LARGE, 'the body is not what was sent')
    equal(len(heads), 2, 'the number of heads')


@test('timeout-ms counts for the new connection that a dead one gives way to before anything is read')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    def die_for_good(connection, _request):
        server.handshake = False
        connection.reset()
        return False
    server.on_head = die_for_good
    writer, began = Writer(b'', keep=True), time.monotonic()
    pending = finish_giving(upload(world, server, writer, 10, timeout_ms=400), writer)
    world.alice.refused('TimedOut', pending.wait)
    holds(0.3 < time.monotonic() - began < 5, 'it took too little, or too long')
    equal(len(server.connections), 2, 'the number of connections')
    writer.close()


@test('a redirect takes a body along only if nothing of it was read')
def _(world):
    server, _ = world.serve_pinned()
    def ask(connection, request):
        if request.path == '/':
            connection.send(http.redirect(307, '/there'))
            connection.drain()
            return False
        return http.want(connection, request)
    server.on_head = ask
    _, _, pending = begin(world, LARGE, server=server)
    equal(pending.answer().status, 200, 'the status')
    holds(server.requests[-1].body == LARGE, 'the body is not what was sent')
    server.on_head = http.want
    server.respond = lambda *_: http.redirect(307, '/there')
    equal(begin(world, SMALL, server=server)[2].answer().status, 307, 'the status')
    server.respond = lambda _connection, request: (http.redirect(303, '/there') if request.method == 'PUT'
                                                   else http.reply(200, b'hello'))
    equal(begin(world, SMALL, server=server)[2].answer().body, b'hello', 'the answer')
    equal((server.requests[-1].method, server.requests[-1].body), ('GET', b''), 'the last request')


@test('a redirect takes a body to no other origin, even if nothing of it was read')
def _(world):
    server, identity = world.serve_pinned()
    other = world.serve(identity)  # of the same host, at another port
    for status in (307, 308):
        def ask(connection, _request, status=status):
            connection.send(http.redirect(status, other.url(HOST)))
            connection.drain()
            return False
        server.on_head = ask
        equal(begin(world, LARGE, server=server)[2].answer().status, status, 'the status')
    other.barrier()
    equal(len(other.connections), 0, 'the connections to the other origin')


# Not one byte to a wrong key

@test('a body goes nowhere before its server is accepted')
def _(world):
    server, _ = world.serve_pinned()
    world.alice.pin(HOST, world.impostor().der)
    before = server.bytes
    for pipe in (False, True):
        _, writer, pending = begin(world, LARGE, pipe=pipe, server=server)
        world.alice.refused('PinMismatch', pending.wait)
        writer.wait()
        holds(writer.broken, 'the descriptor is still read')
    server.wait_until_idle()
    equal(server.bytes, before, 'the bytes at the server')


def reads_on(server):
    """A server that reads for ever, and counts."""
    def read(connection, request):
        http.want(connection, request)
        connection.drain()
        return False
    server.on_head = read


def reads_nothing(server, seconds=0.5):
    """For a while."""
    def stop(connection, request):
        http.want(connection, request)
        threading.Event().wait(seconds)
        connection.drain()
        return False
    server.on_head = stop


def add_change_test(name, prepare, endless, data):
    @test(f'a change of pins ends an upload before its reply: {name}')
    def _(world):
        for _ in range(ROUNDS):
            server, _ = world.serve_pinned(buffer=BUFFER)
            prepare(server)
            _, writer, pending = begin(world, data, length=1 << 40, endless=endless, keep=True, server=server)
            server.wait(lambda server=server: server.bytes > 100, 'a request')
            if endless:
                server.wait(lambda server=server: prepare is reads_nothing or server.bytes > MIB, 'some of the body')
            world.alice.pin(HOST, world.impostor().der)
            world.alice.refused('PinChanged', pending.wait)
            before = server.bytes
            server.wait_until_idle()
            # what arrived before the reset may still be read; the service does not send on
            holds(server.bytes - before < HELD_BYTES, f'{server.bytes - before} bytes came afterwards')
            if endless:
                writer.wait()
                holds(writer.broken, 'the descriptor is still read')


add_change_test('one that flows', reads_on, True, LARGE)
add_change_test('one whose server does not read', reads_nothing, True, LARGE)
add_change_test('one whose writer says nothing', reads_on, False, SMALL)


# Time that passes

def add_time_test(name, prepare, endless, data):
    @test(f'an upload ends when its pin expires: {name}')
    def _(world):
        moment = pki.now() + datetime.timedelta(seconds=3)
        expires = int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())
        server = world.serve(identity := world.issue(), buffer=BUFFER)
        world.alice.pin(HOST, identity.der, expires=expires)
        prepare(server)
        _, writer, pending = begin(world, data, length=1 << 40, endless=endless, keep=True, server=server)
        server.wait(lambda: server.bytes > 100, 'a request')
        error = world.alice.refused('PinChanged', pending.wait)
        holds('expired' in error.message, f'it does not say why: {error.message}')
        before = server.bytes
        server.wait_until_idle()
        holds(server.bytes - before < HELD_BYTES, f'{server.bytes - before} bytes came afterwards')
        if endless:
            writer.wait()
            holds(writer.broken, 'the descriptor is still read')


add_time_test('one that flows', reads_on, True, LARGE)
add_time_test('one whose writer says nothing', reads_on, False, SMALL)


# Those who leave

@test('a caller that leaves the bus, or cancels, ends its upload')
def _(world):
    server, _ = world.serve_pinned()
    reads_on(server)
    caller = world.new_caller(world.alice.uid)
    _, writer, _ = begin(world, LARGE, length=1 << 40, endless=True, server=server, caller=caller)
    server.wait(lambda: server.bytes > MIB, 'some of the body')
    caller.vanish()
    writer.wait()
    server.wait_until_idle()
    earlier = server.bytes
    _, writer, pending = begin(world, LARGE, length=1 << 40, endless=True, server=server, handle_token='mine')
    server.wait(lambda: server.bytes > earlier + MIB, 'some of the body')
    path = f'/org/certpin/Certpin1/request/{world.alice.unique_name[1:].replace(".", "_")}/mine'
    progress = world.alice.call('org.freedesktop.DBus.Properties', 'GetAll', '(s)', REQUEST, path=path)[0]
    equal((progress['State'], progress['BytesExpected']), ('sending', 1 << 40), 'the state')
    holds(progress['BytesDone'] > 0, 'nothing is done')
    holds(progress['BytesSent'] >= progress['BytesDone'], 'less was sent than is done')
    finish = world.alice.begin(REQUEST, 'Finish', '', path=path)
    world.alice.call(REQUEST, 'Cancel', '', path=path)
    for one in (pending, finish):
        world.alice.refused('Cancelled', one.wait)
    writer.wait()
    server.wait_until_idle()


@test('the service is killed: the server sees a request that was cut')
def _(world):
    server, _ = world.serve_pinned()
    reads_on(server)
    _, writer, _ = begin(world, LARGE, length=1 << 40, endless=True, server=server)
    server.wait(lambda: server.bytes > MIB, 'some of the body')
    world.daemon.kill()
    writer.wait()
    server.wait_until_idle()
    equal(server.requests, [], 'the whole requests')
    world.daemon.start()


# Limits

@test('while a body is sent, timeout-ms does not count; then it does')
def _(world):
    server, _ = world.serve_pinned()
    _, writer, pending = begin(world, b'', 10, keep=True, server=server, timeout_ms=400)
    for _ in range(10):
        os.write(writer.ours, b'x')
        threading.Event().wait(0.08)
    equal(pending.answer().status, 200, 'the status')
    server.respond = lambda connection, _request: connection.drain()
    began = time.monotonic()
    _, writer, pending = begin(world, SMALL, server=server, timeout_ms=400)
    world.alice.refused('TimedOut', pending.wait)
    holds(0.3 < time.monotonic() - began < 5, 'it took too little, or too long')


@test('a body of which no byte moves, or that takes longer than stream-timeout-ms, is TimedOut')
def _(world):
    world.daemon.configure('[Limits]\nStreamIdleSeconds=1\n')
    world.daemon.restart()
    server, _ = world.serve_pinned()
    reads_nothing(server, 2)
    for data, endless, options in ((SMALL, False, {}), (LARGE, True, {}), (LARGE, True, {'stream_timeout_ms': 600})):
        began = time.monotonic()
        if options:
            reads_on(server)
        _, writer, pending = begin(world, data, length=1 << 40, endless=endless, keep=True, server=server, **options)
        world.alice.refused('TimedOut', pending.wait)
        holds(0.5 < time.monotonic() - began < 6, 'it took too little, or too long')


@test('an upload counts as a stream')
def _(world):
    world.daemon.configure('[Limits]\nStreamsPerUser=2\n')
    world.daemon.restart()
    server, _ = world.serve_pinned()
    reads_on(server)
    running = [begin(world, SMALL, length=1 << 40, keep=True, server=server) for _ in range(2)]
    server.wait(lambda: len(server.connections) == 2 and all(one.bytes for one in server.connections), 'two requests')
    _, _, pending = begin(world, SMALL, server=server)
    world.alice.refused('LimitExceeded', pending.wait)
    for _, writer, pending in running:
        writer.close()
        world.alice.refused('InvalidArgument', pending.wait)
    server.on_head = http.want
    equal(begin(world, SMALL, server=server)[2].answer().status, 200, 'the status')


@test('uploads take no connection away from the requests to their host')
def _(world):
    server, _ = world.serve_pinned()
    reads_on(server)
    running = [begin(world, SMALL, length=1 << 40, keep=True, server=server) for _ in range(20)]
    server.wait(lambda: len(server.connections) == 20 and all(one.bytes for one in server.connections), '20 requests')
    server.on_head = http.want
    equal(world.alice.request(server.url(HOST), timeout_ms=5000).status, 200, 'the status')
    for _, writer, pending in running:
        writer.close()
        world.alice.refused('InvalidArgument', pending.wait)


@test('what is no pipe and no stream socket is refused, as is a body without its length, or two bodies')
def _(world):
    server, _ = world.serve_pinned()
    with open(os.path.join(world.folder, 'file'), 'w+b') as file:
        reading, writing = os.pipe()
        datagrams = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for descriptor in (file.fileno(), writing, datagrams[0].fileno(), os.open('/dev/zero', os.O_RDONLY),
                           os.open('/', os.O_RDONLY)):
            pending = world.alice.begin_upload(server.url(HOST), descriptor, 5)
            world.alice.refused('InvalidArgument', pending.wait)
        for options in ({'body_stream': 0}, {'body_stream': 1, 'body_length': 5}, {'body_length': 5},
                        {'body_stream': 0, 'body_length': 5, 'body': b'hello'}):
            pending = world.alice.begin_request(server.url(HOST), method='PUT', descriptors=[reading], **options)
            world.alice.refused('InvalidArgument', pending.wait)
        pending = world.alice.begin_request(server.url(HOST), body_stream=0, body_length=5)
        world.alice.refused('InvalidArgument', pending.wait)
    server.barrier()
    equal(len(server.connections), 0, 'the number of connections')


@test('a program that reads from its pipe, too, or makes it block, holds nothing up')
def _(world):
    server, _ = world.serve_pinned()
    reads_on(server)
    reading, writing = os.pipe()
    os.set_blocking(reading, True)
    pending = world.alice.begin_upload(server.url(HOST), reading, 1 << 40)
    stop = threading.Event()
    def steal():
        os.set_blocking(writing, False)
        os.set_blocking(reading, True)
        while not stop.is_set():
            try:
                os.write(writing, b'x' * 100)
            except BlockingIOError:
                pass
            os.read(reading, 1)
    os.write(writing, b'y' * 4096)
    thread = threading.Thread(target=steal, daemon=True)
    thread.start()
    server.wait(lambda: server.bytes > 100, 'a request')
    world.alice.pin(HOST, world.impostor().der)
    world.alice.refused('PinChanged', pending.wait)
    stop.set()
    os.write(writing, b'z' * 10)
    thread.join(DEADLINE_S)


run(World)
