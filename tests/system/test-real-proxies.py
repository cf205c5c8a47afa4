#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tinyproxy and squid as they are, with and without credentials, in front of nginx and openssl."""

import os
import threading

from attacks.resolver import FILES, Resolver
from lib.network import enter_namespace
from lib.openssl_server import ANSWER, OpensslServer
from lib.real_proxies import PASSWORD, USER, squid, tinyproxy
from lib.real_servers import free_port, nginx
from lib.server import echo
from lib.tap import equal, holds, run, test
from lib.world import World

HOST = 'h.test'
REQUESTS = 100
KIB = 1024


class FileWorld(World):
    """With a folder that nginx may read."""

    def publish(self, name, content):
        os.chmod(self.folder, 0o755)
        with open(os.path.join(self.folder, name), 'wb') as file:
            file.write(content)

    def published(self, name):
        with open(os.path.join(self.folder, name), 'rb') as file:
            return file.read()


def use(world, proxy, password=None):
    """The service uses that proxy from now on, with these credentials."""
    path = os.path.join(world.folder, 'proxy.secret')
    with open(path, 'w', encoding='utf-8') as file:
        if password is not None:
            file.write(f'[real]\nProxy={proxy.url()}\nUser={USER}\nPassword={password}\n')
    os.chmod(path, 0o600)
    world.daemon.configure(f'[Network]\nProxy={proxy.url()}\nProxyCredentials={path}\n')
    world.daemon.restart()


def pin(world):
    identity = world.issue(HOST)
    world.alice.pin(HOST, identity.der)
    return identity


def secure_squid(world):
    return lambda **keywords: squid(identity=world.issue('127.0.0.1'), **keywords)


PROXIES = {'tinyproxy': lambda _world: tinyproxy, 'squid': lambda _world: squid, 'squid over TLS': secure_squid}


def add_tests(name, get_maker):
    @test(f'{name} in front of nginx: {REQUESTS} requests over one tunnel, and a large body each way')
    def _(world):
        proxy = world.track(get_maker(world)())
        use(world, proxy)
        server = world.track(nginx(pin(world), 'client_max_body_size 0; location /file { root %s; }' % world.folder))
        world.publish('file', os.urandom(2048 * KIB))
        for number in range(REQUESTS):
            answer = world.alice.request(server.url(HOST))
            equal((answer.body, answer.info['proxy']), (b'hello', proxy.url()), 'the answer')
            equal(answer.info['connection-reused'], number > 0, 'connection-reused')
        holds(world.alice.request(server.url(HOST, '/file')).body == world.published('file'), 'the file differs')
        equal(world.alice.request(server.url(HOST), 'POST', body=bytes(2048 * KIB)).body, b'hello', 'the answer')

    @test(f'{name} in front of openssl')
    def _(world):
        use(world, world.track(get_maker(world)()))
        server = world.track(OpensslServer(world.folder, pin(world), answers=True))
        equal(world.alice.request(f'https://{HOST}:{server.port}/').body, ANSWER[-3:], 'the answer')

    @test(f'{name} in front of another protocol: a large body each way')
    def _(world):
        proxy = world.track(get_maker(world)())
        use(world, proxy)
        server = world.serve(pin(world))
        server.speak = echo
        tunnel = world.alice.connect(HOST, server.port)
        equal(tunnel.info['proxy'], proxy.url(), 'the proxy')
        body = os.urandom(2048 * KIB)
        sender = threading.Thread(target=tunnel.send, args=[body], daemon=True)
        sender.start()
        holds(tunnel.read(len(body)) == body, 'what came back differs')
        sender.join()

    @test(f'{name} in front of a wrong key: not one byte')
    def _(world):
        use(world, world.track(get_maker(world)()))
        pin(world)
        world.nothing_arrives(world.serve(world.other_authority.issue(HOST)), 'PinMismatch', host=HOST)

    @test(f'{name} with credentials: the right ones, wrong ones and none')
    def _(world):
        proxy = world.track(get_maker(world)(authenticates=True))
        server = world.serve(pin(world))
        for password, error in ((PASSWORD, None), ('wrong', 'ProxyAuthRequired'), (None, 'ProxyAuthRequired')):
            use(world, proxy, password)
            if error is None:
                world.arrives(server, host=HOST)
            else:
                said = world.no_connection(server, error, server.url(HOST)).message
                holds(('does not accept' if password else 'demands') in said and 'wrong' not in said, said)
        holds(PASSWORD not in world.daemon.log(), 'the password is in the log')

    @test(f'{name} cannot connect to the host, or may not')
    def _(world):
        more = 'ConnectPort 443' if name == 'tinyproxy' else 'acl other port 443\nhttp_access deny !other'
        use(world, world.track(get_maker(world)()))
        pin(world)
        said = world.alice.refuses('ProxyFailed', f'https://{HOST}:{free_port()}/').message
        holds('could not connect to' in said, said)
        use(world, world.track(get_maker(world)(more=more)))
        server = world.serve(pin(world))
        said = world.no_connection(server, 'ProxyFailed', server.url(HOST)).message
        holds('refused to connect to' in said and '(status 403)' in said, said)

    @test(f'{name} ends while a request is under way, and while its connection is idle')
    def _(world):
        proxy = get_maker(world)()
        use(world, proxy)
        server = world.serve(pin(world))
        world.arrives(server, host=HOST)
        server.respond = lambda connection, _request: connection.drain()
        pending = world.alice.begin_request(server.url(HOST))
        server.wait_for_requests(2)
        proxy.close()
        world.alice.refused(('Truncated', 'ProxyFailed'), pending.answer)
        world.alice.refuses('ProxyFailed', server.url(HOST))


for _name, _get_maker in PROXIES.items():
    add_tests(_name, _get_maker)


enter_namespace(FILES)
Resolver()
run(FileWorld)
