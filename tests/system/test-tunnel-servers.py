#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers as they are, and their ordinary clients, which know nothing of TLS here: certpinctl connect gives each a
pinned connection. And two protocols that programs speak over a tunnel of their own: HTTP/2 and WebSocket."""

import asyncio
import imaplib
import os
import poplib
import ssl
import subprocess
import threading

from lib.certpinctl import start
from lib.tap import DEADLINE_S, Skipped, equal, holds, run, test
from lib.tunnel_servers import dovecot, find, openldap, postgres, redis
from lib.world import ALICE, HOST, World

MIB = 1 << 20


def serve(world, server):
    """Returns: the server, whose certificate the first user has pinned"""
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    return world.track(server(identity))


class Listening:
    """certpinctl, and the port of loopback where it listens."""

    def __init__(self, world, port, *arguments):
        self.process = start(world, 'connect', '--listen-loopback=0', *arguments, f'{HOST}:{port}',
                             stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rpartition(':')[2])
        world.track(self)

    def close(self):
        self.process.kill()
        self.process.wait()


class AsUser:
    """What connects in here is a socket of the user's."""

    def __enter__(self):
        os.seteuid(ALICE)

    def __exit__(self, *_what):
        os.seteuid(0)


def client(program, package, *arguments, **keywords):
    """Runs it as the user. Returns: what it printed"""
    done = subprocess.run([find(program, package), *arguments], user=ALICE, group=ALICE, extra_groups=[],
                          cwd='/',
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE_S, check=False, text=True,
                          **keywords)
    equal(done.returncode, 0, f'the end of {program}, which said “{done.stdout}”,')
    return done.stdout


def fails(program, package, *arguments):
    done = subprocess.run([find(program, package), *arguments], user=ALICE, group=ALICE, extra_groups=[],
                          cwd='/',
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE_S, check=False, text=True)
    holds(done.returncode != 0, f'{program} says “{done.stdout}”')


# Redis


@test('Redis: redis-cli works, also with much data, and a change of pins ends it')
def _(world):
    server = serve(world, redis)
    port = str(Listening(world, server.port).port)

    def redis_cli(*arguments, **keywords):
        return client('redis-cli', 'redis-tools', '-p', port, *arguments, **keywords)

    equal(redis_cli('ping'), 'PONG\n', 'the answer')
    redis_cli('-x', 'set', 'much', input='x' * (4 * MIB))
    equal(len(redis_cli('get', 'much')), 4 * MIB + 1, 'how much came back')
    world.alice.pin(HOST, world.issue().der)
    fails('redis-cli', 'redis-tools', '-p', port, 'ping')


@test('Redis: a hundred clients at once, and a subscriber that waits')
def _(world):
    server = serve(world, redis)
    port = str(Listening(world, server.port).port)
    waiting = subprocess.Popen([find('redis-cli', 'redis-tools'), '-p', port, 'subscribe', 'news'], user=ALICE,
                               group=ALICE, extra_groups=[], stdout=subprocess.PIPE, text=True, bufsize=1)
    while waiting.stdout.readline() != '1\n':
        pass  # until it has subscribed
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(client('redis-cli', 'redis-tools', '-p', port, 'incr',
                                                                     'count'))) for _ in range(100)]
    for i in range(0, len(threads), 20):
        for thread in threads[i:i + 20]:
            thread.start()
        for thread in threads[i:i + 20]:
            thread.join()
    equal(sorted(map(int, answers)), list(range(1, 101)), 'the answers')
    client('redis-cli', 'redis-tools', '-p', port, 'publish', 'news', 'hello')
    holds('hello\n' in [waiting.stdout.readline() for _ in range(3)], 'the subscriber hears nothing')
    waiting.kill()
    waiting.wait()


# PostgreSQL


@test('PostgreSQL: psql works after STARTTLS, over TLS, also with much data')
def _(world):
    server = serve(world, postgres)
    port = Listening(world, server.port, '--starttls=postgres').port
    where = f'host=127.0.0.1 port={port} user=shop dbname=postgres sslmode=disable'

    def psql(command):
        return client('psql', 'postgresql-client', where, '-X', '-At', '-c', command)

    equal(psql('select 6 * 7'), '42\n', 'the answer')
    equal(psql('select ssl from pg_stat_ssl where pid = pg_backend_pid()'), 't\n', 'whether it is TLS')
    equal(len(psql("select repeat('x', 4000000)")), 4000001, 'how much came back')
    fails('psql', 'postgresql-client', f'host=127.0.0.1 port={server.port} user=shop dbname=postgres sslmode=disable')
    world.alice.block(HOST, 'stolen')
    fails('psql', 'postgresql-client', where, '-c', 'select 1')


# Dovecot


def use_imap(port):
    with AsUser():
        imap = imaplib.IMAP4('127.0.0.1', port)
    equal(imap.login('alice', 'secret')[0], 'OK', 'LOGIN')
    imap.create('box')
    equal(imap.append('box', None, None, b'Subject: hello\r\n\r\n' + b'x' * MIB)[0], 'OK', 'APPEND')
    imap.select('box')
    equal(imap.search(None, 'SUBJECT', 'hello')[1], [b'1'], 'SEARCH')
    holds(len(imap.fetch('1', '(RFC822)')[1][0][1]) > MIB, 'FETCH')
    imap.logout()


@test('Dovecot: IMAP over TLS')
def _(world):
    server = serve(world, dovecot)
    use_imap(Listening(world, server.tls_port).port)


@test('Dovecot: IMAP after STARTTLS')
def _(world):
    server = serve(world, dovecot)
    use_imap(Listening(world, server.port, '--starttls=imap').port)


@test('Dovecot: POP3 after STLS')
def _(world):
    server = serve(world, dovecot)
    port = Listening(world, server.pop3_port, '--starttls=pop3').port
    with AsUser():
        pop3 = poplib.POP3('127.0.0.1', port)
    pop3.user('alice')
    pop3.pass_('secret')
    equal(pop3.stat(), (0, 0), 'STAT')
    pop3.quit()


# OpenLDAP


@test('OpenLDAP: ldapwhoami works after StartTLS')
def _(world):
    server = serve(world, openldap)
    port = Listening(world, server.port, '--starttls=ldap').port
    arguments = ('-x', '-D', 'cn=admin,dc=example', '-w', 'secret')
    equal(client('ldapwhoami', 'ldap-utils', '-H', f'ldap://127.0.0.1:{port}', *arguments), 'dn:cn=admin,dc=example\n',
          'the answer')
    fails('ldapwhoami', 'ldap-utils', '-H', f'ldap://127.0.0.1:{server.port}', *arguments)


# HTTP/2, as gRPC uses it, and WebSocket


def import_or_skip(name, package):
    try:
        return __import__(name, fromlist=['x'])
    except ImportError:
        raise Skipped(f'the module {name} is not installed; install {package}, or run scripts/dependencies servers'
                      ) from None


def serve_http2(h2_connection, h2_config, h2_events):
    """Sends back what each stream brings, as it comes, and trailers behind it."""
    def speak(connection):
        h2 = h2_connection.H2Connection(config=h2_config.H2Configuration(client_side=False))
        h2.initiate_connection()
        connection.send(h2.data_to_send())
        while data := connection.read():
            for event in h2.receive_data(data):
                if isinstance(event, h2_events.RequestReceived):
                    h2.send_headers(event.stream_id, [(':status', '200'), ('content-type', 'application/grpc')])
                elif isinstance(event, h2_events.DataReceived):
                    h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    h2.send_data(event.stream_id, event.data)
                elif isinstance(event, h2_events.StreamEnded):
                    h2.send_headers(event.stream_id, [('grpc-status', '0')], end_stream=True)
            connection.send(h2.data_to_send())
        return False
    return speak


@test('HTTP/2: two calls at once, both ways at once, and their trailers')
def _(world):
    h2_connection, h2_config, h2_events = (import_or_skip(f'h2.{name}', 'python3-h2')
                                           for name in ('connection', 'config', 'events'))
    server, _ = world.serve_pinned(alpn=('h2',))
    server.speak = serve_http2(h2_connection, h2_config, h2_events)
    tunnel = world.alice.connect(HOST, server.port, alpn=['h2'])
    equal(tunnel.info['alpn'], 'h2', 'the protocol')
    h2 = h2_connection.H2Connection(config=h2_config.H2Configuration())
    h2.initiate_connection()
    heard, trailers = {1: b'', 3: b''}, {}

    def exchange(condition):
        tunnel.send(h2.data_to_send())
        while not condition():
            for event in h2.receive_data(tunnel.socket.recv(65536)):
                if isinstance(event, h2_events.DataReceived):
                    heard[event.stream_id] += event.data
                    h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2_events.TrailersReceived):
                    trailers[event.stream_id] = dict(event.headers)
            tunnel.send(h2.data_to_send())

    for stream in heard:
        h2.send_headers(stream, [(':method', 'POST'), (':path', '/echo'), (':scheme', 'https'), (':authority', HOST)])
    said = {stream: b'' for stream in heard}
    for i in range(100):
        for stream in heard:
            message = f'{stream} says {i};'.encode() * 100
            said[stream] += message
            h2.send_data(stream, message)
        exchange(lambda: heard == said)
    for stream in heard:
        h2.end_stream(stream)
    exchange(lambda: len(trailers) == 2)
    holds(all(dict(one)[b'grpc-status' if b'grpc-status' in one else 'grpc-status'] in (b'0', '0')
              for one in trailers.values()), trailers)
    tunnel.close()


@test('WebSocket: messages of all sizes, both ways, and the end')
def _(world):
    websockets = import_or_skip('websockets', 'python3-websockets')
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    path = os.path.join(world.folder, 'websocket.pem')
    with open(path, 'wb') as file:
        file.write(identity.key_pem + identity.chain_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    async def echo(socket):
        async for message in socket:
            await socket.send(message)

    async def play():
        async with websockets.serve(echo, '127.0.0.1', 0, ssl=context, max_size=None) as server:
            port = server.sockets[0].getsockname()[1]
            tunnel = await asyncio.get_running_loop().run_in_executor(None, world.alice.connect, HOST, port)
            tunnel.socket.setblocking(False)
            async with websockets.connect(f'ws://{HOST}:{port}/', sock=tunnel.socket, max_size=None) as client_socket:
                for size in (0, 1, 125, 126, 65535, 65536, MIB):
                    await client_socket.send(os.urandom(size).hex())
                    equal(len(await client_socket.recv()), 2 * size, 'how much came back')

    asyncio.run(asyncio.wait_for(play(), DEADLINE_S * 2))


run(World)
