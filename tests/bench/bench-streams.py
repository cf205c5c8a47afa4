#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast a large body goes through the service, down and up, as a part of how fast curl moves it from and to the same
server; how much processor time both take; and how long another user's requests take meanwhile, beside a stream and
beside curl. The order changes from round to round, and the best of each counts."""

import multiprocessing
import os
import resource
import socket
import ssl
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'system'))

from lib.real_servers import nginx  # noqa: E402
from lib.world import HOST, World  # noqa: E402

SIZE = 1 << 30
ROUNDS = 5
PINGS = 300


def processor_s(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as file:
        fields = file.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


CURL = ['curl', '-sk', '-o', '/dev/null', '--connect-to', f'{HOST}::127.0.0.1:']


def direct(_world, url, *more):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run([*CURL, *more, url], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def drain(descriptor):
    return subprocess.Popen(['dd', 'of=/dev/null', 'bs=256k', 'status=none'], stdin=descriptor)


def streamed(world, url):
    before = processor_s(world.daemon.process.pid)
    began = time.monotonic()
    stream = world.alice.stream(url)
    code = drain(stream.descriptor).wait()
    took = time.monotonic() - began
    stream.close()
    assert code == 0 and stream.finish()['bytes-received'] == SIZE
    return took, processor_s(world.daemon.process.pid) - before


def sink(listener, files):
    """A server that reads bodies, and does nothing with them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    buffer = bytearray(1 << 20)
    while True:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            head = b''
            while b'\r\n\r\n' not in head:
                head += connection.recv(65536)
            connection.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')
            left = SIZE - len(head.partition(b'\r\n\r\n')[2])
            while left > 0 and (count := connection.recv_into(buffer)):
                left -= count
            connection.sendall(b'HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n')


def start_sink(world, identity):
    """Returns: its port"""
    path = f'{world.folder}/sink.pem'
    with open(path, 'wb') as file:
        file.write(identity.key_pem + identity.chain_pem())
    listener = socket.create_server(('127.0.0.1', 0))
    multiprocessing.Process(target=sink, args=(listener, (path,)), daemon=True).start()
    return listener.getsockname()[1]


def zeros():
    return subprocess.Popen(['head', '-c', str(SIZE), '/dev/zero'], stdout=subprocess.PIPE)


def direct_up(world, url):
    return direct(world, url, '-T', f'{world.folder}/large')


def streamed_up(world, url):
    before = processor_s(world.daemon.process.pid)
    began = time.monotonic()
    with zeros() as body:
        pending = world.alice.begin_upload(url, body.stdout.fileno(), SIZE)
        world.alice.flush()
        body.stdout.close()
        assert pending.answer(60).status == 204
    return time.monotonic() - began, processor_s(world.daemon.process.pid) - before


def compare(world, ways, url):
    taken = {way: [] for way in ways}
    for number in range(ROUNDS):
        for way in ways[::(-1) ** number]:
            taken[way].append(way(world, url))
    best = [min(taken[way]) for way in ways]
    for way, (seconds, processor) in zip(ways, best):
        print(f'{way.__name__:11} {SIZE / seconds / (1 << 30):5.2f} GiB/s, {processor:4.2f} s of processor time')
    print(f'{ways[1].__name__} is {best[0][0] / best[1][0]:.2f} of direct')


def ping(world, url):
    began = time.monotonic()
    world.bob.request(url)
    return (time.monotonic() - began) * 1e6


def pings_beside(world, small, start):
    """`start`: starts a download. Returns: the median of another user's requests meanwhile, in µs"""
    taken = []
    while len(taken) < PINGS:
        reader = start()
        while reader.poll() is None and len(taken) < PINGS:
            taken.append(ping(world, small))
        reader.kill()
        reader.wait()
    return statistics.median(taken)


def bystander(world, url, small):
    def stream():
        begun = world.alice.stream(url)
        reader = drain(begun.descriptor)
        begun.close()
        return reader

    quiet = statistics.median(ping(world, small) for _ in range(PINGS))
    beside_curl = pings_beside(world, small, lambda: subprocess.Popen([*CURL, url]))
    beside = pings_beside(world, small, stream)
    print(f'another user\'s request: p50 {quiet:.0f} µs, beside curl {beside_curl:.0f} µs, beside a stream '
          f'{beside:.0f} µs: {beside / quiet:.2f} of quiet, {beside / beside_curl:.2f} of beside curl')


def main():
    world = World()
    identity = world.issue()
    up = start_sink(world, identity)
    server = world.track(nginx(identity, f'location /large {{ alias {world.folder}/large; }}'))
    with open(f'{world.folder}/large', 'wb') as file:
        file.truncate(SIZE)
    os.chmod(world.folder, 0o755)
    for caller in (world.alice, world.bob):
        caller.pin(HOST, identity.der)
    url = f'https://{HOST}:{server.port}'
    compare(world, [direct, streamed], url + '/large')
    compare(world, [direct_up, streamed_up], f'https://{HOST}:{up}/')
    bystander(world, url + '/large', url + '/')
    world.close()


main()
