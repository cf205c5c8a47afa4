#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What it costs to learn who a caller is, which is once for each connection: the processor time that the service takes
for the first call of a connection, beside that for a later one. An app is one whose evidence a test gives; its sandbox
is a PID namespace. The figures are printed, and not judged."""

import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from lib.apps import INSIDE, WEATHER, App, AppsWorld, evidence
from lib.caller import Caller
from lib.world import ALICE

PEER = 'org.freedesktop.DBus.Peer'
CONNECTIONS = 100
NO_NEW_PRIVILEGES = ('setpriv', '--no-new-privs')


def service_us(world):
    """The processor time of all its threads."""
    tasks = pathlib.Path('/proc', str(world.daemon.process.pid), 'task')
    return sum(int((task / 'schedstat').read_text(encoding='ascii').split()[0]) for task in tasks.iterdir()) / 1000


def cost_us(world, caller):
    """Of one call, which is answered."""
    before = service_us(world)
    caller.call(PEER, 'Ping', '')
    return service_us(world) - before


def first_calls_us(world, connect):
    """`connect`: makes a connection. Returns: the median of the costs"""
    costs = []
    for _ in range(CONNECTIONS):
        caller = connect()
        costs.append(cost_us(world, caller))
        caller.close()
    return statistics.median(costs)


def main():
    world = AppsWorld()
    address = world.shared.bus.address
    kinds = {
        'a program': lambda: Caller(address, ALICE),
        'a program with no_new_privs, whose mounts are read': lambda: Caller(address, ALICE, NO_NEW_PRIVILEGES),
        'an app': lambda: App(address, ALICE, INSIDE, evidence(WEATHER, ALICE)),
    }
    try:
        caller = world.new_caller(ALICE)
        later = statistics.median(cost_us(world, caller) for _ in range(CONNECTIONS))
        print(f'processor time of the service for a call, median of {CONNECTIONS}')
        print(f'  {"later ones":60} {later:6.0f} µs')
        for what, connect in kinds.items():
            print(f'  {"the first one of " + what:60} {first_calls_us(world, connect):6.0f} µs')
        world.check_health()
    finally:
        world.close()


main()
