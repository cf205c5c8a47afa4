#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bus's queue for the service is full. dbus-daemon then refuses calls, and drops what it has to say itself: who a
caller is, that one has left, that another instance has the name, how much it has delivered. The service learns all of
that."""

import os
import struct
import time

from lib import http
from lib.caller import BUS, CallError
from lib.server import Gate, begin_and_wait
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

ALWAYS = 0xffffffff
PEER = 'org.freedesktop.DBus.Peer'
# More than fits into a socket, and than is read from it at a time.
LARGE_CALLS, LARGE_BYTES = 4, 1 << 20
# Two of these are more than a caller gets before it has read the first.
LARGE_REPLY = 700 * 1024
# dbus-daemon's limit is 64 for one that receives, and as many for one that sends.
CALLS_EACH = 40


class FullQueueWorld(World):
    def __init__(self):
        super().__init__()
        self.daemon.terminate()
        self._reads = os.path.join(self.folder, 'reads')
        self.let_read(ALWAYS)
        os.chmod(self._reads, 0o666)
        self.daemon.more_environment = {
            'LD_PRELOAD': os.environ['CERTPIN_HELD_READS'], 'CERTPIN_TEST_READS': self._reads,
            'ASAN_OPTIONS': ':'.join(filter(None, (os.environ.get('ASAN_OPTIONS'), 'verify_asan_link_order=0')))}
        self.daemon.start()

    def let_read(self, times):
        with open(self._reads, 'r+b' if os.path.exists(self._reads) else 'wb') as file:
            file.write(struct.pack('I', times))

    def is_full(self):
        """Whether the bus refuses a call, whoever makes it."""
        try:
            self.root.begin(PEER, 'Ping', '').wait(1)
        except CallError as error:
            return error.name == BUS + '.Error.LimitsExceeded'
        except AssertionError:
            pass  # it waits in the queue
        return False

    def fill(self, url):
        """Descriptors that the service does not take, behind what it does not read."""
        fillers = [self.new_caller(ALICE) for _ in range(2)]
        reads, writes = os.pipe()
        for _ in range(LARGE_CALLS):
            fillers[0].begin_request(url, method='PUT', body=bytes(LARGE_BYTES))
        fillers[0].flush()
        fillers[0].ask_bus('GetId')
        for filler in fillers:
            for _ in range(CALLS_EACH):
                filler.begin_upload(url, reads, 1)
            filler.flush()
            filler.ask_bus('GetId')
        os.close(reads)
        os.close(writes)
        holds(self.is_full(), 'the queue is not full')

    def empty(self):
        self.let_read(ALWAYS)
        deadline = time.monotonic() + DEADLINE_S
        while self.is_full():
            holds(time.monotonic() < deadline, 'the queue stays full')


def waits(pending):
    """Sends a call, which the bus then has in its queue, or has passed on."""
    pending.caller.flush()
    pending.caller.ask_bus('GetId')
    return pending


@test('a call of a new connection is answered')
def _(world):
    server, _ = world.serve_pinned()
    newcomer = world.new_caller(BOB)
    world.let_read(0)
    call = waits(newcomer.begin(PEER, 'Ping', ''))
    world.fill(server.url(HOST))
    world.let_read(1)
    call.wait()
    holds(world.is_full(), 'the queue is not full any more')
    world.empty()
    world.arrives(server)


@test('the requests of a connection that has left end')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = begin_and_wait
    leaver = world.new_caller(ALICE)
    leaver.begin_request(server.url(HOST))
    server.wait_for_requests(1)
    world.let_read(0)
    world.fill(server.url(HOST))
    leaver.vanish()
    server.wait_until_idle()
    holds(world.is_full(), 'the queue is not full any more')
    world.empty()


@test('a reply that waits for an earlier one to be read is sent')
def _(world):
    server, identity = world.serve_pinned()
    world.bob.pin(HOST, identity.der)
    gate = Gate(http.reply(200, bytes(LARGE_REPLY)))
    server.respond = gate.respond
    calls = [world.bob.begin_request(server.url(HOST)) for _ in range(2)]
    server.wait_for_requests(2)
    world.let_read(0)
    world.fill(server.url(HOST))
    gate.open()
    for call in calls:
        equal(len(call.answer().body), LARGE_REPLY, 'the body')
    holds(world.is_full(), 'the queue is not full any more')
    world.empty()


@test('an instance whose name another one takes ends, and the other one serves')
def _(world):
    server, _ = world.serve_pinned()
    first = world.daemon.process
    world.let_read(0)
    world.fill(server.url(HOST))
    environment = world.daemon.more_environment
    world.daemon.more_environment = {}
    world.daemon.start('--replace')
    equal(first.wait(10), 0, 'the exit code of the first')
    world.daemon.more_environment = environment
    world.arrives(server)


run(FullQueueWorld)
