#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses that the administrator denies: nothing is sent there, and nobody connects. Runs in a network and a mount
namespace of its own, where names lead to several addresses."""

import os
import socket
import subprocess
import threading
import urllib.parse

from lib import http
from lib.caller import Tunnel
from lib.network import METADATA, enter_namespace
from lib.proxy import Proxy
from lib.server import echo
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import World

HOME, AWAY = '127.0.0.1', '192.0.2.1'
NAMES = {'home.test': [HOME], 'away.test': [AWAY], 'both.test': [HOME, AWAY], 'six.test': ['::1'],
         'unspecified.test': ['0.0.0.0'], 'mapped.test': [f'::ffff:{HOME}'], 'local.test': [HOME, '::1']}
FILES = {'hosts': '127.0.0.1 localhost h.localhost\n' + ''.join(
             f'{address} {name}\n' for name, addresses in NAMES.items() for address in addresses)}


def deny(world, *lines):
    world.daemon.configure('\n'.join(('[Network]', *lines, '')))
    world.daemon.restart()


def serve_pinned(world, host, address=HOME, who=None, **keywords):
    identity = world.issue(host.strip('[]'))
    (who or world.alice).pin(host, identity.der, **keywords)
    server = world.serve(identity, address=address)
    server.identity = identity
    return server


def is_denied(world, server, host, *named):
    error = world.no_connection(server, 'AddressDenied', server.url(host))
    print(f'# {error.message}')
    for text in named:
        holds(text in error.message, f'the message does not tell ‘{text}’: {error.message}')


def add_user_test(host, address, named=''):
    @test(f'{host} is denied for a pin of a user’s, and not for one of the administrator’s')
    def _(world):
        deny(world, 'DenyForUsers=loopback')
        server = serve_pinned(world, host, address)
        is_denied(world, server, host, f'address {named}', '‘loopback’ of DenyForUsers=', 'pin the host for the system')
        world.root.pin(host, server.identity.der, scope='system')
        world.arrives(server, host=host)


for arguments in (('home.test', HOME, HOME), ('six.test', '::1'), (HOME, HOME, HOME), ('[::1]', '::1', '::1'),
                  ('unspecified.test', HOME, '0.0.0.0'), ('h.localhost', HOME), ('mapped.test', HOME, HOME),
                  ('local.test', '::')):
    add_user_test(*arguments)


@test('a pin of the administrator’s that only reports does not let requests of users go there')
def _(world):
    deny(world, 'DenyForUsers=loopback')
    server = serve_pinned(world, 'home.test')
    world.root.pin('home.test', server.identity.der, scope='system', mode='report')
    is_denied(world, server, 'home.test')


@test('a pin of the administrator’s that is paused does not let requests of users go there, until it is resumed')
def _(world):
    deny(world, 'DenyForUsers=loopback')
    server = serve_pinned(world, 'home.test')
    world.root.pin('home.test', server.identity.der, scope='system')
    world.arrives(server, host='home.test')
    world.root.pause('home.test', 100, scope='system')
    is_denied(world, server, 'home.test')
    world.root.resume('home.test', scope='system')
    world.arrives(server, host='home.test')


@test('a name with two addresses is asked at the one that is not denied')
def _(world):
    deny(world, 'DenyForUsers=loopback')
    server = serve_pinned(world, 'both.test', AWAY)
    forbidden = world.serve(server.identity, address=HOME, port=server.port)
    world.arrives(server, host='both.test')
    forbidden.barrier()
    equal(len(forbidden.connections), 0, 'the connections to the denied address')


@test('a redirect leads to no denied address')
def _(world):
    deny(world, 'DenyForUsers=loopback')
    server = serve_pinned(world, 'home.test')
    lead = serve_pinned(world, 'away.test', AWAY)
    lead.respond = lambda _connection, request: http.redirect(302, urllib.parse.unquote(request.path[2:]))
    is_denied(world, server, 'home.test')
    error = world.no_connection(server, 'AddressDenied',
                                lead.url('away.test', '/?' + urllib.parse.quote(server.url('home.test'), safe='')))
    holds('home.test' in error.message, f'the message: {error.message}')


@test('the administrator’s pin goes: a kept connection to a denied address is not used any more')
def _(world):
    deny(world, 'DenyForUsers=loopback')
    server = serve_pinned(world, 'home.test')
    world.root.pin('home.test', server.identity.der, scope='system')
    world.arrives(server, host='home.test')
    world.root.unpin('home.test', scope='system')
    before = server.bytes
    world.no_connection(server, 'AddressDenied', server.url('home.test'))
    equal(server.bytes, before, 'the number of bytes that the server got')


@test('the administrator’s pin goes: nothing more goes to a denied address through a proxy')
def _(world):
    proxy = world.track(Proxy(world.folder))
    deny(world, 'DenyForUsers=loopback', f'Proxy={proxy.url()}')
    server = serve_pinned(world, HOME)
    is_denied(world, server, HOME, '‘loopback’ of DenyForUsers=')
    equal(proxy.opened, 0, 'the number of connections to the proxy')
    world.root.pin(HOME, server.identity.der, scope='system')
    world.arrives(server, host=HOME)
    server.respond, server.speak = without_end, echo
    stream = world.track(world.alice.stream(server.url(HOME)))
    tunnel = world.track(world.alice.connect(HOME, server.port))
    server.respond, server.speak = (lambda *_: http.reply(200, b'hello')), None
    world.arrives(server, host=HOME)
    before = server.bytes
    world.root.unpin(HOME, scope='system')
    world.alice.refused('AddressDenied', stream.finish)
    equal(stream.read_all()[1], False, 'whether the stream ended in order')
    world.alice.refused('AddressDenied', tunnel.finish)
    world.alice.refuses('AddressDenied', server.url(HOME))
    server.wait_until_idle()
    equal(server.bytes, before, 'the number of bytes that the server got')


def without_end(connection, _request):
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
    while True:
        connection.send(b'x' * 1000)
        threading.Event().wait(0.01)


def add_stream_test(name, change):
    @test(f'the administrator’s pin {name}: a stream from a denied address is cut')
    def _(world):
        deny(world, 'DenyForUsers=loopback')
        server = serve_pinned(world, 'home.test')
        server.respond = without_end
        world.root.pin('home.test', server.identity.der, scope='system')
        stream = world.alice.stream(server.url('home.test'))
        world.track(stream)
        holds(os.read(stream.descriptor, 10), 'nothing came')
        change(world, server)
        world.alice.refused('AddressDenied', stream.finish)
        equal(stream.read_all()[1], False, 'whether it ended in order')
        server.wait_until_idle()


add_stream_test('goes', lambda world, server: world.root.unpin('home.test', scope='system'))
add_stream_test('only reports now', lambda world, server: world.root.pin(
    'home.test', server.identity.der, scope='system', mode='report'))


def connecting(world, server, host):
    return world.alice.begin_connect(host, server.port)


def with_a_socket(world, server, host):
    """The caller connects; TLS begins at once."""
    with socket.create_connection((server.address, server.port)) as client:
        return world.alice.begin_connect(host, server.port, descriptors=[client.fileno()], starttls=V('h', 0))


for begin, what in ((connecting, 'a connection'), (with_a_socket, 'a connection on the caller’s socket')):
    def add_connection_tests(begin=begin, what=what):
        @test(f'{what} to a denied address is not opened')
        def _(world):
            deny(world, 'DenyForUsers=loopback')
            server = serve_pinned(world, 'home.test')
            server.speak = echo
            error = world.alice.refused('AddressDenied', begin(world, server, 'home.test').wait)
            holds('‘loopback’ of DenyForUsers=' in error.message, f'the message: {error.message}')
            server.wait_until_idle()
            holds(not any(one.handshaken for one in server.connections), 'hands were shaken')
            world.root.pin('home.test', server.identity.der, scope='system')
            tunnel = Tunnel(world.alice, begin(world, server, 'home.test'))
            tunnel.send(b'hello')
            equal(tunnel.read(5), b'hello', 'what came back')

        @test(f'the administrator’s pin goes: {what} to a denied address is cut')
        def _(world):
            deny(world, 'DenyForUsers=loopback')
            server = serve_pinned(world, 'home.test')
            server.speak = echo
            world.root.pin('home.test', server.identity.der, scope='system')
            tunnel = Tunnel(world.alice, begin(world, server, 'home.test'))
            tunnel.send(b'hello')
            equal(tunnel.read(5), b'hello', 'what came back')
            world.root.unpin('home.test', scope='system')
            try:
                tunnel.read_all()
                raise AssertionError('it is not cut')
            except ConnectionResetError:
                pass
            server.wait_until_idle()
            world.alice.refused('AddressDenied', tunnel.finish)

        @test(f'{what} to a link-local address is not opened for anybody')
        def _(world):
            server = serve_pinned(world, METADATA, METADATA, world.root, scope='system')
            error = world.alice.refused('AddressDenied', begin(world, server, METADATA).wait)
            holds('‘link-local’' in error.message, f'the message: {error.message}')
    add_connection_tests()


@test('Deny= is for everybody’s pins, and Allow= makes exceptions from both, but never for link-local addresses')
def _(world):
    deny(world, 'Deny=192.0.2.0/24 any', f'Allow={METADATA} ::1')
    away = serve_pinned(world, 'away.test', AWAY, world.root, scope='system')
    is_denied(world, away, 'away.test', AWAY, '‘192.0.2.0/24’ of Deny=', 'Allow=')
    metadata = serve_pinned(world, METADATA, METADATA, world.root, scope='system')
    is_denied(world, metadata, METADATA, '‘link-local’', 'nothing can allow it')
    six = serve_pinned(world, 'six.test', '::1')
    world.arrives(six, host='six.test')


@test('certpind --check tells every bad line, and the service does not start with one')
def _(world):
    world.daemon.configure('[Network]\nDeny=10.0.0.1/8\nAllow=h.example\nDenyForUsers=loopbak\nDenyUsers=any\n')
    status, said = world.daemon.run('--check')
    print('# ' + said.replace('\n', '\n# '))
    equal(status, 1, 'the exit code of --check')
    for number, named in enumerate(('‘10.0.0.1/8’', '‘h.example’', '‘loopbak’', 'DenyUsers'), 2):
        holds(any(f'certpind.conf:{number}:' in line and named in line for line in said.splitlines()),
              f'it does not tell {named}')
    world.daemon.terminate()
    equal(world.daemon.run()[0], 2, 'the exit code')
    world.daemon.configure('')
    world.daemon.start()


enter_namespace(FILES)
subprocess.run(['ip', 'address', 'add', AWAY + '/32', 'dev', 'lo'], check=True)
run(World)
