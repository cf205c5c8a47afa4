#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Large bodies through the service, beside curl with the same server: how fast one goes down and up, and how much
processor time that takes; how long another user's requests take meanwhile; and 32 at once. The order changes from round
to round, and the best of each counts. It prints figures and asserts none."""

import itertools
import multiprocessing
import os
import select
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'system'))

from lib.real_servers import nginx  # noqa: E402
from lib.world import ALICE, BOB, HOST, World  # noqa: E402

MIB = 1 << 20
SIZE = 1 << 30
ROUNDS = 3
# How long another user makes requests beside a download, each time.
BESIDE_MS, BESIDE_ROUNDS = 400, 5
# As many as one user may have, and for how long they are counted.
MANY, MANY_S = 32, 2
USERS = 4

CURL = ['curl', '-sk', '--connect-to', f'{HOST}::127.0.0.1:']
DROP = ['-o', '/dev/null']


def figure(name, value, unit=''):
    print(f'{name:40} {value:.2f} {unit}'.rstrip(), flush=True)


def processor_s(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as file:
        fields = file.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def wait(process):
    """Returns: how much processor time it took, in seconds"""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.args
    return usage.ru_utime + usage.ru_stime


class Bench:
    """A service, and a server that sends and takes much. A second one is small: a server that sends much lets others
    wait."""

    def __init__(self):
        self.world = World()
        identity = self.world.issue()
        self.file = f'{self.world.folder}/large'
        with open(self.file, 'wb') as file:
            file.truncate(SIZE)
        os.chmod(self.world.folder, 0o755)
        # Another user may not be able to enter the build folder.
        self.bystander = shutil.copy(os.environ['CERTPIN_BYSTANDER'], self.world.folder)
        large = self.world.track(nginx(identity, f'location /large {{ alias {self.file}; }}'))
        small = self.world.track(nginx(identity))
        self.down = f'https://{HOST}:{large.port}/large'
        self.up = f'https://{HOST}:{start_sink(self.world, identity)}/'
        self.small = f'https://{HOST}:{small.port}/'
        self.users = [self.world.alice] + [self.world.new_caller(ALICE + 1 + number) for number in range(1, USERS)]
        for caller in (*self.users, self.world.bob):
            caller.pin(HOST, identity.der)

    def service_s(self):
        return processor_s(self.world.daemon.process.pid)

    def bystander_us(self, milliseconds):
        """Returns: the p50 of the requests of a user who has nothing to do with the rest"""
        done = subprocess.run([self.bystander, self.world.shared.bus.address, self.small, str(milliseconds)], check=True,
                              stdout=subprocess.PIPE, user=BOB)
        return int(done.stdout)


# A server that reads bodies, and does nothing with them


def drop_chunks(connection, buffer, end):
    """Of zeros, of which only the last chunk ends with text."""
    view = memoryview(buffer)
    while not end.endswith(b'0\r\n\r\n') and (count := connection.recv_into(buffer)):
        end = bytes(view[max(count - 5, 0):count])


def drop_bytes(connection, buffer, left):
    while left > 0 and (count := connection.recv_into(buffer)):
        left -= count


def sink(listener, pem):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    buffer = bytearray(MIB)
    while True:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            head = b''
            while b'\r\n\r\n' not in head:
                head += connection.recv(65536)
            head, _, rest = head.partition(b'\r\n\r\n')
            connection.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
            if b'chunked' in head:
                drop_chunks(connection, buffer, rest)
            else:
                drop_bytes(connection, buffer, SIZE - len(rest))
            connection.sendall(b'HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n')


def start_sink(world, identity):
    """Returns: its port"""
    path = f'{world.folder}/sink.pem'
    with open(path, 'wb') as file:
        file.write(identity.key_pem + identity.chain_pem())
    listener = socket.create_server(('127.0.0.1', 0))
    multiprocessing.Process(target=sink, args=(listener, path), daemon=True).start()
    return listener.getsockname()[1]


# The ways, of which each returns the processor time that it took, in seconds


def drain(descriptor):
    return subprocess.Popen(['dd', 'of=/dev/null', 'bs=256k', 'status=none'], stdin=descriptor)


def zeros():
    return subprocess.Popen(['head', '-c', str(SIZE), '/dev/zero'], stdout=subprocess.PIPE)


def down_curl(bench):
    return wait(subprocess.Popen([*CURL, *DROP, bench.down]))


def down_curl_pipe(bench):
    with subprocess.Popen([*CURL, bench.down], stdout=subprocess.PIPE) as curl:
        assert drain(curl.stdout).wait() == 0
        return wait(curl)


def down_certpin(bench):
    before = bench.service_s()
    stream = bench.world.alice.stream(bench.down)
    code = drain(stream.descriptor).wait()
    stream.close()
    assert code == 0 and stream.finish()['bytes-received'] == SIZE
    return bench.service_s() - before


def up_curl_file(bench):
    return wait(subprocess.Popen([*CURL, '-T', bench.file, bench.up]))


def up_curl(bench):
    with zeros() as body:
        curl = subprocess.Popen([*CURL, '-T', '-', bench.up], stdin=body.stdout)
        body.stdout.close()
        return wait(curl)


def up_certpin(bench):
    before = bench.service_s()
    with zeros() as body:
        pending = bench.world.alice.begin_upload(bench.up, body.stdout.fileno(), SIZE)
        bench.world.alice.flush()
        body.stdout.close()
        assert pending.answer(60).status == 204
    return bench.service_s() - before


def compare(bench, what, ways):
    """`ways`: by name; certpin, and its rivals."""
    taken = {name: [] for name in ways}
    for number in range(ROUNDS):
        for name in list(ways)[::(-1) ** number]:
            began = time.monotonic()
            processor = ways[name](bench)
            taken[name].append((time.monotonic() - began, processor))
    best = {name: min(times) for name, times in taken.items()}
    for name, (seconds, processor) in best.items():
        figure(f'streams/{what}/{name}/rate', SIZE / MIB / seconds, 'MiB/s')
        figure(f'streams/{what}/{name}/processor', processor, 's')
        if name != 'certpin':
            figure(f'streams/{what}/certpin-to-{name}', seconds / best['certpin'][0])


# Another user's requests


def begin_stream(bench):
    stream = bench.world.alice.stream(bench.down)
    reader = drain(stream.descriptor)
    stream.close()
    return reader


def begin_curl(bench):
    return subprocess.Popen([*CURL, *DROP, bench.down])


def bystander_beside(bench, begin):
    """Returns: the p50 of its requests, while there is such a download"""
    reader = begin(bench)
    p50 = bench.bystander_us(BESIDE_MS)
    assert reader.poll() is None, 'the download ended before the requests'
    reader.kill()
    reader.wait()
    return p50


def bystander(bench):
    ways = {'quiet': lambda: bench.bystander_us(BESIDE_MS), 'curl': lambda: bystander_beside(bench, begin_curl),
            'certpin': lambda: bystander_beside(bench, begin_stream)}
    taken = {name: [] for name in ways}
    for _, (name, way) in itertools.product(range(BESIDE_ROUNDS), ways.items()):
        taken[name].append(way())
    p50 = {name: statistics.median(times) for name, times in taken.items()}
    for name, time_us in p50.items():
        figure(f'streams/bystander/{name}/p50', time_us, 'µs')
    for name in ('quiet', 'curl'):
        figure(f'streams/bystander/certpin-to-{name}', p50['certpin'] / p50[name])


# Many at once


def read_all(descriptors, pipe):
    """For MANY_S. Sends: how many bytes each has brought"""
    counts = dict.fromkeys(descriptors, 0)
    buffer = bytearray(256 * 1024)
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    end = time.monotonic() + MANY_S
    while time.monotonic() < end:
        for descriptor, _ in poll.poll(100):
            counts[descriptor] += os.readv(descriptor, [buffer])
    pipe.send(list(counts.values()))


def many_streams(bench, callers):
    """Returns: how many MiB each got in a second; how long another user's requests took meanwhile"""
    streams = [caller.stream(bench.down) for caller, _ in zip(itertools.cycle(callers), range(MANY))]
    ours, theirs = multiprocessing.Pipe()
    reader = multiprocessing.Process(target=read_all, args=([stream.descriptor for stream in streams], theirs))
    reader.start()
    p50 = bench.bystander_us(MANY_S * 1000 * 3 // 4)
    counts = ours.recv()
    reader.join()
    for stream in streams:
        stream.close()
    return [count / MIB / MANY_S for count in counts], p50


def many_curls(bench):
    """Likewise."""
    began = time.monotonic()
    curls = [subprocess.Popen([*CURL, *DROP, '--max-time', str(MANY_S), '-w', '%{size_download}', bench.down],
                              stdout=subprocess.PIPE) for _ in range(MANY)]
    p50 = bench.bystander_us(MANY_S * 1000 * 3 // 4)
    for curl in curls:
        curl.wait()
    seconds = time.monotonic() - began
    return [float(curl.communicate()[0]) / MIB / seconds for curl in curls], p50


def many(bench):
    results = {'curl': many_curls(bench), 'certpin': many_streams(bench, bench.users[:1]),
               'certpin-users': many_streams(bench, bench.users)}
    for name, (rates, p50) in results.items():
        figure(f'streams/many/{name}/rate', sum(rates), 'MiB/s')
        figure(f'streams/many/{name}/least-to-most', min(rates) / max(rates))
        figure(f'streams/many/{name}/p50', p50, 'µs')
    for name in ('certpin', 'certpin-users'):
        figure(f'streams/many/{name}-to-curl', sum(results[name][0]) / sum(results['curl'][0]))


def main():
    bench = Bench()
    compare(bench, 'down', {'curl': down_curl, 'curl-pipe': down_curl_pipe, 'certpin': down_certpin})
    compare(bench, 'up', {'curl-file': up_curl_file, 'curl': up_curl, 'certpin': up_certpin})
    bystander(bench)
    many(bench)
    bench.world.close()


main()
