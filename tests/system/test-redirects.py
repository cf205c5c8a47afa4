#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Redirects: each hop is judged as a request of its own, and nothing that could tell who asks goes
from one origin to another."""

from lib import http
from lib.tap import equal, holds, run, test
from lib.world import HOST, World

OTHER = 'other.localhost'
PERSONAL = [('Authorization', 'Basic c2VjcmV0'), ('Cookie', 'id=1'), ('X-Token', 'secret'),
            ('Referer', 'https://h.localhost/secret'), ('Origin', 'https://h.localhost'),
            ('Content-Type', 'text/plain')]
CROSSING = [('Accept', 'text/html'), ('Accept-Language', 'de'), ('Range', 'bytes=0-9'),
            ('If-None-Match', '"1"'), ('User-Agent', 'test')]


def lead(server, status, location):
    """/start leads there; every other path is answered."""
    def respond(_connection, request):
        if request.path == '/start':
            return http.redirect(status, location)
        return http.reply(200, request.method.encode())

    server.respond = respond


def start(world, server, **keywords):
    return world.alice.request(server.url(HOST, '/start'), **keywords)


def serve_other(world):
    """A second pinned host, on a server of its own."""
    identity = world.issue(OTHER)
    world.alice.pin(OTHER, identity.der)
    return world.serve(identity)


@test('from one pinned host to another: followed, and the answer names the final URL')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    lead(server, 302, other.url(OTHER, '/end'))
    answer = start(world, server)
    equal(answer.status, 200, 'the status')
    equal(answer.info['url'], other.url(OTHER, '/end'), 'the final URL')
    equal(answer.info['redirects'], 1, 'the number of redirects')
    equal(len(other.requests), 1, 'the number of requests at the other host')


@test('to a relative place of the same host: followed on the same connection')
def _(world):
    server, _ = world.serve_pinned()
    for location in ('/end?a=b', 'end', '//' + HOST + f':{server.port}/end'):
        lead(server, 301, location)
        equal(start(world, server).status, 200, f'the status of {location}')
    equal(len(server.connections), 1, 'the number of connections')


@test('to an unpinned host: NotPinned, without a connection to it')
def _(world):
    server, _ = world.serve_pinned()
    elsewhere = world.serve(world.issue('unpinned.localhost'))
    lead(server, 302, elsewhere.url('unpinned.localhost'))
    world.no_connection(elsewhere, 'NotPinned', server.url(HOST, '/start'))
    equal(len(server.requests), 1, 'the number of requests at the first host')


@test('to a pinned host that shows another key: PinMismatch, no byte there')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    other.present(world.other_authority.issue(OTHER))
    lead(server, 302, other.url(OTHER))
    world.alice.refuses('PinMismatch', server.url(HOST, '/start'))
    other.wait_until_idle()
    equal(other.bytes, 0, 'the number of bytes at the other host')


@test('to a blocked host: Blocked, without a connection to it')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    world.alice.refused('WrongFormat', world.alice.pin, OTHER, b'junk')
    lead(server, 302, other.url(OTHER))
    world.no_connection(other, 'Blocked', server.url(HOST, '/start'))


@test('to http, and to other schemes: NotSecure')
def _(world):
    server, _ = world.serve_pinned()
    for location in (server.url(HOST, scheme='http'), 'http://h.localhost/', 'ftp://h.localhost/',
                     'file:///etc/passwd', 'javascript:alert(1)', 'data:,x'):
        lead(server, 302, location)
        world.alice.refuses('NotSecure', server.url(HOST, '/start'))


@test('to places that are none: ProtocolError')
def _(world):
    server, _ = world.serve_pinned()
    for location in ('https://', 'https://user:pass@h.localhost/', 'https://[::1/',
                     'https://h.localhost:99999/', 'https://a..b/', 'https:/.//h.localhost/'):
        lead(server, 302, location)
        world.alice.refuses('ProtocolError', server.url(HOST, '/start'))


@test('in a circle: the redirect that is one too many is the answer')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: http.redirect(302, '/start')
    for most in (0, 1, 3, 10):
        before = len(server.requests)
        answer = start(world, server, redirects=most)
        equal((answer.status, answer.info['redirects']), (302, most), 'status and redirects')
        equal(len(server.requests) - before, most + 1, 'the number of requests')
    equal(start(world, server).info['redirects'], 10, 'the default')


@test('redirects is 0 to 20')
def _(world):
    server, _ = world.serve_pinned()
    world.no_connection(server, 'InvalidArgument', server.url(HOST), redirects=21)
    world.arrives(server, redirects=20)


def add_method_test(status, method, becomes, with_body):
    label = 'a body' if with_body else 'no body'

    @test(f'{status} of {method} with {label} on the same host becomes {becomes}')
    def _(world):
        server, _ = world.serve_pinned()
        lead(server, status, '/end')
        headers = [('Content-Type', 'text/plain'), ('X-Token', 'one')]
        answer = start(world, server, method=method, headers=headers,
                       body=b'question' if with_body else b'')
        equal(answer.status, 200, 'the status')
        last = server.requests[-1]
        equal(last.method, becomes, 'the method')
        kept = with_body and becomes == method
        equal(last.body, b'question' if kept else b'', 'the body')
        equal('content-type' in last.headers, kept, 'Content-Type goes along')
        equal(last.headers.get('x-token'), 'one', 'the other header')


for arguments in ((301, 'POST', 'GET', True), (302, 'POST', 'GET', True),
                  (303, 'POST', 'GET', True), (303, 'PUT', 'GET', True),
                  (303, 'HEAD', 'HEAD', False), (307, 'POST', 'POST', True),
                  (308, 'PUT', 'PUT', True), (301, 'PUT', 'PUT', True),
                  (302, 'DELETE', 'DELETE', False), (307, 'GET', 'GET', False)):
    add_method_test(*arguments)


@test('a body never crosses origins: the 307 and the 308 are themselves the answer')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    for status in (307, 308):
        lead(server, status, other.url(OTHER))
        answer = start(world, server, method='POST', body=b'secret')
        equal(answer.status, status, 'the status')
    other.barrier()
    equal(len(other.connections), 0, 'the number of connections to the other host')


@test('a 303 of a POST with a body crosses origins as GET, without it')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    lead(server, 303, other.url(OTHER))
    equal(start(world, server, method='POST', body=b'secret').status, 200, 'the status')
    equal((other.requests[0].method, other.requests[0].body), ('GET', b''), 'method and body')


def check_headers(request, present, absent):
    for name, value in present:
        equal(request.headers.get(name.lower()), value, name)
    for name, _ in absent:
        holds(name.lower() not in request.headers, f'{name} went along')


@test('headers that tell who asks never cross origins; the few others do')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    lead(server, 302, other.url(OTHER))
    equal(start(world, server, headers=PERSONAL + CROSSING).status, 200, 'the status')
    check_headers(server.requests[0], PERSONAL[:-1] + CROSSING, [])
    check_headers(other.requests[0], CROSSING, PERSONAL)


@test('another port is another origin')
def _(world):
    server, identity = world.serve_pinned()
    other = world.serve(identity)
    lead(server, 302, other.url(HOST))
    start(world, server, headers=PERSONAL)
    check_headers(other.requests[0], [], PERSONAL)


@test('within one origin all headers go along, however the host is spelled')
def _(world):
    server, _ = world.serve_pinned()
    for location in ('/end', server.url('H.LOCALHOST', '/end'), server.url(HOST + '.', '/end')):
        lead(server, 302, location)
        start(world, server, headers=[('Authorization', 'Basic c2VjcmV0')])
        check_headers(server.requests[-1], [('Authorization', 'Basic c2VjcmV0')], [])


@test('there and back again: what was dropped on the way stays dropped')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    lead(server, 302, other.url(OTHER))
    other.respond = lambda connection, request: http.redirect(302, server.url(HOST, '/end'))
    start(world, server, headers=PERSONAL)
    check_headers(server.requests[-1], [], PERSONAL)


@test('a 3xx without Location, 300 and 304 are answers')
def _(world):
    server, _ = world.serve_pinned()
    for status in (300, 301, 302, 303, 304, 305, 307, 308):
        server.respond = lambda connection, request, code=status: http.reply(code)
        equal(start(world, server).status, status, 'the status')


@test('require-keys hold for every hop')
def _(world):
    server, identity = world.serve_pinned()
    other = serve_other(world)
    lead(server, 302, other.url(OTHER))
    world.alice.refuses('PinMismatch', server.url(HOST, '/start'), require_keys=[identity.pin])
    other.wait_until_idle()
    equal(other.bytes, 0, 'the number of bytes at the other host')


@test('one deadline holds for all hops together')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    lead(server, 302, other.url(OTHER))
    other.respond = lambda connection, request: connection.drain()
    world.alice.refuses('TimedOut', server.url(HOST, '/start'), timeout_ms=500)
    other.wait_until_idle()


run(World)
