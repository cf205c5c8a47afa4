#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How fast a large body comes through the service, as a part of how fast curl gets it from the same nginx; how much
processor time both take; and how long another user's requests take meanwhile. The order changes from round to round,
and the best of each counts."""

import os
import resource
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


def direct(_world, url, port):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run(['curl', '-sk', '-o', '/dev/null', '--resolve', f'{HOST}:{port}:127.0.0.1', url], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def drain(descriptor):
    return subprocess.Popen(['dd', 'of=/dev/null', 'bs=256k', 'status=none'], stdin=descriptor)


def streamed(world, url, _port):
    before = processor_s(world.daemon.process.pid)
    began = time.monotonic()
    stream = world.alice.stream(url)
    code = drain(stream.descriptor).wait()
    took = time.monotonic() - began
    stream.close()
    assert code == 0 and stream.finish()['bytes-received'] == SIZE
    return took, processor_s(world.daemon.process.pid) - before


def ping(world, url):
    began = time.monotonic()
    world.bob.request(url)
    return (time.monotonic() - began) * 1e6


def bystander(world, url, small):
    """Returns: the median of another user's requests, without a stream and beside one, in µs"""
    quiet = [ping(world, small) for _ in range(PINGS)]
    beside = []
    while len(beside) < PINGS:
        stream = world.alice.stream(url)
        reader = drain(stream.descriptor)
        while reader.poll() is None and len(beside) < PINGS:
            beside.append(ping(world, small))
        reader.kill()
        reader.wait()
        stream.close()
    return statistics.median(quiet), statistics.median(beside)


def main():
    world = World()
    identity = world.issue()
    server = world.track(nginx(identity, f'location /large {{ alias {world.folder}/large; }}'))
    with open(f'{world.folder}/large', 'wb') as file:
        file.truncate(SIZE)
    os.chmod(world.folder, 0o755)
    for caller in (world.alice, world.bob):
        caller.pin(HOST, identity.der)
    url = f'https://{HOST}:{server.port}'
    ways = [direct, streamed]
    taken = {way: [] for way in ways}
    for number in range(ROUNDS):
        for way in ways[::(-1) ** number]:
            taken[way].append(way(world, url + '/large', server.port))
    best = {way: min(times) for way, times in taken.items()}
    for way in ways:
        seconds, processor = best[way]
        print(f'{way.__name__:9} {SIZE / seconds / (1 << 30):5.2f} GiB/s, {processor:4.2f} s of processor time')
    print(f'streamed is {best[direct][0] / best[streamed][0]:.2f} of direct')
    quiet, beside = bystander(world, url + '/large', url + '/')
    print(f'another user\'s request: p50 {quiet:.0f} µs, beside a stream {beside:.0f} µs, {beside / quiet:.2f} of that')
    world.close()


main()
