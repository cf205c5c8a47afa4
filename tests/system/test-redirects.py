#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a caller sees of redirects through the real programs: where they led, over which connection, and what of its
request arrived there.

/transport/redirect has the rows of which response is followed, where to and with what. /transport/channel/redirects
proves that each hop is judged, counted and ended by the one deadline. That nothing reaches a hop with a wrong key, in
any state of its connection, is proved by the attacks: the third way of each is a redirect."""

from lib import http
from lib.certpinctl import ctl
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


def add_method_test(status, becomes, keeps_body):
    @test(f'{status} of POST with a body on the same host arrives as {becomes}')
    def _(world):
        server, _ = world.serve_pinned()
        lead(server, status, '/end')
        headers = [('Content-Type', 'text/plain'), ('X-Token', 'one')]
        answer = start(world, server, method='POST', headers=headers, body=b'question')
        equal(answer.status, 200, 'the status')
        last = server.requests[-1]
        equal(last.method, becomes, 'the method')
        equal(last.body, b'question' if keeps_body else b'', 'the body')
        equal('content-type' in last.headers, keeps_body, 'Content-Type goes along')
        equal(last.headers.get('x-token'), 'one', 'the other header')


add_method_test(303, 'GET', keeps_body=False)
add_method_test(307, 'POST', keeps_body=True)


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


@test('there and back again: what was dropped on the way stays dropped')
def _(world):
    server, _ = world.serve_pinned()
    other = serve_other(world)
    lead(server, 302, other.url(OTHER))
    other.respond = lambda connection, request: http.redirect(302, server.url(HOST, '/end'))
    start(world, server, headers=PERSONAL)
    check_headers(server.requests[-1], [], PERSONAL)


@test('a redirect to a host that is not pinned: the error says so, and certpinctl which host to pin')
def _(world):
    server, _ = world.serve_pinned()
    lead(server, 302, f'https://{OTHER}/end')
    error = world.alice.refuses('NotPinned', server.url(HOST, '/start'))
    holds(error.message.startswith(f'after a redirect: host ‘{OTHER}’ is not pinned'), f'the error is “{error.message}”')
    _, _, said = ctl(world, 'get', '-L', server.url(HOST, '/start'))
    holds(said.endswith(f': certpinctl pin --fetch {OTHER}\n'), f'certpinctl said “{said}”')
    _, _, said = ctl(world, 'get', '-L', server.url(HOST, '/start'), server.url(OTHER))
    holds(said.endswith(f': certpinctl pin --fetch {OTHER}:{server.port}\n'), f'certpinctl said “{said}”')
    equal(said.count(f': certpinctl pin --fetch {OTHER}\n'), 1, f'how often “{said}” names the host alone')
    lead(server, 302, f'https://{HOST}:1/end')
    error = world.alice.refuses('Unreachable', server.url(HOST, '/start'))
    holds(error.message.startswith(f'after a redirect: host ‘{HOST}’ cannot be reached'), f'the error is “{error.message}”')
    _, _, said = ctl(world, 'get', '-L', server.url(HOST, '/start'))
    holds(said.endswith(f' (port 1); to see what helps: certpinctl doctor {HOST}:1\n'), f'certpinctl said “{said}”')
    lead(server, 302, f'http://{OTHER}/')
    error = world.alice.refuses('NotSecure', server.url(HOST, '/start'))
    holds(f'cannot follow a redirect of host ‘{HOST}’: URL ‘http://{OTHER}/’ uses http' in error.message, error.message)


@test('require-keys hold for every hop')
def _(world):
    server, identity = world.serve_pinned()
    other = serve_other(world)
    lead(server, 302, other.url(OTHER))
    world.alice.refuses('PinMismatch', server.url(HOST, '/start'), require_keys=[identity.pin])
    other.wait_until_idle()
    equal(other.bytes, 0, 'the number of bytes at the other host')


run(World)
