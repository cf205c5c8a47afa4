#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service is killed at random moments while a program makes changes: what was acknowledged is
there when it starts again, what was not is there whole or not at all, and nothing else has changed. Likewise while it
writes what it saw at servers: what was written stays, and what is new is there whole or not at all.

usage: test-kill.py [--changes=OF_EACH_KIND] [--seed=NUMBER] [WORD...]"""

import base64
import collections
import os
import random
import sys
import threading
from dataclasses import dataclass

from lib.caller import PINS, CallError, pin_options
from lib.tap import equal, holds, run, test
from lib.world import World


def take_argument(name, default):
    given = [word for word in sys.argv if word.startswith(f'--{name}=')]
    sys.argv = [word for word in sys.argv if word not in given]
    return int(given[-1].split('=')[1]) if given else default


CHANGES = take_argument('changes', 40)
SEED = take_argument('seed', random.SystemRandom().randrange(1 << 32))
BATCH = 10  # changes between two kills
# What the bus says to whoever waits for a service that is killed, or calls it afterwards.
GONE = [f'org.freedesktop.DBus.Error.{name}' for name in ('NoReply', 'ServiceUnknown', 'NameHasNoOwner')]
# What a pin says that differs from change to change.
STAMPS = ('generation', 'created', 'paused-until')

OLD, NEXT, NEW = (f'sha256/{base64.b64encode(bytes([letter]) * 31 + b"!").decode()}' for letter in b'ABC')


@dataclass
class Place:
    """Where changes are made: by whom, and in which scope."""

    caller: object
    scope: str
    certificate: bytes

    def owns(self, path):
        """Whether a file of the state folder is of a pin that may change."""
        folder = 'system' if self.scope == 'system' else f'users/{self.caller.uid}'
        return os.path.dirname(path) == folder and path.endswith('.pin')

    def call(self, method, signature, *arguments):
        return self.caller.begin(PINS, method, signature, *arguments, pin_options({'scope': self.scope}))

    def keys(self, method, host, *keys, **options):
        return self.caller.begin_keys(method, host, *keys, scope=self.scope, **options)

    def pin(self, host, certificate, **options):
        return self.caller.begin_pin(host, certificate, scope=self.scope, **options)


@dataclass
class Kind:
    """A kind of change. `change`: begins one, of a place and `hosts` hosts, each of which is changed as a whole or not at
    all. `first`: begins what is done to a pinned host before that; None: nothing. `also_new`: some hosts are not pinned
    before. `answer`: the error that acknowledges it, if its reply does not."""

    change: object
    first: object = None
    also_new: bool = False
    answer: str = ''
    hosts: int = 1


def pin_file(hosts):
    return '[Pin File]\nVersion=1\n' + ''.join(f'\n[{host}]\nHost={host}\nKeys={NEW};{NEXT};\nNote=n\n' for host in hosts)


# Of two old keys, one is removed; what is added comes behind them.
KINDS = {
    'PinCertificate': Kind(lambda place, host: place.pin(host, place.certificate, note='n', expires=4000000000),
                           also_new=True),
    'PinKeys': Kind(lambda place, host: place.keys('PinKeys', host, NEW, NEXT, match='path', mode='report'),
                    also_new=True),
    'AddKeys': Kind(lambda place, host: place.keys('AddKeys', host, NEW)),
    'RemoveKeys': Kind(lambda place, host: place.keys('RemoveKeys', host, OLD)),
    'Unpin': Kind(lambda place, host: place.call('Unpin', '(sa{sv})', host)),
    'BlockHost': Kind(lambda place, host: place.call('BlockHost', '(ssa{sv})', host, 'why'), also_new=True),
    'ImportPins': Kind(lambda place, *hosts: place.call('ImportPins', '(sa{sv})', pin_file(hosts)), also_new=True,
                       hosts=3),
    'PausePin': Kind(lambda place, host: place.caller.begin_pause(host, 3600, scope=place.scope)),
    'ResumePin': Kind(lambda place, host: place.call('ResumePin', '(sa{sv})', host),
                      first=lambda place, host: place.caller.begin_pause(host, 3600, scope=place.scope)),
    'a pinning that fails': Kind(lambda place, host: place.pin(host, b'junk'), also_new=True, answer='WrongFormat'),
}


def without_stamps(pin):
    return pin and {name: value for name, value in pin.items() if name not in STAMPS}


def all_pins(place):
    """All that the caller sees, by scope and host. A generation is of one run of the service."""
    pins = {(pin['scope'], pin['host']): pin for pin in place.caller.list_pins()}
    for pin in pins.values():
        pin.pop('generation')
    return pins


def read_state(world):
    """All that is kept. Returns: by the path below the folder, the bytes"""
    state = {}
    for folder, _, names in os.walk(world.daemon.state_dir):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, 'rb') as file:
                state[os.path.relpath(path, world.daemon.state_dir)] = file.read()
    return state


class Series:
    """Many changes of one kind in one place, with kills."""

    def __init__(self, world, place, name):
        self.world, self.place, self.kind = world, place, KINDS[name]
        self.word = name.replace(' ', '-').lower()
        self.chance = random.Random(f'{SEED} {place.scope} {name}')
        self.count = collections.Counter()
        self.batch_s = 0.05  # about how long a batch takes
        self.model = self._make_model()

    def _hosts(self, number):
        return [f'{self.word}-{number}-{one}.localhost' for one in range(self.kind.hosts)]

    def _acknowledged(self, pending):
        """Whether the service said that the change is made."""
        try:
            pending.wait()
        except CallError as error:
            holds(error.name in (self.kind.answer, *GONE), f'a change was answered with {error}')
            return error.name == self.kind.answer
        holds(not self.kind.answer, 'what must fail has passed')
        return True

    def _pin(self, host):
        """Makes a host as it is before the change. Returns: the calls"""
        calls = [self.place.keys('PinKeys', host, OLD, NEXT, note='old')]
        return calls + [self.kind.first(self.place, host)] if self.kind.first else calls

    def _prepare(self, number):
        """Makes the hosts as they are before the change. Returns: the calls"""
        new = self.kind.also_new and number % 2 == 1
        return [call for host in self._hosts(number) for call in
                ([self.place.call('Unpin', '(sa{sv})', host)] if new else self._pin(host))]

    def _make_model(self):
        """Makes the change of hosts of its own, in peace. Returns: what these say of themselves then"""
        hosts = self._hosts('model')
        for call in [call for host in hosts for call in self._pin(host)]:
            call.wait()
        holds(self._acknowledged(self.kind.change(self.place, *hosts)), 'the service is gone')
        pins = all_pins(self.place)
        return [without_stamps(pins.get((self.place.scope, host))) for host in hosts]

    def _after(self, number):
        """What the hosts say of themselves when the change is made."""
        for host, like, pin in zip(self._hosts(number), self._hosts('model'), self.model):
            yield pin and {name: value.replace(like, host) if isinstance(value, str) else value
                           for name, value in pin.items()}

    def _kill_in_a_batch(self, numbers):
        """Returns: by number, whether the change was acknowledged"""
        for call in [call for number in numbers for call in self._prepare(number)]:
            try:
                call.wait()
            except CallError as error:
                equal(error.name, 'NotPinned', 'what came of the preparation')
        self.before, self.state = all_pins(self.place), read_state(self.world)
        calls = {number: self.kind.change(self.place, *self._hosts(number)) for number in numbers}
        threading.Event().wait(self.chance.uniform(0, 1.2 * self.batch_s))  # a moment as good as any other
        self.world.daemon.kill()
        acknowledged = {number: self._acknowledged(call) for number, call in calls.items()}
        if all(acknowledged.values()):
            self.batch_s *= 0.7
        elif not any(acknowledged.values()):
            self.batch_s *= 1.3
        return acknowledged

    def _judge(self, number, acknowledged, pins):
        """Whether the hosts are changed, each as a whole, and if need be."""
        for host, after in zip(self._hosts(number), self._after(number)):
            now, before = (all_of_them.pop((self.place.scope, host), None) for all_of_them in (pins, self.before))
            made = without_stamps(now) == after
            holds(made or not acknowledged, f'an acknowledged change of {host} is lost: {now}')
            holds(made or now == before, f'a change of {host} is half: {now}; it was {before}')
            self.count['found' if made else 'unmade'] += 1
        self.count['acknowledged'] += acknowledged

    def _check_files(self, pins):
        """What a start leaves: one file for each pin, and all others as they were."""
        state = read_state(self.world)
        equal(sum(map(self.place.owns, state)), sum(scope == self.place.scope for scope, _ in pins), 'the files of pins')
        equal(*({path: text for path, text in one.items() if not self.place.owns(path)} for one in (state, self.state)),
              'the other files')

    def go(self, changes):
        for first in range(0, changes, BATCH):
            numbers = range(first, min(first + BATCH, changes))
            acknowledged = self._kill_in_a_batch(numbers)
            if first == 0:  # a process more; each start reads the same, and says what is wrong
                equal(self.world.daemon.run('--check')[0], 0, 'the exit code of --check')
            self.world.daemon.start()
            equal('restart certpind' in self.world.daemon.log(), False, 'whether a file was broken')
            pins = all_pins(self.place)
            self._check_files(pins)
            for number in numbers:
                self._judge(number, acknowledged[number], pins)
            equal(pins, self.before, 'the other pins')
            self.count['changes'] += len(numbers)
            self.count['kills'] += 1


def furnish(world):
    """Pins that nobody changes, of those who make changes and of others."""
    for number in range(3):
        host = f'bystander-{number}.localhost'
        world.bob.pin_keys(host, NEW)
        world.alice.pin_keys(host, OLD)
        world.root.block(host, 'so', scope='system')


def add_test(name):
    @test(f'kill -9 in the middle of {CHANGES} changes: {name}')
    def _(world):
        furnish(world)
        total, certificate = collections.Counter(), world.issue().der
        for caller, scope in ((world.alice, 'user'), (world.root, 'system')):
            series = Series(world, Place(caller, scope, certificate), name)
            series.go(CHANGES // 2)
            total += series.count
        hosts = f' of {KINDS[name].hosts} hosts each' if KINDS[name].hosts > 1 else ''
        print(f'# {name}: {total["changes"]} changes{hosts}, {total["kills"]} kills, {total["acknowledged"]} acknowledged; '
              f'{total["found"]} hosts found changed afterwards, {total["unmade"]} not; seed {SEED}', flush=True)
        holds(CHANGES < 100 or total['found'] and total['unmade'], 'no kill came in the middle')


def all_seen(world):
    """Returns: by scope and host, by key, when it was first and last seen"""
    return {(pin['scope'], pin['host']): pin.get('seen', {}) for pin in world.alice.list_pins()}


def check_seen(before, now, hosts):
    """What was written stays, and never goes backwards. Returns: whether what is new was written, which is so of all hosts
    or of none"""
    for pin, keys in before.items():
        for key, (first, last) in keys.items():
            holds(key in now[pin], f'it is lost that {pin} was seen with {key}')
            equal(now[pin][key][0], first, f'when {pin} was first seen')
            holds(now[pin][key][1] >= last, f'{pin} was last seen at {now[pin][key][1]}, and before at {last}')
    found = {bool(now['user', host]) for host in hosts}
    equal(len(found), 1, f'the number of answers to whether {hosts} were seen')
    return found.pop()


SEEN_ROUNDS = max(8, CHANGES // 20)


@test(f'kill -9 while the service writes what it saw at servers, {SEEN_ROUNDS} times')
def _(world):
    chance, identity = random.Random(f'{SEED} seen'), world.issue('*.seen.localhost')
    server = world.serve(identity)
    world.root.pin_keys('*.seen.localhost', identity.pin, scope='system')
    before, written, end_s = {}, 0, 0.02  # about how long an orderly end takes
    for number in range(SEEN_ROUNDS):
        hosts = [f'h{number}-{one}.seen.localhost' for one in range(3)]
        for host in hosts:
            world.alice.pin_keys(host, identity.pin)
            world.arrives(server, host=host)
        world.daemon.process.terminate()  # now it writes
        threading.Event().wait(chance.uniform(0, 1.2 * end_s))  # a moment as good as any other
        world.daemon.kill()
        world.daemon.start()
        equal(world.daemon.log().count('no request depends on this'), 0, 'how often a file could not be read')
        now = all_seen(world)
        kept = check_seen(before, now, hosts)
        before, written, end_s = now, written + kept, end_s * (0.7 if kept else 1.3)
    print(f'# {SEEN_ROUNDS} kills; what was new was written before {written}, and not before the others; seed {SEED}')
    holds(CHANGES < 100 or 0 < written < SEEN_ROUNDS, 'no kill came in the middle')


for kind in KINDS:
    add_test(kind)
run(World)
