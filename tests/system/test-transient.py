#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pins of one connection: they add to all others, no other connection sees them, and they go with it."""

import pathlib
import re

from lib.caller import PINS
from lib.server import echo
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, HOST, World

CONNECTIONS = 30
# A sanitizer's allocator is less thrifty; a leak, it tells itself.
MORE_MAX_KIB, MORE_SANITIZED_KIB = 1024, 8192


def scopes(caller, **options):
    return [pin['scope'] for pin in caller.list_pins(**options)]


@test('it permits requests of its connection, and of no other')
def _(world):
    identity = world.issue()
    server, other = world.serve(identity), world.new_caller(ALICE)
    pin = world.alice.pin(HOST, identity.der, scope='transient')
    equal((pin['scope'], pin['stored']), ('transient', False), 'the pin')
    world.arrives(server)
    equal(world.alice.request(server.url(HOST)).info['matched-key'], identity.pin, 'the key in the evidence')
    world.nothing_arrives(server, 'NotPinned', other, others_stay=True)
    world.nothing_arrives(world.serve(world.impostor()), 'PinMismatch', others_stay=True)


@test('it adds to the pins of the user and of the system: each refuses')
def _(world):
    identity, wrong = world.issue(), world.issue()
    server = world.serve(identity)
    world.alice.pin(HOST, identity.der)
    world.alice.pin(HOST, wrong.der, scope='transient')
    error = world.nothing_arrives(server, 'PinMismatch')
    holds('transient' in error.message, error.message)
    world.alice.pin(HOST, identity.der, scope='transient')
    world.arrives(server)
    world.root.pin(HOST, wrong.der, scope='system')
    world.nothing_arrives(server, 'PinMismatch')
    world.root.pin(HOST, identity.der, scope='system')
    world.arrives(server)
    world.alice.block(HOST, scope='transient')
    world.nothing_arrives(server, 'Blocked')
    world.alice.unpin(HOST, scope='transient')
    world.arrives(server)


@test('a warm channel of the user’s lets no request skip it, and a change of it counts at once')
def _(world):
    server, identity = world.serve_pinned()
    world.arrives(server)
    wrong = world.issue()
    world.alice.pin(HOST, wrong.der, scope='transient')
    world.nothing_arrives(server, 'PinMismatch', others_stay=True)
    world.alice.add_keys(HOST, identity.pin, scope='transient')
    world.arrives(server)
    world.alice.remove_keys(HOST, identity.pin, scope='transient')
    world.nothing_arrives(server, 'PinMismatch', others_stay=True)
    world.arrives(server, world.new_caller(ALICE))


@test('a change of the user’s pin cuts what such a connection has under way')
def _(world):
    server, identity = world.serve_pinned()
    server.speak = echo
    world.alice.pin(HOST, identity.der, scope='transient')
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')
    world.new_caller(ALICE).pin(HOST, world.issue().der)
    try:
        tunnel.read_all()
        raise AssertionError('the tunnel ended without an error')
    except ConnectionResetError:
        pass


@test('its tunnels end when the connection leaves')
def _(world):
    server, identity = world.serve_pinned()
    server.speak = echo
    caller = world.new_caller(ALICE)
    caller.pin(HOST, identity.der, scope='transient')
    tunnel = caller.connect(HOST, server.port)
    tunnel.send(b'hello')
    equal(tunnel.read(5), b'hello', 'what came back')
    caller.close()
    try:
        tunnel.read_all()
        raise AssertionError('the tunnel ended without an error')
    except ConnectionResetError:
        pass
    server.wait_until_idle()


@test('its connection sees it, and may change it; no other, not even root, does')
def _(world):
    identity = world.issue()
    other = world.new_caller(ALICE)
    world.alice.pin(HOST, identity.der, scope='transient', note='mine')
    world.alice.pin(HOST, identity.der)
    equal(scopes(world.alice), ['user'], 'the scopes that a list shows')
    equal(scopes(world.alice, scope='transient'), ['transient'], 'its own scope')
    equal(world.alice.get_pin(HOST)['note'], 'mine', 'the note')
    for caller in (other, world.root):
        equal(scopes(caller, scope='transient'), [], 'the pins that others see')
        caller.refused('NotPinned', caller.get_pin, HOST, scope='transient')
        caller.refused('NotPinned', caller.unpin, HOST, scope='transient')
    equal(scopes(other), ['user'], 'the scopes that another connection sees')
    world.alice.refused('InvalidArgument', world.alice.pause, HOST, 60, scope='transient')
    text = world.alice.call(PINS, 'ExportPins', '(a{sv})', {'scope': V('s', 'transient')})[0]
    holds(len(text) == 1 and 'mine' in text[0]['text'], f'what is exported: {text}')
    world.alice.unpin(HOST, scope='transient')
    equal(scopes(world.alice), ['user'], 'the scopes after it was removed')


@test('nothing of it is kept: not on disk, and not for the next connection')
def _(world):
    identity = world.issue()
    server, caller = world.serve(identity), world.new_caller(ALICE)
    caller.pin(HOST, identity.der, scope='transient')
    world.arrives(server, caller)
    caller.close()
    equal([str(path) for path in pathlib.Path(world.daemon.state_dir).rglob('*.pin')], [], 'the files of pins')
    world.nothing_arrives(server, 'NotPinned', world.new_caller(ALICE), others_stay=True)


@test('64 of them fit, and one more does not')
def _(world):
    caller = world.new_caller(ALICE)
    keys = world.issue().pin
    for number in range(64):
        caller.pin_keys(f'h{number}.example', keys, scope='transient')
    caller.refused('LimitExceeded', caller.pin_keys, 'one.more.example', keys, scope='transient')
    caller.pin_keys('h1.example', keys, scope='transient')
    world.alice.pin_keys('one.more.example', keys, scope='transient')


@test(f'{CONNECTIONS} connections, each with such pins and a request, leave nothing behind')
def _(world):
    def memory():
        status = pathlib.Path(f'/proc/{world.daemon.process.pid}/status').read_text(encoding='ascii')
        return int(re.search(r'VmRSS:\s*(\d+)', status)[1])

    def use():
        caller = world.new_caller(ALICE)
        for number in range(20):
            caller.pin_keys(f'h{number}.example', identity.pin, scope='transient')
        caller.pin(HOST, identity.der, scope='transient')
        world.arrives(server, caller)
        caller.close()
        server.wait_until_idle()

    world.start_to_measure()
    identity = world.issue()
    server = world.serve(identity)
    for _ in range(CONNECTIONS // 3):
        use()
    files, before = world.count_files(), memory()
    for _ in range(CONNECTIONS - CONNECTIONS // 3):
        use()
    print(f'# {before} KiB, then {memory()} KiB')
    maps = pathlib.Path(f'/proc/{world.daemon.process.pid}/maps').read_text(encoding='utf-8')
    most = MORE_SANITIZED_KIB if 'libasan' in maps else MORE_MAX_KIB
    holds(memory() - before < most, f'{memory() - before} KiB more')
    world.wait_for_files(files)


run(World)
