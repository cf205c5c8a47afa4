#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing that was cut is taken for something whole: by whatever it is cut, and whoever reads it."""

import os
import subprocess
import sys
import threading

from lib.certpinctl import environment
from lib.public import with_library
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, HOST, World

MIB = 1 << 20
HALF = bytes(range(256)) * (2 * MIB // 256)

READERS = (['cat'], ['dd', 'of=/dev/null', 'bs=64k', 'status=none'], ['dd', 'of=/dev/null', 'bs=1000', 'status=none'],
           ['wc', '-c'], ['head', '-c', str(1 << 40)], [sys.executable, '-c', 'import sys; sys.stdin.buffer.read()'],
           [sys.executable, '-c', 'import shutil, sys, io; shutil.copyfileobj(sys.stdin.buffer, io.BytesIO())'])


class Server:
    """Sends half of a body, and dies, or sends the other half, when the test says so."""

    def __init__(self, world):
        self.half = threading.Event()
        self.goes_on = threading.Event()
        self.dies = True
        server, _ = world.serve_pinned()
        server.respond = self._respond
        self.url = server.url(HOST)

    def _respond(self, connection, _request):
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % (2 * len(HALF)) + HALF)
        self.half.set()
        self.goes_on.wait(DEADLINE_S)
        if not self.dies:
            return HALF
        connection.cut()
        return None

    def wait(self):
        holds(self.half.wait(DEADLINE_S), 'the server was not asked')


def goes_on(_world, server):
    server.dies = False
    server.goes_on.set()


def dies(_world, server):
    server.goes_on.set()


def changes_pin(world, _server):
    world.alice.pin(HOST, world.impostor().der)


def kills_service(world, _server):
    world.daemon.kill()


# What happens in the middle, and what the library says of it.
EVENTS = ((goes_on, 'whole'), (dies, 'Truncated'), (changes_pin, 'PinChanged'), (kills_service, 'ServiceUnavailable'))


def after(world, event, server):
    server.goes_on.set()
    if event is kills_service:
        world.daemon.start()


def add_reader_test(reader):
    @test(f'{" ".join(reader)[:40]} fails on a body that was cut, and passes on a whole one')
    def _(world):
        for event, outcome in EVENTS:
            server = Server(world)
            stream = world.alice.stream(server.url)
            process = subprocess.Popen(reader, stdin=stream.descriptor, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stream.close()
            server.wait()
            event(world, server)
            equal(process.wait(DEADLINE_S) == 0, outcome == 'whole', f'whether it passes when the server {event.__name__}')
            after(world, event, server)


def add_library_test(how):
    @test(f'the library ({how}) says why a body was cut, and reads all of a whole one')
    def _(world):
        program = with_library(os.environ['CERTPIN_READ_STREAM'])
        for event, outcome in EVENTS:
            server = Server(world)
            process = subprocess.Popen([program, how, server.url], env=environment(world), stdout=subprocess.PIPE,
                                       user=ALICE, group=ALICE, extra_groups=[])
            server.wait()
            event(world, server)
            output, _ = process.communicate(timeout=DEADLINE_S)
            count, said = output.decode().split()
            equal((said, process.returncode == 0), (outcome, outcome == 'whole'), f'what it says when the server {event.__name__}')
            if outcome == 'whole':
                equal(int(count), 2 * len(HALF), 'the number of bytes')
            after(world, event, server)


@test('the library gives a body of any size that the program has memory for, and sends one, without any option')
def _(world):
    program = with_library(os.environ['CERTPIN_READ_STREAM'])
    server, _ = world.serve_pinned()
    for sent, size, outcome in ((0, 64 << 10, 'whole'), (MIB, 4 * MIB + 1, 'whole'), (20_000_000, 30_000_000, 'whole'),
                                (0, 64 * MIB, 'whole'), (0, 64 * MIB + 1, 'BodyTooLarge')):
        server.respond = lambda *_, size=size: b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % size + bytes(size)
        asked = len(server.requests)
        process = subprocess.run([program, 'memory', server.url(HOST), str(sent)], env=environment(world), check=False,
                                 stdout=subprocess.PIPE, user=ALICE, group=ALICE, extra_groups=[], timeout=DEADLINE_S)
        equal(process.stdout.decode().split(), [str(size if outcome == 'whole' else 0), outcome], 'what came')
        equal([len(request.body) for request in server.requests[asked:]], [sent], 'what was sent')


@test('eight bodies of 16 MB at once, each way: all come, with 1 MiB of memory in the service')
def _(world):
    program = with_library(os.environ['CERTPIN_READ_STREAM'])
    server, _ = world.serve_pinned()
    size, arrived = 16_000_000, []

    def respond(_connection, request):
        arrived.append(len(request.body))
        return b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % size + bytes(size)

    server.respond = respond
    world.daemon.terminate()
    world.daemon.configure('[Limits]\nBodyBytesPerUser=1048576\n')
    world.daemon.start()
    for sent in (0, size):
        arrived.clear()
        process = subprocess.run([program, 'together', server.url(HOST), str(sent)], env=environment(world), check=False,
                                 stdout=subprocess.PIPE, user=ALICE, group=ALICE, extra_groups=[], timeout=DEADLINE_S)
        equal(process.stdout.decode().split(), [str(8 * size), 'whole'], 'what came')
        equal(arrived, [sent] * 8, 'what was sent')


for each in READERS:
    add_reader_test(each)
for each in ('sync', 'async', 'memory'):
    add_library_test(each)

run(World)
