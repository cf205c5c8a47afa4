#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pins of one connection: they add to all others, no other connection sees them, and they go with it."""

import pathlib
import re
import subprocess

from lib.apps import MAPS, WEATHER, AppsWorld
from lib.caller import NAME, PATH, PINS
from lib.server import echo
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, HOST

CONNECTIONS = 30
# What the interface says, and more connections than may have such pins.
PINS_MAX, CONNECTIONS_MAX, FLOOD = 64, 64, 80
FLOOD_MAX_KIB = 64 * 1024
# A sanitizer's allocator is less thrifty; a leak, it tells itself.
MORE_MAX_KIB, MORE_SANITIZED_KIB = 1024, 8192


# A program with many connections, each of which pins as much as it may. It says how many could, and waits.
FLOODER = f"""
import sys
from gi.repository import Gio, GLib
flags = Gio.DBusConnectionFlags
connections = [Gio.DBusConnection.new_for_address_sync(
    sys.argv[1], flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION) for _ in range({FLOOD})]
options = dict(scope=GLib.Variant('s', 'transient'))
full = 0
for connection in connections:
    try:
        for number in range({PINS_MAX}):
            connection.call_sync('{NAME}', '{PATH}', '{PINS}', 'PinKeys',
                                 GLib.Variant('(sasa{{sv}})', (f'h{{number}}.localhost', sys.argv[2:], options)), None, 0, -1)
        full += 1
    except GLib.Error as error:
        if 'LimitExceeded' not in error.message:
            raise
print(full, flush=True)
sys.stdin.read()
"""


def memory(world):
    """Of the service, in KiB."""
    status = pathlib.Path(f'/proc/{world.daemon.process.pid}/status').read_text(encoding='ascii')
    return int(re.search(r'VmRSS:\s*(\d+)', status)[1])


def most_more(world):
    maps = pathlib.Path(f'/proc/{world.daemon.process.pid}/maps').read_text(encoding='utf-8')
    return MORE_SANITIZED_KIB if 'libasan' in maps else MORE_MAX_KIB


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


@test('what it refuses is evidence like any other: for the programs of its user, or of its app, and for no others')
def _(world):
    right, wrong = world.issue(), world.issue()
    server = world.serve(right)
    apps, other = [world.new_app(name) for name in (WEATHER, WEATHER, MAPS)], world.new_caller(ALICE)
    other.subscribe()
    for maker, told, untold in ((world.alice, [world.alice, other], [world.bob, world.root, *apps]),
                                (apps[0], apps[:2], [apps[2], world.bob, world.root])):
        for caller in (*told, *untold):
            caller.signals.clear()
            caller.be_told()
        maker.pin(HOST, wrong.der, scope='transient')
        world.nothing_arrives(server, 'PinMismatch', maker, others_stay=True)
        for caller in told:
            host, failure = caller.wait_for_signal('PinFailed')
            equal((host, failure['scope'], failure['pinned-keys'], failure['offered-keys'][0]),
                  (f'{HOST}:{server.port}', 'transient', [wrong.pin], right.pin), 'the signal')
            equal(caller.last_failure(HOST), failure, 'what LastFailure tells')
            holds('transient' in failure['message'], failure['message'])
        for caller in untold:
            caller.refused('NotPinned', caller.last_failure, HOST)
        world.root.pin('last.localhost', right.der, scope='system')
        for caller in (*told, *untold):
            caller.wait_for_signal_where('PinChanged', lambda host, *_: host == 'last.localhost')
            names = [name for name, arguments in caller.signals if arguments[0] != 'last.localhost']
            equal(names, ['PinFailed'] if caller in told else [], 'the signals, none of which is of the pin')
        world.root.unpin('last.localhost', scope='system')


def supposed(caller, server, key, **options):
    """Returns: the verdict of a request after such a pin is made"""
    return caller.fetch_chain(HOST, port=server.port, keys=[key], **options)[1]['verdict']


@test('a pin that is supposed stands beside it, and one that is supposed as transient beside all others')
def _(world):
    right, wrong = world.issue(), world.issue()
    server = world.serve(right)
    for caller in (world.new_caller(ALICE), world.new_app(WEATHER)):
        equal(supposed(caller, server, right.pin, scope='transient'), 'Pass', 'where nothing is pinned')
        caller.pin_keys(HOST, wrong.pin)
        equal(supposed(caller, server, right.pin, scope='transient'), 'PinMismatch', 'beside the kept pin')
        caller.pin_keys('other.localhost', right.pin, scope='transient')
        equal(supposed(caller, server, right.pin, scope='transient'), 'PinMismatch', 'likewise, of such a connection')
        caller.pin_keys(HOST, wrong.pin, scope='transient')
        equal(supposed(caller, server, right.pin), 'PinMismatch', 'of a kept pin, beside the transient one')
        caller.pin_keys(HOST, right.pin, scope='transient')
        equal(supposed(caller, server, right.pin), 'Pass', 'of a kept pin, where both are right')
        caller.unpin(HOST)
    world.alice.pin_keys(HOST, right.pin, scope='transient')
    equal(supposed(world.alice, server, wrong.pin, app=V('s', WEATHER)), 'PinMismatch', 'of an app')
    equal(supposed(world.alice, server, right.pin, app=V('s', WEATHER)), 'Pass', 'likewise')


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
    files, before = world.count_files(), memory(world)
    for _ in range(CONNECTIONS - CONNECTIONS // 3):
        use()
    more = memory(world) - before
    print(f'# {before} KiB, and {more} more')
    holds(more < most_more(world), f'{more} KiB more')
    world.wait_for_files(files)


@test(f'of {FLOOD} connections of a user, {CONNECTIONS_MAX} can have such pins; others are not held up, and all of it goes')
def _(world):
    keys = [world.issue().pin for _ in range(PINS_MAX)]

    def flood():
        files, before = world.count_files(), memory(world)
        with subprocess.Popen(['/usr/bin/python3', '-c', FLOODER, world.shared.bus.address, *keys], user=ALICE, group=ALICE,
                              extra_groups=[], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding='ascii') as flooder:
            equal(int(flooder.stdout.readline()), CONNECTIONS_MAX, 'how many connections have pins')
            world.alice.refused('LimitExceeded', world.alice.pin_keys, HOST, keys[0], scope='transient')
            world.alice.refused('NotPinned', world.alice.unpin, HOST, scope='transient')
            for other in (app, world.bob):
                other.pin_keys(HOST, keys[0], scope='transient')
            filled = memory(world)
            flooder.stdin.close()
        world.wait_for_files(files)
        print(f'# {before} KiB, {filled - before} more with the pins, {memory(world) - before} without them')
        holds(filled - before < FLOOD_MAX_KIB, f'the pins take {filled - before} KiB')
    world.start_to_measure()
    app = world.new_app(WEATHER)
    flood()
    flood()
    before = memory(world)
    flood()
    holds(memory(world) - before < most_more(world), f'{memory(world) - before} KiB more')
    world.alice.pin_keys(HOST, keys[0], scope='transient')


run(AppsWorld)
