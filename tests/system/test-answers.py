#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What servers answer, and fail to answer: every HTTP status is an answer, everything else is an
error of its own, and nothing lasts longer than it may."""

import gzip
import re
import threading
import time

from lib import http
from lib.gnutls import Tls
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import HOST, World

OK = b'HTTP/1.1 200 OK\r\n'
INLINE_BYTES = 4 * 1024 * 1024


def times_out(world, server, says='did not answer in the time allowed', timeout_ms=500):
    """The request ends at its deadline, neither much later nor earlier, and so does the
    connection. The error says how much came."""
    started = time.monotonic()
    error = world.alice.refuses('TimedOut', server.url(HOST), timeout_ms=timeout_ms)
    holds(re.search(says, error.message), f'the error is “{error.message}”')
    seconds = time.monotonic() - started
    holds(timeout_ms / 1000 - 0.05 <= seconds < timeout_ms / 1000 + 2, f'it took {seconds} s')
    server.wait_until_idle()


@test('a server that never answers: TimedOut')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    times_out(world, server)


@test('a server that accepts the connection and does no handshake: TimedOut')
def _(world):
    server, _ = world.serve_pinned(handshake=False)
    times_out(world, server)


def drip(connection, parts):
    """Sends them one after the other, with less of a pause than the whole may last."""
    tick = threading.Event()
    for part in parts:
        connection.send(part)
        tick.wait(0.05)


@test('a server that drips its body: TimedOut')
def _(world):
    server, _ = world.serve_pinned()

    def respond(connection, _request):
        connection.send(OK + b'Content-Length: 100000\r\n\r\n')
        drip(connection, [b'x'] * 1000)

    server.respond = respond
    times_out(world, server, f'‘{HOST}’ did not send all of its response .*: the body has [1-9][0-9]* of 100000 bytes')

    def begin(connection, _request):
        connection.send(OK + b'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
        connection.drain()

    server.respond = begin
    times_out(world, server, 'the body has 3 bytes, but its end is missing')


@test('a server that drips its headers: TimedOut')
def _(world):
    server, _ = world.serve_pinned()

    def respond(connection, _request):
        connection.send(OK)
        drip(connection, [b'X: y\r\n'] * 1000)

    server.respond = respond
    times_out(world, server, 'did not send all of its response .*: its head is not complete')

    def begin(connection, _request):
        connection.send(http.CONTINUE)
        connection.drain()

    server.respond = begin
    times_out(world, server, 'did not send all of its response .*: its head is not complete')


@test('a server that sends headers without end is stopped')
def _(world):
    server, _ = world.serve_pinned()

    def respond(connection, _request):
        connection.send(OK)
        while True:
            connection.send(b'X: ' + b'y' * 60000 + b'\r\n')

    server.respond = respond
    error = world.alice.refuses('ProtocolError', server.url(HOST), timeout_ms=5000)
    holds('more than 65536 bytes in its header section, the limit of certpin' in error.message,
          f'the error is “{error.message}”')
    server.wait_until_idle()


@test('more than 16 interim responses: the error names the limit, and calls nothing invalid')
def _(world):
    server, _ = world.serve_pinned()
    early = b'HTTP/1.1 103 Early Hints\r\n\r\n'
    server.respond = lambda connection, _: connection.send(early * 17 + http.reply(200))
    error = world.alice.refuses('ProtocolError', server.url(HOST))
    equal(error.message, f'host ‘{HOST}’ sent a response with more than 16 interim responses, the limit of certpin',
          'the error')


@test('timeout-ms is 1 to 600000')
def _(world):
    server, _ = world.serve_pinned()
    for value in (0, 600001):
        world.no_connection(server, 'InvalidArgument', server.url(HOST), timeout_ms=value)
    world.arrives(server, timeout_ms=600000)


@test('a connection that a deadline ended is not used again')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    times_out(world, server, timeout_ms=300)
    server.respond = lambda connection, request: http.reply(200, b'hello')
    equal(world.arrives(server).info['connection-reused'], False, 'connection-reused')


def add_answer_test(name, raw, error, close=True):
    @test(f'{name}: {error if isinstance(error, str) else " or ".join(error)}')
    def _(world):
        server, _ = world.serve_pinned()

        def respond(connection, _request):
            connection.send(raw)
            if not close:
                connection.drain()

        server.respond = respond
        world.alice.refuses(error, server.url(HOST), timeout_ms=5000)
        server.wait_until_idle()
        server.respond = lambda connection, request: http.reply(200)
        world.arrives(server)


for arguments in (
        ('garbage', b'\x00\xff garbage\r\n\r\n', 'ProtocolError'),
        ('garbage, and the connection stays open', b'SSH-2.0-OpenSSH\r\n\r\n', 'ProtocolError',
         False),
        ('HTTP/2', b'HTTP/2 200 OK\r\n\r\n', 'ProtocolError'),
        ('a status of no class', b'HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n',
         'ProtocolError'),
        ('two Content-Lengths', OK + b'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
         'ProtocolError'),
        ('a list of Content-Lengths', OK + b'Content-Length: 5, 6\r\n\r\nhello!',
         'ProtocolError'),
        ('a negative Content-Length', OK + b'Content-Length: -1\r\n\r\nhello', 'ProtocolError'),
        ('a Content-Length with a plus', OK + b'Content-Length: +5\r\n\r\nhello',
         'ProtocolError'),
        ('a Content-Length past any number', OK + b'Content-Length: ' + b'9' * 30
         + b'\r\n\r\nhello', 'ProtocolError'),
        ('Content-Length and Transfer-Encoding', OK + b'Content-Length: 5\r\n'
         b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n', 'ProtocolError'),
        ('a body cut short', OK + b'Content-Length: 100\r\n\r\nhello', 'Truncated'),
        ('a chunk cut short', OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhel', 'Truncated'),
        ('headers cut short', OK + b'Content-Le', 'Truncated'),
        ('headers that end after a line', OK + b'Content-Type: text/plain\r\n', 'Truncated'),
        ('a chunk size that is no number', OK + b'Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n',
         'ProtocolError'),
        ('chunks without a last one', OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', 'Truncated'),
        ('nothing at all', b'', 'Truncated')):
    add_answer_test(*arguments)


@test('a body up to the end of the connection is whole where TLS says that it is the end')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.send(
        OK + b'Connection: close\r\n\r\nhello')
    equal(world.arrives(server).body, b'hello', 'the body')


def add_cut_test(name, raw, *errors):
    @test(f'a connection that somebody on the way has cut, {name}: {" or ".join(errors)}')
    def _(world):
        server, _ = world.serve_pinned()

        def respond(connection, _request):
            connection.send(raw)
            connection.cut()

        server.respond = respond
        world.alice.refuses(errors, server.url(HOST))


for arguments in (
        ('in a body up to its end', OK + b'Connection: close\r\n\r\nhello', 'Truncated'),
        ('in a body of a known length', OK + b'Content-Length: 9\r\n\r\nhello', 'Truncated'),
        ('between two chunks', OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
         'Truncated'),
        ('between two headers', OK + b'Content-Type: text/plain\r\n', 'Truncated'),
        ('before the first byte', b'', 'Truncated')):
    add_cut_test(*arguments)


def add_alert_test(version):
    @test(f'a server that ends an answer by an alert of TLS {version}: Truncated, which names the alert')
    def _(world):
        server, identity = world.serve_pinned()
        server.wrap = lambda connection: Tls(connection.socket, identity, f'TLS{version}')
        begun = threading.Event()
        begun.set()
        for raw in (OK, OK + b'Content-Length: 9\r\n\r\nhello', OK + b'Connection: close\r\n\r\nhello'):
            def respond(connection, _request, raw=raw):
                connection.send(raw)
                begun.wait(DEADLINE_S)
                connection.socket.give_up()

            server.respond = respond
            error = world.alice.refuses('Truncated', server.url(HOST))
            holds('‘internal_error’' in error.message, f'the error is “{error.message}”')
        begun.clear()
        stream = world.alice.stream(server.url(HOST))
        begun.set()
        equal(stream.read_all(), (b'hello', False), 'what came, and whether it is whole')
        world.alice.refused('Truncated', stream.finish)


add_alert_test('1.2')
add_alert_test('1.3')


@test('every HTTP status is an answer, also that of a redirect that leads nowhere')
def _(world):
    server, _ = world.serve_pinned()
    for status in (200, 201, 204, 206, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 403, 404, 407, 410, 418, 429,
                   500, 502, 503, 599):
        body = b'' if status in (204, 304) else b'reason'
        server.respond = lambda connection, request, code=status, text=body: http.reply(
            code, text, [('WWW-Authenticate', 'Basic realm="x"')])
        answer = world.alice.request(server.url(HOST))
        equal((answer.status, answer.body), (status, body), 'status and body')


@test('an interim 100 and 103 are passed over')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: (
        b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'
        + http.reply(200, b'hello'))
    equal(world.arrives(server).body, b'hello', 'the body')


@test('a body is counted to the byte: max-body passes, one more is BodyTooLarge')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(200, b'x' * 1000)
    equal(len(world.arrives(server, max_body=1000).body), 1000, 'the length')
    world.alice.refuses('BodyTooLarge', server.url(HOST), max_body=999)
    world.alice.refuses('BodyTooLarge', server.url(HOST), max_body=0)
    refusal = world.alice.refuses('BodyTooLarge', server.url(HOST), max_body=999)
    holds('‘max-body’' in refusal.message, refusal)
    world.alice.refuses('InvalidArgument', server.url(HOST), max_body=INLINE_BYTES + 1)


def add_endless_test(code, error):
    @test(f'a body without an announced end is stopped: {code}: {error}')
    def _(world):
        server, _ = world.serve_pinned()

        def respond(connection, _request):
            connection.send(b'HTTP/1.1 %d So\r\nTransfer-Encoding: chunked\r\n\r\n' % code)
            while True:
                connection.send(b'1000\r\n' + b'x' * 4096 + b'\r\n')

        server.respond = respond
        world.alice.refuses(error, server.url(HOST), max_body=100000)
        server.wait_until_idle()


for one in (200, 401, 407, 421):  # some clients gather those of the last three, to ask again
    add_endless_test(one, 'BodyTooLarge')


@test('421 is an answer, and the request is not sent again')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(421, b'not here')
    answer = world.alice.request(server.url(HOST), method='POST', body=b'question')
    equal((answer.status, answer.body), (421, b'not here'), 'the answer')
    equal([request.body for request in server.requests], [b'question'], 'what was asked')
    world.alice.refuses('BodyTooLarge', server.url(HOST), max_body=7)
    equal(world.alice.request(server.url(HOST), method='HEAD', max_body=7).status, 421, 'to HEAD')


@test('the largest body that is allowed in a message crosses the bus whole, both ways')
def _(world):
    server, _ = world.serve_pinned()
    body = bytes(range(256)) * (INLINE_BYTES // 256)
    server.respond = lambda connection, request: http.reply(200, request.body)
    answer = world.arrives(server, method='POST', body=body, max_body=INLINE_BYTES)
    holds(answer.body == body, f'{len(answer.body)} bytes came, not the same')
    equal(answer.info['body-bytes'], len(body), 'body-bytes')


@test('a body of one byte more needs a descriptor, and the refusal of one without says how')
def _(world):
    server, _ = world.serve_pinned()
    world.no_connection(server, 'LimitExceeded', server.url(HOST), method='POST', body=b'x' * (INLINE_BYTES + 1))
    for framing in (f'Content-Length: {INLINE_BYTES + 1}', 'Connection: close'):
        server.respond = lambda *_, framing=framing: OK + framing.encode() + b'\r\n\r\n' + b'x' * (INLINE_BYTES + 1)
        refusal = world.alice.refuses('BodyTooLarge', server.url(HOST))
        holds(f'more than the {INLINE_BYTES} bytes' in refusal.message and '‘stream’ as ‘auto’' in refusal.message, refusal)


@test('gzip is passed on as it is')
def _(world):
    server, _ = world.serve_pinned()
    packed = gzip.compress(b'x' * 1000000)
    server.respond = lambda connection, request: http.reply(200, packed,
                                                            [('Content-Encoding', 'gzip')])
    equal(world.arrives(server, max_body=len(packed)).body, packed, 'the body')


@test('chunks are put together')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: (
        OK + b'Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nT: x\r\n\r\n')
    equal(world.arrives(server).body, b'hello', 'the body')


@test('the answer to HEAD has no body, whatever its length says')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(200, b'x' * 10)[:-10]
    answer = world.arrives(server, method='HEAD')
    equal(answer.body, b'', 'the body')
    equal(world.arrives(server, method='HEAD').info['connection-reused'], True, 'reused')


@test('headers keep their order and repetition; what is not UTF-8 is read as Latin-1')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: (
        OK + b'B: 1\r\nA: 2\r\nB: 3\r\nL: \xe9\r\nU: \xc3\xa9\r\nContent-Length: 0\r\n\r\n')
    headers = [header for header in world.arrives(server).headers if header[0] != 'Content-Length']
    equal(headers, [('B', '1'), ('A', '2'), ('B', '3'), ('L', 'é'), ('U', 'é')], 'the headers')


@test('what a server says in one go with its handshake is no answer: ProtocolError')
def _(world):
    server, _ = world.serve_pinned(versions=('TLSv1_2', 'TLSv1_2'))
    wrap = server.wrap
    server.greet(http.reply(200, b'evil'))
    world.alice.refuses('ProtocolError', server.url(HOST), method='POST', body=b'secret')
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')
    server.wrap, server.before_read = wrap, lambda connection: None
    equal(world.arrives(server).body, b'hello', 'the answer')


@test('a byte that nobody asked for ends the connection')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: (
        http.reply(200, b'hello') + http.reply(200, b'evil'))
    equal(world.arrives(server).body, b'hello', 'the first body')
    server.respond = lambda connection, request: http.reply(200, b'second')
    equal(world.arrives(server).body, b'second', 'the second body')


@test('a kept connection that the server has closed: the request goes on a new one')
def _(world):
    server, _ = world.serve_pinned()

    def respond(connection, _request):
        connection.send(http.reply(200, b'hello'))
        connection.cut()

    server.respond = respond
    world.arrives(server)
    server.wait_until_idle()
    for body in (b'', b'question'):
        world.arrives(server, method='POST', body=body)
        equal(server.requests[-1].body, body, 'the body')
        server.wait_until_idle()


def add_retry_test(how, stop):
    @test(f'a kept connection that is {how} as a request is sent: GET goes again, POST never')
    def _(world):
        server, _ = world.serve_pinned()

        def respond(connection, _request):
            if len(connection.requests) == 1:
                return http.reply(200, b'hello')
            return stop(connection)

        server.respond = respond
        world.arrives(server)
        world.arrives(server)
        equal([len(one.requests) for one in server.connections], [2, 1], 'requests by connection')
        server.respond = lambda connection, request: stop(connection)
        world.alice.refuses('Truncated', server.url(HOST), method='POST', body=b'pay')
        methods = [request.method for request in server.requests]
        equal(methods.count('POST'), 1, 'the number of POSTs that arrived')


add_retry_test('closed', lambda connection: None)
add_retry_test('cut', lambda connection: connection.cut())


def add_once_test(how, stop):
    @test(f'a kept connection that is {how}: all but GET, HEAD, OPTIONS, PUT and DELETE arrive once')
    def _(world):
        server, _ = world.serve_pinned()
        for method in ('PROPFIND', 'POST', 'PATCH', 'x-pay', 'get'):
            server.respond = lambda connection, request: http.reply(200, b'hello')
            world.arrives(server)
            server.respond = lambda connection, request: stop(connection)
            world.alice.refuses('Truncated', server.url(HOST), method=method)
            methods = [request.method for request in server.requests]
            equal(methods.count(method), 1, f'the number of {method}s that arrived')
        equal([one.method for one in server.connections[0].requests], ['GET', 'PROPFIND'],
              'what went over the first connection')


add_once_test('closed', lambda connection: None)
add_once_test('cut', lambda connection: connection.cut())
add_once_test('reset', lambda connection: connection.reset())


def add_begun_test(what, begun, how, stop):
    @test(f'a kept connection that is {how} after {what}: Truncated, and nothing goes again')
    def _(world):
        server, _ = world.serve_pinned()

        def respond(connection, _request):
            connection.send(begun)
            stop(connection)

        for method in ('GET', 'PUT'):
            server.respond = lambda connection, request: http.reply(200, b'hello')
            world.arrives(server)
            server.respond = respond
            world.alice.refuses('Truncated', server.url(HOST), method=method)
        equal([len(one.requests) for one in server.connections], [2, 2], 'requests by connection')


for _what, _begun in (('half of an answer’s headers', b'HTTP/1.1 200 OK\r\nContent-'),
                      ('an interim answer', b'HTTP/1.1 100 Continue\r\n\r\n')):
    add_begun_test(_what, _begun, 'cut', lambda connection: connection.cut())
    add_begun_test(_what, _begun, 'reset', lambda connection: connection.reset())


@test('a proxy that the environment names is not asked')
def _(world):
    proxy = world.serve(handshake=False)
    url = f'http://127.0.0.1:{proxy.port}'
    world.daemon.more_environment = {'https_proxy': url, 'HTTPS_PROXY': url, 'all_proxy': url}
    world.daemon.restart()
    server, _ = world.serve_pinned()
    world.arrives(server)
    proxy.barrier()
    equal(len(proxy.connections), 0, 'the number of connections to the proxy')


@test('cookies, authentication and HSTS of one answer do not show in the next request')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(
        200, b'', [('Set-Cookie', 'id=1'), ('Strict-Transport-Security', 'max-age=9')])
    world.arrives(server)
    world.arrives(server)
    holds('cookie' not in server.requests[-1].headers, 'the cookie came back')


@test('the request arrives as it was asked for')
def _(world):
    server, _ = world.serve_pinned()
    url = server.url(HOST, '/a%20b/c?q=%C3%A9&r=1;2')
    world.alice.request(url, method='PUT', headers=[('X-One', 'a b\tc'), ('Accept', '*/*')],
                        body=b'\x00\xffbody')
    request = server.requests[0]
    equal(request.method, 'PUT', 'the method')
    equal(request.path, '/a%20b/c?q=%C3%A9&r=1;2', 'the path')
    equal(request.headers['host'], f'{HOST}:{server.port}', 'Host')
    equal(request.headers['x-one'], 'a b\tc', 'the header')
    equal(sorted(request.headers), ['accept', 'content-length', 'host', 'x-one'],
          'the names of all headers')
    equal(request.body, b'\x00\xffbody', 'the body')


run(World)
