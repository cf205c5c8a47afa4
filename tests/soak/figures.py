# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a soak measures, and what it allows."""

import os
import re
import struct
import threading
import time
from dataclasses import dataclass

# How much may grow. What is in use is counted exactly, block by block: libraries fill caches and keep threads ready
# with their first uses, which a tenth of the load brings about; what leaks grows for the nine tenths that are left, in
# proportion to them. So the bound is ten times the fluctuation that was seen, and at full scale far below the smallest
# leak: 6 bytes of each of 90000 requests, 60 of each of 9000 callers.
HEAP_KIB = 512
# What is resident are pages. glibc keeps what was freed between other things, has heaps for several threads, and uses
# what it kept for what leaks; so this figure shows less, later. It has to show that large blocks go back to the kernel:
# hundreds of 16 MiB each were held for programs that did not read. Heaps with small things here and there have taken
# 27 MiB more at most so far; without the threshold in main.c it was 154.
RESIDENT_MIB = 64
# Beside programs that do not read, what counts is the most that was ever held, for what was never read is dropped by
# and by. Bodies fill their budgets at once; later 128 calls of each of three users wait with 64 KiB each, and one body
# of 16 MiB more or less is on its way at a moment.
PEAK_MIB = 24 + 16

REST_DEADLINE_S = 60
REST_S = 2.5  # longer than IDLE_S of soak.py, and the second by which GLib's timers of seconds may be late
STATS = ('org.freedesktop.DBus.Debug.Stats', 'GetConnectionStats', '(s)')


class Broken(Exception):
    """A bound does not hold; the message says which, in one sentence."""


def resident_mib(pid, field='VmRSS'):
    """`field`: VmHWM for the most that there ever was."""
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return int(re.search(field + r':\s+(\d+) kB', file.read())[1]) / 1024


def count_heap(daemon):
    """Starts the service with heap.c from now on, and without the slices of older GLib, which would hide from it."""
    daemon.more_environment |= {'LD_PRELOAD': os.environ['CERTPIN_SOAK_HEAP_MODULE'], 'G_SLICE': 'always-malloc',
                                'CERTPIN_SOAK_HEAP': os.path.join(daemon.state_dir, '..', 'heap')}


def heap_kib(daemon):
    with open(f'{daemon.more_environment["CERTPIN_SOAK_HEAP"]}.{daemon.process.pid}', 'rb') as file:
        return struct.unpack('=qq', file.read())[0] / 1024


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
    peak: float        # the most of it, so far
    heap: float        # bytes that it has allocated and not freed, in KiB
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
        return cls(when, resident_mib(pid), resident_mib(pid, 'VmHWM'), heap_kib(world.daemon),
                   resident_mib(world.shared.bus.process.pid), len(os.listdir(f'/proc/{pid}/fd')), stats['MatchRules'],
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


def check_grown(before, after, figure, allowed, unit):
    had, has = getattr(before, figure), getattr(after, figure)
    if has > had + allowed:
        raise Broken(f'certpind has {has:.0f} {unit} {after.when}, and had {had:.0f} {before.when}; '
                     f'it may have {allowed} more')


def check_peak(before, after):
    check_grown(before, after, 'peak', PEAK_MIB, 'MiB resident at the peak')


def check_given_back(before, after):
    """Nothing of what was under way is left."""
    check_grown(before, after, 'heap', HEAP_KIB, 'KiB in use')
    check_grown(before, after, 'memory', RESIDENT_MIB, 'MiB resident')
    for figure, unit in (('descriptors', 'open descriptors'), ('rules', 'match rules'),
                         ('queued', 'bytes queued at the bus')):
        check_grown(before, after, figure, 0, unit)


def percentiles(seconds):
    """Returns: p50, p99 and the longest, as text"""
    ordered = sorted(seconds)
    p50, p99 = (ordered[int((len(ordered) - 1) * part)] for part in (0.5, 0.99))
    return ' / '.join(f'{1000 * one:.1f}' for one in (p50, p99, ordered[-1])) + ' ms'
