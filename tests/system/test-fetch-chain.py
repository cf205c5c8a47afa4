#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""FetchChain: what a server presents, good or bad, is told, and not one byte of data is sent to it. Runs in a network and
a mount namespace of its own, where names lead where this test says."""

import contextlib
import datetime
import socket
import ssl
import threading
import time

from cryptography.hazmat.primitives.asymmetric import rsa

from lib import pki
from lib.caller import NAME, PATH, CallError
from lib.network import METADATA, enter_namespace
from lib.proxy import Proxy, saying
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.world import HOST, World

FILES = {'hosts': f'127.0.0.1 localhost h.localhost\n127.0.0.1 home.test\n{METADATA} cloud.test\n'}
SHORT_MS = 300


def at(server, host=HOST):
    return f'{host}:{server.port}'


def shows(world, server, verdict, host=HOST, caller=None, **options):
    """Looks at a server, which gets no byte of data, and whose connection is over. Returns: chain and info"""
    before = server.bytes
    chain, info = (caller or world.alice).fetch_chain(at(server, host), **options)
    server.wait_until_idle()
    equal(server.bytes - before, 0, 'the number of bytes that reached the server')
    equal(info['verdict'], verdict, f'the verdict ({info["reason"]})')
    return chain, info


def seconds(moment):
    return int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())


# What is told

@test('a server that passes: its chain byte for byte, each certificate described, and the verdict')
def _(world):
    middle = pki.Authority('Middle', world.authority)
    identity = middle.issue(HOST, subject='leaf')
    world.alice.pin(HOST, identity.der)
    server = world.serve(identity)
    chain, info = shows(world, server, 'Pass')
    equal(chain, [identity.der, middle.der], 'the chain')
    first, second = info['certificates']
    equal((first['subject'], first['issuer'], first['key']), ('CN=leaf', 'CN=Middle', identity.pin), 'the first')
    equal((first['not-before'], first['not-after']), (seconds(identity.certificate.not_valid_before),
                                                      seconds(identity.certificate.not_valid_after)), 'its dates')
    equal((second['subject'], second['key']), ('CN=Middle', middle.pin), 'the second')
    equal((info['trusted'], info['matched-key'], info['matched-position']), (True, identity.pin, 0), 'the match')
    equal(info['path-keys'], [identity.pin, middle.pin, world.authority.pin], 'the path')
    equal(info['offered-keys'], [identity.pin, middle.pin], 'the keys as presented')
    equal((info['host'], info['tls-version'], info['ocsp']), (at(server), '1.3', 'none'), 'the connection')
    equal(sorted(info['timings']), ['connect', 'queue', 'resolve', 'tls', 'total'], 'the timings')
    holds('problem' not in info and 'handshake-error' not in info and 'proxy' not in info, f'it says more: {info}')


@test('TLS 1.2 is told')
def _(world):
    server, _ = world.serve_pinned(versions=('TLSv1_2', 'TLSv1_2'))
    info = shows(world, server, 'Pass')[1]
    equal(info['tls-version'], '1.2', 'the version')
    holds(info['tls-cipher'].startswith('TLS_'), f'the cipher: {info["tls-cipher"]}')


@test('a host that is not pinned, is blocked, or whose pin has another key')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    chain, info = shows(world, server, 'NotPinned')
    equal((chain, info['trusted'], info['path-keys']), ([identity.der], True, [identity.pin, world.authority.pin]),
          'what is told of a host that is not pinned')
    world.alice.pin(HOST, world.issue().der)
    chain, info = shows(world, server, 'PinMismatch')
    equal((chain, info['trusted'], 'matched-key' in info), ([identity.der], True, False), 'what is told of another key')
    world.alice.block(HOST)
    shows(world, server, 'Blocked')
    world.alice.pin(HOST, identity.der)
    shows(world, server, 'Pass')
    shows(world, server, 'NotPinned', caller=world.bob)


@test('one can pin what was told, and then make a request')
def _(world):
    server = world.serve()
    chain, info = shows(world, server, 'NotPinned')
    world.alice.pin(HOST, chain[0])
    equal(world.arrives(server).info['matched-key'], info['certificates'][0]['key'], 'the matched key')


def add_untrusted_test(what, problem, make):
    @test(f'a certificate that is {what}: an answer, and why it is not trusted')
    def _(world):
        identity = make(world)
        server = world.serve(identity)
        chain, info = shows(world, server, 'NotPinned')
        equal((chain[0], info['trusted'], info['problem']), (identity.der, False, problem), 'what is told')
        holds(info['detail'], 'no sentence says why')
        equal(info['certificates'][0]['key'], identity.pin, 'the key')
        world.alice.pin_keys(HOST, identity.pin)
        shows(world, server, 'Untrusted')
        world.nothing_arrives(server, 'Untrusted')


add_untrusted_test('of an unknown authority', 'unknown-issuer', lambda world: pki.Authority('Nobody').issue(HOST))
add_untrusted_test('self-signed', 'self-signed', lambda world: pki.self_signed(HOST))
add_untrusted_test('for another name', 'name', lambda world: world.issue('other.localhost'))
add_untrusted_test('expired', 'expired',
                   lambda world: world.issue(start=pki.now() - 9 * pki.DAY, end=pki.now() - pki.DAY))
add_untrusted_test('not yet valid', 'not-yet-valid', lambda world: world.issue(start=pki.now() + pki.DAY))


@test('by the trust anchors of a pin the verdict passes, though the system does not trust the chain')
def _(world):
    private = pki.Authority('Private')
    identity = private.issue(HOST)
    world.alice.pin(HOST, identity.der, trust_anchors=[private.der])
    server = world.serve(identity)
    info = shows(world, server, 'Pass')[1]
    equal((info['trusted'], info['problem'], info['path-keys']),
          (False, 'unknown-issuer', [identity.pin, private.pin]), 'what is told')


def long_exponent_key():
    """Verifies a signature more slowly than the keys that authorities use: the service does not use it."""
    primes = rsa.generate_private_key(65537, 2048).private_numbers()
    p, q, e = primes.p, primes.q, 2 ** 521 - 1
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q),
                                 public).private_key()


@test('a pin can be supposed: the verdict is what a request would get, beside the pins of the other scope')
def _(world):
    identity, other = world.issue(), world.issue()
    server = world.serve(identity)

    def suppose(verdict, **options):
        return shows(world, server, verdict, **{'keys': [identity.pin], **options})[1]

    info = suppose('Pass')
    equal((info['matched-key'], info['matched-position']), (identity.pin, 0), 'the match')
    suppose('PinMismatch', keys=[other.pin])
    suppose('Pass', keys=[other.pin, identity.pin])
    suppose('PinMismatch', keys=[world.authority.pin])
    equal(suppose('Pass', keys=[world.authority.pin], match='path')['matched-position'], 1, 'the position')
    # In place of that of its scope, which stays as it is.
    world.alice.pin_keys(HOST, other.pin)
    suppose('Pass', scope='user')
    suppose('PinMismatch', scope='system')
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.unpin(HOST)
    world.root.pin_keys(HOST, other.pin, scope='system')
    holds("the system's pin" in suppose('PinMismatch')['reason'], 'it does not say whose pin refuses')
    suppose('Pass', scope='system')
    world.root.block(HOST, 'no', scope='system')
    suppose('Blocked')
    world.root.unpin(HOST, scope='system')
    world.no_connection(server, 'NotPinned', server.url(HOST))


@test('a pin that is supposed has trust anchors of its own, or the system’s')
def _(world):
    private = pki.Authority('Private')
    identity = private.issue(HOST)
    server = world.serve(identity)
    shows(world, server, 'Untrusted', keys=[identity.pin])
    info = shows(world, server, 'Pass', keys=[identity.pin], trust_anchors=[private.der])[1]
    equal((info['trusted'], info['problem']), (False, 'unknown-issuer'), 'by the anchors of the system')
    # The pin of the other scope has the system's.
    world.root.pin_keys(HOST, identity.pin, scope='system')
    shows(world, server, 'Untrusted', keys=[identity.pin], trust_anchors=[private.der])
    equal(shows(world, world.serve(world.issue('other.localhost')), 'Untrusted', keys=[identity.pin])[1]['problem'],
          'name', 'the problem of another name')


@test('a pin that cannot be made cannot be supposed, and nothing is connected to')
def _(world):
    server = world.serve(world.issue())
    key = world.issue().pin
    for error, options in (('InvalidKey', {'keys': ['sha1/x']}), ('InvalidArgument', {'keys': []}),
                           ('InvalidArgument', {'keys': [key] * 65}), ('InvalidArgument', {'match': 'path'}),
                           ('InvalidArgument', {'scope': 'user'}), ('InvalidArgument', {'keys': [key], 'scope': 'all'}),
                           ('InvalidArgument', {'keys': [key], 'match': 'root'}),
                           ('InvalidArgument', {'trust_anchors': [world.authority.der]})):
        world.alice.refused(error, world.alice.fetch_chain, at(server), **options)
    world.alice.refused('InvalidArgument', world.alice.fetch_chain, at(server), keys=[key],
                        trust_anchors=[b'junk'])
    server.barrier()
    equal(server.connections, [], 'the connections')


@test('a chain that ends the handshake is told, and that the key is not proved')
def _(world):
    key = long_exponent_key()
    for authority, trusted, verdict in ((world.authority, True, 'TlsFailed'),
                                        (pki.Authority('Nobody'), False, 'Untrusted')):
        identity = authority.issue(HOST, key=key)
        world.alice.pin_keys(HOST, identity.pin)
        server = world.serve(identity)
        chain, info = shows(world, server, verdict)
        equal((chain, info['trusted']), ([identity.der], trusted), 'what is told')
        holds(info['handshake-error'] and 'matched-key' not in info, f'the key counts as proved: {info}')
        world.nothing_arrives(server, verdict)


@test('a server that ends the handshake because it wants a certificate: the chain, and the verdict TlsFailed')
def _(world):
    server, identity = world.serve_pinned(versions=('TLSv1_2', 'TLSv1_2'))
    server._context.load_verify_locations(cadata=world.authority.pem.decode())  # pylint: disable=protected-access
    server._context.verify_mode = ssl.CERT_REQUIRED  # pylint: disable=protected-access
    chain, info = shows(world, server, 'TlsFailed')
    equal((chain[0], info['trusted'], 'matched-key' in info), (identity.der, True, False), 'what is told')
    equal(info['reason'], info['handshake-error'], 'the reason')
    world.nothing_arrives(server, 'TlsFailed')


@test('a certificate in the chain that cannot be parsed has a fault, in its place')
def _(world):
    identity = world.issue()
    junk = pki.Identity(identity.certificate, identity.key, [Junk(pki.forged('Junk'))])
    server = world.serve(junk)
    chain, info = shows(world, server, 'NotPinned')
    equal(chain, [identity.der, junk.issuers[0].der], 'the chain')
    equal([sorted(one) for one in info['certificates']],
          [['issuer', 'key', 'not-after', 'not-before', 'subject'], ['fault']], 'what is told of each')


class Junk:
    """A certificate that OpenSSL sends and that is not DER: its serial number has a length of one byte too many."""

    def __init__(self, identity):
        der = bytearray(identity.der)
        der.insert(der.index(b'\xa0\x03\x02\x01\x02\x02') + 6, 0x81)
        der[3] += 1  # the length of the whole, and that of what is signed
        der[6] += 1
        self.der = bytes(der)
        self.pem = ssl.DER_cert_to_PEM_cert(self.der).encode()


# That nothing is sent, kept or recorded

@test('the connection is used for nothing else, and none that is kept is used for a look')
def _(world):
    server, _ = world.serve_pinned()
    shows(world, server, 'Pass')
    equal(world.arrives(server).info['connection-reused'], False, 'connection-reused')
    world.alice.fetch_chain(at(server))
    equal(world.arrives(server).info['connection-reused'], True, 'connection-reused')
    equal(server.handshakes, 3, 'the number of handshakes')


@test('nothing is recorded, nobody is told, and what was never pinned stays so')
def _(world):
    world.alice.be_told()
    server, identity = world.serve_pinned()
    server.present(world.impostor())
    shows(world, server, 'PinMismatch')
    world.alice.refused('NotPinned', world.alice.last_failure, at(server))
    equal([name for name, _ in world.alice.signals if name == 'PinFailed'], [], 'the signals')
    holds('refused a request' not in world.daemon.log(), f'the log: {world.daemon.log()}')
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the keys')


@test('a server that speaks unasked, or sends a long chain, is told like any other, and others go on')
def _(world):
    server, identity = world.serve_pinned()
    server.greet(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n' * 1000)
    equal(shows(world, server, 'Pass')[0], [identity.der], 'the chain')
    many = [pki.forged(f'Nobody {number}') for number in range(60)]
    long = world.serve(identity.with_chain(many))
    pending = world.alice.begin_fetch_chain(at(long))
    started = time.monotonic()
    world.bob.list_pins()
    holds(time.monotonic() - started < 3, 'others waited')
    chain, info = pending.wait()
    equal((len(chain), len(info['certificates']), info['verdict']), (61, 61, 'Pass'), 'what is told of a long chain')
    equal(info['path-keys'], [identity.pin, world.authority.pin], 'the path')
    equal(long.bytes, 0, 'the number of bytes that reached the server')


# Who cannot be looked at

@contextlib.contextmanager
def listener(talk=None):
    """A server of TCP alone. `talk`: called with each connection. Yields: its port, and what it was sent"""
    said = []
    with socket.create_server(('127.0.0.1', 0)) as server:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        said.append(connection.recv(65536))
                        if talk:
                            talk(connection)
                        while connection.recv(65536):
                            pass
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], said
        server.shutdown(socket.SHUT_RDWR)


@test('a server that stays silent: TimedOut, in the time that was given')
def _(world):
    with listener() as (port, said):
        world.alice.refused('TimedOut', world.alice.fetch_chain, HOST, port=port, timeout_ms=SHORT_MS)
        holds(said[0].startswith(b'\x16\x03'), f'it was sent something else than a handshake: {said[0][:20]}')


@test('a server that speaks no TLS: TlsFailed')
def _(world):
    with listener(lambda connection: connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')) as (port, _):
        world.alice.refused('TlsFailed', world.alice.fetch_chain, HOST, port=port)
    with listener(lambda connection: connection.shutdown(socket.SHUT_RDWR)) as (port, _):
        world.alice.refused('TlsFailed', world.alice.fetch_chain, HOST, port=port)


@test('TLS 1.1: TlsFailed; nobody there: Unreachable; no name server: Offline')
def _(world):
    server = world.serve(versions=('TLSv1_1', 'TLSv1_1'))
    world.alice.refused('TlsFailed', world.alice.fetch_chain, at(server))
    server.close()
    world.alice.refused('Unreachable', world.alice.fetch_chain, at(server))
    world.alice.refused('Offline', world.alice.fetch_chain, 'nowhere.invalid')


@test('addresses that requests may not go to: AddressDenied, without a connection')
def _(world):
    for host in (METADATA, f'[::ffff:{METADATA}]', 'cloud.test'):
        world.alice.refused('AddressDenied', world.alice.fetch_chain, host)
    server = world.serve(world.issue('home.test'))
    world.daemon.configure('[Network]\nDenyForUsers=loopback\n')
    world.daemon.restart()
    for host in ('home.test', '127.0.0.1'):
        world.alice.refused('AddressDenied', world.alice.fetch_chain, host, port=server.port)
    server.barrier()
    world.root.block('home.test', scope='system')
    world.alice.refused('AddressDenied', world.alice.fetch_chain, 'home.test', port=server.port)
    world.root.pin('home.test', world.issue().der, scope='system', expires=int(time.time()) + 2)
    deadline = time.monotonic() + DEADLINE_S
    while world.root.get_pin('home.test', scope='system')['state'] == 'active':
        holds(time.monotonic() < deadline, 'the pin never ended')
    world.alice.refused('AddressDenied', world.alice.fetch_chain, 'home.test', port=server.port)
    server.barrier()
    equal(len(server.connections), 0, 'the number of connections')
    world.root.pin('home.test', world.issue().der, scope='system')
    shows(world, server, 'PinMismatch', host='home.test')


@test('arguments: hosts that are none, patterns, ports that contradict, unknown options')
def _(world):
    look = world.alice.fetch_chain
    for host in ('', 'a..b', '*.localhost', f'https://{HOST}/', 'h.localhost:0', 'h.localhost:70000'):
        world.alice.refused('InvalidHost', look, host)
    world.alice.refused('InvalidHost', look, f'{HOST}:443', port=444)
    for options in ({'port': 0}, {'port': V('s', '443')}, {'timeout_ms': 0}, {'timeout_ms': 600001},
                    {'handle_token': '-'}, {'proxy': 'http://other.test:1'}, {'require_keys': [world.issue().pin]},
                    {'raw': {'method': V('s', 'GET')}}):
        world.alice.refused('InvalidArgument', look, HOST, **options)


# Proxies

def behind(world, **keywords):
    proxy = world.track(Proxy(world.folder, **keywords))
    world.daemon.configure(f'[Network]\nProxy={proxy.url()};direct\n')
    world.daemon.restart()
    return proxy


@test('through a proxy, the chain is the server’s, and the proxy is told')
def _(world):
    for keywords in ({}, {'identity': world.issue('127.0.0.1')}):
        proxy = behind(world, **keywords)
        identity = world.issue()
        server = world.serve(identity)
        chain, info = shows(world, server, 'NotPinned')
        equal((chain, info['trusted']), ([identity.der], True), 'the chain')
        equal([(one.method, one.target) for one in proxy.asked], [('CONNECT', at(server))], 'what it was asked')
        equal(info['proxy'], proxy.url(), 'the proxy')
        direct = shows(world, server, 'NotPinned', proxy='direct')[1]
        holds('proxy' not in direct, 'it names a proxy')
        equal(len(proxy.asked), 1, 'the number of tunnels')
        proxy.wait_until_idle()


@test('a proxy that refuses: ProxyFailed or ProxyAuthRequired; one that is not trusted: ProxyFailed')
def _(world):
    proxy = behind(world)
    server = world.serve()
    for status, error in ((b'403 No', 'ProxyFailed'), (b'407 Who', 'ProxyAuthRequired')):
        proxy.answer = saying(b'HTTP/1.1 ' + status + b'\r\n\r\n')
        world.alice.refused(error, world.alice.fetch_chain, at(server))
    behind(world, identity=pki.self_signed('127.0.0.1'))
    world.alice.refused('ProxyFailed', world.alice.fetch_chain, at(server))
    server.barrier()
    equal(len(server.connections), 0, 'the number of connections')


# Ends, turns and limits

def silent(world):
    """A server that accepts and never answers a handshake."""
    return world.serve(handshake=False)


def cancel(caller, token):
    path = f'{PATH}/request/{caller.unique_name[1:].replace(".", "_")}/{token}'
    caller.call(NAME + '.Request', 'Cancel', '', path=path)


@test('Cancel ends it, and so does the end of its caller: the connection is over')
def _(world):
    server = silent(world)
    pending = world.alice.begin_fetch_chain(at(server), handle_token='mine')
    server.wait(lambda: len(server.connections) == 1, 'a connection')
    cancel(world.alice, 'mine')
    world.alice.refused('Cancelled', pending.wait)
    server.wait_until_idle()
    other = world.new_caller(world.alice.uid)
    other.begin_fetch_chain(at(server))
    server.wait(lambda: len(server.connections) == 2, 'another connection')
    other.vanish()
    server.wait_until_idle()


@test('looks count as requests: past the limits LimitExceeded at once, and only for that user')
def _(world):
    world.daemon.configure('[Limits]\nRunningPerUser=2\nWaitingPerUser=1\n')
    world.daemon.restart()
    server, good = silent(world), world.serve()
    pending = [world.alice.begin_fetch_chain(at(server), timeout_ms=60000, handle_token=f't{number}')
               for number in range(3)]
    server.wait(lambda: len(server.connections) == 2, 'two connections')
    world.alice.refused('LimitExceeded', world.alice.fetch_chain, at(good))
    world.alice.pin(HOST, world.issue().der)
    world.alice.refuses('LimitExceeded', good.url(HOST))
    shows(world, good, 'NotPinned', caller=world.bob)
    for number, one in enumerate(pending):
        cancel(world.alice, f't{number}')
        world.alice.refused('Cancelled', one.wait)
    shows(world, good, 'PinMismatch')


@test('one that waits for its turn times out there, without a connection')
def _(world):
    world.daemon.configure('[Limits]\nRunningPerUser=1\n')
    world.daemon.restart()
    server, good = silent(world), world.serve()
    world.alice.begin_fetch_chain(at(server), timeout_ms=60000, handle_token='mine')
    server.wait(lambda: len(server.connections) == 1, 'a connection')
    world.alice.refused('TimedOut', world.alice.fetch_chain, at(good), timeout_ms=SHORT_MS)
    good.barrier()
    equal(len(good.connections), 0, 'the number of connections')
    cancel(world.alice, 'mine')


@test('a flood of looks, good and bad, leaves nothing open, and requests still pass')
def _(world):
    good, identity = world.serve_pinned()
    bad = world.serve(pki.self_signed(HOST))
    world.arrives(good)
    before = world.count_files()
    pending = [world.alice.begin_fetch_chain(at(server)) for _ in range(60) for server in (good, bad)]
    for number, one in enumerate(pending):
        verdict = one.wait()[1]['verdict']
        equal(verdict, 'Untrusted' if number % 2 else 'Pass', 'the verdict')
    equal(bad.bytes, 0, 'the number of bytes that reached the bad server')
    world.wait_for_files(before)
    world.arrives(good)


@test('the service ends at once, though a look is under way')
def _(world):
    server = silent(world)
    pending = world.alice.begin_fetch_chain(at(server), timeout_ms=60000)
    server.wait(lambda: len(server.connections) == 1, 'a connection')
    _, seconds_taken = world.daemon.terminate()
    holds(seconds_taken < DEADLINE_S, f'it took {seconds_taken:.1f} s')
    try:
        pending.wait()
        raise AssertionError('it was answered')
    except CallError:
        pass
    world.daemon.start()


@test('a server that changes its certificate between looks is told as it is now')
def _(world):
    server, identity = world.serve_pinned()
    for presented in (identity, world.impostor(), identity):
        server.present(presented)
        equal(shows(world, server, 'Pass' if presented is identity else 'PinMismatch')[0], [presented.der],
              'the chain')


enter_namespace(FILES)
run(World)
