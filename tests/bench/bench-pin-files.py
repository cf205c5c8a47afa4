#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench-pin-files.py [COUNT]: what 100 000 pins in files cost, in a folder of as many files and in one file, beside
10 000 pins of a user: until the first answer, in memory, and in reloads under load. All pins change with each reload,
while one program reads pins and another one makes requests. Their answers are checked, and one that is wrong fails it;
the figures are printed, and not judged."""

import os
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from lib.caller import PINS
from lib.tap import equal, holds
from lib.turns import Turns
from lib.world import ALICE, HOST, World

OF_USER = 10000
RELOADS = 6
SAMPLE = 97  # every so many pins are looked at


class Pins:
    """The administrator's pins, in one of two versions: each has another key."""

    def __init__(self, world, count, in_one_file):
        self.world = world
        self.count = count
        self.in_one_file = in_one_file
        self.keys = [world.issue().pin, world.issue().pin]
        identity = world.issue()
        self.server = world.serve(identity)
        self.constant = identity.pin

    def groups(self, version):
        yield HOST, self.constant
        for number in range(self.count - 1):
            yield f'h{number:06}.example', self.keys[version]

    def write(self, version):
        """Puts a version there, at once."""
        folder = tempfile.mkdtemp(dir=self.world.folder)
        os.chmod(folder, 0o755)
        if self.in_one_file:
            with open(os.path.join(folder, 'all.pin'), 'w', encoding='utf-8') as file:
                file.write('[Pin File]\nVersion=1\n')
                file.writelines(f'[{host}]\nHost={host}\nKeys={key}\n' for host, key in self.groups(version))
        else:
            for host, key in self.groups(version):
                with open(os.path.join(folder, host + '.pin'), 'w', encoding='utf-8') as file:
                    file.write(f'[Pin File]\nVersion=1\n[a]\nHost={host}\nKeys={key}\n')
        now = self.world.daemon.pins_dir
        os.rename(now, folder + '-old')
        os.rename(folder, now)


def write_pins_of_user(world, key):
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    os.makedirs(folder, 0o700)
    for number in range(OF_USER):
        host = f'u{number:05}.example'
        with open(os.path.join(folder, host + '.pin'), 'w', encoding='utf-8') as file:
            file.write(f'[Pin File]\nVersion=1\nAccount=games\n[Pin]\nHost={host}\nMatch=leaf\nMode=enforce\n'
                       f'State=active\nKeys={key};\n')


def memory_mib(world, name):
    with open(f'/proc/{world.daemon.process.pid}/status', encoding='utf-8') as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith(name + ':'))


def processor_ms(world):
    """What the service has used so far."""
    with open(f'/proc/{world.daemon.process.pid}/stat', encoding='utf-8') as file:
        user, system = file.read().rsplit(')', 1)[1].split()[11:13]
    return (int(user) + int(system)) * 1000 / os.sysconf('SC_CLK_TCK')


class Watch:
    """Reads pins and makes requests until it is told to stop; each answer is checked."""

    def __init__(self, pins):
        self.pins = pins
        self.stopping = threading.Event()
        self.counts = {}
        self.slowest = {}
        self.wrong = []
        self.threads = [threading.Thread(target=self._go_on, args=(what,))
                        for what in (self.read, self.request, self.read_own)]
        for thread in self.threads:
            thread.start()

    def _go_on(self, what):
        name, rounds = what.__name__, 0
        while not self.stopping.is_set():
            began = time.monotonic()
            try:
                what(rounds)
            except AssertionError as error:
                self.wrong.append(str(error))
                return
            rounds += 1
            self.slowest[name] = max(self.slowest.get(name, 0), time.monotonic() - began)
        self.counts[name] = rounds

    def read(self, rounds):
        """A slice is of one version."""
        number = rounds * SAMPLE % (self.pins.count - 100)
        slice_ = self.pins.world.bob.list_slice(scope='system', start_after=f'h{number:06}.example')
        keys = {pin['keys'][0] for pin in slice_}
        holds(len(keys) == 1 and keys <= set(self.pins.keys), f'a slice after {number} has the keys {keys}')
        equal([pin['host'] for pin in slice_], [f'h{number + 1 + i:06}.example' for i in range(len(slice_))], 'the hosts')

    def read_own(self, rounds):
        host = f'u{rounds * SAMPLE % OF_USER:05}.example'
        equal(self.pins.world.alice.get_pin(host)['keys'], [self.pins.keys[0]], f'the keys of {host}')

    def request(self, _rounds):
        answer = self.pins.world.root.request(self.pins.server.url(HOST))
        equal(answer.status, 200, 'the status')

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        equal(self.wrong, [], 'the wrong answers')


def start(world, name):
    began = time.monotonic()
    world.daemon.start()
    equal(len(world.alice.get_pin('u00000.example')['keys']), 1, 'the keys')
    world.alice.get_pin(HOST)
    print(f'{name}: start {(time.monotonic() - began) * 1000:.0f} ms, {processor_ms(world):.0f} ms of processor time, memory {memory_mib(world, "VmRSS"):.1f} MiB, '
          f'at most {memory_mib(world, "VmHWM"):.1f} MiB')


def reload_under_load(world, pins, turns, name):
    watch = Watch(pins)
    took_ms, longest_ms, n_turns = [], [], 0
    for round_ in range(RELOADS):
        version = 1 - round_ % 2
        pins.write(version)
        began = time.monotonic()
        turns.begin()
        world.new_caller(0).begin(PINS, 'Reload', '').wait(300)
        took_ms.append((time.monotonic() - began) * 1000)
        for number in (0, pins.count // 2, pins.count - 2):
            equal(world.bob.get_pin(f'h{number:06}.example')['keys'], [pins.keys[version]], 'the keys after a reload')
        longest, count = turns.read()
        longest_ms.append(longest)
        n_turns += count
    watch.stop()
    slowest = ', '.join(f'{what} {seconds * 1000:.1f} ms' for what, seconds in watch.slowest.items())
    print(f'{name}: reload {min(took_ms):.0f} to {max(took_ms):.0f} ms; the longest turn of each, of {n_turns} in all: '
          f'{", ".join(f"{longest:.2f}" for longest in sorted(longest_ms))} ms; '
          f'{sum(watch.counts.values())} answers meanwhile, none of them wrong; the slowest: {slowest}; memory '
          f'{memory_mib(world, "VmRSS"):.1f} MiB, at most {memory_mib(world, "VmHWM"):.1f} MiB')


def measure(count, in_one_file):
    world = World()
    turns = world.track(Turns(os.path.join(world.folder, 'turns'), os.environ['CERTPIN_TURNS']))
    name = f'{count} pins in {"one file" if in_one_file else "as many files"}, {OF_USER} of a user'
    world.daemon.terminate()
    world.daemon.more_environment = turns.environment
    pins = Pins(world, count, in_one_file)
    write_pins_of_user(world, pins.keys[0])
    pins.write(0)
    start(world, name)
    reload_under_load(world, pins, turns, name)
    world.close()


for one_file in (False, True):
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100000, one_file)
