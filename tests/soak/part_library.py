# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that uses the library for a long time, for requests of every kind: neither it nor the service grows."""

import os
import subprocess

from crowd import USERS
from figures import Broken, at_rest, check_given_back, resident_mib
from lib.certpinctl import environment
from lib.public import with_library
from lib.world import HOST
from servers import add_servers

REQUESTS = 10000
# What leaks grows by nine tenths of the requests: less than 8 bytes of each, at full scale.
HEAP_KIB = 64
# Pages: a stack or a heap of a thread more or less, at a moment.
RESIDENT_MIB = 2


class Program:
    """library.c, for one user."""

    def __init__(self, world, urls):
        settings = environment(world) | {'G_SLICE': 'always-malloc', 'GLIBC_TUNABLES': 'glibc.malloc.tcache_count=0'}
        self._process = subprocess.Popen(
            [with_library(os.environ['CERTPIN_SOAK_LIBRARY']),
             *(urls[name] for name in ('good', 'large', 'stall', 'wrong', 'unpinned'))],
            env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            user=USERS[0], group=USERS[0], extra_groups=[])

    def make(self, count):
        """Makes so many requests. Returns: what is in use afterwards, in KiB, and what is resident, in MiB"""
        print(count, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise Broken(f'the program ended with status {self._process.wait()}')
        return int(line) / 1024, resident_mib(self._process.pid)

    def close(self):
        self._process.stdin.close()
        self._process.wait()


def run(soak):
    count = soak.scaled(REQUESTS, 2000)
    soak.expect(count)
    world = soak.world
    identity = world.issue()
    _, urls = add_servers(world, identity)
    world.new_caller(USERS[0]).pin(HOST, identity.der)
    program = world.track(Program(world, urls))
    before = soak.take('before')
    heap, resident = program.make(count // 10)
    tenth = at_rest(world, 'after a tenth')
    grown_heap, grown_resident = program.make(count - count // 10)
    after = at_rest(world, 'after all')
    soak.report(f'{count} requests of one program', [before, tenth, after],
                {'in use by the program after a tenth, and after all': f'{heap:.0f} KiB, {grown_heap:.0f} KiB',
                 'resident of it': f'{resident:.1f} MiB, {grown_resident:.1f} MiB'})
    if grown_heap > heap + HEAP_KIB or grown_resident > resident + RESIDENT_MIB:
        raise Broken(f'the program has {grown_heap:.0f} KiB in use and {grown_resident:.1f} MiB resident, and had '
                     f'{heap:.0f} KiB and {resident:.1f} MiB; it may have {HEAP_KIB} KiB and {RESIDENT_MIB} MiB more')
    check_given_back(tenth, after)
