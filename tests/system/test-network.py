#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No network, and a network where nobody answers. Runs in a network and a mount namespace of its own."""

import contextlib
import time

from lib.network import enter_namespace
from lib.tap import holds, run, test
from lib.uplink import DEAD, DEAD6, FAR, FAR6, Uplink, ip
from lib.world import World

BEHIND_RULE = '203.0.113.7'  # packets to it are thrown away by a route
DEAD_MS = 250  # RFC 8305, section 8
SLACK_MS = 200
# What a failure that nobody has to wait for takes at most.
AT_ONCE_S = 2

NAMES = {'far.test': [FAR], 'far6.test': [FAR6], 'both.test': [FAR6, FAR],
         'dead4.test': [DEAD[0], FAR], 'dead6.test': [DEAD6[0], FAR6],
         'dead64.test': [*DEAD6, FAR], 'dead444.test': [*DEAD, FAR], 'dead-rule.test': [BEHIND_RULE, FAR],
         'all-dead.test': DEAD[:2]}
FILES = {'hosts': '127.0.0.1 localhost h.localhost\n' + ''.join(
             f'{address} {name}\n' for name, addresses in NAMES.items() for address in addresses),
         'resolv.conf': f'nameserver {FAR}\n',
         'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n'}
HOSTS = [*NAMES, 'nowhere.test', FAR, FAR6]


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


enter_namespace(FILES)
run(World)
