#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts however they are spelled, and addresses that no request may go to. Runs in a network and a
mount namespace of its own, where it gives itself link-local addresses and names."""

from lib.network import METADATA, enter_namespace
from lib.tap import equal, holds, run, test
from lib.world import HOST, World

def add_spelling_test(name, pinned, asked):
    @test(f'{name}: pinned as {pinned}, asked for as {asked}')
    def _(world):
        names = ['h.localhost', 'xn--bcher-kva.localhost']
        identity = world.issue(*names)
        world.alice.pin(pinned, identity.der)
        server = world.serve(identity)
        world.arrives(server, host=asked)
        server.present(world.other_authority.issue(*names))
        world.daemon.restart()
        world.nothing_arrives(server, 'PinMismatch', host=asked)


for arguments in (('a trailing dot', 'h.localhost', 'h.localhost.'),
                  ('a pinned trailing dot', 'h.localhost.', 'h.localhost'),
                  ('upper case', 'h.localhost', 'H.LocalHost'),
                  ('pinned upper case', 'H.LOCALHOST', 'h.localhost'),
                  ('an international name', 'bücher.localhost', 'xn--bcher-kva.localhost'),
                  ('an A-label', 'xn--bcher-kva.localhost', 'bücher.localhost'),
                  ('an international name in upper case', 'bücher.localhost', 'BÜCHER.localhost.'),
                  ('a pattern of any depth', '**.h.localhost', 'h.localhost.')):
    add_spelling_test(*arguments)


@test('the pin is listed once, under its canonical name')
def _(world):
    for spelling in ('h.localhost', 'H.localhost.', 'h.LOCALHOST'):
        world.alice.pin(spelling, world.issue().der)
    equal([pin['host'] for pin in world.alice.list_pins()], ['h.localhost'], 'the hosts')


@test('patterns: one label, any depth, and nothing else')
def _(world):
    identity = world.issue('h.localhost', 'a.h.localhost', 'b.a.h.localhost', 'a-h.localhost')
    server = world.serve(identity)
    world.alice.pin('*.h.localhost', identity.der)
    world.arrives(server, host='a.h.localhost')
    for host in ('h.localhost', 'b.a.h.localhost', 'a-h.localhost', 'h.localhost.test'):
        world.no_connection(server, 'NotPinned', server.url(host))
    world.alice.pin('**.h.localhost', identity.der)
    for host in ('h.localhost', 'a.h.localhost', 'b.a.h.localhost'):
        world.arrives(server, host=host)
    world.no_connection(server, 'NotPinned', server.url('a-h.localhost'))


@test('the most specific pattern wins, and there is no union')
def _(world):
    identity = world.issue('a.h.localhost')
    server = world.serve(identity)
    world.alice.pin('**.h.localhost', identity.der)
    world.alice.pin('a.h.localhost', world.issue().der)
    world.nothing_arrives(server, 'PinMismatch', host='a.h.localhost')
    world.alice.unpin('a.h.localhost')
    world.arrives(server, host='a.h.localhost')


def add_literal_test(address, host, others):
    @test(f'the address {host} with a certificate for it')
    def _(world):
        identity = world.issue(address)
        server = world.serve(identity, address=address)
        world.alice.pin(host, identity.der)
        world.arrives(server, host=host)
        for spelling in others:
            world.arrives(server, host=spelling)
        server.present(world.issue('h.localhost', key=identity.key))
        world.daemon.restart()
        world.nothing_arrives(server, 'Untrusted', host=host)


add_literal_test('127.0.0.1', '127.0.0.1', [])
add_literal_test('::1', '[::1]', ['[0:0:0:0:0:0:0:1]'])


@test('a pin with a port is in force on that port alone')
def _(world):
    identity = world.issue()
    first, second = world.serve(identity), world.serve(identity)
    world.alice.pin(f'{HOST}:{first.port}', identity.der)
    world.arrives(first)
    world.no_connection(second, 'NotPinned', second.url(HOST))


def add_link_local_test(host, listen):
    @test(f'{host} is link-local: AddressDenied, without a connection')
    def _(world):
        identity = world.issue(host.strip('[]'))
        server = world.serve(identity, address=listen)
        world.alice.pin(host, identity.der)
        error = world.no_connection(server, 'AddressDenied', server.url(host))
        holds('link-local' in error.message, f'the message: {error.message}')


for arguments in ((METADATA, METADATA), (f'[::ffff:{METADATA}]', METADATA),
                  ('[::ffff:a9fe:a9fe]', METADATA), (METADATA + '.', METADATA),
                  ('metadata.test', METADATA), ('[fe80::7]', '::'),
                  ('[fd00:ec2::254]', 'fd00:ec2::254')):
    add_link_local_test(*arguments)


@test('a name with both kinds of addresses is asked at the others')
def _(world):
    identity = world.issue('both.test')
    world.alice.pin('both.test', identity.der)
    server, forbidden = world.serve(identity), world.serve(identity, address=METADATA)
    world.arrives(server, host='both.test')
    forbidden.barrier()
    equal(len(forbidden.connections), 0, 'the connections to the link-local address')


@test('other spellings of an IPv4 address are not other hosts')
def _(world):
    identity = world.issue('127.0.0.1')
    server = world.serve(identity)
    world.alice.pin('127.0.0.1', identity.der)
    for host in ('2130706433', '0x7f.1', '127.1', '0177.0.0.1'):
        world.no_connection(server, ('InvalidHost', 'NotPinned'), server.url(host))


@test('a port where nobody listens: Unreachable')
def _(world):
    server, _ = world.serve_pinned()
    server.close()
    world.alice.refuses('Unreachable', server.url(HOST))


enter_namespace()
run(World)
