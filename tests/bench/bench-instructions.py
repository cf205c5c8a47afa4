#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the instructions of the service's main thread for one warm SecureRequest, and for one bare call: valgrind
counts them, so that the figures are the same on a busy machine.

usage: bench-instructions.py [COUNT]   of requests; 100 if not given"""

import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))
from lib import tap  # noqa: E402
from lib.world import HOST, World  # noqa: E402

WARM_UP = 20
SKIPPED = 77


def control(world, option):
    subprocess.run(['callgrind_control', option, str(world.daemon.process.pid)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def read_main_thread(path):
    """Returns: the instructions of the newest dump of the main thread"""
    newest = max(glob.glob(f'{path}.*-01'), key=os.path.getmtime)
    with open(newest, encoding='utf-8') as file:
        return int(re.search(r'^(?:totals|summary): (\d+)', file.read(), re.MULTILINE).group(1))


def measure(world, path, count, call):
    """Returns: the instructions for one call"""
    for _ in range(WARM_UP):
        call()
    control(world, '-z')
    for _ in range(count):
        call()
    control(world, '-d')
    return read_main_thread(path) // count


def main():
    if subprocess.run(['which', 'callgrind_control'], check=False, stdout=subprocess.DEVNULL).returncode != 0:
        print('valgrind is not installed')
        return SKIPPED
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    tap.DEADLINE_S = 120
    world = World()
    path = os.path.join(world.folder, 'callgrind')
    world.daemon.wrapper = ['valgrind', '--tool=callgrind', '--separate-threads=yes', f'--callgrind-out-file={path}']
    world.daemon.restart()
    server, _ = world.serve_pinned()
    request = measure(world, path, count, lambda: world.alice.request(server.url(HOST)))
    bare = measure(world, path, count, lambda: world.alice.call('org.freedesktop.DBus.Peer', 'Ping', ''))
    print(f'main thread, of {count} each:')
    print(f'  warm SecureRequest  {request:9,} instructions')
    print(f'  bare call           {bare:9,} instructions')
    world.close()
    return 0


if __name__ == '__main__':
    sys.exit(main())
