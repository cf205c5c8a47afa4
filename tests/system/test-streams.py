#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Responses that come by a descriptor: all of a body, or an error behind what there is of it. Nothing that was cut ends
like something whole, whoever reads it, and whatever cut it."""

import datetime
import os
import pathlib
import subprocess
import sys
import threading
import time

from gi.repository import GLib

from lib import http, pki
from lib.caller import PINS, PROPERTIES, REQUEST, REQUESTS
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.unread import Unread
from lib.world import HOST, World

MIB = 1 << 20
LARGE = bytes(range(256)) * (3 * MIB // 256)
AUTO = 65536
INLINE = (LARGE + LARGE)[:4 * MIB]
UNKNOWN = (1 << 64) - 1
# A change of pins ends a stream before its reply; that is to take no longer, in the best of a few.
CUT_MS = 5
ROUNDS = 5


def head(length=None, extra=''):
    framing = 'Transfer-Encoding: chunked' if length is None else f'Content-Length: {length}'
    return f'HTTP/1.1 200 OK\r\n{framing}\r\n{extra}\r\n'.encode()


def answers(*parts):
    """A server that sends these, and then waits for the client to end the connection."""
    def respond(connection, _request):
        for part in parts:
            connection.send(part)
        connection.drain()
    return respond


def chunk(data):
    return b'%x\r\n%s\r\n' % (len(data), data)


def flows(connection, _request):
    """A server that sends without end."""
    connection.send(head(1 << 40))
    while True:
        connection.send(LARGE)


def begin(world, respond, **options):
    server, _ = world.serve_pinned()
    server.respond = respond
    stream = world.alice.stream(server.url(HOST), **options)
    world.track(stream)
    return server, stream


def whole(received, sent=0):
    """The totals of such a stream."""
    return {'bytes-sent': sent, 'bytes-received': received}


def fails(stream, name):
    """Returns: the error of Finish"""
    return stream.caller.refused(name, stream.finish)


def is_cut(stream, name, begins_with=b''):
    data, is_whole = stream.read_all()
    holds(not is_whole, 'a body that was cut ended like a whole one')
    holds(data.startswith(begins_with), f'{len(data)} bytes came, not what the server sent')
    return fails(stream, name)


# What is whole

@test('a body of any size comes by a descriptor, with its evidence, and Finish tells its size')
def _(world):
    server, identity = world.serve_pinned()
    server.respond = lambda *_: http.reply(200, LARGE)
    for reused in (False, True):
        stream = world.alice.stream(server.url(HOST))
        equal(stream.answer.body, b'', 'the body in the reply')
        equal(stream.answer.info['matched-key'], identity.pin, 'the key that matched')
        equal(stream.answer.info['connection-reused'], reused, 'connection-reused')
        holds('body-bytes' not in stream.answer.info, 'the size of a body that is not in the reply')
        equal(stream.read_all(), (LARGE, True), 'the body')
        equal(stream.finish(), whole(len(LARGE)), 'the totals')
        stream.close()
    equal(len(server.connections), 1, 'the number of connections')


@test('with auto, a body of 64 KiB is in the reply, and a larger one is not, even if its length is not known')
def _(world):
    server, _ = world.serve_pinned()
    for parts, large in (([http.reply(200, LARGE[:AUTO])], False), ([http.reply(200, LARGE[:AUTO + 1])], True),
                         ([head(), chunk(LARGE[:AUTO]), b'0\r\n\r\n'], False),
                         ([head(), chunk(LARGE[:AUTO]), chunk(b'x'), b'0\r\n\r\n'], True)):
        server.respond = lambda _connection, _request, answer=b''.join(parts): answer
        answer = world.alice.begin_request(server.url(HOST), stream='auto')
        if large:
            stream = answer.stream()
            data, is_whole = stream.read_all()
            holds(is_whole and len(data) == AUTO + 1, f'{len(data)} bytes, whole: {is_whole}')
            stream.close()
        else:
            equal(len(answer.answer().body), AUTO, 'the size of the body')
            equal(answer.descriptors, [], 'descriptors')


@test('with always, small and empty bodies come by a descriptor as well')
def _(world):
    server, _ = world.serve_pinned()
    for answer, method, body in ((http.reply(200, b'hello'), 'GET', b'hello'), (http.reply(200), 'GET', b''),
                                 (b'HTTP/1.1 204 No\r\n\r\n', 'GET', b''), (http.reply(200, b''), 'HEAD', b'')):
        server.respond = lambda _connection, _request, answer=answer: answer
        stream = world.alice.stream(server.url(HOST), method=method)
        equal(stream.read_all(), (body, True), 'the body')
        equal(stream.finish(), whole(len(body)), 'the totals')
        stream.close()


@test('a chunked body comes without its framing, in whatever pieces it was sent')
def _(world):
    sizes = [1, 2, 3, 1000, 16384, 40000, 5, 300000]
    def respond(connection, _request):
        connection.send(head())
        at = 0
        for size in sizes:
            connection.send(chunk(LARGE[at:at + size]))
            at += size
        return b'0\r\nTrailer: yes\r\n\r\n'
    _, stream = begin(world, respond)
    equal(stream.read_all(), (LARGE[:sum(sizes)], True), 'the body')


@test('a body that ends with the connection is whole only if TLS ends it')
def _(world):
    server, _ = world.serve_pinned()
    for clean in (True, False):
        def respond(connection, _request, clean=clean):
            connection.send(b'HTTP/1.0 200 OK\r\n\r\n' + LARGE)
            if not clean:
                connection.cut()
        server.respond = respond
        stream = world.alice.stream(server.url(HOST))
        if clean:
            equal(stream.read_all(), (LARGE, True), 'the body')
            stream.finish()
        else:
            is_cut(stream, 'Truncated', LARGE)
        stream.close()


@test('a redirect is followed to the stream; one that is itself the response is in the reply')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda _connection, request: (
        http.redirect(302, '/there') if request.path == '/' else http.reply(200, LARGE))
    stream = world.alice.stream(server.url(HOST))
    equal(stream.read_all(), (LARGE, True), 'the body')
    stream.close()
    answer = world.alice.request(server.url(HOST), redirects=0, stream='always')
    equal((answer.status, answer.body), (302, b'elsewhere'), 'the answer')


@test('a redirect is no larger than what fits into a reply, however its body would come')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, _request: connection.send(
        http.reply(302, b'x' * (4 * MIB + 1), [('Location', '/there')]))
    for stream in ('never', 'auto', 'always'):
        for redirects in (0, 1):
            world.alice.refuses('BodyTooLarge', server.url(HOST), stream=stream, redirects=redirects)


@test('what a program writes to the descriptor changes nothing')
def _(world):
    go_on = threading.Event()
    def respond(connection, _request):
        connection.send(head(len(LARGE)) + LARGE[:1000])
        go_on.wait(DEADLINE_S)
        return LARGE[1000:]
    _, stream = begin(world, respond)
    os.write(stream.descriptor, b'hello?' * 1000)
    go_on.set()
    equal(stream.read_all(), (LARGE, True), 'the body')
    stream.finish()


# What is cut

def breaks(world, *parts):
    """A stream whose server sends the first part, and the others once it has begun, and then dies."""
    begun = threading.Event()
    def respond(connection, _request):
        connection.send(parts[0])
        begun.wait(DEADLINE_S)
        for part in parts[1:]:
            connection.send(part)
        connection.cut()
    stream = begin(world, respond)[1]
    begun.set()
    return stream


@test('a server that dies in the middle: all that came, then an error, and Finish says Truncated')
def _(world):
    for part in (b'', LARGE[:10], LARGE[:2 * MIB]):
        is_cut(breaks(world, head(len(LARGE)), part), 'Truncated', part)
        is_cut(breaks(world, head(len(LARGE)) + part), 'Truncated', part)
    is_cut(breaks(world, head(len(LARGE)), LARGE[:10000], LARGE[10000:-1]), 'Truncated', LARGE[:-1])


@test('all that a server sent before it died is there, even if it was read late')
def _(world):
    server, _ = world.serve_pinned()
    for size in range(100000, 700000, 10000):
        def respond(connection, _request, size=size):
            connection.send(b'HTTP/1.0 200 OK\r\n\r\n' + LARGE[:size])
            connection.cut()
        server.respond = respond
        stream = world.alice.stream(server.url(HOST))
        threading.Event().wait(0.01)
        data, is_whole = stream.read_all()
        stream.close()
        holds(not is_whole and data == LARGE[:size], f'{len(data)} of {size} bytes came, whole: {is_whole}')


@test('a chunked body without its end is Truncated, and one with a bad chunk is a ProtocolError')
def _(world):
    is_cut(breaks(world, head(), chunk(b'hello')), 'Truncated', b'hello')
    is_cut(breaks(world, head(), chunk(b'hello') + b'0\r\n'), 'Truncated', b'hello')
    is_cut(breaks(world, head() + chunk(b'hello'), b'xyz\r\n'), 'ProtocolError', b'hello')


READERS = (['cat'], ['dd', 'of=/dev/null', 'bs=64k', 'status=none'], ['wc', '-c'],
           [sys.executable, '-c', 'import sys; sys.stdin.buffer.read()'])


@test('cat, dd, wc and Python fail on a body that was cut, and pass on a whole one')
def _(world):
    server, _ = world.serve_pinned()
    for reader in READERS:
        for complete in (True, False):
            def respond(connection, _request, complete=complete):
                connection.send(head(len(LARGE)) + LARGE[:-1])
                if complete:
                    return LARGE[-1:]
                connection.cut()
                return None
            server.respond = respond
            stream = world.alice.stream(server.url(HOST))
            done = subprocess.run(reader, stdin=stream.descriptor, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  check=False, timeout=DEADLINE_S)
            stream.close()
            equal(done.returncode == 0, complete, f'whether {reader[0]} passes')


@test('max-body: exact passes; one more is BodyTooLarge, before the reply if the length is known')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda *_: http.reply(200, LARGE)
    stream = world.alice.stream(server.url(HOST), max_body=len(LARGE))
    equal(stream.read_all(), (LARGE, True), 'the body')
    world.alice.refuses('BodyTooLarge', server.url(HOST), stream='always', max_body=len(LARGE) - 1)
    server.respond = answers(head(), chunk(LARGE))
    stream = world.alice.stream(server.url(HOST), max_body=len(LARGE) - 1)
    is_cut(stream, 'BodyTooLarge')


@test('the service ends or is killed: the reader gets an error, not an end')
def _(world):
    for end in (world.daemon.kill, world.daemon.terminate):
        _, stream = begin(world, answers(head(len(LARGE)), LARGE[:2 * MIB]))
        reader = Reader(stream)
        reader.wait_for(2 * MIB)
        end()
        equal(reader.result(), (LARGE[:2 * MIB], False), 'what was read')
        world.daemon.start()


class Reader:
    """Reads a stream to its end in a thread."""

    def __init__(self, stream):
        self.stream = stream
        self.data = bytearray()
        self.whole = None
        self.ended_at = None
        self.changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            while more := self.stream.read():
                with self.changed:
                    self.data += more
                    self.changed.notify_all()
            self.whole = True
        except ConnectionResetError:
            self.whole = False
        self.ended_at = time.monotonic()

    def wait_for(self, count):
        with self.changed:
            holds(self.changed.wait_for(lambda: len(self.data) >= count, DEADLINE_S), f'{count} bytes did not come')

    def result(self):
        self._thread.join(DEADLINE_S)
        holds(not self._thread.is_alive(), 'the stream does not end')
        return bytes(self.data), self.whole


# Those who leave

@test('a reader that closes the descriptor ends the connection, while the server sends or is silent')
def _(world):
    for respond in (flows, answers(head(len(LARGE)), LARGE[:10])):
        server, stream = begin(world, respond)
        holds(stream.read(10), 'nothing came')
        finish = stream.begin_finish()
        stream.close()
        stream.caller.refused('Cancelled', finish.wait)
        server.wait_until_idle()


@test('a caller that leaves the bus ends its stream, though its descriptor stays open')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = flows
    caller = world.new_caller(world.alice.uid)
    stream = caller.stream(server.url(HOST))
    reader = Reader(stream)
    reader.wait_for(MIB)
    caller.vanish()
    equal(reader.result()[1], False, 'whether it ended in order')
    server.wait_until_idle()


@test('Cancel ends a stream')
def _(world):
    for respond in (flows, answers(head(len(LARGE)), LARGE[:10])):
        server, stream = begin(world, respond)
        reader = Reader(stream)
        reader.wait_for(10)
        stream.cancel()
        equal(reader.result()[1], False, 'whether it ended in order')
        fails(stream, 'Cancelled')
        server.wait_until_idle()


@test('Cancel after the end changes nothing')
def _(world):
    _, stream = begin(world, lambda *_: http.reply(200, LARGE))
    equal(stream.read_all(), (LARGE, True), 'the body')
    stream.cancel()
    equal(stream.finish(), whole(len(LARGE)), 'the totals')


# Pins that change

def silent(connection, _request):
    connection.send(head(1 << 40) + LARGE[:10])
    connection.drain()


def read_some(stream):
    """Returns: a reader that has read something, and reads on"""
    reader = Reader(stream)
    reader.wait_for(10)
    return reader


def read_nothing(stream):
    """Until the service has no more room: nothing announces that."""
    deadline = time.monotonic() + DEADLINE_S
    done = -1
    while stream.get('BytesDone') != done:
        done = stream.get('BytesDone')
        holds(time.monotonic() < deadline, 'a stream that nobody reads goes on and on')
        threading.Event().wait(0.05)


STATES = (('that flows', flows, read_some), ('whose server is silent', silent, read_some),
          ('that nobody reads', flows, read_nothing))


def add_change_test(state, respond, prepare):
    @test(f'a change of pins cuts a stream {state}, before its reply')
    def _(world):
        best = None
        for _ in range(ROUNDS):
            server, stream = begin(world, respond)
            reader = prepare(stream)
            world.alice.pin(HOST, world.impostor().der)
            replied_at = time.monotonic()
            sent = server.connections[-1]
            reader = reader or Reader(stream)
            equal(reader.result()[1], False, 'whether it ended in order')
            best = min(best or 1e9, reader.ended_at - replied_at)
            fails(stream, 'PinChanged')
            holds(not sent.requests[1:], 'a second request')
            server.wait_until_idle()
            stream.close()
        if prepare is not read_nothing:  # that one has to be read first
            holds(best * 1000 <= CUT_MS, f'the best of {ROUNDS} took {best * 1000:.1f} ms')


for row in STATES:
    add_change_test(*row)


@test('a change of pins that the server still passes lets its stream go on, and so do those of other hosts')
def _(world):
    server, identity = world.serve_pinned()
    server.respond = lambda *_: http.reply(200, LARGE * 8)
    stream = world.alice.stream(server.url(HOST))
    reader = Reader(stream)
    reader.wait_for(MIB)
    world.alice.pin(HOST, world.impostor().der, backup_certificates=[identity.der])
    world.alice.pin('other.localhost', world.impostor().der)
    world.bob.pin(HOST, world.impostor().der)
    equal(reader.result(), (LARGE * 8, True), 'the body')
    stream.finish()


@test('trust anchors that change hold a stream until its server is validated anew')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda *_: http.reply(200, LARGE * 8)
    stream = world.alice.stream(server.url(HOST))
    reader = Reader(stream)
    reader.wait_for(1000)
    world.root.call(PINS, 'Reload', '')
    equal(reader.result(), (LARGE * 8, True), 'the body')
    stream.finish()


# Time that passes

SECONDS = datetime.timedelta(seconds=3)


def drips(connection, _request):
    """A server that sends a byte now and then, without end."""
    connection.send(head(1 << 40) + LARGE[:10])
    while True:
        connection.send(b'x')
        threading.Event().wait(0.05)


def unix(moment):
    return int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())


def ends_in_time(world, respond, prepare, moment, identity, **pin):
    """A stream of a server that has that identity, and of which no byte moves any more after that moment."""
    server = world.serve(identity)
    server.respond = respond
    world.alice.pin(HOST, identity.der, **pin)
    stream = world.alice.stream(server.url(HOST))
    world.track(stream)
    reader = prepare(stream)
    holds(pki.now() < moment, 'the machine is too slow for this test')
    world.wait_for_time(moment)
    if prepare is read_nothing:
        server.wait_until_idle()
    reader = reader or Reader(stream)
    equal(reader.result()[1], False, 'whether it ended in order')
    server.wait_until_idle()
    return fails(stream, 'PinChanged')


for row in (('that drips', drips, read_some), *STATES[1:]):
    def add_time_tests(state, respond, prepare):
        @test(f'a stream {state} ends when its pin expires')
        def _(world):
            moment = pki.now() + SECONDS
            error = ends_in_time(world, respond, prepare, moment, world.issue(), expires=unix(moment))
            holds('expired' in error.message, f'it does not say why: {error.message}')

        @test(f'a stream {state} ends when its server’s certificate expires')
        def _(world):
            moment = pki.now() + SECONDS
            error = ends_in_time(world, respond, prepare, moment, world.issue(end=moment))
            holds('expired' in error.message, f'it does not say why: {error.message}')
    add_time_tests(*row)


@test('a body that comes in the reply ends when its pin expires')
def _(world):
    server = world.serve(identity := world.issue())
    server.respond = drips
    moment = pki.now() + SECONDS
    world.alice.pin(HOST, identity.der, expires=unix(moment))
    error = world.alice.refused('PinChanged', lambda: world.alice.request(server.url(HOST), timeout_ms=DEADLINE_S * 1000))
    holds('expired' in error.message, f'it does not say why: {error.message}')
    holds(pki.now() >= moment, 'it ended before')
    server.wait_until_idle()


def threads_of_streams(world):
    folder = pathlib.Path(f'/proc/{world.daemon.process.pid}/task')
    return {task.name for task in folder.iterdir() if (task / 'comm').read_text() == 'certpin-stream\n'}


@test('while time passes, what still passes goes on, undisturbed')
def _(world):
    server = world.serve(identity := world.issue())
    server.respond = drips
    world.alice.pin(HOST, identity.der, expires=unix(pki.now() + datetime.timedelta(hours=1)))
    stream = world.alice.stream(server.url(HOST))
    world.track(stream)
    reader = read_some(stream)
    threads = threads_of_streams(world)
    world.wait_for_time(pki.now() + SECONDS)
    before = stream.get('BytesDone')
    reader.wait_for(before + 1)
    equal((len(threads), threads_of_streams(world)), (1, threads), 'the threads that move streams')


# The object

def get_all(caller, path):
    return caller.call(PROPERTIES, 'GetAll', '(s)', REQUEST, path=path)[0]


@test('State and progress follow the stream, and Finish takes the object away')
def _(world):
    server, _ = world.serve_pinned()
    gate, rest = http_gate()
    server.respond = gate
    pending = world.alice.begin_request(server.url(HOST), stream='always', handle_token='mine')
    server.wait_for_requests(1)
    path = f'/org/certpin/Certpin1/request/{world.alice.unique_name[1:].replace(".", "_")}/mine'
    equal(get_all(world.alice, path), {'State': 'waiting', 'BytesDone': 0, 'BytesExpected': UNKNOWN, 'BytesSent': 0},
          'at first')
    rest.release()
    stream = pending.stream()
    equal(stream.path, path, 'the path')
    equal(len(stream.read(10)), 10, 'the bytes read')
    equal(stream.get('State'), 'receiving', 'the state')
    equal(stream.get('BytesExpected'), len(LARGE), 'the bytes expected')
    rest.release()
    equal(len(stream.read_all()[0]), len(LARGE) - 10, 'the bytes that followed')
    equal(stream.begin_finish().wait()[0], whole(len(LARGE)), 'the totals')
    world.alice.refused('InvalidArgument', stream.finish)


def http_gate():
    """A server that waits before its head, and after the first bytes of its body."""
    steps = threading.Semaphore(0)
    def respond(connection, _request):
        steps.acquire(timeout=DEADLINE_S)
        connection.send(head(len(LARGE)) + LARGE[:1000])
        steps.acquire(timeout=DEADLINE_S)
        return LARGE[1000:]
    return respond, steps


@test('Finish waits for the end, whoever asks how often')
def _(world):
    gate, rest = http_gate()
    rest.release()
    _, stream = begin(world, gate)
    finishes = [stream.begin_finish() for _ in range(3)]
    equal(stream.get('State'), 'receiving', 'the state')
    rest.release()
    stream.read_all()
    for finish in finishes:
        equal(finish.wait()[0], whole(len(LARGE)), 'the totals')


@test('Finish that was called before a request failed says why')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = answers()
    pending = world.alice.begin_request(server.url(HOST), stream='always', handle_token='mine', timeout_ms=500)
    path = f'/org/certpin/Certpin1/request/{world.alice.unique_name[1:].replace(".", "_")}/mine'
    finish = world.alice.begin(REQUEST, 'Finish', '', path=path)
    world.alice.refused('TimedOut', pending.wait)
    world.alice.refused('TimedOut', finish.wait)
    world.alice.refused('InvalidArgument', world.alice.call, REQUEST, 'Finish', '', path=path)


@test('an object belongs to its caller: nobody else can use it, not even root')
def _(world):
    _, stream = begin(world, silent)
    for other in (world.root, world.bob, world.new_caller(world.alice.uid)):
        for method in ('Cancel', 'Finish'):
            other.refused('NotAuthorized', other.call, REQUEST, method, '', path=stream.path)
        other.refused('NotAuthorized', get_all, other, stream.path)
        other.refused('NotAuthorized', other.call, PROPERTIES, 'Get', '(ss)', REQUEST, 'State', path=stream.path)
    equal(stream.get('State'), 'receiving', 'the state')


@test('a request without a stream has no Finish; ended streams are remembered, but only so many')
def _(world):
    server, _ = world.serve_pinned()
    gate, rest = http_gate()
    server.respond = gate
    pending = world.alice.begin_request(server.url(HOST), handle_token='plain')
    path = f'/org/certpin/Certpin1/request/{world.alice.unique_name[1:].replace(".", "_")}/plain'
    world.alice.refused('InvalidArgument', world.alice.call, REQUEST, 'Finish', '', path=path)
    rest.release()
    rest.release()
    pending.answer()
    server.respond = lambda *_: http.reply(200, b'hello')
    streams = [world.alice.stream(server.url(HOST)) for _ in range(101)]
    for stream in streams:
        equal(stream.read_all(), (b'hello', True), 'the body')
        stream.close()
    world.alice.refused('InvalidArgument', streams[0].finish)
    equal(streams[-1].finish(), whole(5), 'the totals')


# Limits

def new_limits(world, text):
    world.daemon.configure('[Limits]\n' + text)
    world.daemon.restart()


@test('a user has so many streams and no more; others have theirs; one that ends makes room')
def _(world):
    new_limits(world, 'StreamsPerUser=3\n')
    server, identity = world.serve_pinned()
    world.bob.pin(HOST, identity.der)
    server.respond = silent
    streams = [world.alice.stream(server.url(HOST)) for _ in range(3)]
    before = server.bytes
    world.alice.refuses('LimitExceeded', server.url(HOST), stream='always')
    equal(server.bytes, before, 'the bytes at the server')
    world.bob.stream(server.url(HOST)).close()
    server.respond = lambda *_: http.reply(200, b'hello')
    streams[0].cancel()
    fails(streams[0], 'Cancelled')
    for _ in range(5):  # nobody asks how they ended
        stream = world.track(world.alice.stream(server.url(HOST)))
        equal(stream.read_all(), (b'hello', True), 'the body')
    streams[1].cancel()
    for _ in range(2):
        world.track(world.alice.stream(server.url(HOST)))


@test('with auto and no stream left, a body comes in the reply if it fits there; a larger one is refused')
def _(world):
    new_limits(world, 'StreamsPerUser=1\n')
    server, _ = world.serve_pinned()
    server.respond = silent
    begun = world.alice.stream(server.url(HOST))
    for framed in (lambda body: [head(len(body)), body],
                   lambda body: [head(), *(chunk(body[at:at + MIB]) for at in range(0, len(body), MIB)), b'0\r\n\r\n']):
        for body in (b'hello', LARGE, INLINE):
            server.respond = lambda *_, answer=b''.join(framed(body)): answer
            answer = world.alice.request(server.url(HOST), stream='auto')
            holds(answer.body == body, f'{len(answer.body)} bytes came, not the same')
            equal(answer.info['body-bytes'], len(body), 'body-bytes')
        server.respond = lambda *_, answer=b''.join(framed(INLINE + b'x')): answer
        error = world.alice.refuses('LimitExceeded', server.url(HOST), stream='auto')
        equal(error.message, f'host ‘{HOST}’ sent a response that needs a stream, but you have 1 streams already, or '
              'there are too many in all; let some finish first', 'the message')
    begun.close()


@test('where messages may have smaller bodies, InlineBodyMax says so, and larger ones come by descriptors')
def _(world):
    new_limits(world, 'InlineBodyBytes=2048\n')
    server, _ = world.serve_pinned()
    equal(world.alice.call(PROPERTIES, 'Get', '(ss)', REQUESTS, 'InlineBodyMax'), (2048,), 'InlineBodyMax')
    for framed in (lambda body: head(len(body)) + body, lambda body: head() + chunk(body) + b'0\r\n\r\n'):
        server.respond = lambda *_, answer=framed(LARGE[:2048]): answer
        equal(len(world.alice.request(server.url(HOST), stream='auto').body), 2048, 'the size of the body')
        for size in (2049, 100000):
            server.respond = lambda *_, answer=framed(LARGE[:size]): answer
            for wish in ('auto', 'always'):
                stream = world.alice.stream(server.url(HOST), stream=wish)
                equal(stream.read_all(), (LARGE[:size], True), 'the body')
                stream.close()
    server.respond = lambda *_: http.redirect(302, '/').replace(b'Content-Length: 9', b'Content-Length: 2049') + b'x' * 2040
    world.alice.refuses('BodyTooLarge', server.url(HOST), stream='always', redirects=0)


@test('streams take no connection away from the requests to their host')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = silent
    streams = [world.alice.stream(server.url(HOST)) for _ in range(20)]
    server.respond = lambda *_: http.reply(200, b'hello')
    equal(world.alice.request(server.url(HOST), timeout_ms=5000).body, b'hello', 'the body')
    for stream in streams:
        stream.close()


@test('a stream of which no byte moves is TimedOut, whoever does not move it')
def _(world):
    new_limits(world, 'StreamIdleSeconds=1\n')
    for respond in (silent, flows):
        _, stream = begin(world, respond)
        began = time.monotonic()
        fails(stream, 'TimedOut')
        holds(0.8 < time.monotonic() - began < 5, 'it took too little, or too long')
        equal(stream.read_all()[1], False, 'whether it ended in order')


@test('stream-timeout-ms ends even a stream that flows')
def _(world):
    began = time.monotonic()
    server, stream = begin(world, flows, stream_timeout_ms=700)
    reader = Reader(stream)
    fails(stream, 'TimedOut')
    holds(0.6 < time.monotonic() - began < 5, 'it took too little, or too long')
    equal(reader.result()[1], False, 'whether it ended in order')
    server.wait_until_idle()


@test('timeout-ms counts until the head alone')
def _(world):
    def respond(connection, _request):
        connection.send(head(len(LARGE)) + LARGE[:1000])
        threading.Event().wait(1)
        return LARGE[1000:]
    _, stream = begin(world, respond, timeout_ms=500)
    equal(stream.read_all(), (LARGE, True), 'the body')


@test('options that make no sense are refused')
def _(world):
    server, _ = world.serve_pinned()
    for options in ({'stream': 'sometimes'}, {'stream': ''}, {'stream_timeout_ms': 1}, {'max_body': 17 * MIB},
                    {'stream': 'auto', 'stream_timeout_ms': 86400001}, {'stream': 'always', 'max_body': 1 << 63}):
        world.no_connection(server, 'InvalidArgument', server.url(HOST), **options)


# Descriptors that nobody takes

def stream_call(url):
    return (REQUESTS, 'SecureRequest', GLib.Variant('(ssa(ss)aya{sv})', (
        'GET', url, [], b'', {'stream': GLib.Variant('s', 'always')})))


def new_deaf(world):
    """Returns: a connection of root's whose socket is full: what it is sent from now on stays at the bus"""
    deaf = Unread(world.shared.bus.address, greet=False)
    deaf.authenticate()
    deaf.accept_descriptors()
    deaf.hello()
    deaf.flood(PINS, 'ListPins', GLib.Variant('(a{sv})', ({},)), count=6)
    return world.track(deaf)


@test('callers that read no replies get only so many descriptors, and nobody else has to wait for them')
def _(world):
    new_limits(world, 'StreamsPerUser=1000\nStreams=1000\nRunningPerUser=1000\n')
    server, identity = world.serve_pinned()
    server.respond = lambda *_: http.reply(200, b'hello')
    for number in range(40):
        world.root.pin_keys(f'h{number}.localhost', 'sha256/' + 'E' * 43 + '=', note='n' * 1000)
    for caller in (world.root, world.bob):
        caller.pin(HOST, identity.der)
    for deaf in [new_deaf(world) for _ in range(3)]:
        deaf.flood(*stream_call(server.url(HOST)), count=40)
    server.wait_for_requests(100)
    for _ in range(20):
        world.bob.refused('NotPinned', world.bob.get_pin, 'nobody.localhost')
        stream = world.bob.stream(server.url(HOST))
        equal(stream.read_all(), (b'hello', True), 'the body')
        stream.close()


run(World)
