# SPDX-License-Identifier: LGPL-2.1-or-later
"""Instances that take each other's place while programs change pins."""

import os
import pwd
import random
import threading

from .caller import CallError
from .tap import equal, holds
from .world import ALICE, BOB

KEYS = [f'sha256/{letter * 42}A=' for letter in 'BCDEFGHI']


def furnish(world, count):
    """Pins of another user, as if they had been set over the bus."""
    folder = os.path.join(world.daemon.state_dir, 'users', '0')
    os.makedirs(folder, 0o700)
    for number in range(count):
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
        self.go_on()

    def go_on(self):
        """Begins, or goes on after finish ()."""
        self.over.clear()
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
        """Returns: how many of its pins were found, which are all that it knows"""
        for host in self.hosts:
            self.look(host)
        return sum(self.known.get(host) is not None for host in self.hosts)


def start_busy(world):
    return [Busy(world.new_caller(ALICE), 'one', 'user'),
            Busy(world.new_caller(ALICE), 'two', 'user'),
            Busy(world.new_caller(BOB), 'three', 'user'),
            Busy(world.new_caller(0), 'four', 'system')]


def check_ends(process):
    equal(process.wait(20), 0, 'the exit code of one that was replaced')


def replace(world, busy, count, replaced=lambda number: None):
    """Replaces the service so many times, each time as soon as the one before has the name. `replaced`: is told which
    replacement was made."""
    before = []
    for number in range(count):
        before.append(world.daemon.process)
        world.daemon.start('--replace')
        wrong = [what for one in busy for what in one.wrong]
        holds(not wrong, '; '.join(wrong))
        if len(before) > 3:
            check_ends(before.pop(0))
        replaced(number)
    for process in before:
        check_ends(process)


def check_known(world, busy):
    """All that was acknowledged is known now, and after a crash."""
    for restart in (lambda: None, lambda: (world.daemon.kill(), world.daemon.start())):
        restart()
        for one in busy:
            one.check_all()
