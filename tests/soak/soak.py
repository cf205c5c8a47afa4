#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the service for a long day, shortened by its load and not by its kinds of load, and fails where it grows, keeps
what it should give back, or forgets what it acknowledged.

usage: soak.py [SCALE] [PART...]"""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
import part_callers
import part_ends
import part_large
import part_library
import part_replace
import part_requests
import part_silent
import part_streams
from figures import Broken, Figures, count_heap, resident_mib
from lib.caller import CallError
from lib.world import World

PARTS = {'silent': part_silent, 'requests': part_requests, 'callers': part_callers,
         'streams': part_streams, 'ends': part_ends, 'large': part_large, 'library': part_library,
         'replace': part_replace}
# Connections that nobody uses are soon closed, so that what is open at rest is what was forgotten.
IDLE_S = 1
PROGRESS_S = 0.5
terminal = None


class Soak:
    """One part: its world, its progress, and what it found out."""

    def __init__(self, name, scale):
        self.name, self.scale = name, scale
        self.world = World()
        count_heap(self.world.daemon)
        self.limit('')
        self.started = time.monotonic()
        self._expected, self._done, self._shown = 1, 0, 0.0
        self.lines = []

    def limit(self, more):
        """Has the service start anew with these lines of its configuration as well."""
        self.world.daemon.terminate()
        self.world.daemon.configure(f'[Limits]\nChannelIdleSeconds={IDLE_S}\n{more}')
        self.world.daemon.start()

    def scaled(self, count, least):
        """Returns: so many times the scale, and a multiple of ten"""
        return max(least, round(count * self.scale / 10) * 10)

    def memory(self):
        return resident_mib(self.world.daemon.process.pid)

    def take(self, when, pins=-1):
        return Figures.take(self.world, when, pins)

    # Progress

    def expect(self, count):
        self._expected, self._done = count, 0

    def progress(self, count=1):
        self._done += count
        now = time.monotonic()
        if terminal is None or now - self._shown < PROGRESS_S:
            return
        self._shown = now
        print(f'\r{self.name}: {100 * self._done // self._expected} %, {self.memory():.0f} MiB, '
              f'{now - self.started:.0f} s ', end='', file=terminal, flush=True)

    # Results

    def report(self, what, figures, more):
        self.lines.append(what)
        rows = [('', *(one.when for one in figures)),
                ('in use by certpind, KiB', *(f'{one.heap:.0f}' for one in figures)),
                ('resident of certpind, MiB', *(f'{one.memory:.1f}' for one in figures)),
                ('at its peak so far, MiB', *(f'{one.peak:.1f}' for one in figures)),
                ('resident of the bus, MiB', *(f'{one.bus_memory:.1f}' for one in figures)),
                ('open descriptors of certpind', *(one.descriptors for one in figures)),
                ('match rules of certpind', *(one.rules for one in figures)),
                ('bytes queued for it at the bus', *(one.queued for one in figures)),
                ('pins found, all acknowledged', *(one.pins if one.pins >= 0 else '' for one in figures))]
        widths = [max(len(str(cell)) for cell in column) for column in zip(*rows)]
        for name, *cells in rows:
            aligned = [str(cell).rjust(width) for cell, width in zip(cells, widths[1:])]
            self.lines.append('  '.join(['', name.ljust(widths[0]), *aligned]).rstrip())
        self.lines += [f'  {name}: {value}' for name, value in more.items()]

    def show(self, verdict):
        if terminal is not None:
            print('\r\x1b[K', end='', file=terminal, flush=True)
        print(f'{self.name}: {verdict}, {time.monotonic() - self.started:.0f} s')
        for line in self.lines:
            print(f'  {line}')
        sys.stdout.flush()


def run_part(name, scale):
    """Returns: whether it passed"""
    soak = Soak(name, scale)
    try:
        PARTS[name].run(soak)
        soak.world.check_health()
        verdict = 'passed'
    except (Broken, AssertionError, CallError) as error:
        verdict = f'failed: {error}'
        soak.lines.append(soak.world.describe()[-1000:])
    finally:
        soak.world.close()
    soak.show(verdict)
    return verdict == 'passed'


def redirect_errors():
    """What the bus says of programs that behave badly is nobody's concern. Returns: the terminal, if there is one"""
    kept = os.fdopen(os.dup(2), 'w') if os.isatty(2) else None
    with open(os.devnull, 'wb') as nothing:
        os.dup2(nothing.fileno(), 2)
    return kept


def parse(arguments):
    """Returns: the scale, and the names of the parts"""
    try:
        scale = float(arguments[0]) if arguments else 1.0
    except ValueError:
        sys.exit(f'soak: the scale ‘{arguments[0]}’ is not a number; see scripts/soak --help')
    names = arguments[1:] or list(PARTS)
    for name in names:
        if name not in PARTS:
            sys.exit(f'soak: there is no part ‘{name}’; there are {", ".join(PARTS)}')
    return scale, names


if __name__ == '__main__':
    wanted = parse(sys.argv[1:])
    terminal = redirect_errors()
    sys.exit(0 if all([run_part(one, wanted[0]) for one in wanted[1]]) else 1)
