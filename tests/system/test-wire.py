#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a request looks like when it arrives, and which connections carry another one (RFC 9112, sections 3, 6
and 9)."""

import socket

from lib import http
from lib.tap import equal, run, test
from lib.world import HOST, World

OK = b'HTTP/1.1 200 OK\r\n'
ROUNDS = 20


@test('what may not be in a URL arrives encoded; what is encoded stays so, in its usual form')
def _(world):
    server, _ = world.serve_pinned()
    for given, arrives in (('/|{}^`"<>', '/%7C%7B%7D%5E%60%22%3C%3E'), ('/?|{}^`"<>', '/?%7C%7B%7D%5E%60%22%3C%3E'),
                           ('/%7c%7C%25?%e9', '/%7C%7C%25?%E9'), ('/%41', '/A'),  # RFC 3986, section 6.2.2
                           ('?q', '/?q'), ('/?', '/?'), ("/!$&'()*+,;=:@-._~?/?", "/!$&'()*+,;=:@-._~?/?")):
        equal(world.alice.request(server.url(HOST, given)).status, 200, f'the status of {given}')
        equal(server.requests[-1].path, arrives, f'what arrives of {given}')
    for given in ('/%', '/a%zz', '/?%4'):
        world.no_connection(server, 'InvalidArgument', server.url(HOST, given))


@test('methods that give a body a meaning say that there is none; others do not')
def _(world):
    server, _ = world.serve_pinned()
    for method in ('POST', 'PUT', 'PATCH'):
        world.arrives(server, method=method)
        equal(server.requests[-1].headers.get('content-length'), '0', f'the length of {method}')
    for method in ('GET', 'HEAD', 'DELETE', 'OPTIONS', 'PROPFIND'):
        server.respond = lambda connection, request: http.reply(200)
        world.arrives(server, method=method)
        equal(server.requests[-1].headers.get('content-length'), None, f'the length of {method}')
    world.arrives(server, method='DELETE', body=b'all')
    equal(server.requests[-1].headers.get('content-length'), '3', 'the length of a DELETE with a body')


@test('a Location is followed by its bytes as they were sent')
def _(world):
    server, _ = world.serve_pinned()
    for location, path in ((b'/\xe9', '/%E9'), (b'/\xc3\xa9?\xe9#\xe9', '/%C3%A9?%E9'), (b'/%E9%?%zz', '/%E9%25?%25zz'),
                           (b'/a|b{c}', '/a%7Cb%7Bc%7D'), (b'\xe9', '/%E9')):
        server.respond = lambda connection, request, to=location: (
            b'HTTP/1.1 302 So\r\nContent-Length: 0\r\nLocation: ' + to + b'\r\n\r\n'
            if request.path == '/' else http.reply(200))
        world.arrives(server, redirects=1)
        equal(server.requests[-1].path, path, f'where {location} leads')


@test('the coding “identity” changes nothing')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: (
        OK + b'Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello')
    equal([world.arrives(server).body for _ in range(2)], [b'hello'] * 2, 'the bodies')
    equal(len(server.connections), 1, 'the number of connections')
    server.respond = lambda connection, request: connection.send(
        OK + b'Transfer-Encoding: identity\r\n\r\nhello')
    equal(world.arrives(server).body, b'hello', 'the body up to the end')


def add_close_test(what, answer):
    @test(f'{what}: the connection is closed at once, and the next request goes on another')
    def _(world):
        server, _ = world.serve_pinned()

        def respond(connection, _request):
            connection.send(answer)
            connection.drain()

        server.respond = respond
        for count in range(1, 4):
            reply = world.arrives(server, method='POST', body=b'question')
            equal((reply.body, reply.info['connection-reused']), (b'hello', False), 'the answer')
            server.wait_until_idle()
            equal(len(server.connections), count, 'the number of connections')


LENGTH = b'Content-Length: 5\r\n\r\nhello'
for arguments in (('Connection: close', OK + b'Connection: close\r\n' + LENGTH),
                  ('close among other options', OK + b'Connection: x, Close\r\n' + LENGTH),
                  ('HTTP/1.0', b'HTTP/1.0 200 OK\r\n' + LENGTH),
                  ('a byte behind the answer', OK + LENGTH + b'\n'),
                  ('another answer behind it', OK + LENGTH + http.reply(200, b'evil')),
                  ('a byte behind the last chunk', OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n0')):
    add_close_test(*arguments)


def cork(connection, on):
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)


def add_behind_test(what, then):
    @test(f'{what} in one packet with an answer: the next request goes on another connection')
    def _(world):
        server, _ = world.serve_pinned()

        def respond(connection, _request):
            cork(connection, 1)
            connection.send(http.reply(200, b'hello'))
            then(connection)
            cork(connection, 0)
            connection.drain()

        server.respond = respond
        for count in range(1, ROUNDS + 1):
            reply = world.arrives(server, method='POST' if count % 2 else 'GET')
            equal((reply.body, reply.info['connection-reused']), (b'hello', False), 'the answer')
            equal(len(server.connections), count, 'the number of connections')


def say_end(connection):
    """TLS's own end, without that of TCP."""
    connection.socket.setblocking(False)
    try:
        connection.socket.unwrap()
    except OSError:  # the other side has not said so yet
        pass
    connection.socket.setblocking(True)


add_behind_test('the end by TLS', say_end)
add_behind_test('a record of another answer', lambda connection: connection.send(http.reply(200, b'evil')))


def add_idle_test(what, say):
    @test(f'a kept connection on which the server says {what} is dropped at once')
    def _(world):
        server, _ = world.serve_pinned()
        equal([world.arrives(server).info['connection-reused'] for _ in range(2)], [False, True], 'reused')
        say(server.connections[0])
        server.wait_until_idle()
        reply = world.arrives(server, method='POST')
        equal((reply.body, reply.info['connection-reused']), (b'hello', False), 'the answer')


add_idle_test('a byte', lambda connection: connection.send(b'x'))
add_idle_test('an answer', lambda connection: connection.send(http.reply(408, b'too late')))
add_idle_test('an interim answer', lambda connection: connection.send(http.CONTINUE))
add_idle_test('what is not TLS', lambda connection: connection.write_raw(b'x' * 100))

run(World)
