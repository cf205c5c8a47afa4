#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk that takes no more, and folders that are not what they ought to be: what callers are told
is what holds, and a block that cannot be written is written as soon as it can be."""

import contextlib
import os
import time

from lib.caller import PINS, CallError
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, HOST, World

# The service has a small disk of its own under its state.
SMALL_DISK = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
              'mount -t tmpfs -o size=256k,mode=700 tmpfs "$0" && exec "$@"']
KEY = 'sha256/' + 'E' * 43 + '='


def start_on_small_disk(world):
    """Returns: where its state is seen from here"""
    world.daemon.wrapper = SMALL_DISK + [world.daemon.state_dir]
    world.daemon.restart()
    world.alice.list_pins()
    return f'/proc/{world.daemon.process.pid}/root{world.daemon.state_dir}'


def fill(state):
    path = os.path.join(state, 'filler')
    with open(path, 'wb', buffering=0) as file:
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            pass
    return path


def wait_until(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        holds(time.monotonic() < deadline, f'waited in vain until {what}')


@test('a full disk: nothing is changed, and that is what the caller is told')
def _(world):
    state = start_on_small_disk(world)
    server, identity = world.serve_pinned()
    filler = fill(state)
    folder = os.path.join(state, 'users', str(ALICE))
    before = sorted(os.listdir(folder))
    for host in (HOST, 'new.localhost'):
        error = world.alice.refused('StoreFailed', world.alice.pin, host, world.issue().der)
        print(f'# {error.message}', flush=True)
        holds(error.message.endswith('; nothing was changed'), f'the message: {error.message}')
        holds('No space left on device' in error.message, f'the message: {error.message}')
    equal(sorted(os.listdir(folder)), before, 'the files')
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the pin')
    world.arrives(server)
    os.unlink(filler)
    world.alice.pin(HOST, identity.der)


@test('a full disk: a block is in force and says that it is not stored, until there is room')
def _(world):
    state = start_on_small_disk(world)
    server, _ = world.serve_pinned()
    equal(world.alice.get_pin(HOST)['stored'], True, '“stored” of a pin')
    filler = fill(state)
    error = world.alice.refused('StoreFailed', world.alice.block, HOST, 'a reason')
    print(f'# {error.message}', flush=True)
    holds('is blocked, but in memory only' in error.message, f'the message: {error.message}')
    pin = world.alice.get_pin(HOST)
    equal((pin['state'], pin['stored']), ('blocked', False), 'the pin')
    equal([pin['stored'] for pin in world.alice.list_pins()], [False], '“stored” in the list')
    world.no_connection(server, 'Blocked', server.url(HOST))
    os.unlink(filler)
    wait_until(lambda: world.alice.get_pin(HOST)['stored'], 'the block is stored')
    [name] = os.listdir(os.path.join(state, 'users', str(ALICE)))
    with open(os.path.join(state, 'users', str(ALICE), name), encoding='utf-8') as file:
        holds('State=blocked' in file.read(), 'the file is not a block’s')


@test('a block that is not stored yet is written once more when the service ends')
def _(world):
    world.serve_pinned()
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    os.rename(folder, folder + '.away')
    with open(folder, 'w', encoding='utf-8'):
        pass
    for number in range(3):  # after some attempts the next one is seconds away
        world.alice.refused('StoreFailed', world.alice.block, f'h{number}.localhost')
    os.unlink(folder)
    os.rename(folder + '.away', folder)
    world.daemon.restart()
    states = {pin['host']: (pin['state'], pin['stored']) for pin in world.alice.list_pins()}
    equal(states, {HOST: ('active', True), 'h0.localhost': ('blocked', True),
                   'h1.localhost': ('blocked', True), 'h2.localhost': ('blocked', True)}, 'the pins')


@test('a link in the place of a folder is refused for writing as it is for reading')
def _(world):
    server, identity = world.serve_pinned()
    for name in (f'users/{ALICE}', 'users'):
        path = os.path.join(world.daemon.state_dir, name)
        away = os.path.join(world.folder, 'away')
        os.rename(path, away)
        os.symlink(away, path)
        before = sorted(os.walk(away))
        error = world.alice.refused('StoreFailed', world.alice.pin, HOST, identity.der)
        holds('symbolic link' in error.message, f'the message: {error.message}')
        world.alice.refused('StoreFailed', world.alice.unpin, HOST)
        equal(sorted(os.walk(away)), before, 'what the link leads to')
        world.daemon.restart()
        world.no_connection(server, 'Blocked', server.url(HOST))
        os.unlink(path)
        os.rename(away, path)
        world.daemon.restart()
        world.arrives(server)


@test('a state folder that cannot be made: the service starts, says so, and stores nothing')
def _(world):
    world.daemon.terminate()
    world.daemon.state_dir = os.path.join(world.folder, 'file', 'state')
    with open(os.path.dirname(world.daemon.state_dir), 'w', encoding='utf-8'):
        pass
    world.daemon.start()
    error = world.alice.refused('StoreFailed', world.alice.pin, HOST, world.issue().der)
    holds(world.daemon.state_dir in error.message, f'the message: {error.message}')
    holds(world.daemon.state_dir in world.daemon.log(), 'the log does not name it')
    os.unlink(os.path.dirname(world.daemon.state_dir))
    equal(world.alice.pin(HOST, world.issue().der)['stored'], True, '“stored” once it can be made')


@test('a change under way when the service is killed leaves a whole file, and nothing beside it')
def _(world):
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    for round_ in range(10):
        calls = [world.alice.begin(PINS, 'PinKeys', '(sasa{sv})', HOST, [KEY], {})
                 for _ in range(20)]
        calls[round_].wait()
        world.daemon.kill()
        world.daemon.start()
        for call in calls[round_ + 1:]:  # some may reach the bus only now, and are carried out
            with contextlib.suppress(CallError):
                call.wait()
        equal(world.alice.get_pin(HOST)['keys'], [KEY], 'the pin')
        equal(os.listdir(folder), [f'{HOST}.pin'], 'the files')
        world.alice.replies.clear()


run(World)
