#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One instance takes the place of another while programs change pins: whatever was acknowledged,
the next one knows, and nobody is answered from a state that is half read.

usage: test-replace.py [--count=REPLACEMENTS] [WORD...]"""

import os
import shutil
import signal
import sys
import tempfile
import threading
import time

from lib.bus import Bus
from lib.caller import PINS, CallError
from lib.daemon import Daemon
from lib.replacements import KEYS, check_ends, check_known, furnish, replace, start_busy
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

REPLACEMENTS = next((int(word.split('=')[1]) for word in sys.argv if word.startswith('--count=')), 50)
sys.argv = [word for word in sys.argv if not word.startswith('--count=')]

# So many that reading them takes a while.
FURNITURE = 2000
# What the bus says of a call to a name that nobody has.
ABSENT = [f'org.freedesktop.DBus.Error.{name}' for name in ('ServiceUnknown', 'NameHasNoOwner')]


@test(f'{REPLACEMENTS} replacements while four programs change pins: all that was acknowledged is known')
def _(world):
    world.daemon.terminate()
    furnish(world, FURNITURE)
    world.daemon.start()
    busy = start_busy(world)
    replace(world, busy, REPLACEMENTS)
    for one in busy:
        one.finish()
    check_known(world, busy)
    print(f'# {sum(one.acknowledged for one in busy)} changes were acknowledged and '
          f'{sum(one.looks for one in busy)} looks answered', flush=True)


@test('orderly restarts while programs change pins: a call is answered, or nobody is there to call')
def _(world):
    callers = [world.new_caller(uid) for uid in (ALICE, BOB)]
    over = threading.Event()
    known, wrong = [{}, {}], []

    def work(caller, mine):
        number = 0
        while not over.is_set():
            host = f'h{number}.localhost'
            try:
                caller.pin_keys(host, KEYS[number % len(KEYS)])
                mine[host] = KEYS[number % len(KEYS)]
            except CallError as error:
                if error.name not in ABSENT:
                    wrong.append(error)
                continue
            number += 1

    threads = [threading.Thread(target=work, args=pair) for pair in zip(callers, known)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        world.daemon.restart()
    over.set()
    for thread in threads:
        thread.join(60)
        holds(not thread.is_alive(), 'a call hangs')
    equal(wrong, [], 'the calls that somebody had and did not answer')
    for caller, mine in zip(callers, known):
        found = {pin['host']: pin['keys'][0] for pin in caller.list_pins()}
        equal({host: found.get(host) for host in mine}, mine, 'the pins')


class Halted:
    """The service, once it can be replaced; until it is let go on, or the test is over."""

    def __init__(self, world):
        world.alice.list_pins()
        self.process = world.daemon.process
        self.process.send_signal(signal.SIGSTOP)
        world.track(self)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def check_ends(self):
        self.go_on()
        check_ends(self.process)

    def close(self):
        self.process.kill()
        self.process.wait()


@test('a change that the old one had still to read is made by it, and known to the new one')
def _(world):
    identity = world.issue()
    first = Halted(world)
    calls = [world.alice.begin_pin(f'h{number}.localhost', identity.der) for number in range(5)]
    world.alice.flush()
    world.alice.ask_bus('GetId')  # the bus has routed those before it
    world.daemon.start('--replace')
    later = world.alice.begin(PINS, 'ListPins', '(a{sv})', {})
    world.alice.flush()
    first.go_on()
    for call in calls:
        equal(call.wait()[0]['state'], 'active', 'the state')
    first.check_ends()
    equal(len(later.wait()[0]), 5, 'the number of pins that the second knows')


@test('calls wait while the one before still has the state, and are answered then')
def _(world):
    server, identity = world.serve_pinned()
    first = Halted(world)
    world.daemon.start('--replace')
    look = world.alice.begin(PINS, 'GetPin', '(sa{sv})', HOST, {})
    change = world.alice.begin_pin('other.localhost', identity.der)
    request = world.alice.begin_request(server.url(HOST))
    world.alice.flush()
    world.bob.ask_bus('GetId')
    equal([number for number in (look.number, change.number, request.number)
           if number in world.alice.replies], [], 'the calls that were answered')
    first.go_on()
    equal(look.wait()[0]['keys'], [identity.pin], 'the pin')
    equal(change.wait()[0]['state'], 'active', 'the state')
    equal(request.answer().status, 200, 'the status')
    first.check_ends()


@test('one that waits for the state ends when it is told to')
def _(world):
    first = Halted(world)
    world.daemon.start('--replace')
    code, seconds = world.daemon.terminate()
    equal(code, 0, 'the exit code')
    holds(seconds < 2, f'it took {seconds} s')
    world.daemon.start()
    first.go_on()
    first.check_ends()
    equal(world.alice.list_pins(), [], 'the pins')


@test('one that waits for the state is replaced only when it has answered those who called it')
def _(world):
    _, identity = world.serve_pinned()
    first = Halted(world)
    world.daemon.start('--replace')
    second = world.daemon.process
    name = world.daemon.name
    calls = [world.alice.begin(PINS, 'GetPin', '(sa{sv})', HOST, {}),
             world.alice.begin_pin('other.localhost', identity.der)]
    world.alice.flush()
    world.daemon.process = world.daemon.spawn('--replace')
    world.daemon.run('--check')  # by now the third one has asked for the name
    equal(world.shared.bus.wait_for_owner(), name, 'the owner of the name')
    first.go_on()
    world.daemon.name = world.shared.bus.wait_for_owner(unlike=name)
    equal([call.wait()[0]['state'] for call in calls], ['active', 'active'], 'the states')
    first.check_ends()
    check_ends(second)
    equal(len(world.alice.list_pins()), 2, 'the number of pins')


@test('a second one on another bus refuses to use the same state, and says which it is')
def _(world):
    server, _ = world.serve_pinned()
    folder = tempfile.mkdtemp(dir=world.folder)
    os.chmod(folder, 0o755)
    other = world.track(Bus(folder))
    started = time.monotonic()
    code, output = world.daemon.run(f'--bus={other.address}', seconds=30)
    equal(code, 1, 'the exit code')
    holds(world.daemon.state_dir in output, f'it said: {output}')
    print(f'# after {time.monotonic() - started:.1f} s it said: {output.strip()}', flush=True)
    world.arrives(server)
    equal(world.daemon.run('--check')[0], 0, 'the exit code of --check, which needs no lock')


@test('one that does not get the name says why, and so does one whose bus goes away')
def _(world):
    folder = tempfile.mkdtemp(dir=world.folder)
    os.chmod(folder, 0o755)
    bus = Bus(folder)
    first = Daemon(bus, folder, world.shared.trust_file)
    first.start()
    code, output = first.run()
    equal(code, 1, 'the exit code of the second')
    holds('another instance has the name' in output and '--replace' in output, f'it said: {output}')
    bus.close()
    equal(first.process.wait(10), 1, 'the exit code without a bus')
    holds('the connection to the bus was closed' in first.log(), f'it said: {first.log()}')


@test('SIGHUP before the state is read is no end, and is not forgotten')
def _(world):
    first = Halted(world)
    world.daemon.start('--replace')
    world.daemon.process.send_signal(signal.SIGHUP)
    first.go_on()
    world.root.call(PINS, 'Reload', '')  # reloads are made one by one
    holds('reloaded the pin files' in world.daemon.log(), 'the signal is forgotten')


@test('what a crash left is removed at the start')
def _(world):
    world.serve_pinned()
    world.daemon.kill()
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    names = sorted(os.listdir(folder))
    for name in ('.new', '.old', f'{HOST}.pin.Ab3xYz'):
        shutil.copy(os.path.join(folder, names[0]), os.path.join(folder, name))
    world.daemon.start()
    equal(len(world.alice.list_pins()), 1, 'the number of pins')
    equal(sorted(os.listdir(folder)), names, 'the files')


run(World)
