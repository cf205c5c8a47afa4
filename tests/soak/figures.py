# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a soak measures, and what it allows."""

import os
import re
import threading
import time
from dataclasses import dataclass

# How much resident memory may grow. The kernel counts pages, not what is in use: glibc keeps what was freed below the
# end of a heap, has a heap for each of several threads, and libraries fill caches with their first use. All of that has
# happened after a tenth of the load. What leaks grows for the nine tenths that are left, in proportion to them; what
# fluctuates does not. So each bound is a few times the fluctuation that was seen, and at full scale far below what the
# smallest leak would make:
# - 90000 requests: 45 bytes of each that are not freed make 4 MiB.
REQUESTS_MIB = 4
# - 9000 callers: their names, tables and cancellables take some 500 bytes each.
CALLERS_MIB = 4
# - beside those that never read: how many of the largest bodies wait for them at a moment is chance, give or take one.
SILENT_MIB = 16 + 8
# - when these have left: less than one of the largest bodies, as a whole of which budgets are given back.
LEFT_MIB = 12
# - another process after the same start and as much work: nothing but where the kernel puts things.
REPLACED_MIB = 2

REST_DEADLINE_S = 60
REST_S = 1.5  # longer than IDLE_S of soak.py
STATS = ('org.freedesktop.DBus.Debug.Stats', 'GetConnectionStats', '(s)')


class Broken(Exception):
    """A bound does not hold; the message says which, in one sentence."""


def resident_mib(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return int(re.search(r'VmRSS:\s+(\d+) kB', file.read())[1]) / 1024


def wait_until(condition, seconds=REST_DEADLINE_S):
    """For what nothing announces. Returns: whether it came about"""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.05)
    return True


@dataclass
class Figures:
    """Of one moment."""

    when: str
    memory: float      # of the service, resident, in MiB
    bus_memory: float  # of the bus, likewise
    descriptors: int
    rules: int         # match rules that the service has at the bus
    queued: int        # bytes that the bus holds for the service, and has read of it in part
    pins: int          # that were found; -1: not looked for

    @classmethod
    def take(cls, world, when, pins=-1):
        pid = world.daemon.process.pid
        [stats] = world.root.call(*STATS, world.daemon.name, path='/org/freedesktop/DBus',
                                  destination='org.freedesktop.DBus')
        return cls(when, resident_mib(pid), resident_mib(world.shared.bus.process.pid),
                   len(os.listdir(f'/proc/{pid}/fd')), stats['MatchRules'],
                   stats['OutgoingBytes'] + stats['IncomingBytes'], pins)


def at_rest(world, when, pins=-1):
    """Takes the figures once nothing is under way: connections to servers that nobody uses are closed, and the number
    of descriptors does not change any more."""
    last = [None, 0.0]

    def is_steady():
        now = Figures.take(world, when, pins)
        if last[0] is None or (now.descriptors, now.queued) != (last[0].descriptors, last[0].queued):
            last[:] = now, time.monotonic()
        return time.monotonic() - last[1] > REST_S

    if not wait_until(is_steady):
        raise Broken('the number of descriptors does not come to rest')
    return Figures.take(world, when, pins)


def check_flat(before, after, grown_mib):
    if after.memory > before.memory + grown_mib:
        raise Broken(f'certpind has {after.memory:.1f} MiB resident {after.when}, and had {before.memory:.1f} MiB '
                     f'{before.when}; it may have {grown_mib} MiB more')


def check_given_back(before, after, grown_mib):
    """Nothing of what was under way is left."""
    check_flat(before, after, grown_mib)
    for name, what in (('descriptors', 'open descriptors'), ('rules', 'match rules'),
                       ('queued', 'bytes queued at the bus')):
        had, has = getattr(before, name), getattr(after, name)
        if has > had:
            raise Broken(f'certpind has {has} {what} {after.when}, and had {had} {before.when}')


def percentiles(seconds):
    """Returns: p50, p99 and the longest, as text"""
    ordered = sorted(seconds)
    p50, p99 = (ordered[int((len(ordered) - 1) * part)] for part in (0.5, 0.99))
    return ' / '.join(f'{1000 * one:.1f}' for one in (p50, p99, ordered[-1])) + ' ms'
