#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that call and never read: what the bus holds for them stays bounded, others are answered meanwhile, and what
they held is given back."""

import re

from gi.repository import GLib

from lib.caller import NAME, PATH, PINS, REQUESTS
from lib.tap import equal, holds, run, test
from lib.unread import Unread
from lib.world import HOST, World

KIB, MIB = 1024, 1024 * 1024
# dbus-daemon lets a caller wait for 128 replies; to each call beyond it answers itself, with an error.
FEW, MANY = 120, 3000
CREDIT, ERRORS = MIB, MIB
QUEUED_MS = 2000
STATS = ('org.freedesktop.DBus.Debug.Stats', 'GetConnectionStats', '(s)')


def undelivered(world, name):
    answer = world.root.call(*STATS, name, path='/org/freedesktop/DBus', destination='org.freedesktop.DBus')
    return answer[0]['OutgoingBytes']


def memory(world):
    with open(f'/proc/{world.daemon.process.pid}/status', encoding='ascii') as file:
        return int(re.search(r'VmRSS:\s+(\d+) kB', file.read())[1]) * KIB


def bystander_is_answered(world):
    for _ in range(20):
        world.bob.refused('NotPinned', world.bob.get_pin, 'nobody.localhost')


def pin_hosts(world):
    for number in range(40):
        world.root.pin_keys(f'h{number}.localhost', 'sha256/' + 'E' * 43 + '=', note='n' * 1000)


LIST_PINS = (PINS, 'ListPins', GLib.Variant('(a{sv})', ({},)))


def add_test(what, count, most, *call):
    @test(f'three connections that never read, with {what}: little is held for them, and others are answered')
    def _(world):
        pin_hosts(world)
        before = memory(world)
        silent = [Unread(world.shared.bus.address) for _ in range(3)]
        for one in silent:
            one.flood(*call, count=count)
            bystander_is_answered(world)
        held = [undelivered(world, one.name) for one in silent]
        print(f'# the bus holds {[size // KIB for size in held]} KiB; memory grew by '
              f'{(memory(world) - before) // KIB} KiB', flush=True)
        holds(all(size <= most for size in held), f'the bus holds {held}')
        holds(memory(world) - before < 128 * MIB, f'it grew from {before} to {memory(world)}')
        for one in silent:
            one.close()
        bystander_is_answered(world)
        equal(len(world.root.list_pins()), 40, 'the pins')


add_test('ListPins', FEW, CREDIT, *LIST_PINS)
add_test('many calls of Introspect', MANY, CREDIT + ERRORS, 'org.freedesktop.DBus.Introspectable', 'Introspect')


def add_queue_test(what, method, types, *arguments):
    @test(f'{what} that timed out in the queue, and whose caller does not read that, is not begun in its turn')
    def _(world):
        world.daemon.configure('[Limits]\nRunningPerUser=1\n')
        world.daemon.restart()
        pin_hosts(world)
        identity = world.issue()
        world.root.pin(HOST, identity.der)
        busy, idle = world.serve(identity, handshake=False), world.serve(identity)
        running = world.root.begin_request(busy.url(HOST), timeout_ms=60000, handle_token='mine')
        busy.wait(lambda: len(busy.connections) == 1, 'a connection')
        unread = Unread(world.shared.bus.address)
        options = {'timeout-ms': GLib.Variant('u', QUEUED_MS)}
        unread.call(REQUESTS, method, GLib.Variant(types, tuple(part(idle) for part in arguments) + (options,)))
        unread.flood(*LIST_PINS, count=FEW)
        # Once a later one with twice the time has timed out, so has the first.
        world.root.refuses('TimedOut', idle.url(HOST), timeout_ms=2 * QUEUED_MS)
        world.root.call(NAME + '.Request', 'Cancel', '',
                        path=f'{PATH}/request/{world.root.unique_name[1:].replace(".", "_")}/mine')
        world.root.refused('Cancelled', running.wait)
        world.arrives(idle, caller=world.root)
        equal((len(idle.connections), len(idle.requests)), (1, 1), 'the connections and the requests')
        unread.close()
        bystander_is_answered(world)


add_queue_test('a request', 'SecureRequest', '(ssa(ss)aya{sv})',
               lambda _: 'GET', lambda server: server.url(HOST), lambda _: [], lambda _: b'')
add_queue_test('a look', 'FetchChain', '(sa{sv})', lambda server: f'{HOST}:{server.port}')


@test('signals that are not read are dropped, and one that missed some is told so')
def _(world):
    silent = Unread(world.shared.bus.address)
    silent.call(PINS, 'Subscribe')
    world.root.be_told()
    for number in range(12):
        for host in range(60):
            world.root.block(f'h{host}.localhost', 'r' * 900)
        world.root.wait_for_signal_where('PinChanged', lambda *_: True)
        world.root.signals.clear()
    holds(undelivered(world, silent.name) <= CREDIT, 'what the bus holds')
    bystander_is_answered(world)
    silent.close()


run(World)
