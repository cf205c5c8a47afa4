#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's list of pins, in a program of its own, while other programs pin, change and unpin and the service
restarts: it always has what the service has, and tells no more changes than there are."""

import json
import os
import pathlib
import re
import select
import subprocess
import sys
import textwrap
import time

from lib.caller import PINS
from lib.caller_process import become
from lib.public import library
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, BOB, World

KEYS = [f'sha256/{letter * 42}A=' for letter in 'BCDE']
PROGRAM = '''
import json, os, sys
import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

def tell(what, **more):
    pins = [[pin.props.host, pin.props.scope.value_nick, pin.props.state.value_nick, pin.props.keys] for pin in pins_]
    assert pins_.props.n_items == len(pins)
    print(json.dumps({'what': what, 'loading': pins_.props.loading, 'error': pins_.props.error is not None,
                      'pins': pins, **more}), flush=True)

pins_ = Certpin.PinList.new(Certpin.Client.new())
pins_.connect('items-changed', lambda l, at, removed, added: tell('items', change=[at, removed, added]))
pins_.connect('notify::loading', lambda l, pspec: tell('loading'))
pins_.connect('notify::error', lambda l, pspec: tell('error'))
GLib.MainLoop().run()
'''


class ListProgram:
    """A program of a user that has a list, and says what happens to it."""

    def __init__(self, world, uid, program=PROGRAM):
        environment = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'LD_LIBRARY_PATH': library(),
                       'GI_TYPELIB_PATH': library(), 'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address}
        # Without a buffer, or select() would miss lines.
        self.process = subprocess.Popen([sys.executable, '-B', '-c', program], env=environment, cwd='/', bufsize=0,
                                        preexec_fn=lambda: become(uid), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE)
        self.changes = []

    def read_line(self, deadline, what):
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
        holds(ready, what)
        line = self.process.stdout.readline()
        holds(line, f'the program ended; {what}')
        return line

    def wait_for(self, pins):
        """Waits until it has exactly these pins, and has nothing left to do. Returns: the changes since the last call"""
        deadline = time.monotonic() + DEADLINE_S
        last = None
        while last is None or last['loading'] or last['error'] or last['pins'] != pins:
            line = self.read_line(deadline, f'the list has {last}, and not {pins}')
            last = json.loads(line)
            self.changes += [last['change']] if 'change' in last else []
        changes, self.changes = self.changes, []
        return changes

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def pin(caller, host, *keys, **options):
    caller.call(PINS, 'PinKeys', '(sasa{sv})', host, list(keys), options)


@test('a list follows what other programs pin, change, block and unpin')
def _(world):
    pin(world.alice, 'b.example', KEYS[0])
    pins = world.track(ListProgram(world, ALICE))
    b = ['b.example', 'user', 'active', [KEYS[0]]]
    equal(pins.wait_for([b]), [[0, 0, 1]], 'the changes at first')
    pin(world.alice, 'c.example', KEYS[1])
    c = ['c.example', 'user', 'active', [KEYS[1]]]
    equal(pins.wait_for([b, c]), [[1, 0, 1]], 'the changes after a pin')
    world.alice.call(PINS, 'AddKeys', '(sasa{sv})', 'b.example', [KEYS[2]], {})
    b[3].append(KEYS[2])
    equal(pins.wait_for([b, c]), [[0, 1, 1]], 'the changes after a key')
    world.alice.call(PINS, 'BlockHost', '(ssa{sv})', '*.a.example', 'why', {})
    a = ['*.a.example', 'user', 'blocked', []]
    equal(pins.wait_for([a, b, c]), [[0, 0, 1]], 'the changes after a block')
    world.alice.call(PINS, 'Unpin', '(sa{sv})', 'b.example', {})
    equal(pins.wait_for([a, c]), [[1, 1, 0]], 'the changes after an end')


@test('a list has the pins of the system, and never another user’s')
def _(world):
    pin(world.bob, 'b.example', KEYS[0])
    pins = world.track(ListProgram(world, ALICE))
    pins.wait_for([])
    pin(world.bob, 'c.example', KEYS[0])
    world.root.call(PINS, 'BlockHost', '(ssa{sv})', 'd.example', 'why', {'scope': V('s', 'system')})
    equal(pins.wait_for([['d.example', 'system', 'blocked', []]]), [[0, 0, 1]], 'the changes')


@test('a list goes on across restarts of the service, and tells only what changed meanwhile')
def _(world):
    for host in 'abc':
        pin(world.alice, host + '.example', KEYS[0])
    expected = [[host + '.example', 'user', 'active', [KEYS[0]]] for host in 'abc']
    pins = world.track(ListProgram(world, ALICE))
    pins.wait_for(expected)
    for key in KEYS[1:]:
        world.daemon.restart()
        pin(world.alice, 'b.example', key)
        expected[1][3] = [key]
        equal(pins.wait_for(expected), [[1, 1, 1]], 'the changes')
    world.daemon.kill()
    world.daemon.start()
    world.alice.call(PINS, 'Unpin', '(sa{sv})', 'a.example', {})
    equal(pins.wait_for(expected[1:]), [[0, 1, 0]], 'the changes')


@test('a list of many pins, changed by two programs while it is filled and while the service restarts')
def _(world):
    other = world.new_caller(ALICE)
    hosts = [f'h{number:04}.example' for number in range(300)]
    for host in hosts:
        pin(world.alice, host, KEYS[0])
    pins = world.track(ListProgram(world, ALICE))
    for number, host in enumerate(hosts[:100]):
        pin(other, host, KEYS[1])
        world.alice.call(PINS, 'Unpin', '(sa{sv})', hosts[-1 - number], {})
        if number == 50:
            world.daemon.restart()
    pins.wait_for([[host, 'user', 'active', [KEYS[1 if number < 100 else 0]]]
                   for number, host in enumerate(hosts[:200])])


@test('the program that docs/CALLING.md shows')
def _(world):
    page = (pathlib.Path(__file__).parents[2] / 'docs/CALLING.md').read_text(encoding='utf-8')
    section = re.search(r'^## Values with types\n(.*?)(?=^## )', page, re.M | re.S).group(1)
    shown = textwrap.dedent(''.join(re.findall(r'^    .*\n|^\n', section, re.M)))
    pin(world.alice, 'b.example', KEYS[0])
    program = world.track(ListProgram(world, ALICE, shown))
    deadline = time.monotonic() + DEADLINE_S
    equal(program.read_line(deadline, 'no first line'), b'b.example active ends: never\n', 'what it shows at first')
    pin(world.alice, 'c.example', KEYS[0], expires=V('x', 4102444800))
    equal(program.read_line(deadline, 'no second line'), b'c.example active ends: 2100-01-01\n', 'what it shows then')


run(World)
