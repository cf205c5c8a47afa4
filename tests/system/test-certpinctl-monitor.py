#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl monitor: what it prints, to whom, and how it ends."""

import json
import os
import select
import signal
import subprocess
import time

from lib.certpinctl import FAILED, INTERRUPTED, NOT_PINNED, NO_SERVICE, OK, REFUSED, ctl, exits, start
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import BOB, HOST, World

KEY = 'sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyFv88RDBvdQJA='


class Monitor:
    """One that watches by now."""

    def __init__(self, world, *arguments, **keywords):
        self.process = start(world, 'monitor', *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)
        self.pending = b''
        first = self.process.stderr.readline()
        holds(b'watching' in first, f'it says “{first.decode()}”')

    def line(self):
        """Returns: the next one"""
        deadline = time.monotonic() + DEADLINE_S
        while b'\n' not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            holds(ready, f'no line comes after “{self.pending.decode()}”')
            chunk = os.read(self.process.stdout.fileno(), 65536)
            holds(chunk, 'it has ended')
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b'\n')
        return line.decode()

    def end(self):
        """Interrupts it. Returns: its exit code, and what was not read"""
        self.process.send_signal(signal.SIGINT)
        rest, errors = self.process.communicate(timeout=DEADLINE_S)
        equal(errors, b'', 'what it says at the end')
        return self.process.returncode, (self.pending + rest).decode()


@test('it ends with an error when its lines cannot be written any more')
def _(world):
    for arguments in ([], ['--json']):
        with open('/dev/full', 'wb') as full:
            process = start(world, 'monitor', *arguments, stdout=full, stderr=subprocess.PIPE)
        process.stderr.readline()
        world.alice.pin_keys('full.example', KEY)
        _, errors = process.communicate(timeout=DEADLINE_S)
        equal(process.returncode, FAILED, 'the exit code')
        holds(b'cannot write to standard output: No space left' in errors, errors.decode())
        exits(world, OK, 'unpin', 'full.example')


@test('changes, refusals and new keys are lines, each with who caused it')
def _(world):
    monitor = Monitor(world)
    server, identity = world.serve_pinned()
    holds(monitor.line().endswith(f'  {HOST}  pinned, scope user, by python3 (uid {world.alice.uid})'), 'the pin')
    world.alice.request(server.url(HOST))
    holds(f'  {HOST}  the key {identity.pin} was seen for the first time, scope user' in monitor.line(), 'the key')
    server.present(world.issue())
    for connection in list(server.connections):
        connection.cut()
    server.wait_until_idle()
    exits(world, REFUSED, 'get', server.url(HOST))
    line = monitor.line()
    holds(f'refused, asked for by certpinctl (uid {world.alice.uid}): ' in line and 'holds the key' in line, line)
    us = f', by certpinctl (uid {world.alice.uid})'
    pause = ('pause', '--reason=why not', HOST)
    for words, *whats in (((*pause, '--for=1h'), f'paused, scope user{us}'), (('resume', HOST), 'resumed, scope user'),
                          # One of 1s is over with this second, which may be at once.
                          ((*pause, '--for=2s'), f'paused, scope user{us}', 'the pause is over, scope user'),
                          (('pin', '--add', HOST, KEY), f'keys were added, scope user{us}'),
                          (('pin', '--remove-key', HOST, KEY), f'keys were removed, scope user{us}'),
                          (('block', HOST, 'it was stolen'), f'blocked, scope user{us}'),
                          (('unpin', HOST), 'unpinned, scope user')):
        exits(world, OK, *words)
        for what in whats:
            line = monitor.line()
            holds(line.endswith(f'  {HOST}  {what}'), f'after {words}: {line}')
    exits(world, OK, 'reload', uid=0)
    holds(monitor.line().endswith('  the pin files were read again'), 'the reload')
    equal(monitor.end(), (INTERRUPTED, ''), 'how it ends')


@test('--json gives a document on each line')
def _(world):
    monitor = Monitor(world, '--json')
    before = int(time.time())
    exits(world, OK, 'pin', 'h.example', '--key', KEY)
    event = json.loads(monitor.line())
    equal((event['event'], event['host'], event['details']['state'], event['details']['change']),
          ('pin-changed', 'h.example', 'active', 'pinned'), 'it')
    holds(before <= event['time'] <= time.time(), f'the time {event["time"]}')
    equal(monitor.end()[0], INTERRUPTED, 'how it ends')


@test('another user sees the system’s pins and nobody else’s')
def _(world):
    monitor = Monitor(world, uid=BOB)
    exits(world, OK, 'pin', 'a.example', '--key', KEY)
    exits(world, NOT_PINNED, 'get', 'https://unpinned.example/')
    exits(world, OK, 'pin', '--system', '--yes', 'b.example', '--key', KEY, uid=0)
    holds('  b.example  pinned, scope system, by certpinctl (uid 0)' in monitor.line(), 'the first line')
    equal(monitor.end(), (INTERRUPTED, ''), 'how it ends')


@test('it goes on after a restart of the service, and says that events may have been missed')
def _(world):
    monitor = Monitor(world)
    world.daemon.restart()
    holds('events may have been missed' in monitor.line(), 'after the restart')
    exits(world, OK, 'pin', 'h.example', '--key', KEY)
    holds('  h.example  pinned' in monitor.line(), 'after the pin')
    equal(monitor.end(), (INTERRUPTED, ''), 'how it ends')


@test('it ends when nobody reads any more')
def _(world):
    monitor = Monitor(world)
    monitor.process.stdout.close()
    exits(world, OK, 'pin', 'h.example', '--key', KEY)
    equal(monitor.process.wait(DEADLINE_S), -signal.SIGPIPE, 'how it ends')
    monitor.process.stderr.close()


@test('without a service, it says so')
def _(world):
    world.daemon.terminate()
    code, output, errors = ctl(world, 'monitor')
    equal((code, output), (NO_SERVICE, b''), f'how it ends, with “{errors}”')


run(World)
