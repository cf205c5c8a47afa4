#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a hostile program or server may try: none of it freezes the service, makes it grow or ends
it, and other users are answered all the while."""

import functools
import math
import os
import threading
import time
from concurrent import futures

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, rsa

from lib import bus, http, pki
from lib.caller import PINS, CallError
from lib.gnutls import Tls
from lib.openssl_server import OpensslServer
from lib.records import HANDSHAKE, PLAINTEXT_MAX, TICKET, Records
from lib.server import Gate
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, HOST, World

OTHERS_WAIT_S = 2
MIB = 1024 * 1024
PEER = 'org.freedesktop.DBus.Peer'
NO_KEY = 'sha256/' + 'E' * 43 + '='


# What is watched

def is_done(pending):
    return pending.number in pending.caller.replies


def answer_others(world, *pending):
    """Bob is answered, again and again and each time soon, until these calls are over."""
    tick = threading.Event()
    while True:
        over = all(is_done(one) for one in pending)
        started = time.monotonic()
        world.bob.refused('NotPinned', world.bob.get_pin, 'other.localhost')
        seconds = time.monotonic() - started
        holds(seconds < OTHERS_WAIT_S, f'another user was answered after {seconds:.1f} s')
        if over:
            return
        tick.wait(0.02)


def wait_with_others(world, pending, seconds=DEADLINE_S):
    """Waits for a call while others are answered."""
    started = time.monotonic()
    answer_others(world, pending)
    holds(time.monotonic() - started < seconds, 'it took too long')
    return pending.wait()


def resident_mib(world):
    with open(f'/proc/{world.daemon.process.pid}/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / MIB


def descriptors(world):
    return len(os.listdir(f'/proc/{world.daemon.process.pid}/fd'))


# Keys that take minutes to verify with

def large(bits):
    """A number of so many bits with no small factor, like the primes that it stands for."""
    start = (1 << bits) - 0x123456789ABCDEF1
    return next(number for number in range(start, start + 100000, 2)
                if math.gcd(number, math.factorial(1000)) == 1)


def slow_rsa(bits, exponent_bits):
    return rsa.RSAPublicNumbers(large(exponent_bits), large(bits)).public_key()


def tlv(tag, *parts):
    content = b''.join(parts)
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, 'big')
    return bytes([tag] + ([128 + len(length)] if len(content) > 127 else [])) + length + content


def slow_dsa(bits):
    p, q, g, y = (tlv(2, large(bits - less).to_bytes((bits - less) // 8 + 1, 'big'))
                  for less in (0, 2, 3, 3))
    algorithm = tlv(0x30, bytes.fromhex('06072a8648ce380401'), tlv(0x30, p, q, g))
    return serialization.load_der_public_key(tlv(0x30, algorithm, tlv(3, b'\0', y)))


SLOW_KEYS = {
    'an RSA key of 131072 bits': lambda: slow_rsa(131072, 131070),
    'an RSA key of 8192 bits with an exponent as long': lambda: slow_rsa(8192, 8190),
    'a DSA key of 40960 bits': lambda: slow_dsa(40960)}


SHA256_WITH_RSA = bytes.fromhex('300d06092a864886f70d01010b0500')


@functools.cache
def small_key(is_dsa):
    return dsa.generate_private_key(1024) if is_dsa else rsa.generate_private_key(65537, 2048)


def signed_by_slow(key, subject, issuer, public_key, **keywords):
    """A certificate with a signature that can only be told to be wrong by a long calculation."""
    made = pki.make(subject, issuer, public_key, small_key(isinstance(key, dsa.DSAPublicKey)),
                    **keywords)
    if isinstance(key, dsa.DSAPublicKey):
        return made
    signature = large(key.key_size - 1).to_bytes(key.key_size // 8, 'big')
    return x509.load_der_x509_certificate(
        tlv(0x30, made.tbs_certificate_bytes, SHA256_WITH_RSA, tlv(3, b'\0', signature)))


def add_slow_pin_test(what, make_key):
    @test(f'PinCertificate with {what}: SelfSigned, and others go on')
    def _(world):
        key = make_key()
        made = signed_by_slow(key, HOST, HOST, key, names=[HOST])
        pending = world.alice.begin_pin(HOST, made.public_bytes(pki.DER))
        world.alice.refused('SelfSigned', wait_with_others, world, pending)


def add_slow_server_test(what, make_key, count):
    @test(f'a server that presents {count} issuers with {what}: refused, and others go on')
    def _(world):
        key = make_key()
        own = pki.new_key()
        leaf = signed_by_slow(key, HOST, 'X', own.public_key(), names=[HOST])
        issuers = [pki.Identity(signed_by_slow(key, 'X', 'X', key, ca=True), None, [])
                   for _ in range(count)]
        server = world.serve(pki.Identity(leaf, own, issuers))
        world.alice.pin_keys(HOST, NO_KEY)
        pending = world.alice.begin_request(server.url(HOST), timeout_ms=3000)
        world.alice.refused(('Untrusted', 'PinMismatch'), wait_with_others, world, pending, 8)
        equal(server.bytes, 0, 'the number of bytes that reached the server')


for name, function in SLOW_KEYS.items():
    add_slow_pin_test(name, function)
for (name, function), number in zip(SLOW_KEYS.items(), (2, 25, 4)):
    add_slow_server_test(name, function, number)


def ask_until(caller, over):
    """Calls again and again until that is set, and once more. Returns: the longest that an answer took, in seconds"""
    longest, last = 0, False
    while not last:
        last = over.is_set()
        began = time.monotonic()
        caller.call(PEER, 'Ping', '()')
        longest = max(longest, time.monotonic() - began)
    return longest


def add_rest_test(what, begin):
    @test(f'who {what} rests for as long as that takes, while others go on')
    def _(world):
        calls = begin(world)
        asker, over = world.new_caller(ALICE), threading.Event()
        with futures.ThreadPoolExecutor(1) as pool:
            before = world.daemon.processor_seconds()
            pending = [call() for call in calls]
            longest = pool.submit(ask_until, asker, over)
            try:
                answer_others(world, *pending)
            finally:
                over.set()
            taken = world.daemon.processor_seconds() - before
            print(f'# {taken:.2f} s of processor time, and {longest.result():.2f} s until an answer')
            holds(taken > 0.1, 'it was not enough to tell')
            holds(longest.result() > min(taken, 1) / 2, 'who caused that did not rest')


def slow_chain():
    """Returns: a leaf with its issuers, which issued each other, many times over"""
    names, keys = ('A', 'B'), (pki.new_key(), pki.new_key())
    own = pki.new_key()
    leaf = pki.Identity(pki.make(HOST, 'A', own.public_key(), keys[0], [HOST]), own, [])
    return leaf.with_chain([
        pki.Identity(pki.make(names[i], names[1 - i], keys[i].public_key(), keys[1 - i], ca=True), None, [])
        for _ in range(20) for i in (0, 1)])


def slow_handshakes(world):
    server = world.serve(slow_chain())
    world.alice.pin_keys('*.x.localhost', NO_KEY)
    return [lambda number=number: world.alice.begin_request(server.url(f'h{number}.x.localhost')) for number in range(20)]


def slow_judgements(world):
    chain = slow_chain()
    ders = [one.der for one in (chain, *chain.issuers)]
    return [lambda: world.alice.begin(PINS, 'VerifyChain', '(saaya{sv})', HOST, ders, {})] * 20


add_rest_test('asks servers that take long to validate', slow_handshakes)
add_rest_test('has chains judged that take long', slow_judgements)


@test('authorities that issued each other, many times over: Untrusted, and others go on')
def _(world):
    slow = slow_chain()
    world.alice.pin(HOST, slow.der)
    for identity in (slow.with_chain(slow.issuers[:2]), slow):
        server = world.track(OpensslServer(world.folder, identity))
        pending = world.alice.begin_request(server.url(HOST, '/secret'), timeout_ms=5000)
        world.alice.refused('Untrusted', wait_with_others, world, pending, 8)
        holds('secret' not in server.close(), 'the request reached the server')


# Servers that go on for ever

def refused_without_end(world, server, error, new_send, timeout_ms):
    """What the server sends again and again, by what `new_send` makes of a connection, is stopped,
    and does not keep others waiting."""
    stopped = threading.Event()

    def respond(connection, _request):
        send = new_send(connection)
        try:
            while True:
                send()
        except OSError:
            stopped.set()

    server.respond = respond
    pending = world.alice.begin_request(server.url(HOST), timeout_ms=timeout_ms)
    world.alice.refused(error, wait_with_others, world, pending)
    holds(stopped.wait(DEADLINE_S), 'the server can still send')
    server.respond = lambda connection, request: http.reply(200)
    world.arrives(server)


def add_interim_test(what, interim):
    @test(f'a server that answers {what} without end: ProtocolError, and others go on')
    def _(world):
        server, _ = world.serve_pinned()
        refused_without_end(world, server, 'ProtocolError',
                            lambda connection: lambda: connection.send(interim * 4000), 5000)


add_interim_test('100 Continue', b'HTTP/1.1 100 Continue\r\n\r\n')
add_interim_test('103 Early Hints', b'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n')


@test('a server that sends TLS tickets without end: TimedOut, none is kept, and others go on')
def _(world):
    world.start_to_measure()
    server, _ = world.serve_pinned(versions=('TLSv1_3', 'TLSv1_3'))
    Records.prepare(server)
    before = resident_mib(world)
    tickets = TICKET * (PLAINTEXT_MAX // len(TICKET))

    def new_send(connection):
        records = Records(connection)
        return lambda: connection.write_raw(records.seal(tickets, HANDSHAKE))

    refused_without_end(world, server, 'TimedOut', new_send, 2000)
    grown = resident_mib(world) - before
    holds(grown < 16, f'the service has grown by {grown:.0f} MiB')


# Text as long as a message of the bus may be

LONG = 32 * MIB - 400


def add_long_text_test(what, begin, errors='InvalidArgument'):
    @test(f'{what} of 32 MiB: an error that fits, and the service is still there')
    def _(world):
        pending = begin(world.new_caller(ALICE))
        error = world.alice.refused(errors, wait_with_others, world, pending)
        holds(len(error.message.encode()) < 4096, f'{len(error.message)} characters of error')
        world.bob.refused('NotPinned', world.bob.get_pin, HOST)
        equal(world.daemon.process.poll(), None, 'the exit code of the service')


def get_pin(host, options=None):
    return lambda caller: caller.begin(PINS, 'GetPin', '(sa{sv})', host, options or {})


add_long_text_test('a host that is no ASCII', get_pin('é' * (LONG // 2)), 'InvalidHost')
add_long_text_test('a port', get_pin('a:' + 'x' * LONG), 'InvalidHost')
add_long_text_test('an option’s name', get_pin(HOST, {'x' * LONG: V('s', '')}))
add_long_text_test('a method', lambda caller: caller.begin_request('https://h/', '(' * LONG))
add_long_text_test('a header’s name', lambda caller: caller.begin_request(
    'https://h/', 'GET', [('(' * LONG, '')]), ('InvalidArgument', 'LimitExceeded'))


def lengthen(der, short, long):
    """The same certificate with another name, which is longer than the library makes them; its
    signature is no longer right."""
    out = b''
    while der:
        tag, size, start = der[0], der[1], 2
        if size & 128:
            start += size & 127
            size = int.from_bytes(der[2:start], 'big')
        content, der = der[start:start + size], der[start + size:]
        out += tlv(tag, lengthen(content, short, long) if tag & 0x20
                   else long if content == short else content)
    return out


@test('certificates with names of 30000 bytes: what is kept and listed of them is short')
def _(world):
    hosts = [f'h{number}.localhost' for number in range(8)]
    der = lengthen(pki.self_signed('short').der, b'short', b'n' * 30000)
    for host in hosts:
        world.alice.pin_keys(host, NO_KEY)
        try:
            world.alice.pin(host, der)
        except CallError as error:
            holds(len(error.message) < 4096, f'{len(error.message)} characters of error')
    pins = world.alice.list_pins()
    equal(len(pins), len(hosts), 'the number of pins')
    holds(len(repr(pins)) < 4096 * len(hosts), f'the list has {len(repr(pins))} characters')


@test('pins that do not fit into one message are listed in several')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    for number in range(3):
        path = os.path.join(world.daemon.pins_dir, f'{number}.pin')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(f'[Pin File]\nVersion=1\n\n[one]\nHost=n{number}.localhost\n'
                       f'Keys={NO_KEY};\nNote={"n" * 12 * MIB}\n')
    world.daemon.restart()
    for caller in (world.alice, world.bob):
        equal([pin['host'] for pin in caller.list_pins()],
              ([HOST] if caller is world.alice else []) + [f'n{number}.localhost' for number in range(3)],
              'the hosts')
    equal([pin['host'] for pin in world.alice.list_pins(scope='user')], [HOST], 'Alice’s own')
    equal(world.bob.get_pin('n0.localhost')['keys'], [NO_KEY], 'the keys of one')


# What adds up

@test('methods of all kinds leave nothing behind')
def _(world):
    world.start_to_measure()
    world.alice.pin_keys(HOST, NO_KEY)

    def ask(count, size):
        for number in range(count):
            method = f'M{number}' + 'X' * size
            world.alice.refused(('InvalidArgument', 'Unreachable', 'LimitExceeded'),
                                world.alice.request, f'https://{HOST}:1/', method)

    ask(20, 10)
    ask(5, MIB)
    before = resident_mib(world)
    ask(60, MIB)
    grown = resident_mib(world) - before
    holds(grown < 30, f'the service has grown by {grown:.0f} MiB')


@test('more calls under way than a program may have: LimitExceeded, until some are answered')
def _(world):
    world.daemon.terminate()
    world.daemon.configure('[Limits]\nWaitingPerUser=65536\n')
    world.daemon.start()
    server, _ = world.serve_pinned()
    gate = Gate()
    server.respond = gate.respond
    many = world.new_caller(ALICE)
    pending = [many.begin_request(server.url(HOST)) for _ in range(600)]
    for one in pending[512:]:
        many.refused('LimitExceeded', one.wait)
    many.refused('LimitExceeded', many.get_pin, HOST)
    equal(any(is_done(one) for one in pending[:512]), False, 'that some are over')
    equal(world.alice.get_pin(HOST)['host'], HOST, 'what the user’s other program is told')
    gate.open()
    for one in pending[:512]:
        equal(one.answer().status, 200, 'the status')
    equal(many.request(server.url(HOST)).status, 200, 'the status')


@test('idle channels of one user, in any number: 64 of them hold descriptors')
def _(world):
    hosts = [f'h{number}.localhost' for number in range(100)]
    identity = world.issue(*hosts)
    server = world.serve(identity)
    for host in hosts:
        world.alice.pin_keys(host, identity.pin)
    before = descriptors(world)
    for batch in (hosts[:50], hosts[50:]):
        for one in [world.alice.begin_request(server.url(host)) for host in batch]:
            equal(one.answer().status, 200, 'the status')
    server.wait(lambda: sum(not one.ended for one in server.connections) <= 64,
                'connections to end')
    equal(world.arrives(server, host=hosts[-1]).info['connection-reused'], True, 'reused')
    now = descriptors(world)
    holds(now <= before + 64 + 8, f'{now} descriptors, {before} before')


# Servers that never answer

def bob_is_served(world, make):
    """What Bob does for the first time takes no longer than ever."""
    identity = world.issue('bob.localhost')
    server = world.serve(identity)
    make()
    started = time.monotonic()
    world.bob.pin('bob.localhost', identity.der)
    answer = world.bob.request(server.url('bob.localhost'))
    seconds = time.monotonic() - started
    equal(answer.status, 200, 'the status')
    holds(seconds < OTHERS_WAIT_S, f'another user was served after {seconds:.1f} s')


def all_time_out(world, pending):
    for one in pending:
        world.alice.refused('TimedOut', one.wait)


@test('64 requests to servers that do no handshake: another user’s first is served at once')
def _(world):
    good, _ = world.serve_pinned()
    silent, pending = [world.serve(handshake=False) for _ in range(11)], []

    def make():
        pending.extend(world.alice.begin_request(silent[number // 6].url(HOST), timeout_ms=4000)
                       for number in range(64))
        world.alice.flush()
        silent[0].wait(lambda: silent[0].connections, 'a connection')

    bob_is_served(world, make)
    equal(any(is_done(one) for one in pending), False, 'that some are over')
    all_time_out(world, pending)
    world.arrives(good)


@test('64 requests to servers that ask for another handshake and leave it: TlsFailed at once')
def _(world):
    good, identity = world.serve_pinned()
    servers, pending, stop = [world.serve(identity) for _ in range(11)], [], threading.Event()

    def ask_and_leave_it(connection, _request):
        connection.socket.ask_for_handshake(identity)
        stop.wait(DEADLINE_S)
        return b''

    def make():
        pending.extend(world.alice.begin_request(servers[number // 6].url(HOST), timeout_ms=15000)
                       for number in range(64))
        world.alice.flush()
        servers[0].wait(lambda: servers[0].requests, 'a request')

    for server in servers:
        server.wrap = lambda connection: Tls(connection.socket, identity, 'TLS1.2')
        server.respond = ask_and_leave_it
    bob_is_served(world, make)
    for one in pending:
        world.alice.refused('TlsFailed', one.wait)
    stop.set()
    world.arrives(good)


@test('requests of 1 ms to servers that do no handshake: they end, and others are served')
def _(world):
    good, _ = world.serve_pinned()
    silent, pending = [world.serve(handshake=False) for _ in range(4)], []

    def make():
        pending.extend(world.alice.begin_request(silent[number % 4].url(HOST), timeout_ms=1)
                       for number in range(256))
        world.alice.flush()

    bob_is_served(world, make)
    all_time_out(world, pending)
    world.arrives(good)
    for server in silent:
        server.wait_until_idle()


# What is torn

@test('a torn state file whose name tells the host only in part blocks all of its user’s hosts')
def _(world):
    server, identity = world.serve_pinned()
    long = ('a' * 60 + '.') * 3 + 'b_' * 20 + '.localhost'
    world.alice.pin_keys(long, NO_KEY)
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    [cut] = [name for name in os.listdir(folder) if '~' in name]
    world.daemon.terminate()
    with open(os.path.join(folder, cut), 'r+', encoding='utf-8') as file:
        file.truncate(file.read().rindex('['))
    world.daemon.start()
    for host in (long, HOST):
        world.no_connection(server, 'Blocked', server.url(host))
    world.bob.pin(HOST, identity.der)
    world.arrives(server, caller=world.bob)


# A bus that lets a program have more calls under way than the service does.
bus.CONFIGURATION = bus.CONFIGURATION.replace(
    '</busconfig>', '<limit name="max_replies_per_connection">4096</limit></busconfig>')
run(World)
