#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests with large bodies: the server is asked first whether it wants one (RFC 9110, section 10.1.1), and may
answer before it has all of it (RFC 9112, section 9.3)."""

import dataclasses
import threading
import time

from lib import http
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import HOST, World

MIB = 1 << 20
ASKED = bytes(range(256)) * (2 * MIB // 256)  # the server is asked about this one
PLAIN = ASKED[:MIB]  # and not about this one
BUFFER = 4096  # of the server's kernel: it takes little before it is read
ROUNDS = 20


def read_rest(connection, request):
    """Reads the rest of a body. Returns: all of it"""
    body = request.body
    while len(body) < int(request.headers['content-length']) and (data := connection.read()):
        body += data
    return body


def answers_at_head(answer):
    """A server that gives that answer without the body, and then reads on until the end."""
    def on_head(connection, _request):
        connection.send(answer)
        connection.drain()
        return False
    return on_head


def head_bytes(connection, request):
    """How many bytes of the request are not its body's, by what has arrived when its head is there."""
    return connection.bytes - len(request.body)


class Heads:
    """Remembers all heads that arrive, and how long they are."""

    def __init__(self, server, on_head):
        self.requests, self.bytes, self._on_head = [], [], on_head
        server.on_head = self

    def __call__(self, connection, request):
        self.requests.append(dataclasses.replace(request))
        self.bytes.append(head_bytes(connection, request))
        return self._on_head(connection, request)


@test('a body of more than 1 MiB waits for the server to want it, and comes at once then')
def _(world):
    server, _ = world.serve_pinned()
    heads = Heads(server, http.want)
    began = time.monotonic()
    for _ in range(5):
        world.alice.request(server.url(HOST), method='POST', body=ASKED)
    holds(time.monotonic() - began < 4, 'five bodies waited for a second each')
    equal([(one.headers['expect'], one.body) for one in heads.requests], [('100-continue', b'')] * 5, 'the heads')
    holds(all(request.body == ASKED for request in server.requests), 'a body is not what was sent')
    equal(len(server.connections), 1, 'the number of connections')


@test('a body of 1 MiB comes without a question')
def _(world):
    server, _ = world.serve_pinned()
    heads = Heads(server, lambda connection, request: True)
    world.arrives(server, method='POST', body=PLAIN)
    holds('expect' not in heads.requests[0].headers, 'the server was asked')
    holds(server.requests[0].body == PLAIN, 'the body is not what was sent')


@test('a server that says nothing gets the body after a second')
def _(world):
    server, _ = world.serve_pinned()
    waited = []

    def on_head(connection, request):
        began = time.monotonic()
        request.body += connection.read()
        waited.append(time.monotonic() - began)
        return True

    server.on_head = on_head
    world.arrives(server, method='POST', body=ASKED)
    holds(server.requests[0].body[-MIB:] == ASKED[-MIB:], 'the body is not what was sent')
    holds(0.9 < waited[0] < 3, f'the body came after {waited[0]} s')


def add_refusal_test(code, headers=()):
    @test(f'a server that answers {code} instead gets not a byte of the body')
    def _(world):
        server, _ = world.serve_pinned()
        heads = Heads(server, answers_at_head(http.reply(code, b'no', headers)))
        for count in (1, 2):
            answer = world.alice.request(server.url(HOST), method='POST', body=ASKED)
            equal((answer.status, answer.body), (code, b'no'), 'the answer')
            server.wait_until_idle()
            equal(server.bytes, sum(heads.bytes), 'the bytes that arrived')
            equal(len(server.connections), count, 'the number of connections')


for _code in (200, 401, 413, 500):
    add_refusal_test(_code)


@test('a question that is answered leaves nothing behind that ends another one early')
def _(world):
    server, _ = world.serve_pinned()
    def on_head(connection, request):
        if request.path == '/refused':
            return answers_at_head(http.reply(413))(connection, request)
        return True

    server.on_head = on_head
    for _ in range(4):
        refused = world.alice.begin_request(server.url(HOST, '/refused'), 'POST', body=ASKED)
        equal(refused.answer().status, 413, 'the status')
    world.arrives(server, method='POST', body=ASKED)  # a second, in which the others' seconds end


@test('307 to the same host instead: the body goes there')
def _(world):
    server, _ = world.serve_pinned()

    def on_head(connection, request):
        if request.path == '/':
            return answers_at_head(http.redirect(307, '/there'))(connection, request)
        return http.want(connection, request)

    heads = Heads(server, on_head)
    world.alice.request(server.url(HOST), method='POST', body=ASKED, redirects=3)
    equal([request.path for request in heads.requests], ['/', '/there'], 'the paths')
    equal(server.connections[0].bytes, heads.bytes[0], 'the bytes over the first connection')
    equal([(one.path, one.body == ASKED) for one in server.requests], [('/there', True)], 'what arrived')


def declines(connection, request):
    if 'expect' in request.headers:
        return answers_at_head(http.reply(417, b'what?'))(connection, request)
    return True


@test('417 instead: the request goes again, once, without the question and on a new connection')
def _(world):
    server, _ = world.serve_pinned()
    heads = Heads(server, declines)
    for method in ('POST', 'PUT'):
        world.arrives(server, method=method, body=ASKED)
        equal(['expect' in request.headers for request in heads.requests], [True, False], 'the questions')
        holds([one.body == ASKED for one in server.requests] == [True], 'the body is not what was sent')
        equal([len(one.requests) for one in server.connections], [0, 1], 'requests by connection')
        server.close()
        server = world.serve_pinned()[0]
        heads = Heads(server, declines)


@test('417 instead: the request goes again, also where a response comes by a descriptor')
def _(world):
    server, _ = world.serve_pinned()
    for stream, reason in (('always', b'what?'), ('auto', b'?' * MIB)):
        def on_head(connection, request, reason=reason):
            return 'expect' not in request.headers or answers_at_head(http.reply(417, reason))(connection, request)

        heads = Heads(server, on_head)
        answer = world.alice.begin_request(server.url(HOST), 'PUT', body=ASKED, stream=stream).answer()
        equal(answer.status, 200, 'the status')
        equal(['expect' in request.headers for request in heads.requests], [True, False], 'the questions')
        holds(server.requests[-1].body == ASKED, 'the body is not what was sent')


@test('417 instead, and another connection is kept: the request goes again on a new one all the same')
def _(world):
    server, _ = world.serve_pinned()
    together = threading.Barrier(2)

    def respond(_connection, _request):
        together.wait(DEADLINE_S)
        return http.reply(200)

    server.respond = respond
    for pending in [world.alice.begin_request(server.url(HOST)) for _ in range(2)]:
        pending.answer()
    equal(len(server.connections), 2, 'the connections that are kept')
    server.respond = lambda connection, request: http.reply(200)
    heads = Heads(server, declines)
    world.alice.request(server.url(HOST), method='POST', body=ASKED)
    equal(['expect' in request.headers for request in heads.requests], [True, False], 'the questions')
    equal([len(one.requests) for one in server.connections], [1, 1, 1], 'requests by connection')


@test('417 to a request without the question is an answer, and so is 417 once more')
def _(world):
    server, _ = world.serve_pinned()
    heads = Heads(server, answers_at_head(http.reply(417, b'what?', close=True)))
    for body, count in ((b'', 1), (PLAIN, 2), (ASKED, 4)):
        answer = world.alice.request(server.url(HOST), method='POST', body=body)
        equal((answer.status, answer.body), (417, b'what?'), 'the answer')
        equal(len(heads.requests), count, 'the number of requests')


@test('417 and then a redirect: the server there is asked again')
def _(world):
    server, _ = world.serve_pinned()

    def on_head(connection, request):
        if request.path == '/' and 'expect' not in request.headers:
            # Where the kernel takes all of the body first, the connection would be kept for the next request.
            return answers_at_head(http.redirect(307, '/there', close=True))(connection, request)
        return declines(connection, request) if request.path == '/' else http.want(connection, request)

    heads = Heads(server, on_head)
    world.alice.request(server.url(HOST), method='POST', body=ASKED, redirects=3)
    equal([(one.path, 'expect' in one.headers) for one in heads.requests],
          [('/', True), ('/', False), ('/there', True)], 'what was asked')


def silent(connection, _request):
    connection.drain()
    return False


@test('the deadline counts while the body waits')
def _(world):
    server, _ = world.serve_pinned()
    heads = Heads(server, silent)
    world.alice.refuses('TimedOut', server.url(HOST), method='POST', body=ASKED, timeout_ms=300)
    server.wait_until_idle()
    equal(server.bytes, heads.bytes[0], 'the bytes that arrived')
    world.alice.refuses('TimedOut', server.url(HOST), method='POST', body=ASKED, timeout_ms=1300)
    server.wait_until_idle()
    holds(server.bytes > 2 * heads.bytes[0], 'the second body did not begin')


@test('a pin that changes while the body waits: PinChanged, and not a byte of the body')
def _(world):
    server, _ = world.serve_pinned()
    heads = Heads(server, silent)
    pending = world.alice.begin_request(server.url(HOST), 'POST', body=ASKED)
    server.wait(lambda: server.bytes > 0, 'the head')
    world.alice.pin(HOST, world.issue().der)
    world.alice.refused('PinChanged', pending.wait)
    server.wait_until_idle()
    equal(server.bytes, heads.bytes[0], 'the bytes that arrived')


@test('a pin that changes while the body is sent: PinChanged, and nothing more of it')
def _(world):
    server, _ = world.serve_pinned(buffer=BUFFER)
    changed, bodies = threading.Event(), []

    def on_head(connection, request):
        changed.wait(15)
        bodies.append(read_rest(connection, request))
        return False

    server.on_head = on_head
    pending = world.alice.begin_request(server.url(HOST), 'POST', body=PLAIN)
    server.wait(lambda: server.bytes > 0, 'the head')
    world.alice.pin(HOST, world.issue().der)
    world.alice.refused('PinChanged', pending.wait)
    changed.set()
    server.wait_until_idle()
    holds(len(bodies[0]) < MIB, 'the body arrived whole')


@test('an interim 103, or one 100 too many, is no answer to an upload')
def _(world):
    server, _ = world.serve_pinned(buffer=BUFFER)
    hints = b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'

    bodies = []

    def on_head(connection, request):
        connection.send(hints + http.CONTINUE)
        request.body += connection.read()
        connection.send(http.CONTINUE + hints)
        bodies.append(read_rest(connection, request))
        connection.send(http.reply(200, b'hello', close=True))
        return False

    server.on_head = on_head
    for body in (PLAIN, ASKED):
        world.arrives(server, method='POST', body=body)
    holds(bodies == [PLAIN, ASKED], 'a body is not what was sent')


# What a server does after its answer, or half of it, with the rest of the upload still to come.
ENDS = {'reads on': lambda connection: connection.drain(),
        'closes': lambda connection: None,
        'is cut': lambda connection: connection.cut(),
        'resets the connection': lambda connection: connection.reset()}


def add_early_test(code, how, end):
    @test(f'{code} while the upload runs, and the server {how}: the answer is delivered')
    def _(world):
        server, _ = world.serve_pinned(buffer=BUFFER)
        # The kernel may take all of the upload at once: then, the connection would be kept for the next one.
        answer = http.reply(code, bytes(100000), close=True)

        def on_head(connection, _request):
            connection.read()  # the upload runs
            connection.send(answer)
            # Each end resets the connection where the upload is still coming.
            connection.wait_until_arrived()
            end(connection)
            return False

        server.on_head = on_head
        for count in range(1, ROUNDS + 1):
            got = world.alice.request(server.url(HOST), method='POST', body=PLAIN)
            equal((got.status, len(got.body)), (code, 100000), 'the answer')
            equal((got.info['connection-reused'], len(server.connections)), (False, count), 'the connection')

    @test(f'half a {code} while the upload runs, and the server {how}: Truncated')
    def _(world):
        server, _ = world.serve_pinned(buffer=BUFFER)
        half = http.reply(code, bytes(100000))[:-50000]

        def on_head(connection, _request):
            connection.read()
            connection.send(half)
            end(connection)
            return False

        server.on_head = on_head
        for _ in range(ROUNDS):
            world.alice.refuses('Truncated', server.url(HOST), method='POST', body=PLAIN)


for _code in (200, 413):
    for _how, _end in ENDS.items():
        if _how != 'reads on':
            add_early_test(_code, _how, _end)


@test('an answer while the upload runs, and the server reads on: it is delivered, and the upload stops')
def _(world):
    # Else the kernel takes all of the upload at once, and the connection can be used again.
    with open('/proc/sys/net/ipv4/tcp_wmem', 'w', encoding='ascii') as file:
        file.write('4096 16384 16384')  # of the test's own network
    server, _ = world.serve_pinned(buffer=BUFFER)
    for code in (200, 413):
        server.on_head = answers_at_head(http.reply(code, b'early'))
        answer = world.alice.request(server.url(HOST), method='POST', body=PLAIN)
        equal((answer.status, answer.body), (code, b'early'), 'the answer')
        server.wait_until_idle()
        holds(server.connections[-1].bytes < MIB, 'the upload went on')


@test('an answer that goes on as the upload does gets all of it')
def _(world):
    server, _ = world.serve_pinned(buffer=BUFFER)

    def echo(connection, request):
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % MIB)
        data, left = request.body, MIB
        while left > 0:
            connection.send(data)
            left -= len(data)
            data = connection.read() if left > 0 else b''
            if left > 0 and not data:
                return False
        return False

    server.on_head = echo
    answer = world.arrives(server, method='POST', body=PLAIN)
    holds(answer.body == PLAIN, 'what came back is not what was sent')


run(World)
