#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests through a proxy: the same promise to the host, nothing that goes around the proxy, and nothing
of the proxy's that passes for the host's."""

import base64
import datetime
import os
import socket
import threading

from attacks.resolver import FILES, Resolver
from lib import http, pki
from lib.caller import PINS, CallError
from lib.certpinctl import BAD_INPUT, OK, PROXY_FAILED, ctl, exits
from lib.network import METADATA, enter_namespace
from lib.proxy import ESTABLISHED, Proxy, saying
from lib.server import reset_when_closed
from lib.starttls import DIALOGUES, hear_no_more, hold_dialogue
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.world import World

HOST = 'h.test'  # no name below “test” leads anywhere, but for the name server of this test
PROXY_NAME = 'proxy.test'
USER, PASSWORD = 'certpin', 'hush: hush'
SECRET = base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
KIB = 1024
CONNECTIONS = 6  # of one user to one host


def configure(world, *proxies, more=''):
    """These are what the service may use, the first one by default."""
    listed = ';'.join(one if isinstance(one, str) else one.url() for one in proxies)
    world.daemon.configure(f'[Network]\nProxy={listed}\n{more}\n')
    world.daemon.restart()


def add_proxy(world, *arguments, **keywords):
    return world.track(Proxy(world.folder, *arguments, **keywords))


def serve_pinned(world, host=HOST):
    """Returns: a server whose certificate the first user has pinned, and that"""
    identity = world.issue(host)
    world.alice.pin(host, identity.der)
    return world.serve(identity), identity


def set_up(world, **keywords):
    """A server, and the service behind a proxy. Returns: server and proxy"""
    proxy = add_proxy(world, **keywords)
    configure(world, proxy)
    server, _ = serve_pinned(world)
    return server, proxy


def write_credentials(world, proxy, mode=0o600):
    path = os.path.join(world.folder, 'proxy.secret')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'[office]\nProxy={proxy.url()}\nUser={USER}\nPassword={PASSWORD}\n')
    os.chmod(path, mode)
    return path


def has_no_secret(world, *texts):
    for text in (world.daemon.log(), *texts):
        holds('hush' not in text and SECRET not in text, f'credentials are in: {text}')


# What goes through

@test('a request goes through the proxy, its name is not looked up here, and the evidence says so')
def _(world):
    server, proxy = set_up(world)
    answer = world.arrives(server, host=HOST)
    equal([(one.method, one.target) for one in proxy.asked], [('CONNECT', f'{HOST}:{server.port}')], 'what it was asked')
    equal(proxy.asked[0].headers, {'host': f'{HOST}:{server.port}'}, 'the headers')
    equal(answer.info['proxy'], proxy.url(), 'the proxy in the evidence')
    holds(not resolver.was_asked(HOST), 'the host was looked up')
    equal(world.arrives(server, host=HOST).info['connection-reused'], True, 'connection-reused')
    equal(len(proxy.asked), 1, 'the number of tunnels')


@test('without a proxy, the evidence names none')
def _(world):
    server, _ = serve_pinned(world, 'h.localhost')
    holds('proxy' not in world.arrives(server, host='h.localhost').info, 'it names one')


@test('an address is asked for in brackets, as a URL has it')
def _(world):
    proxy = add_proxy(world)
    configure(world, proxy)
    server, _ = serve_pinned(world, '::1')
    world.arrives(server, host='[::1]')
    equal(proxy.asked[0].target, f'[::1]:{server.port}', 'what it was asked for')


@test('megabytes go both ways')
def _(world):
    for keywords in ({}, {'identity': world.issue('127.0.0.1')}):
        server, proxy = set_up(world, **keywords)
        server.respond = lambda connection, request: http.reply(200, request.body[::-1])
        body = os.urandom(4096 * KIB)
        answer = world.arrives(server, host=HOST, method='POST', body=body)
        holds(answer.body == body[::-1], 'the body is not what was sent')
        equal(answer.info['proxy'], proxy.url(), 'the proxy')


@test('connections are never shared across proxies')
def _(world):
    one, other = add_proxy(world), add_proxy(world)
    configure(world, one, other, 'direct')
    server, _ = serve_pinned(world, 'h.localhost')
    for proxy in (one, other, None):
        how = proxy.url() if proxy else 'direct'
        answer = world.arrives(server, host='h.localhost', proxy=how)
        equal(answer.info['connection-reused'], False, f'connection-reused by {how}')
        equal(world.arrives(server, host='h.localhost', proxy=how).info['connection-reused'], True,
              f'connection-reused again by {how}')
    equal((len(one.asked), len(other.asked), len(server.connections)), (1, 1, 3), 'tunnels and connections')


@test('only a proxy of the list, and only “direct” if that is listed')
def _(world):
    server, proxy = set_up(world)
    for other in ('http://127.0.0.1:9', 'direct', 'socks5://127.0.0.1:9', '', 'x' * 513):
        world.no_connection(server, 'InvalidArgument', server.url(HOST), proxy=other)
    equal(proxy.opened, 0, 'the number of connections to the proxy')
    world.arrives(server, host=HOST, proxy=proxy.url().upper().replace('HTTP', 'http') + '/')


@test('NoProxy goes directly, for each hop of a redirect')
def _(world):
    proxy = add_proxy(world)
    configure(world, proxy, more='NoProxy=.localhost, 192.0.2.0/24')
    first, _ = serve_pinned(world, 'h.localhost')
    second, _ = serve_pinned(world)
    first.respond = lambda connection, request: http.redirect(302, second.url(HOST))
    answer = world.arrives(first, host='h.localhost')
    equal(answer.info['proxy'], proxy.url(), 'the proxy of the last hop')
    equal([one.target for one in proxy.asked], [f'{HOST}:{second.port}'], 'what the proxy was asked')


@test('ExplainHost says which proxy a host takes')
def _(world):
    _, proxy = set_up(world)
    configure(world, proxy, more='NoProxy=localhost')
    for host, due in ((HOST, proxy.url()), ('h.localhost', 'direct')):
        explained, = world.alice.call(PINS, 'ExplainHost', '(sa{sv})', host, {})
        equal(explained['proxy'], due, f'the proxy of {host}')


@test('certpinctl says which proxy a host takes, uses another, and shows which one it was')
def _(world):
    one, other = add_proxy(world), add_proxy(world)
    configure(world, one, other)
    server, _ = serve_pinned(world)
    _, output, _ = ctl(world, 'explain', HOST)
    holds(f'proxy: {one.url()}\n' in output.decode(), output)
    code, output, errors = ctl(world, 'get', '--verbose', f'--proxy={other.url()}', server.url(HOST))
    equal((code, output), (OK, b'hello'), 'the exit code and the answer')
    holds(f'through proxy {other.url()}\n' in errors, errors)
    equal((len(one.asked), len(other.asked)), (0, 1), 'the tunnels')
    equal(ctl(world, 'get', '--proxy=direct', server.url(HOST))[0], BAD_INPUT, 'the exit code')
    other.answer = saying(REFUSED % 502)
    equal(ctl(world, 'get', f'--proxy={other.url()}', server.url(HOST) + '?')[0], OK, 'over the kept connection')
    world.daemon.restart()
    equal(ctl(world, 'get', f'--proxy={other.url()}', server.url(HOST))[0], PROXY_FAILED, 'the exit code')


# The promise to the host

@test('a wrong key behind a proxy: not one byte')
def _(world):
    server, proxy = set_up(world)
    server.present(world.other_authority.issue(HOST))
    error = world.nothing_arrives(server, 'PinMismatch', host=HOST)
    holds(HOST in error.message, error)
    proxy.wait_until_idle()


@test('a wrong key behind a proxy, when a connection with the right one has just ended: not one byte')
def _(world):
    server, _ = set_up(world)
    world.arrives(server, host=HOST)
    for connection in server.connections:
        connection.cut()
    server.wait_until_idle()
    server.present(world.other_authority.issue(HOST))
    world.nothing_arrives(server, 'PinMismatch', host=HOST)


def change(world):
    world.alice.pin(HOST, world.other_authority.issue(HOST).der)


@test('the pin changes while the proxy is asked: not one byte')
def _(world):
    server, proxy = set_up(world)
    proxy.hold()
    pending = world.alice.begin_request(server.url(HOST))
    proxy.wait(lambda: proxy.asked, 'a request')
    change(world)
    proxy.let_go()
    world.alice.refused('PinMismatch', pending.answer)
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')


@test('the pin changes while an https proxy shakes hands: it is refused, and not one byte')
def _(world):
    server, proxy = set_up(world, identity=world.issue('127.0.0.1'))
    going_on = threading.Event()
    proxy.greet = lambda _proxy, _connection: going_on.wait(DEADLINE_S)
    pending = world.alice.begin_request(server.url(HOST))
    proxy.wait(lambda: proxy.opened == 1, 'a connection')
    world.alice.block(HOST)
    going_on.set()
    world.alice.refused('Blocked', pending.answer)
    proxy.wait_until_idle()
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')


@test('the pin changes while a connection through a proxy is idle: it is cut, and not one byte')
def _(world):
    server, proxy = set_up(world)
    world.arrives(server, host=HOST)
    change(world)
    proxy.wait_until_idle()
    world.nothing_arrives(server, 'PinMismatch', host=HOST)


def add_cut_test(name, respond, make_identity):
    @test(f'the pin changes while {name}: PinChanged, and the connection is cut')
    def _(world):
        server, proxy = set_up(world, identity=make_identity(world))
        server.respond = respond
        pending = world.alice.begin_request(server.url(HOST))
        server.wait_for_requests(1)
        change(world)
        world.alice.refused('PinChanged', pending.answer)
        proxy.wait_until_idle()


def drip_half(connection, _request):
    connection.send(http.reply(200, b'x' * 1000)[:-500])
    connection.drain()


for _kind, _make in (('an http proxy', lambda world: None), ('an https proxy', lambda world: world.issue('127.0.0.1'))):
    add_cut_test(f'a request waits behind {_kind}', lambda connection, _request: connection.drain(), _make)
    add_cut_test(f'a body drips through {_kind}', drip_half, _make)


@test('a host that is blocked, or not pinned: the proxy is not even connected to')
def _(world):
    server, proxy = set_up(world)
    world.alice.block(HOST)
    world.alice.refuses('Blocked', server.url(HOST))
    world.alice.unpin(HOST)
    world.alice.refuses('NotPinned', server.url(HOST))
    equal(proxy.opened, 0, 'the number of connections to the proxy')


@test('a link-local address is not asked for, through a proxy either')
def _(world):
    proxy = add_proxy(world)
    configure(world, proxy)
    for address in (METADATA, f'::ffff:{METADATA}', 'fe80::7'):
        world.alice.pin(address, world.issue(address).der)
        url = f'https://[{address}]:1/' if ':' in address else f'https://{address}:1/'
        world.alice.refuses('AddressDenied', url)
    equal(proxy.opened, 0, 'the number of connections to the proxy')


@test('a proxy at a link-local address is not connected to, whatever leads there')
def _(world):
    proxy = add_proxy(world, address=METADATA)
    serve_pinned(world)
    for host in (METADATA, f'::ffff:{METADATA}', 'metadata.test'):
        configure(world, proxy.url(f'[{host}]' if ':' in host else host))
        error = world.alice.refuses('ProxyFailed', f'https://{HOST}:1/')
        holds('‘link-local’' in error.message, f'the message: {error.message}')
    equal(proxy.opened, 0, 'the number of connections to the proxy')


# Bodies of any size

@test('a body comes by a descriptor, and another is read from one, through a proxy: whole, and over one connection')
def _(world):
    body = os.urandom(4096 * KIB)
    for keywords in ({}, {'identity': world.issue('127.0.0.1')}):
        server, proxy = set_up(world, **keywords)
        server.respond = lambda *_: http.reply(200, body)
        for _ in range(2):
            stream = world.alice.stream(server.url(HOST))
            equal(stream.answer.info['proxy'], proxy.url(), 'the proxy in the evidence')
            equal(stream.read_all(), (body, True), 'the body')
            equal(stream.finish(), {'bytes-sent': 0, 'bytes-received': len(body)}, 'the totals')
            stream.close()
        theirs, ours = os.pipe()
        pending = world.alice.begin_upload(server.url(HOST), theirs, len(body))
        world.alice.flush()
        os.close(theirs)
        with open(ours, 'wb') as file:
            file.write(body)
        equal(pending.answer().status, 200, 'the status')
        holds(server.requests[-1].body == body, 'what arrived is not what was sent')
        equal([one.target for one in proxy.asked], [f'{HOST}:{server.port}'], 'what the proxy was asked')


@test('the pin changes while a body streams through a proxy: PinChanged, and the body is cut')
def _(world):
    for keywords in ({}, {'identity': world.issue('127.0.0.1')}):
        server, proxy = set_up(world, **keywords)
        server.respond = drip_half
        stream = world.alice.stream(server.url(HOST))
        holds(stream.read(), 'nothing came')
        change(world)
        holds(not stream.read_all()[1], 'a body that was cut ended like a whole one')
        world.alice.refused('PinChanged', stream.finish)
        proxy.wait_until_idle()
        stream.close()
        world.alice.unpin(HOST)


# Connections for any protocol

def echo(connection):
    data = connection.read()
    if data:
        connection.send(data)
    return bool(data)


@test('a connection for any protocol goes the way of requests, and megabytes go both ways')
def _(world):
    for keywords in ({}, {'identity': world.issue('127.0.0.1')}):
        server, proxy = set_up(world, **keywords)
        server.speak = echo
        tunnel = world.alice.connect(HOST, server.port)
        equal([one.target for one in proxy.asked], [f'{HOST}:{server.port}'], 'what the proxy was asked')
        equal(tunnel.info['proxy'], proxy.url(), 'the proxy in the evidence')
        holds(not resolver.was_asked(HOST), 'the host was looked up')
        data = os.urandom(4096 * KIB)
        sender = threading.Thread(target=tunnel.send, args=[data], daemon=True)
        sender.start()
        holds(tunnel.read(len(data)) == data, 'what came back is not what was sent')
        sender.join(DEADLINE_S)
        tunnel.end()
        equal(tunnel.read_all(), b'', 'what came at the end')
        equal(tunnel.finish(), {'bytes-sent': len(data), 'bytes-received': len(data)}, 'what Finish says')


@test('a connection for any protocol offers the host its protocols, and not the proxy')
def _(world):
    server, _ = set_up(world, identity=world.issue('127.0.0.1'))
    server.speak = echo
    server.prefer('imap')
    equal(world.alice.connect(HOST, server.port, alpn=['smtp', 'imap']).info['alpn'], 'imap', 'the protocol')


@test('a connection for any protocol never goes around a proxy')
def _(world):
    proxy = add_proxy(world)
    configure(world, proxy)
    server, _ = serve_pinned(world, 'h.localhost')
    for answer, error in ((saying(http.reply(503, b'')), 'ProxyFailed'), (saying(http.reply(407, b'')), 'ProxyAuthRequired')):
        proxy.answer = answer
        world.alice.refused(error, world.alice.begin_connect('h.localhost', server.port).wait)
    world.alice.pin(METADATA, world.issue(METADATA).der)
    opened = proxy.opened
    world.alice.refused('AddressDenied', world.alice.begin_connect(METADATA, 1).wait)
    equal((proxy.opened, len(server.connections)), (opened, 0), 'the connections to the proxy, and to the host')


@test('NoProxy goes directly for any protocol, and so does a socket of the caller’s')
def _(world):
    proxy = add_proxy(world)
    configure(world, proxy, more='NoProxy=.localhost')
    server, _ = serve_pinned(world, 'h.localhost')
    other, _ = serve_pinned(world)
    with socket.create_connection((other.address, other.port)) as client:
        tunnels = (world.alice.connect('h.localhost', server.port),
                   world.alice.connect(HOST, other.port, descriptors=[client.fileno()], starttls=V('h', 0)))
    holds(not any('proxy' in tunnel.info for tunnel in tunnels), 'the evidence names a proxy')
    equal(proxy.opened, 0, 'the number of connections to the proxy')


def with_greeting(proxy, connection, asked):
    """Connects, and says so in one piece with the first that the host says."""
    with socket.create_connection(('127.0.0.1', int(asked.target.rpartition(':')[2]))) as there:
        connection.sendall(ESTABLISHED + there.recv(65536))
        proxy.carry(connection, there)


def add_starttls_test(protocol, steps):
    @test(f'{protocol} is spoken up to TLS through a proxy, and what is put behind it fails')
    def _(world):
        for keywords in ({}, {'identity': world.issue('127.0.0.1')}):
            server, proxy = set_up(world, **keywords)
            wrap = server.wrap
            for answer in (Proxy.connect, with_greeting)[:2 if steps[0][0] else 1]:
                proxy.answer = answer
                server.wrap, server.speak = wrap, echo
                hold_dialogue(server, steps)
                tunnel = world.alice.connect(HOST, server.port, starttls_protocol=protocol)
                tunnel.send(b'hello')
                equal(tunnel.read(5), b'hello', 'what came back')
                equal(tunnel.info['proxy'], proxy.url(), 'the proxy in the evidence')
                tunnel.close()
            server.wait_until_idle()
            heard = hear_no_more(server)
            hold_dialogue(server, steps[:-1] + [(steps[-1][0] + b'injected', b'')])
            world.alice.refused('TlsFailed', world.alice.connect, HOST, server.port, starttls_protocol=protocol)
            server.wait_until_idle()
            equal(b''.join(heard), b'', 'what the server hears then')
            holds(not resolver.was_asked(HOST), 'the host was looked up')


for _protocol, (_steps, _) in DIALOGUES.items():
    add_starttls_test(_protocol, _steps)


@test('certpinctl speaks STARTTLS through a proxy with credentials, and never around it')
def _(world):
    proxy = add_proxy(world)
    path = write_credentials(world, proxy)
    configure(world, proxy, more=f'ProxyCredentials={path}')
    server, _ = serve_pinned(world)
    steps, greeting = DIALOGUES['imap']
    hold_dialogue(server, steps)
    server.speak = lambda connection: bool(connection.read()) and (connection.send(b'yes') or True)
    output = exits(world, OK, 'connect', '--starttls=imap', f'{HOST}:{server.port}', stdin=b'hello')
    equal(output, greeting + b'yes', 'what is written')
    equal([one.headers.get('proxy-authorization') for one in proxy.asked], [f'Basic {SECRET}'], 'the credentials')
    before = len(server.connections)
    proxy.answer = saying(http.reply(503, b''))
    code, output, errors = ctl(world, 'connect', '--starttls=imap', f'{HOST}:{server.port}', stdin=b'hello')
    equal((code, output, len(server.connections)), (PROXY_FAILED, b'', before), f'the end, with “{errors}”,')
    has_no_secret(world, errors)


@test('the pin changes under a connection through a proxy: it is cut')
def _(world):
    for keywords in ({}, {'identity': world.issue('127.0.0.1')}):
        server, proxy = set_up(world, **keywords)
        server.speak = echo
        tunnel = world.alice.connect(HOST, server.port)
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')
        world.alice.pin(HOST, world.issue(HOST).der)
        try:
            tunnel.read_all()
            raise AssertionError('it is not cut')
        except ConnectionResetError:
            pass
        proxy.wait_until_idle()
        world.alice.refused('PinChanged', tunnel.finish)


# Proxies that do something else

def reset(connection):
    reset_when_closed(connection)


def drip(connection):
    tick = threading.Event()
    while True:  # sending fails when the other side has gone
        connection.sendall(b'x')
        tick.wait(0.02)


def nothing(_connection):
    pass


STOLEN = b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen'
REFUSED = b'HTTP/1.1 %d Sorry, hush\r\nContent-Length: 6\r\n\r\nstolen'
HUGE = b'HTTP/1.1 200 OK\r\n' + b'X-Huge: ' + b'x' * 70000 + b'\r\n\r\n'
PART = (b'HTTP/1.1 200 OK\r\nX: ' + b'x' * 4096)[:4092] + b'\r\n\r\n'  # as much as is read at once
MANY = b'HTTP/1.1 200 OK\r\n' + b'X: y\r\n' * 1001 + b'\r\n'
# name → what it says, error, what the message has
MISBEHAVIOURS = {
    'is silent': (saying(), 'TimedOut', ''),
    'drips its head': (saying(b'HTTP/1.1 200 ', then=drip), 'TimedOut', ''),
    'drips interim responses': (saying(b'HTTP/1.1 100 Continue\r\n\r\n' * 16, then=Proxy.drain), 'TimedOut', ''),
    'sends too many interim responses': (saying(b'HTTP/1.1 100 Continue\r\n\r\n' * 17), 'ProxyFailed', 'interim'),
    'sends garbage': (saying(b'\x00\xff garbage hush\r\n\r\n'), 'ProxyFailed', 'did not answer in HTTP/1.1'),
    'sends back what it was sent': (lambda proxy, connection, asked: (
        connection.sendall(f'{asked.headers.get("proxy-authorization")}\r\n\r\n'.encode()), proxy.drain(connection)),
        'ProxyFailed', 'did not answer in HTTP/1.1'),
    'sends a huge head': (saying(HUGE), 'ProxyFailed', 'did not answer in HTTP/1.1'),
    'sends too many fields': (saying(MANY), 'ProxyFailed', 'did not answer in HTTP/1.1'),
    'sends a head that never ends': (saying(HUGE[:-2] * 20), 'ProxyFailed', 'did not answer in HTTP/1.1'),
    'switches protocols': (saying(b'HTTP/1.1 101 Switching\r\n\r\n'), 'ProxyFailed', 'did not answer in HTTP/1.1'),
    'says 200 and more': (saying(STOLEN), 'ProxyFailed', 'before the host was sent any'),
    'says 200 in one part, and a byte in the next': (saying(PART + b'x'), 'ProxyFailed', 'before the host was sent any'),
    'says 200 and a ServerHello': (saying(ESTABLISHED + b'\x16\x03\x03\x00\x04\x02\x00\x00\x00'), 'ProxyFailed',
                                   'before the host was sent any'),
    'demands credentials': (saying(REFUSED % 407), 'ProxyAuthRequired', 'demands credentials (status 407)'),
    'does not authorize it': (saying(REFUSED % 401), 'ProxyAuthRequired', 'does not accept the credentials'),
    'forbids it': (saying(REFUSED % 403), 'ProxyFailed', f'refused to connect to ‘{HOST}:'),
    'has a bad gateway': (saying(REFUSED % 502), 'ProxyFailed', f'could not connect to ‘{HOST}:'),
    'redirects': (saying(b'HTTP/1.1 302 Found\r\nLocation: https://h.test/\r\n\r\n'), 'ProxyFailed', '(status 302)'),
    'closes': (saying(then=nothing), 'ProxyFailed', 'closed the connection'),
    'closes in its head': (saying(b'HTTP/1.1 200 OK\r\n', then=nothing), 'ProxyFailed', 'closed the connection'),
    'resets': (saying(then=reset), 'ProxyFailed', 'closed the connection'),
    'says 200 and closes': (saying(ESTABLISHED, then=nothing), ('ProxyFailed', 'TlsFailed', 'Unreachable'), ''),
    'says 200 and resets': (saying(ESTABLISHED, then=reset), ('ProxyFailed', 'TlsFailed', 'Unreachable'), ''),
    'says 200 and is silent': (saying(ESTABLISHED), 'TimedOut', ''),
    'says 200 and then garbage': (lambda proxy, connection, asked: (
        connection.sendall(ESTABLISHED), connection.recv(1), connection.sendall(b'garbage' * 100), proxy.drain(connection)),
        'TlsFailed', HOST),
    'says 200 and then answers itself': (lambda proxy, connection, asked: (
        connection.sendall(ESTABLISHED), connection.recv(1), connection.sendall(STOLEN), proxy.drain(connection)),
        'TlsFailed', HOST),
}


def add_misbehaviour_test(name, secure, answer, error, said):
    @test(f'an {"https" if secure else "http"} proxy {name}: {error}, and no byte of the request')
    def _(world):
        identity = world.issue('127.0.0.1') if secure else None
        proxy = add_proxy(world, identity)
        path = write_credentials(world, proxy)
        configure(world, proxy, more=f'ProxyCredentials={path}' if 'demands' not in name else '')
        server, _ = serve_pinned(world)
        proxy.answer = answer
        timeout_ms = 1000 if error == 'TimedOut' else 30000
        refusal = world.alice.refuses(error, server.url(HOST), timeout_ms=timeout_ms)
        holds(said in refusal.message, f'{said} is not in {refusal}')
        holds('stolen' not in refusal.message and 'Sorry' not in refusal.message, f'it has the proxy’s text: {refusal}')
        if refusal.name.startswith('Proxy'):
            holds(proxy.url() in refusal.message, f'it does not name the proxy: {refusal}')
        has_no_secret(world, refusal.message)
        proxy.wait_until_idle()
        equal(len(server.connections), 0, 'the number of connections to the server')
        proxy.answer = Proxy.connect
        world.arrives(server, host=HOST)


for _name, _rest in MISBEHAVIOURS.items():
    for _secure in (False, True):
        add_misbehaviour_test(_name, _secure, *_rest)


@test('a proxy that speaks before it is asked is refused')
def _(world):
    server, proxy = set_up(world)
    proxy.greet = lambda _proxy, connection: connection.sendall(STOLEN)
    world.alice.refuses('ProxyFailed', server.url(HOST))
    proxy.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')


@test('an interim response before the final one is skipped')
def _(world):
    server, proxy = set_up(world)

    def answer(proxy, connection, asked):
        connection.sendall(b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n')
        proxy.connect(connection, asked)

    proxy.answer = answer
    world.arrives(server, host=HOST)


@test('a success with lengths that mean nothing, byte by byte')
def _(world):
    server, proxy = set_up(world)

    def answer(proxy, connection, asked):
        with socket.create_connection(('127.0.0.1', server.port)) as there:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in b'HTTP/1.0 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n':
                connection.sendall(bytes([byte]))
            proxy.carry(connection, there)

    proxy.answer = answer
    world.arrives(server, host=HOST)


@test('50 requests at once take as many tunnels as a host may have connections')
def _(world):
    server, proxy = set_up(world)
    for pending in [world.alice.begin_request(server.url(HOST, f'/{number}')) for number in range(50)]:
        equal(pending.answer().status, 200, 'the status')
    holds(len(proxy.asked) <= CONNECTIONS, f'{len(proxy.asked)} tunnels')


@test('proxies that fail leave no file descriptor behind')
def _(world):
    for identity in (None, world.issue('127.0.0.1')):
        server, proxy = set_up(world, identity=identity)
        counts = []
        for answer in [Proxy.connect] + [misbehaviour[0] for misbehaviour in MISBEHAVIOURS.values()]:
            proxy.answer = answer
            try:
                world.alice.request(server.url(HOST), timeout_ms=150)
            except CallError:
                pass
            world.alice.pin(HOST, world.issue(HOST).der)  # which ends what is kept
            proxy.wait_until_idle()
            counts.append(len(os.listdir(f'/proc/{world.daemon.process.pid}/fd')))
        holds(max(counts) <= counts[0] + 1, f'the numbers of descriptors: {counts}')


@test('a dead proxy: ProxyFailed, and nobody goes around it')
def _(world):
    with socket.create_server(('127.0.0.1', 0)) as probe:
        port = probe.getsockname()[1]
    configure(world, f'http://127.0.0.1:{port}')
    server, _ = serve_pinned(world, 'h.localhost')
    refusal = world.no_connection(server, 'ProxyFailed', server.url('h.localhost'))
    holds('cannot be reached' in refusal.message, refusal)


@test('a proxy whose name leads nowhere, where there is no default route: Offline')
def _(world):
    configure(world, 'http://nowhere.test:3128')
    resolver.lead('nowhere.test', ())
    server, _ = serve_pinned(world, 'h.localhost')
    world.no_connection(server, 'Offline', server.url('h.localhost'))


@test('a request that was cancelled while the proxy was asked leaves nothing behind')
def _(world):
    server, proxy = set_up(world)
    proxy.hold()
    caller = world.new_caller(world.alice.uid)
    caller.begin_request(server.url(HOST))
    caller.flush()
    proxy.wait(lambda: proxy.asked, 'a request')
    caller.vanish()
    proxy.let_go()
    proxy.wait_until_idle()
    world.arrives(server, host=HOST)


@test('a proxy of two addresses: the one that answers is used (RFC 8305)')
def _(world):
    proxy = add_proxy(world)
    for addresses in (('::1', '127.0.0.1'), ('127.0.0.1', '::1')):
        resolver.lead(PROXY_NAME, addresses)
        configure(world, proxy.url(PROXY_NAME))
        server, _ = serve_pinned(world)
        equal(world.arrives(server, host=HOST).info['proxy'], proxy.url(PROXY_NAME), 'the proxy')


@test('a proxy of two addresses, one of which is silent: the other is tried soon (RFC 8305)')
def _(world):
    proxy = add_proxy(world)
    with (socket.create_server(('::1', proxy.port), family=socket.AF_INET6, backlog=0) as deaf,
          socket.socket(socket.AF_INET6) as first):
        first.connect(deaf.getsockname())  # from now on its queue is full, and it drops what comes
        resolver.lead(PROXY_NAME, ('::1', '127.0.0.1'))
        configure(world, proxy.url(PROXY_NAME))
        waits = []
        while len(waits) < 10 and not any(wait > 200000 for wait in waits):  # which one is found first is open
            server, _ = serve_pinned(world)
            waits.append(world.arrives(server, host=HOST, timeout_ms=3000).info['timings']['connect'])
        holds(any(wait > 200000 for wait in waits), 'the silent one was not tried')


@test('a request may be sent again if a kept connection through a proxy has died')
def _(world):
    server, proxy = set_up(world)
    world.arrives(server, host=HOST)
    [connection] = server.connections
    server.respond = lambda one, request: None if one is connection else http.reply(200, b'hello')
    equal(world.arrives(server, host=HOST).info['connection-reused'], False, 'connection-reused')
    equal(len(proxy.asked), 2, 'the number of tunnels')


# Proxies over TLS

@test('an https proxy is validated ordinarily: one that is not trusted is told nothing')
def _(world):
    for identity in (world.issue('other.test'), world.issue('127.0.0.1', end=pki.now() - pki.DAY / 2)):
        server, proxy = set_up(world, identity=identity)
        refusal = world.alice.refuses('ProxyFailed', server.url(HOST))
        holds(f'proxy ‘{proxy.url()}’ is not trusted' in refusal.message, refusal)
        proxy.wait_until_idle()
        equal(proxy.asked, [], 'what it was asked')
        equal(server.bytes, 0, 'the bytes that arrived')


class Trust:
    """The trust anchors of a service behind an https proxy that another authority vouches for than the servers."""

    def __init__(self, world):
        self.world = world
        world.daemon.trust_file = os.path.join(world.folder, 'trust.pem')
        self.write(world.authority, world.other_authority)
        self.server, self.proxy = set_up(world, identity=world.other_authority.issue('127.0.0.1'))

    def write(self, *authorities):
        with open(self.world.daemon.trust_file, 'wb') as file:
            file.write(b''.join(one.pem for one in authorities))

    def become(self, *authorities):
        self.write(*authorities)
        self.world.root.call(PINS, 'Reload', '')


@test('an https proxy is validated again before each request: one that is no longer trusted gets nothing more')
def _(world):
    trust = Trust(world)
    world.arrives(trust.server, host=HOST)
    trust.become(world.authority, world.other_authority, pki.Authority('Another Root'))
    equal(world.arrives(trust.server, host=HOST).info['connection-reused'], True, 'connection-reused where it still passes')
    trust.become(world.authority)
    carried = trust.proxy.carried
    refusal = world.nothing_arrives(trust.server, 'ProxyFailed', host=HOST)
    holds(f'proxy ‘{trust.proxy.url()}’ is not trusted' in refusal.message, refusal)
    trust.proxy.wait_until_idle()
    equal((trust.proxy.carried, len(trust.proxy.asked)), (carried, 1), 'what went through the proxy, and the tunnels')
    trust.become(world.authority, world.other_authority)
    equal(world.arrives(trust.server, host=HOST).info['connection-reused'], False, 'connection-reused')


@test('the certificate of an https proxy expires while a connection through it is kept: not one byte')
def _(world):
    end = pki.now() + datetime.timedelta(seconds=4)
    server, _ = set_up(world, identity=world.issue('127.0.0.1', end=end))
    world.arrives(server, host=HOST)
    equal(world.arrives(server, host=HOST).info['connection-reused'], True, 'connection-reused')
    world.wait_for_time(end)
    refusal = world.nothing_arrives(server, 'ProxyFailed', host=HOST)
    holds('is not trusted' in refusal.message and 'expired' in refusal.message, refusal)


@test('what goes through an https proxy is cut when that is no longer trusted, and goes on when it still is')
def _(world):
    trust = Trust(world)
    trust.server.respond = drip_half
    stream = world.alice.stream(trust.server.url(HOST))
    holds(stream.read(), 'nothing came')
    trust.server.respond = lambda connection, _request: connection.drain()
    asked = len(trust.server.requests)
    pending = world.alice.begin_request(trust.server.url(HOST))
    trust.server.wait_for_requests(asked + 1)
    trust.server.speak = echo
    tunnel = world.alice.connect(HOST, trust.server.port)
    for number in range(2):
        trust.become(world.authority, world.other_authority, pki.Authority(f'Another Root {number}'))
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'what came back')
    trust.become(world.authority)
    world.alice.refused('PinChanged', pending.answer)
    holds(not stream.read_all()[1], 'a body that was cut ended like a whole one')
    world.alice.refused('PinChanged', stream.finish)
    try:
        tunnel.read_all()
        raise AssertionError('the connection is not cut')
    except ConnectionResetError:
        pass
    holds('is not trusted' in world.alice.refused('PinChanged', tunnel.finish).message, 'the reason')
    trust.proxy.wait_until_idle()


@test('an https proxy that speaks no TLS, or never finishes its handshake')
def _(world):
    server, proxy = set_up(world, identity=world.issue('127.0.0.1'))
    proxy.greet = lambda _proxy, connection: connection.sendall(ESTABLISHED)
    refusal = world.alice.refuses('ProxyFailed', server.url(HOST))
    holds('did not complete a handshake' in refusal.message, refusal)
    proxy.greet = lambda _proxy, connection: Proxy.drain(connection)
    world.alice.refuses('TimedOut', server.url(HOST), timeout_ms=300)
    proxy.wait_until_idle()


@test('a pin of an https proxy’s name is no pin of the hosts behind it')
def _(world):
    server, proxy = set_up(world, identity=world.issue('127.0.0.1'))
    world.alice.pin('127.0.0.1', world.issue('127.0.0.1').der)
    world.arrives(server, host=HOST)
    server.present(world.other_authority.issue(HOST))
    world.daemon.restart()
    world.nothing_arrives(server, 'PinMismatch', host=HOST)
    equal(len(proxy.asked), 2, 'the number of tunnels')


# Credentials

@test('credentials go to the proxy, to no other, to no host, and into no message')
def _(world):
    proxy, other = add_proxy(world), add_proxy(world)
    path = write_credentials(world, proxy)
    configure(world, proxy, other, more=f'ProxyCredentials={path}')
    server, _ = serve_pinned(world)
    answer = world.arrives(server, host=HOST)
    world.arrives(server, host=HOST, proxy=other.url())
    equal(proxy.asked[0].headers['proxy-authorization'], f'Basic {SECRET}', 'what it was sent')
    holds('proxy-authorization' not in other.asked[0].headers, 'the other proxy got them')
    for request in server.requests:
        holds(not [name for name in request.headers if name.startswith('proxy')], 'the host got them')
    proxy.answer = saying(REFUSED % 407)
    configure(world, proxy, other, more=f'ProxyCredentials={path}')
    refusal = world.alice.refuses('ProxyAuthRequired', server.url(HOST))
    holds('does not accept the credentials' in refusal.message, refusal)
    explained, = world.alice.call(PINS, 'ExplainHost', '(sa{sv})', HOST, {})
    has_no_secret(world, repr(answer), refusal.message, repr(explained))


@test('credentials that others could read keep the service from starting, and are not shown')
def _(world):
    proxy = add_proxy(world)
    world.daemon.terminate()
    path = write_credentials(world, proxy)
    world.daemon.configure(f'[Network]\nProxy={proxy.url()}\nProxyCredentials={path}\n')
    equal(world.daemon.run('--check'), (0, '0 problems\n'), 'what --check says')
    for mode, owner in ((0o644, 0), (0o620, 0), (0o600, 1)):
        os.chmod(path, mode)
        os.chown(path, owner, 0)
        code, said = world.daemon.run()
        equal(code, 2, 'the exit code')
        holds(path in said and 'others could read or change it' in said, said)
        has_no_secret(world, said)
    os.chown(path, 0, 0)
    os.chmod(path, 0o600)
    world.daemon.start()


enter_namespace(FILES)
resolver = Resolver()
run(World)
