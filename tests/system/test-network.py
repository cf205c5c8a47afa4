#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No network, a network where nobody answers, and networks that go while they are used. Runs in a network
and a mount namespace of its own."""

import contextlib
import subprocess
import time

from lib.fake_logind import FakeLogind
from lib.http import reply
from lib.network import enter_namespace
from lib.server import Gate
from lib.tap import equal, holds, run, test
from lib.uplink import DEAD, DEAD6, FAR, FAR6, Uplink, ip
from lib.world import World

BEHIND_RULE = '203.0.113.7'  # packets to it are thrown away by a route
DEAD_MS = 250  # RFC 8305, section 8
SLACK_MS = 200
# What a failure that nobody has to wait for takes at most.
AT_ONCE_S = 2

NAMES = {'loopback.test': ['127.0.0.1'], 'far.test': [FAR], 'far6.test': [FAR6], 'both.test': [FAR6, FAR],
         'dead4.test': [DEAD[0], FAR], 'dead6.test': [DEAD6[0], FAR6],
         'dead64.test': [*DEAD6, FAR], 'dead444.test': [*DEAD, FAR], 'dead-rule.test': [BEHIND_RULE, FAR],
         'all-dead.test': DEAD[:2]}
FILES = {'hosts': '127.0.0.1 localhost h.localhost\n' + ''.join(
             f'{address} {name}\n' for name, addresses in NAMES.items() for address in addresses),
         'resolv.conf': f'nameserver {FAR}\n',
         'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n'}
HOSTS = [*(name for name in NAMES if name != 'loopback.test'), 'nowhere.test', FAR, FAR6]


def url_host(host):
    return f'[{host}]' if ':' in host else host


def pin(world, *hosts):
    """Returns: the identity of all of them"""
    identity = world.issue(*hosts)
    for host in hosts:
        world.alice.pin(url_host(host), identity.der)
    return identity


def serve_far(world, uplink, identity, address=FAR, **keywords):
    with uplink.far():
        return world.serve(identity, address=address, **keywords)


def fails(world, name, host, port=443, **options):
    """Returns: after how many seconds"""
    started = time.monotonic()
    world.alice.refuses(name, f'https://{url_host(host)}:{port}/', **options)
    return time.monotonic() - started


# Offline

@contextlib.contextmanager
def rule(kind):
    """A default route of a kind that leads nowhere."""
    for family in ('-4', '-6'):
        ip(family, 'route', 'add', kind, 'default')
    try:
        yield
    finally:
        for family in ('-4', '-6'):
            ip(family, 'route', 'del', kind, 'default')


@contextlib.contextmanager
def nothing():
    ip('link', 'set', 'lo', 'down')
    try:
        yield
    finally:
        ip('link', 'set', 'lo', 'up')


STATES = {'nothing, not even loopback': nothing, 'loopback alone': contextlib.nullcontext,
          **{f'a default route that is a {kind}': lambda kind=kind: rule(kind)
             for kind in ('prohibit', 'unreachable', 'blackhole', 'throw')}}


def add_offline_test(state, make):
    @test(f'{state}: Offline at once, for names and addresses')
    def _(world):
        pin(world, *HOSTS)
        with make():
            slowest = max(fails(world, 'Offline', host) for host in HOSTS)
        holds(slowest < AT_ONCE_S, f'it took {slowest:.1f} s')


for entry in STATES.items():
    add_offline_test(*entry)


@test('loopback alone: what is on it can be reached, or is Unreachable')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    server.close()
    world.alice.refuses('Unreachable', server.url('h.localhost'))


@test('no address but those of loopback: names that lead there are found')
def _(world):
    server = world.serve(pin(world, 'loopback.test'))
    ip('address', 'flush', 'dev', 'lo', 'scope', 'global')
    ip('address', 'flush', 'dev', 'lo', 'scope', 'link')
    world.alice.request(server.url('loopback.test'))


@test('a network without a way out: Offline beyond it, Unreachable on it')
def _(world):
    world.track(Uplink(default=False))
    pin(world, FAR, '203.0.113.1', '198.51.100.99')
    fails(world, 'Offline', '203.0.113.1')
    fails(world, 'Unreachable', FAR)
    fails(world, 'Unreachable', '198.51.100.99')


# With a network

@test('with a network: Unreachable, whatever the cause')
def _(world):
    world.track(Uplink())
    pin(world, *HOSTS, BEHIND_RULE, '198.51.100.99')
    for host in ('nowhere.test', 'far.test', 'far6.test', FAR, '198.51.100.99'):
        fails(world, 'Unreachable', host)
    for kind in ('prohibit', 'unreachable', 'blackhole', 'throw'):
        ip('route', 'add', kind, BEHIND_RULE)
        expected = 'Unreachable' if kind != 'throw' else ('Unreachable', 'TimedOut')
        fails(world, expected, BEHIND_RULE, timeout_ms=1000)
        ip('route', 'del', kind, BEHIND_RULE)


def add_other_family_test(families, host):
    @test(f'only IPv{families}, and a host that has only the other: Unreachable')
    def _(world):
        world.track(Uplink(families=families))
        pin(world, host)
        fails(world, 'Unreachable', host)


add_other_family_test('4', FAR6)
add_other_family_test('4', 'far6.test')
add_other_family_test('6', FAR)
add_other_family_test('6', 'far.test')


# Dead addresses

def add_dead_test(host, dead, listen=FAR):
    @test(f'{host}: each of {dead} dead addresses before it costs at most {DEAD_MS} ms')
    def _(world):
        uplink = world.track(Uplink())
        ip('route', 'add', 'blackhole', BEHIND_RULE)
        try:
            server = serve_far(world, uplink, pin(world, host), address=listen)
            answer = world.alice.request(server.url(host))
        finally:
            ip('route', 'del', 'blackhole', BEHIND_RULE)
        took = answer.info['timings']['connect'] / 1000
        print(f'# {host}: connected after {took:.0f} ms, {dead} dead addresses')
        holds(took < dead * DEAD_MS + SLACK_MS, f'it took {took:.0f} ms')


add_dead_test('far.test', 0)
add_dead_test('dead4.test', 1)
add_dead_test('dead6.test', 1, FAR6)
add_dead_test('dead64.test', 1)  # families take turns, so the second address is of IPv4
add_dead_test('dead444.test', 3)
add_dead_test('dead-rule.test', 0)


@test('a host whose addresses are all dead: TimedOut, as soon as the request says')
def _(world):
    world.track(Uplink())
    pin(world, 'all-dead.test')
    holds(fails(world, 'TimedOut', 'all-dead.test', timeout_ms=500) < AT_ONCE_S, 'it is late')


# Networks that change

def idle(world, uplink, host='far.test', **keywords):
    """Returns: a server with one connection, that nothing is on"""
    server = serve_far(world, uplink, pin(world, host), **keywords)
    world.alice.request(server.url(host))
    return server


def wait_for_end(server, what):
    """Waits for the first connection to end."""
    started = time.monotonic()
    server.wait(lambda: server.connections[0].ended, 'its connection to end')
    print(f'# {what}: the idle connection ended after {(time.monotonic() - started) * 1000:.0f} ms')


def add_change_test(what, *commands):
    @test(f'{what}: idle connections are dropped')
    def _(world):
        uplink = world.track(Uplink())
        server = idle(world, uplink)
        for command in commands:
            ip(*command.split())
        wait_for_end(server, what)
        answer = world.alice.request(server.url('far.test'))
        equal(answer.info['connection-reused'], False, 'whether it went over the old one')


add_change_test('a route comes', 'route add 203.0.113.0/24 via 198.51.100.80')
add_change_test('the default route of IPv4 goes', 'route del default')
add_change_test('the default route of IPv6 goes', '-6 route del default')
add_change_test('an address comes', 'address add 203.0.113.1/24 dev near')
add_change_test('an address comes and goes', 'address add 203.0.113.1/24 dev near',
                'address del 203.0.113.1/24 dev near')
add_change_test('another interface goes', 'link add other type veth peer name rehto',
                'link set other up', 'link del other')


@test('on loopback, too')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.track(Uplink())
    wait_for_end(server, 'an interface comes')


@test('what nobody takes as a way leaves idle connections alone')
def _(world):
    uplink = world.track(Uplink())
    server = idle(world, uplink)
    for command in ('link add other type veth peer name rehto', 'link set rehto up', 'link set other up',
                    'address add fe80::77/64 dev other nodad', 'address del fe80::77/64 dev other'):
        ip(*command.split())
    subprocess.run(['ip', 'address', 'change', '198.51.100.1/24', 'dev', 'near', 'valid_lft', '500',
                    'preferred_lft', '400'], check=True)  # as a lease is renewed
    reused = world.alice.request(server.url('far.test')).info['connection-reused']
    ip('link', 'del', 'other')
    equal(reused, True, 'whether it went over the old one')


def hold_answer(server):
    """Returns: a gate that the next answer waits at"""
    gate = Gate()
    server.respond = gate.respond
    return gate


def begin_held(world, server, **keywords):
    """Returns: a request that the server has, and has not answered"""
    count = len(server.requests)
    pending = world.alice.begin_request(server.url('far.test'), **keywords)
    server.wait_for_requests(count + 1)
    return pending


def ends_at_once(world, pending, name):
    started = time.monotonic()
    error = world.alice.refused(name, pending.wait)
    took = time.monotonic() - started
    print(f'# {name} after {took * 1000:.0f} ms: {error.message}')
    holds(took < AT_ONCE_S, f'it took {took:.1f} s')


def link_down():
    ip('link', 'set', 'near', 'down')


def link_del():
    ip('link', 'del', 'near')


def add_loss_test(what, lose):
    @test(f'{what} while a server makes an answer: the request ends at once, or goes the way that is left')
    def _(world):
        uplink = world.track(Uplink(families='4'))
        server = idle(world, uplink)
        gate = hold_answer(server)
        pending = begin_held(world, server)
        lose()
        ends_at_once(world, pending, 'Offline')  # a GET on a kept connection was tried again
        gate.open()


for arguments in (('its address goes', Uplink.lose_address), ('its interface goes down', link_down),
                  ('its interface goes', link_del)):
    add_loss_test(*arguments)


@test('its address goes, and there is another: a GET on a kept connection is answered over that')
def _(world):
    uplink = world.track(Uplink(families='4'))
    server = idle(world, uplink)
    Uplink.give_second_address()
    world.alice.request(server.url('far.test'))  # the routes have changed: a new connection
    gate = hold_answer(server)
    pending = begin_held(world, server)
    server.respond = lambda connection, request: reply(200, b'again')
    started = time.monotonic()
    Uplink.lose_address()
    equal(pending.answer().body, b'again', 'the answer')
    took = time.monotonic() - started
    print(f'# answered over the second address after {took * 1000:.0f} ms')
    holds(took < AT_ONCE_S, f'it took {took:.1f} s')
    gate.open()


def add_cut_test(what, kept, **keywords):
    @test(f'its address goes: {what} is not sent again, and ends at once')
    def _(world):
        uplink = world.track(Uplink(families='4'))
        server = idle(world, uplink)
        if not kept:
            world.daemon.restart()
        gate = hold_answer(server)
        pending = begin_held(world, server, **keywords)
        count = len(server.requests)
        Uplink.lose_address()
        ends_at_once(world, pending, 'Truncated')
        equal(len(server.requests), count, 'the number of requests')
        gate.open()


add_cut_test('a POST', True, method='POST', body=b'once')
add_cut_test('a GET on a new connection', False)


def add_set_up_test(what, serve):
    @test(f'its address goes during {what}: it ends at once')
    def _(world):
        uplink = world.track(Uplink(families='4'))
        port = serve(world, uplink)
        pending = world.alice.begin_request(f'https://far.test:{port}/' if port else
                                            'https://all-dead.test/')
        world.alice.flush()
        if port:
            server = world.silent
            server.wait(lambda: server.connections, 'a connection')
        else:
            wait_for_connect()
        Uplink.lose_address()
        ends_at_once(world, pending, 'Offline')


def wait_for_connect():
    """Until somebody waits for an answer from where nobody is."""
    deadline = time.monotonic() + AT_ONCE_S * 5
    while 'SYN-SENT' not in subprocess.run(['ss', '-tanH'], check=True, capture_output=True, text=True).stdout:
        holds(time.monotonic() < deadline, 'nobody connects')


def serve_silent(world, uplink):
    world.silent = serve_far(world, uplink, pin(world, 'far.test'), handshake=False)
    return world.silent.port


def serve_nobody(world, _uplink):
    pin(world, 'all-dead.test')


add_set_up_test('the handshake', serve_silent)
add_set_up_test('the connect', serve_nobody)


@test('a kept connection that is silently dead: a GET is sent again within seconds')
def _(world):
    uplink = world.track(Uplink(families='4'))
    server = idle(world, uplink)
    uplink.silence(server.connections[0])
    started = time.monotonic()
    answer = world.alice.request(server.url('far.test'))
    took = time.monotonic() - started
    print(f'# answered over a new connection after {took:.1f} s')
    equal(answer.info['connection-reused'], False, 'whether it went over the old one')
    holds(2 < took < 8, f'it took {took:.1f} s')


@test('a server that is slow to answer is not taken for dead')
def _(world):
    uplink = world.track(Uplink(families='4'))
    server = idle(world, uplink)
    gate = hold_answer(server)
    pending = begin_held(world, server)
    time.sleep(4)  # longer than a dead one is given
    gate.open()
    answer = pending.answer()
    equal((answer.info['connection-reused'], len(server.requests)), (True, 2), 'the connection, and the requests')


# Sleep

@test('the machine wakes up: idle connections are dropped, and what is under way goes on')
def _(world):
    logind = world.track(FakeLogind(world.shared.bus.address))
    uplink = world.track(Uplink())
    server = idle(world, uplink)
    gate = hold_answer(server)
    pending = begin_held(world, server)
    logind.prepare_for_sleep(True)
    logind.prepare_for_sleep(False)
    for _ in range(3):
        world.alice.list_pins()  # so that the service has heard it before the answer comes
    gate.open()
    equal(pending.answer().status, 200, 'the status')
    logind.prepare_for_sleep(True)
    equal(world.alice.request(server.url('far.test')).info['connection-reused'], True,
          'whether the connection was kept')
    logind.prepare_for_sleep(False)
    wait_for_end(server, 'waking up')


@test('only logind says that the machine wakes up')
def _(world):
    uplink = world.track(Uplink())
    server = idle(world, uplink)
    stranger = world.track(FakeLogind(world.shared.bus.address, name=None))
    stranger.prepare_for_sleep(False)
    for _ in range(3):
        equal(world.alice.request(server.url('far.test')).info['connection-reused'], True,
              'whether the connection was kept')


enter_namespace(FILES)
run(World)
