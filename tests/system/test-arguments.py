#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests that are refused as such, before anybody is asked anything: no connection is made."""

import socket

from lib.caller import REQUESTS
from lib.tap import DEADLINE_S, equal, run, test
from lib.variant import V
from lib.world import HOST, World


def add_refusal_test(name, error, cases):
    """`cases`: of dictionaries, which change a request that would pass."""
    @test(f'{name}: {error}, without a connection')
    def _(world):
        server, _ = world.serve_pinned()
        for case in cases:
            changed = dict(case)
            url = changed.pop('url', '{base}/').format(base=server.url(HOST).rstrip('/'),
                                                       port=server.port)
            world.no_connection(server, error, url, **changed)
        world.arrives(server)


def header(name, value='x'):
    return {'headers': [(name, value)]}


add_refusal_test('methods that are none', 'InvalidArgument', [
    {'method': method} for method in ('', 'CONNECT', 'TRACE', 'GE T', 'GET\r\nX: y', 'GET/', 'Gé',
                                      'GET\t', '(GET)')])
add_refusal_test('other schemes', 'NotSecure', [
    {'url': url} for url in ('http://h.localhost:{port}/', 'ftp://h.localhost:{port}/',
                             'file:///etc/passwd', 'ws://h.localhost:{port}/')])
add_refusal_test('URLs that are none', 'InvalidArgument', [
    {'url': url} for url in ('', 'h.localhost', '//h.localhost:{port}/', '/path', 'https://',
                             'https:///path', 'https://h.localhost:{port}x/',
                             'https://h.localhost:99999/', 'https://h.localhost:0/',
                             '{base}/a b', '{base}/\r\nX: y', '{base}/\x01', ' {base}/')])
add_refusal_test('URLs with a user', 'InvalidArgument', [
    {'url': url} for url in ('https://user@h.localhost:{port}/',
                             'https://user:pass@h.localhost:{port}/',
                             'https://@h.localhost:{port}/', 'https://:@h.localhost:{port}/')])
add_refusal_test('hosts that are none', 'InvalidHost', [
    {'url': f'https://{host}:{{port}}/'} for host in ('a..b', '..', 'h.localhost..', '*.localhost',
                                                     'x' * 64 + '.localhost', 'h%0d%0a.localhost')])
add_refusal_test('header names that are none', 'InvalidArgument', [
    header(name) for name in ('', 'A b', 'A:', 'A\r\nB', 'Ä', 'A\x00'.replace('\x00', '\x01'),
                              '(A)', ':path')])
add_refusal_test('header values that are none', 'InvalidArgument', [
    header('A', value) for value in ('a\r\nB: c', 'a\nb', 'a\rb', 'a\x01', 'a\x7f', 'ä', '€')])
add_refusal_test('headers that are the connection’s', 'InvalidArgument', [
    header(name) for name in (
        'Host', 'host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'Keep-Alive',
        'Upgrade', 'Expect', 'TE', 'Trailer', 'Proxy-Authorization', 'Proxy-Connection',
        'Proxy-Anything')])
add_refusal_test('options that are unknown, of the wrong type or out of range', 'InvalidArgument', [
    {'raw': {'colour': V('s', 'red')}}, {'raw': {'stream': V('s', 'sometimes')}},
    {'timeout_ms': V('i', 5)}, {'timeout_ms': V('t', 5)}, {'max_body': V('u', 5)},
    {'redirects': V('s', '5')}, {'require_keys': V('s', 'x')}, {'require_keys': []},
    {'handle_token': V('o', '/a')}, {'timeout_ms': 0}, {'redirects': 21}])
add_refusal_test('require-keys that are none', 'InvalidKey', [
    {'require_keys': [key]} for key in ('', 'sha256/short', 'sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
                                        'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')])


@test('of several reasons the first is told: the request, then the pin')
def _(world):
    server, _ = world.serve_pinned()
    other = server.url('unpinned.localhost')
    world.no_connection(server, 'InvalidArgument', other, method='TRACE')
    world.no_connection(server, 'InvalidArgument', other, headers=[('Host', 'x')])
    world.no_connection(server, 'NotPinned', other)
    world.alice.refused('WrongFormat', world.alice.pin, 'unpinned.localhost', b'junk')
    world.no_connection(server, 'Blocked', other)


@test('methods of many kinds pass as they are')
def _(world):
    server, _ = world.serve_pinned()
    for method in ('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'get', 'x-y'):
        world.arrives(server, method=method)
        equal(server.requests[-1].method, method, 'the method')


@test('a header goes along without a body, Content-Type too')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server, method='POST', headers=[('Content-Type', 'text/plain'), ('X-A', 'b')])
    request = server.requests[-1]
    equal(request.headers.get('x-a'), 'b', 'X-A')
    equal(request.headers.get('content-type'), 'text/plain', 'Content-Type')


@test('a fragment is not sent')
def _(world):
    server, _ = world.serve_pinned()
    equal(world.alice.request(server.url(HOST, '/a#secret')).status, 200, 'the status')
    equal(server.requests[-1].path, '/a', 'the path')


@test('arguments of other D-Bus types are refused, and the service goes on')
def _(world):
    server, _ = world.serve_pinned()
    for signature, arguments in (('(s)', ['x']), ('(sss)', ['a', 'b', 'c']), ('', [])):
        world.alice.refused('org.freedesktop.DBus.Error.InvalidArgs', world.alice.call, REQUESTS,
                            'SecureRequest', signature, *arguments)
    world.alice.refused('org.freedesktop.DBus.Error.UnknownMethod', world.alice.call, REQUESTS,
                        'Nonsense', '')
    world.arrives(server)


@test('a descriptor that no option names is refused by every method that takes options, and closed')
def _(world):
    server, _ = world.serve_pinned()
    for begin in (lambda fds: world.alice.begin_request(server.url(HOST), descriptors=fds),
                  lambda fds: world.alice.begin_request(server.url(HOST), stream='always', handle_token='a',
                                                        descriptors=fds),
                  lambda fds: world.alice.begin_connect(HOST, server.port, descriptors=fds),
                  lambda fds: world.alice.begin(REQUESTS, 'FetchChain', '(sa{sv})', HOST, {'port': V('u', server.port)},
                                                descriptors=fds)):
        ours, theirs = socket.socketpair()
        pending = begin([theirs.fileno()])
        world.alice.refused('InvalidArgument', pending.wait)
        theirs.close()
        ours.settimeout(DEADLINE_S)
        equal(ours.recv(1), b'', 'what the descriptor got')
    server.barrier()
    equal(len(server.connections), 0, 'the number of connections')
    world.arrives(server, handle_token='a')


@test('properties: Version, Features and InlineBodyMax')
def _(world):
    properties = world.alice.call('org.freedesktop.DBus.Properties', 'GetAll', '(s)', REQUESTS)[0]
    equal(sorted(properties), ['Features', 'InlineBodyMax', 'Version'], 'the properties')
    equal(properties['Features'], [], 'Features')
    equal(properties['InlineBodyMax'], 65536, 'InlineBodyMax')


run(World)
