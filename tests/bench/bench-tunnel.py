#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a tunnel costs beside a TLS connection of the program's own: much data in each direction, and small messages to
and fro. The two take turns, and the best of each counts. It prints figures and asserts none.

usage: bench-tunnel.py [MIB [PINGS [ROUNDS]]]"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))
from lib.world import HOST, World  # noqa: E402

ENDS = os.environ['CERTPIN_TUNNEL_ENDS']


def figure(name, value, unit=''):
    print(f'{name:40} {value:.2f} {unit}'.rstrip(), flush=True)


def run(how, where, what, count, descriptors=()):
    """Returns: seconds"""
    done = subprocess.run([ENDS, how, str(where), what, str(count)], pass_fds=descriptors, check=True,
                          stdout=subprocess.PIPE)
    return float(done.stdout)


def run_tunnel(world, port, what, count):
    tunnel = world.alice.connect(HOST, port)
    descriptor = tunnel.socket.fileno()
    os.set_blocking(descriptor, True)
    seconds = run('tunnel', descriptor, what, count, [descriptor])
    tunnel.close()
    return seconds


def compare(world, port, what, count, rounds):
    """Returns: the best time of each"""
    pairs = [(run('direct', port, what, count), run_tunnel(world, port, what, count)) for _ in range(rounds)]
    return map(min, zip(*pairs))


def main():
    mib, pings, rounds = (int(word) for word in (sys.argv[1:] + ['1024', '20000', '3'][len(sys.argv) - 1:]))
    world = World()
    identity = world.issue()
    path = os.path.join(world.folder, 'server.pem')
    with open(path, 'wb') as file:
        file.write(identity.key_pem + identity.chain_pem())
    world.alice.pin(HOST, identity.der)
    server = subprocess.Popen([ENDS, 'serve', path], stdout=subprocess.PIPE)
    port = int(server.stdout.readline())
    try:
        for what in 'down', 'up':
            direct, tunnel = compare(world, port, what, mib, rounds)
            figure(f'tunnel/{what}/direct/rate', mib / direct, 'MiB/s')
            figure(f'tunnel/{what}/certpin/rate', mib / tunnel, 'MiB/s')
            figure(f'tunnel/{what}/certpin-to-direct', direct / tunnel)
        direct, tunnel = compare(world, port, 'ping', pings, rounds)
        figure('tunnel/ping/direct/mean', direct / pings * 1e6, 'µs')
        figure('tunnel/ping/certpin/mean', tunnel / pings * 1e6, 'µs')
        figure('tunnel/ping/certpin-to-direct', tunnel / direct)
    finally:
        server.kill()
        world.close()


main()
