#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all system tests count on: who watches the bus misses no start of the service, and a test that cannot
begin says why and leaves nothing running."""

import os
import signal
import subprocess
import sys
from unittest import mock

from lib.bus import Bus
from lib.caller import NAME, Caller
from lib.tap import equal, holds, run, test
from lib.world import World


def children():
    """The processes that this one has started and that still run."""
    listed = subprocess.run(['ps', '--ppid', str(os.getpid()), '-o', 'pid=,comm='], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return {line.strip() for line in listed if not line.endswith(' ps')}


@test('a service that starts as soon as the bus is there is not missed, however slow the watcher is')
def _(world):
    bus = world.track(Bus(world.folder))
    os.kill(bus.watcher.process.pid, signal.SIGSTOP)
    service = world.track(Caller(bus.address, 0))
    service.ask_bus('RequestName', '(su)', NAME, 0)
    os.kill(bus.watcher.process.pid, signal.SIGCONT)
    equal(bus.wait_for_owner(), service.unique_name, 'the owner of the name')


@test('a program that cannot get onto the bus: the test says so, and leaves no process')
def _(world):
    before = children()
    with mock.patch.object(sys, 'executable', '/bin/false'):
        try:
            Bus(world.folder)
        except AssertionError as error:
            holds('ended before it was on the bus, with exit code 1' in str(error), f'it says: {error}')
        else:
            holds(False, 'a bus without a watcher')
    equal(children(), before, 'the processes')


@test('a service that does not start: the test says with which exit code, and what the service said')
def _(world):
    world.daemon.terminate()
    world.daemon.configure('[Limits]\nWaitingPerUser=none\n')
    try:
        world.daemon.start()
    except AssertionError as error:
        for part in ('exit code 2', 'WaitingPerUser', 'owned by nobody'):
            holds(part in str(error), f'‘{part}’ is not in: {error}')
    else:
        holds(False, 'it has started')
    world.daemon.configure('')
    world.daemon.start()


run(World)
