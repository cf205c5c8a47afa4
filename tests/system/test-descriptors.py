#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever a caller does with a descriptor that it shares with the service, others are answered: it makes the last
close wait, sends more of them along, or has another process hold a lock in the kernel."""

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading

from lib import http
from lib.caller import REQUESTS, CallError
from lib.server import begin_and_wait, echo
from lib.starttls import hold_dialogue
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, HOST, World

# Longer than any call of a test may take.
LINGER_S = 600
MORE_THAN_CLOSERS = 600
CUTS, ROUNDS = 4, 20
# Moves from the pipe on descriptor 0 into a full socket, and so holds the lock of the pipe.
HOLD_PIPE = '''
import ctypes, os, socket
os.setuid({uid})
reads, writes = socket.socketpair()
writes.setblocking(False)
try:
    while True:
        writes.send(bytes(4096))
except BlockingIOError:
    writes.setblocking(True)
print(flush=True)
ctypes.CDLL(None).splice(0, None, writes.fileno(), None, ctypes.c_size_t(4096), 0)
'''
# Sends on descriptor 0 from a page that nobody provides (userfaultfd(2)), and so holds the lock of the socket.
HOLD_SOCKET = '''
import ctypes, fcntl, os, struct
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
page = libc.mmap(None, ctypes.c_size_t(4096), 3, 0x22, -1, ctypes.c_long(0))
faults = libc.syscall(323, os.O_CLOEXEC)
fcntl.ioctl(faults, 0xc018aa3f, bytearray(struct.pack('QQQ', 0xaa, 0, 0)))
fcntl.ioctl(faults, 0xc020aa00, bytearray(struct.pack('QQQQ', page, 4096, 1, 0)))
os.setuid({uid})
print(flush=True)
libc.send(0, ctypes.c_void_p(page), ctypes.c_size_t(100), 0)
'''


class Lingering:
    """A TCP socket with data that its peer does not take: to close its last copy takes LINGER_S."""

    def __init__(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            self.socket = socket.create_connection(listener.getsockname())
            self.peer, _ = listener.accept()
        self.socket.setblocking(False)
        try:
            while True:
                self.socket.send(bytes(65536))
        except BlockingIOError:
            self.socket.setblocking(True)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, LINGER_S))

    def fileno(self):
        return self.socket.fileno()

    def leave_it_to_others(self):
        """Ours may not be the last copy. What waits to be closed elsewhere waits for the peer, which stays."""
        self.socket.close()


def send_along(over):
    """Sends one with a byte over a socket."""
    lingering = Lingering()
    socket.send_fds(over, [b'x'], [lingering.fileno()])
    lingering.leave_it_to_others()
    return lingering


CALLS = {
    'an upload': lambda world, url, fd: world.alice.begin_upload(url, fd, 5, stream_timeout_ms=1000),
    'an upload of nothing': lambda world, url, fd: world.alice.begin_upload(url, fd, 0),
    'an upload to a host that is not pinned': lambda world, url, fd: world.alice.begin_upload('https://no.example/', fd, 5),
    'a look at a chain': lambda world, url, fd: world.alice.begin(REQUESTS, 'FetchChain', '(sa{sv})', HOST, {},
                                                                  descriptors=[fd]),
    'a connection without the option': lambda world, url, fd: world.alice.begin_connect(HOST, 5, descriptors=[fd]),
    'STARTTLS': lambda world, url, fd: world.alice.begin_connect(HOST, 5, descriptors=[fd], starttls=0, timeout_ms=1000),
    'a method that there is not': lambda world, url, fd: world.alice.begin(REQUESTS, 'Other', '(s)', HOST, descriptors=[fd]),
}


def add_linger_test(name, begin):
    @test(f'the last copy of a socket that lingers comes with {name}: others are answered')
    def _(world):
        server, _ = world.serve_pinned()
        lingering = Lingering()
        pending = begin(world, server.url(HOST), lingering.fileno())
        world.alice.flush()
        lingering.leave_it_to_others()
        try:
            pending.wait()
        except CallError:
            pass  # each call has its own reasons
        for _ in range(10):
            world.bob.list_pins()
        equal(world.alice.request(server.url(HOST)).status, 200, 'a request afterwards')


for _name, _begin in CALLS.items():
    add_linger_test(_name, _begin)


@test('such sockets are sent along over a tunnel: others are answered')
def _(world):
    server, _ = world.serve_pinned()
    server.speak = echo
    tunnel = world.alice.connect(HOST, server.port)
    kept = [send_along(tunnel.socket)]
    equal(tunnel.read(1), b'x', 'the echo')
    world.bob.list_pins()
    kept.append(send_along(tunnel.socket))
    tunnel.close()
    world.bob.list_pins()
    world.bob.list_pins()
    del kept


@test('such a socket is sent along over a stream, and with a body: others are answered')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = begin_and_wait
    stream = world.alice.stream(server.url(HOST))
    with socket.socket(fileno=os.dup(stream.descriptor)) as over:
        kept = [send_along(over)]
    stream.close()
    world.bob.list_pins()
    server.respond = lambda _connection, _request: http.reply(200, b'hello')
    reads, writes = socket.socketpair()
    kept.append(send_along(writes))
    # Whoever reads the body closes the socket, and waits.
    world.alice.refused('TimedOut', world.alice.begin_upload(server.url(HOST), reads.fileno(), 1, stream_timeout_ms=1000).wait)
    reads.close()
    writes.close()
    world.bob.list_pins()
    equal(world.alice.request(server.url(HOST)).status, 200, 'a request afterwards')
    del kept


class Holder:
    """A process that holds the lock of a descriptor. Until it ends, whoever closes the last copy of an end of a pipe
    waits, and whoever asks anything of a socket: the test, too."""

    def __init__(self, how, held):
        self._process = subprocess.Popen([sys.executable, '-c', how.format(uid=ALICE)], stdin=held,
                                         stdout=subprocess.PIPE)
        holds(self._process.stdout.readline(), 'it failed')
        while not self._waits():
            select.select([], [], [], 0.01)

    def _waits(self):
        """Nothing but that lets it sleep like this (proc(5), state S)."""
        with open(f'/proc/{self._process.pid}/stat', encoding='ascii') as file:
            return file.read().rpartition(')')[2].split()[0] == 'S'

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@test('another process holds the lock of a pipe with a body: others are answered, and so is its request')
def _(world):
    server, _ = world.serve_pinned()
    reads, writes = os.pipe()
    os.write(writes, bytes(8192))
    holder = world.track(Holder(HOLD_PIPE, reads))
    world.alice.refused('TimedOut', world.alice.begin_upload(server.url(HOST), reads, 8192, stream_timeout_ms=1000).wait)
    world.bob.list_pins()
    equal(world.alice.request(server.url(HOST)).status, 200, 'a request afterwards')
    # Only to let go of it, once nobody else has it.
    pending = world.alice.begin_upload('https://no.example/', reads, 8192)
    world.alice.flush()
    os.close(reads)
    world.alice.refused('NotPinned', pending.wait)
    world.bob.list_pins()
    holder.close()
    os.close(writes)


def knock(server):
    """A socket on which STARTTLS was said."""
    client = socket.create_connection((server.address, server.port))
    client.sendall(b'STARTTLS\r\n')
    client.recv(100)
    return client


def serve_starttls(world):
    server, identity = world.serve_pinned()
    server.speak = echo
    hold_dialogue(server, [(b'', b'STARTTLS\r\n'), (b'go\r\n', b'')])
    return server, identity


def use(world, client, **options):
    return world.alice.connect(HOST, 143, descriptors=[client.fileno()], starttls=V('h', 0), **options)


def others_are_answered(world):
    for _ in range(10):
        world.bob.list_pins()
    world.alice.list_pins()


@test('another process holds the lock of the socket for STARTTLS: others are answered, and the call is')
def _(world):
    server, _ = serve_starttls(world)
    client = knock(server)
    holder = world.track(Holder(HOLD_SOCKET, client))
    world.alice.refused('TimedOut', use, world, client, timeout_ms=1000)
    others_are_answered(world)
    holder.close()
    client.close()
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')


def add_held_tunnel_test(what, end):
    @test(f'the same with the socket of an open connection, and {what}: others are answered')
    def _(world):
        server, identity = serve_starttls(world)
        client = knock(server)
        tunnel = use(world, client)
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'the echo')
        holder = world.track(Holder(HOLD_SOCKET, client))
        tunnel.send(b'more')
        others_are_answered(world)
        end(world, tunnel)
        others_are_answered(world)
        holder.close()
        server.wait_until_idle()
        world.alice.pin(HOST, identity.der)
        tunnel = use(world, knock(server))
        tunnel.send(b'hello')
        equal(tunnel.read(5), b'hello', 'the echo afterwards')


def block(world, tunnel):
    world.alice.block(HOST)
    world.alice.refused('PinChanged', tunnel.finish)


add_held_tunnel_test('its host is blocked', block)
add_held_tunnel_test('its program leaves', lambda _world, tunnel: tunnel.close())


def bob_has_one_closed(world):
    ours, theirs = socket.socketpair()
    world.bob.refused('InvalidArgument', world.bob.connect, HOST, 143, descriptors=[theirs.fileno()])
    theirs.close()
    ours.settimeout(DEADLINE_S)
    equal(ours.recv(1), b'', 'what is read of it')
    ours.close()


def send_to_be_closed(world, descriptor):
    """The copy of the service is the last one."""
    pending = world.alice.begin_connect(HOST, 143, descriptors=[descriptor])
    world.alice.flush()
    os.close(descriptor)
    world.alice.refused('InvalidArgument', pending.wait)


@test('a socket whose lock is held comes again and again: what others send is closed')
def _(world):
    server, _ = serve_starttls(world)
    client = knock(server)
    holder = world.track(Holder(HOLD_SOCKET, client))
    for _ in range(MORE_THAN_CLOSERS):
        send_to_be_closed(world, os.dup(client.fileno()))
    bob_has_one_closed(world)
    holder.close()


@test('so does a pipe, each time opened anew')
def _(world):
    reads, writes = os.pipe()
    holder = world.track(Holder(HOLD_PIPE, reads))
    before = world.count_files()
    for _ in range(MORE_THAN_CLOSERS):
        send_to_be_closed(world, os.open(f'/proc/self/fd/{reads}', os.O_RDONLY))
    bob_has_one_closed(world)
    holds(world.count_files() < before + MORE_THAN_CLOSERS / 2, 'they are the service’s')
    holder.close()
    os.close(reads)
    os.close(writes)


def add_end_test(what, number):
    @test(f'the service {what} while the lock of a socket, and that of a pipe, is held: another one can start')
    def _(world):
        # A sanitizer that looks for leaks at the end stops all threads, which those that wait do not.
        world.daemon.more_environment = {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}
        world.daemon.restart()
        server, identity = serve_starttls(world)
        client = knock(server)
        tunnel = use(world, client)
        reads, writes = os.pipe()
        holders = [world.track(Holder(HOLD_SOCKET, client)), world.track(Holder(HOLD_PIPE, reads))]
        tunnel.send(b'hello')
        world.alice.refused('TimedOut', world.alice.begin_upload(world.serve(identity).url(HOST), reads, 8192,
                                                           stream_timeout_ms=500).wait)
        world.alice.refused('InvalidArgument', world.alice.connect, HOST, 143, descriptors=[client.fileno()])
        old = world.daemon.process
        old.send_signal(number)
        world.daemon.bus.wait_for_no_owner()
        world.daemon.start()
        others_are_answered(world)
        for holder in holders:
            holder.close()
        old.wait(DEADLINE_S)
        os.close(reads)
        os.close(writes)


add_end_test('ends', signal.SIGTERM)
add_end_test('is killed', signal.SIGKILL)


def cut_tunnel(world, server, identity, how):
    """Cuts a tunnel while a program waits to write. Returns: what it reads afterwards"""
    world.alice.pin(HOST, identity.der)
    cut = threading.Event()

    def speak(connection):
        connection.send(b'hello')
        cut.wait()
        if how == 'the server':
            connection.cut()
        return False

    server.speak = speak
    tunnel = world.alice.connect(HOST, server.port)
    tunnel.socket.settimeout(None)
    errors = []

    def write():
        try:
            while True:
                tunnel.socket.sendall(bytes(65536))
        except OSError as error:
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    while select.select([], [tunnel.socket], [], 0.1)[1]:
        pass  # until it waits
    if how != 'the server':
        world.alice.block(HOST)
    cut.set()
    writer.join()
    try:
        while tunnel.socket.recv(65536):
            pass
        end = 'in order'
    except ConnectionResetError:
        end = 'cut'
    tunnel.close()
    return end


def add_cut_test(how):
    @test(f'{how} cuts a tunnel while its program waits to write: what it reads does not end in order')
    def _(world):
        server, identity = world.serve_pinned(buffer=4096)
        # On a busy machine, the program may wake up too late; if nothing is done about it, it hardly ever wakes up in time.
        cuts = rounds = 0
        while cuts < CUTS and rounds < ROUNDS:
            rounds += 1
            cuts += cut_tunnel(world, server, identity, how) == 'cut'
        holds(cuts == CUTS, f'it was cut {cuts} times of {rounds}')


for _how in ('the server', 'a block'):
    add_cut_test(_how)

run(World)
