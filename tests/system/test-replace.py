#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One instance takes the place of another while programs change pins: whatever was acknowledged,
the next one knows, and nobody is answered from a state that is half read.

usage: test-replace.py [--count=REPLACEMENTS] [WORD...]"""

import os
import pwd
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

from lib.bus import Bus
from lib.caller import PINS, CallError
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

REPLACEMENTS = next((int(word.split('=')[1]) for word in sys.argv if word.startswith('--count=')), 50)
sys.argv = [word for word in sys.argv if not word.startswith('--count=')]

# So many that reading them takes a while.
FURNITURE = 2000
# What the bus says of a call to a name that nobody has.
ABSENT = [f'org.freedesktop.DBus.Error.{name}' for name in ('ServiceUnknown', 'NameHasNoOwner')]
KEYS = [f'sha256/{letter * 42}A=' for letter in 'ABCDEFGH']


def furnish(world):
    """Pins of another user, as if they had been set over the bus."""
    folder = os.path.join(world.daemon.state_dir, 'users', '0')
    os.makedirs(folder, 0o700)
    for number in range(FURNITURE):
        host = f'h{number}.example'
        with open(os.path.join(folder, host + '.pin'), 'w', encoding='utf-8') as file:
            file.write(f'[Pin File]\nVersion=1\nAccount={pwd.getpwuid(0).pw_name}\n\n'
                       f'[Pin]\nHost={host}\nKeys={KEYS[0]};\n')


class Busy:
    """A program that changes pins of its own hosts without a pause, and knows what it was told."""

    def __init__(self, caller, name, scope):
        self.caller, self.scope = caller, scope
        self.hosts = [f'h{number}.{name}.example' for number in range(12)]
        self.known = {}   # host → its keys; [] where it is blocked; None where it is not pinned
        self.acknowledged = 0
        self.looks = 0
        self.wrong = []
        self.over = threading.Event()
        self._random = random.Random(name)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self):
        while not self.over.is_set() and not self.wrong:
            host = self._random.choice(self.hosts)
            try:
                self.change(host)
                self.acknowledged += 1
                self.look(self._random.choice(self.hosts))
            except (CallError, AssertionError) as error:
                self.wrong.append(f'{host}: {error}')

    def change(self, host):
        kind = self._random.randrange(3)
        if kind == 0:
            keys = [self._random.choice(KEYS)]
            self.caller.pin_keys(host, *keys, scope=self.scope)
            self.known[host] = keys
        elif kind == 1:
            self.caller.block(host, scope=self.scope)
            self.known[host] = []
        elif self.known.get(host) is not None:
            self.caller.unpin(host, scope=self.scope)
            self.known[host] = None

    def look(self, host):
        try:
            found = self.caller.get_pin(host, scope=self.scope)['keys']
        except CallError as error:
            found = None if error.name == 'NotPinned' else error
        equal(found, self.known.get(host), f'what is in force for {host}')
        self.looks += 1

    def finish(self):
        self.over.set()
        self._thread.join(60)
        holds(not self._thread.is_alive(), 'a call hangs')
        equal(self.wrong, [], 'what went wrong')

    def check_all(self):
        for host in self.hosts:
            self.look(host)


def start_busy(world):
    return [Busy(world.new_caller(ALICE), 'one', 'user'),
            Busy(world.new_caller(ALICE), 'two', 'user'),
            Busy(world.new_caller(BOB), 'three', 'user'),
            Busy(world.new_caller(0), 'four', 'system')]


def replace(world):
    before = world.daemon.process
    world.daemon.start('--replace')
    equal(before.wait(20), 0, 'the exit code of the one before')


@test(f'{REPLACEMENTS} replacements while four programs change pins: all that was acknowledged is known')
def _(world):
    world.daemon.terminate()
    furnish(world)
    world.daemon.start()
    busy = start_busy(world)
    for _ in range(REPLACEMENTS):
        replace(world)
        holds(not any(one.wrong for one in busy), [one.wrong for one in busy])
    for one in busy:
        one.finish()
    for restart in (lambda: None, lambda: (world.daemon.kill(), world.daemon.start())):
        restart()
        for one in busy:
            one.check_all()
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


def halt(process):
    process.send_signal(signal.SIGSTOP)


def go_on(process):
    process.send_signal(signal.SIGCONT)


@test('a change that the old one had still to read is made by it, and known to the new one')
def _(world):
    first = world.daemon.process
    identity = world.issue()
    world.alice.list_pins()  # so that it is known who she is
    halt(first)
    calls = [world.alice.begin_pin(f'h{number}.localhost', identity.der) for number in range(5)]
    world.alice.flush()
    world.alice.call('org.freedesktop.DBus', 'GetId', '', path='/org/freedesktop/DBus',
                     destination='org.freedesktop.DBus')  # the bus has routed those before it
    world.daemon.start('--replace')
    later = world.alice.begin(PINS, 'ListPins', '(a{sv})', {})
    world.alice.flush()
    go_on(first)
    for call in calls:
        equal(call.wait()[0]['state'], 'active', 'the state')
    equal(first.wait(10), 0, 'the exit code of the first')
    equal(len(later.wait()[0]), 5, 'the number of pins that the second knows')


@test('calls wait while the one before still has the state, and are answered then')
def _(world):
    server, identity = world.serve_pinned()
    first = world.daemon.process
    halt(first)
    world.daemon.start('--replace')
    look = world.alice.begin(PINS, 'GetPin', '(sa{sv})', HOST, {})
    change = world.alice.begin_pin('other.localhost', identity.der)
    request = world.alice.begin_request(server.url(HOST))
    world.alice.flush()
    world.bob.call('org.freedesktop.DBus', 'GetId', '', path='/org/freedesktop/DBus',
                   destination='org.freedesktop.DBus')
    equal([number for number in (look.number, change.number, request.number)
           if number in world.alice.replies], [], 'the calls that were answered')
    go_on(first)
    equal(look.wait()[0]['keys'], [identity.pin], 'the pin')
    equal(change.wait()[0]['state'], 'active', 'the state')
    equal(request.answer().status, 200, 'the status')
    equal(first.wait(10), 0, 'the exit code of the first')


@test('one that waits for the state ends when it is told to, and so does one that is replaced')
def _(world):
    first = world.daemon.process
    halt(first)
    world.daemon.start('--replace')
    second = world.daemon.process
    code, seconds = world.daemon.terminate()
    equal(code, 0, 'the exit code')
    holds(seconds < 2, f'it took {seconds} s')
    world.daemon.start()
    third = world.daemon.process
    world.daemon.start('--replace')
    go_on(first)
    equal([process.wait(10) for process in (first, second, third)], [0, 0, 0], 'the exit codes')
    equal(world.alice.list_pins(), [], 'the pins')


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


@test('SIGHUP before the state is read is no end, and is not forgotten')
def _(world):
    first = world.daemon.process
    halt(first)
    world.daemon.start('--replace')
    world.daemon.process.send_signal(signal.SIGHUP)
    go_on(first)
    world.root.call(PINS, 'Reload', '')  # reloads are made one by one
    holds('read the pin files' in world.daemon.log(), 'the signal is forgotten')


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
