# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bodies that are larger than any memory: the same bytes arrive, and the service does not grow while they pass."""

import os
import pathlib
import subprocess
import sys
import time

from bulk import PIECE
from figures import Broken, at_rest, check_given_back, resident_mib
from lib.caller import CallError
from lib.world import HOST

SIZE_MIB = 10 * 1024
FIRST_MIB = 32  # for what libraries do with their first uses
# What the kernel's pages may make of the same bytes in use.
FLAT_MIB = 8
DEADLINE_S = 1800
PROGRAM = pathlib.Path(__file__).with_name('bulk.py')


def start(*arguments, **keywords):
    return subprocess.Popen([sys.executable, '-B', PROGRAM, *map(str, arguments)], text=True, **keywords)


class Server:
    """bulk.py as a process of its own."""

    def __init__(self, world):
        self.identity = world.issue()
        file = os.path.join(world.folder, 'bulk.pem')
        with open(file, 'wb') as pem:
            pem.write(self.identity.key_pem + self.identity.chain_pem())
        self.process = start('serve', file, stdout=subprocess.PIPE)
        self.port = int(self.words()[0])

    def words(self):
        return self.process.stdout.readline().split()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Bulk:
    """Moves bodies of one size. Each way returns the digests at both ends."""

    def __init__(self, soak, server, size):
        self.soak, self.server, self.size = soak, server, size
        self.caller = soak.world.alice
        self.url = f'https://{HOST}:{server.port}/{size}'

    def _read(self, descriptor):
        """Returns: how many bytes came, and their digest"""
        output, _ = start('read', stdin=descriptor, stdout=subprocess.PIPE).communicate(timeout=DEADLINE_S)
        return output.split()

    def _same(self, name, *ends):
        """`ends`: digests, or how many bytes and their digest"""
        if any(int(one[0]) != self.size for one in ends if len(one) == 2):
            raise Broken(f'{name}: another number of bytes came than {self.size}: {ends}')
        if len({one[-1] for one in ends}) != 1:
            raise Broken(f'{name}: other bytes came than were sent: {ends}')

    def down(self):
        stream = self.caller.stream(self.url)
        read = self._read(stream.descriptor)
        self._same('down', read, self.server.words(), [stream.finish()['bytes-received'], read[1]])
        stream.close()

    def up(self):
        with start('write', self.size, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
            pending = self.caller.begin_upload(self.url, writer.stdout.fileno(), self.size)
            self.caller.flush()
            writer.stdout.close()
            answer = pending.answer(DEADLINE_S).body.decode().split()
            self._same('up', answer, writer.stderr.read().split())

    def tunnel(self):
        tunnel = self.caller.connect(HOST, self.server.port)
        tunnel.send(b'%d\n' % self.size)
        tunnel.socket.setblocking(True)
        with start('write', self.size, stdout=tunnel.socket, stderr=subprocess.PIPE) as writer:
            written = writer.stderr.read().split()
        self._same('up a tunnel', self.server.words(), written)
        read = self._read(tunnel.socket)
        self._same('down a tunnel', read, self.server.words())
        tunnel.close()
        totals = tunnel.finish()
        if totals != {'bytes-sent': self.size + len(f'{self.size}\n'), 'bytes-received': self.size}:
            raise Broken(f'Finish says {totals}')


def reset_peak(pid):
    with open(f'/proc/{pid}/clear_refs', 'w', encoding='ascii') as file:
        file.write('5')


def move(soak, name, way, size):
    """Returns: the figures of one way, as text"""
    pid = soak.world.daemon.process.pid
    before, files = resident_mib(pid), soak.world.count_files()
    reset_peak(pid)
    began = time.monotonic()
    way()
    seconds = time.monotonic() - began
    peak, after = resident_mib(pid, 'VmHWM'), resident_mib(pid)
    soak.progress()
    if peak > before + FLAT_MIB:
        raise Broken(f'{name}: certpind had {peak:.1f} MiB at the peak, and {before:.1f} MiB before')
    return (f'{size / (1 << 30):.2f} GiB in {seconds:.1f} s ({size / seconds / (1 << 20):.0f} MiB/s), the digests are '
            f'equal; certpind had {before:.1f} MiB before, {peak:.1f} at the peak, {after:.1f} after; '
            f'{files} descriptors before, {soak.world.count_files()} after')


def run(soak):
    world = soak.world
    server = world.track(Server(world))
    world.alice.pin(HOST, server.identity.der)
    soak.expect(6)
    for way in ways(Bulk(soak, server, FIRST_MIB * PIECE)).values():
        way()
    before = at_rest(world, 'before')
    size = soak.scaled(SIZE_MIB, FIRST_MIB) * PIECE
    try:
        lines = {name: move(soak, name, way, size) for name, way in ways(Bulk(soak, server, size)).items()}
    except CallError as error:
        raise Broken(f'a body did not come through: {error}') from None
    after = at_rest(world, 'after all')
    soak.report('bodies of one user', [before, after], lines)
    check_given_back(before, after)


def ways(bulk):
    return {'down': bulk.down, 'up': bulk.up, 'up and down a tunnel': bulk.tunnel}
