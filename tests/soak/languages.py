#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes many requests in each language, of which every tenth is refused, and prints how much memory the program and the
service have after a tenth of them, and after all. Fails where more is in use, or resident, than the bounds below allow.

usage: languages.py [REQUESTS [LANGUAGE...]]"""

import atexit
import os
import pathlib
import select
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from figures import count_heap, heap_kib, resident_mib
from lib.installed import find_library, install_library
from lib.public import certpinctl, new_folder, put
from lib.tap import equal, holds
from lib.world import ALICE, HOST, World
from servers import SoakServer

PROGRAMS = pathlib.Path(__file__).parent / 'languages'
# What each is built with, and how it is run. A certpinctl for each request takes ten times as long: it makes a tenth.
BUILD = '''set -e
cc -Wall -Werror many.c $(pkg-config --cflags --libs certpin-1) -o many-c
c++ -Wall -Werror -std=c++17 many.cc $(pkg-config --cflags --libs certpin-1) -o many-cc
valac --pkg gio-2.0 --pkg certpin-1 many.vala -o many-vala
'''
LANGUAGES = {'c': ['./many-c'], 'c++': ['./many-cc'], 'vala': ['./many-vala'],
             'python': ['/usr/bin/python3', '-B', 'many.py'], 'javascript': ['gjs', '-m', 'many.js'],
             'shell': ['./many.sh']}
SHELL_PART = 10
REQUESTS = 10000
ROUNDS = 10  # after each, garbage is collected

# What is allocated and not freed is counted exactly; a tenth of the requests fills all caches. The smallest block has 24
# bytes, so a leak of one in each request that is refused would be 2.4 bytes of each request. PyGObject (3.42) itself
# leaks a block of 32 or 40 bytes for each function that it calls back: 477 KiB of 9000 requests were seen.
HEAP_KIB = {'c': 8, 'c++': 8, 'vala': 8, 'python': 128, 'javascript': 64}
HEAP_BYTES = {'c': 1, 'c++': 1, 'vala': 1, 'python': 48, 'javascript': 1}  # of each request
SERVICE_HEAP_KIB = 64
# Pages show less, and later: allocators keep some, and the garbage collector of JavaScript has its own.
RESIDENT_MIB = {'c': 1, 'c++': 1, 'vala': 1, 'python': 4, 'javascript': 8, 'shell': 1}
SERVICE_RESIDENT_MIB = 4
ROUND_DEADLINE_S = 600


class Program:
    """One of those in the folder, run by a user; its memory is counted as that of the service is."""

    def __init__(self, world, folder, language, arguments):
        self.heap_prefix = os.path.join(tempfile.mkdtemp(dir=world.folder), 'heap')
        os.chmod(world.folder, 0o755)
        os.chown(os.path.dirname(self.heap_prefix), ALICE, ALICE)
        environment = {**os.environ, **find_library(folder), 'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address,
                       'LC_ALL': 'C.UTF-8', 'HOME': world.folder,
                       'PATH': f'{os.path.dirname(certpinctl())}:{os.environ["PATH"]}'}
        self.counts_heap = language in HEAP_BYTES
        if self.counts_heap:
            environment |= {'LD_PRELOAD': str(folder / 'soak-heap.so'), 'CERTPIN_SOAK_HEAP': self.heap_prefix,
                            'G_SLICE': 'always-malloc', 'PYTHONMALLOC': 'malloc'}
        self.process = subprocess.Popen(
            LANGUAGES[language] + arguments, cwd=folder, env=environment, user=ALICE, group=ALICE, extra_groups=[],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait_for_round(self, count):
        ready, _, _ = select.select([self.process.stdout], [], [], ROUND_DEADLINE_S)
        holds(ready, f'{count} requests are not made after {ROUND_DEADLINE_S} s')
        equal(self.process.stdout.readline(), f'{count}\n', 'what the program says of the round')

    def go_on(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()

    def heap_kib(self):
        if not self.counts_heap:
            return None
        with open(f'{self.heap_prefix}.{self.process.pid}', 'rb') as file:
            return struct.unpack('=qq', file.read())[0] / 1024

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def build():
    """Returns: a folder with the programs, and with the library, that every user can read"""
    folder = pathlib.Path(new_folder('certpin-languages-'))
    atexit.register(shutil.rmtree, folder)
    for path in PROGRAMS.iterdir():
        put(path, folder / path.name)
    put(os.environ['CERTPIN_SOAK_HEAP_MODULE'], folder / 'soak-heap.so')
    install_library(folder)
    subprocess.run(['sh', '-c', BUILD], cwd=folder, env={**os.environ, **find_library(folder)}, check=True)
    return folder


def take(world, program):
    """Returns: the figures of a moment"""
    return {'program in use, KiB': program.heap_kib(), 'program resident, MiB': resident_mib(program.process.pid),
            'service in use, KiB': heap_kib(world.daemon),
            'service resident, MiB': resident_mib(world.daemon.process.pid)}


def measure(world, folder, language, rounds):
    """Returns: the figures after each round"""
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    servers = [world.track(SoakServer(world.folder, one)) for one in (identity, world.impostor())]
    urls = [server.url(HOST, '/1000') for server in servers]
    program = world.track(Program(world, folder, language, urls + [str(count) for count in rounds]))
    figures = []
    for count in rounds:
        program.wait_for_round(count)
        figures.append(take(world, program))
        program.go_on()
    equal(program.process.wait(60), 0, 'the exit code')
    passed = sum(count - count // 10 for count in rounds)
    equal(servers[0].arrived, passed, 'how many requests reached the server')
    equal(servers[1].arrived, 0, 'how many requests reached the impostor')
    return figures


def heap_bound(language, requests):
    """Returns: how many KiB more a program may have in use after so many requests more, or None"""
    if language not in HEAP_BYTES:
        return None
    return HEAP_KIB[language] + HEAP_BYTES[language] * requests / 1024


def run(folder, language, requests):
    """Returns: what is wrong"""
    count = requests // SHELL_PART if language == 'shell' else requests
    world = World()
    try:
        count_heap(world.daemon)
        world.daemon.restart()
        before, *_, after = measure(world, folder, language, [count // ROUNDS] * ROUNDS)
        world.check_health()
    except AssertionError as error:
        return [f'{language}: {error}', world.describe()]
    finally:
        world.close()
    bounds = {'program in use, KiB': heap_bound(language, count - count // ROUNDS),
              'program resident, MiB': RESIDENT_MIB[language],
              'service in use, KiB': SERVICE_HEAP_KIB, 'service resident, MiB': SERVICE_RESIDENT_MIB}
    wrong = []
    for what, bound in bounds.items():
        if bound is None:
            continue
        print(f'{language:10} {what:21} after {count // ROUNDS}: {before[what]:8.1f}, after {count}: {after[what]:8.1f}; '
              f'{after[what] - before[what]:+.1f}, may be {bound:+.0f}', flush=True)
        if after[what] - before[what] > bound:
            wrong.append(f'{language}: {what}: {after[what] - before[what]:.1f} more, but only {bound:.0f} are allowed')
    return wrong


def main():
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS
    if requests < 1000 or requests % 1000 != 0:
        sys.exit(f'languages: ‘{requests}’ is not a multiple of 1000')
    folder = build()
    wrong = [problem for language in sys.argv[2:] or LANGUAGES for problem in run(folder, language, requests)]
    print('\n'.join(wrong))
    sys.exit(1 if wrong else 0)


main()
