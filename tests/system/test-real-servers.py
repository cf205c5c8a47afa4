#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx and Apache as they are: what they cut is never whole, what they refuse early arrives, and what they close is
not used."""

from lib.real_servers import Backend, apache, nginx
from lib.tap import equal, holds, run, test
from lib.world import HOST, World

ROUNDS = 100
SECTION_MAX_BYTES = 65536
FIELDS_MAX = 1000
KIB = 1024
UPLOADS = {'without Expect': bytes(1024 * KIB), 'with Expect': bytes(4096 * KIB)}


def serve_pinned(world, server, more=''):
    """Returns: the server, whose certificate the first user has pinned"""
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    return world.track(server(identity, more))


def add_cut_test(what, answer, settings):
    @test(f'nginx in front of a server that dies in {what}: Truncated, {ROUNDS} of {ROUNDS}')
    def _(world):
        backend = world.track(Backend(answer))
        server = serve_pinned(world, nginx, 'location /cut { proxy_pass http://127.0.0.1:%d; %s }'
                              % (backend.port, settings))
        for _ in range(ROUNDS):
            world.alice.refuses('Truncated', server.url(HOST, '/cut'))
        equal(world.alice.request(server.url(HOST)).body, b'hello', 'another answer')


CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
for _settings in ('proxy_http_version 1.1;', 'proxy_http_version 1.1; proxy_buffering off;'):
    add_cut_test(f'a chunked answer ({_settings})', CHUNKED + b'5\r\nhello\r\n', _settings)
    add_cut_test(f'the midst of a chunk ({_settings})', CHUNKED + b'9\r\nhello', _settings)
    add_cut_test(f'an answer of a known length ({_settings})',
                 b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello', _settings)


def add_too_large_test(name, server, setting, how):
    @test(f'{name} refuses a large upload {how}: 413, {ROUNDS} of {ROUNDS}')
    def _(world):
        refuser = serve_pinned(world, server, setting % (10 * KIB))
        for _ in range(ROUNDS):
            answer = world.alice.request(refuser.url(HOST), method='POST', body=UPLOADS[how])
            equal(answer.status, 413, 'the status')
            holds(b'413' in answer.body and answer.body.rstrip().endswith(b'</html>'), f'{answer.body} is not whole')

    @test(f'{name} takes a large upload {how}')
    def _(world):
        taker = serve_pinned(world, server, setting % (10 * KIB * KIB))
        for _ in range(5):
            equal(world.alice.request(taker.url(HOST), method='POST', body=UPLOADS[how]).body, b'hello', 'the answer')


for _how in UPLOADS:
    add_too_large_test('nginx', nginx, 'client_max_body_size %d;', _how)
    add_too_large_test('Apache', apache, 'LimitRequestBody %d', _how)


def add_headers(*fields):
    """nginx's setting for these."""
    return ''.join(f'add_header {name} "{value}" always;\n' for name, value in fields)


@test('an answer with 300 cookies has all of them, in their order')
def _(world):
    cookies = [('Set-Cookie', f'name{number}=value{number}; Path=/') for number in range(300)]
    server = serve_pinned(world, nginx, add_headers(*cookies))
    headers = world.alice.request(server.url(HOST)).headers
    equal([header for header in headers if header[0] == 'Set-Cookie'], cookies, 'the cookies')


def section_bytes(answer):
    """The length of its head, as nginx writes it."""
    return sum(len(name) + len(value) + 4 for name, value in answer.headers) + len('HTTP/1.1 200 OK\r\n\r\n')


def pad(size):
    """Fields of so many bytes together."""
    sizes = [2000] * (size // 2000 - 1)
    sizes.append(size - sum(sizes))
    return add_headers(*(('X', 'x' * (one - len('X: \r\n'))) for one in sizes))


@test('the headers of an answer have at most 64 KiB and 1000 fields; one more is a ProtocolError')
def _(world):
    server = serve_pinned(world, nginx)
    plain = world.alice.request(server.url(HOST))
    bytes_left, fields_left = SECTION_MAX_BYTES - section_bytes(plain), FIELDS_MAX - len(plain.headers)
    wide = {more: pad(bytes_left + more) for more in (0, 1)}
    many = {more: add_headers(*[('X', 'y')] * (fields_left + more)) for more in (0, 1)}
    for fits, not_fits in (wide.values(), many.values()):
        server = serve_pinned(world, nginx, fits)
        answer = world.alice.request(server.url(HOST))
        holds(section_bytes(answer) == SECTION_MAX_BYTES or len(answer.headers) == FIELDS_MAX, 'not at the limit')
        server = serve_pinned(world, nginx, not_fits)
        world.alice.refuses('ProtocolError', server.url(HOST))


def reuses(world, server, count, method='GET', body=b''):
    """That many requests succeed. Returns: for each, whether it went over a kept connection"""
    answers = [world.alice.request(server.url(HOST), method=method, body=body) for _ in range(count)]
    equal({(answer.status, answer.body) for answer in answers}, {(200, b'hello')}, 'the answers')
    return [answer.info['connection-reused'] for answer in answers]


def add_keep_alive_tests(name, server, limit, timeout):
    @test(f'{name} ends a connection after some requests: all succeed, POSTs too')
    def _(world):
        limited = serve_pinned(world, server, limit)
        expected = [number % 7 != 0 for number in range(ROUNDS)]
        equal(reuses(world, limited, ROUNDS), expected, 'which requests went over a kept connection')
        limited = serve_pinned(world, server, limit)
        for body in (b'', b'question', bytes(100 * KIB)):
            holds(True in reuses(world, limited, ROUNDS // 3, 'POST', body), 'no POST went over a kept connection')

    @test(f'{name} ends a connection that idles for some milliseconds: no GET fails')
    def _(world):
        impatient = serve_pinned(world, server, timeout)
        equal(set(reuses(world, impatient, 10 * ROUNDS)), {False, True}, 'reused')


add_keep_alive_tests('nginx', nginx, 'keepalive_requests 7;', 'keepalive_timeout 2ms;')
# Apache does not count the first one.
add_keep_alive_tests('Apache', apache, 'MaxKeepAliveRequests 6', 'KeepAliveTimeout 2ms\nMaxKeepAliveRequests 0')

run(World)
