#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What part of a short program is the dynamic linker's: the instructions of the whole process and those of ld.so, of
certpinctl and its rivals, as valgrind counts them. So the figures are the same on a busy machine. It prints figures and
asserts none.

usage: bench-start.py [COUNT]   runs of each, of which the median counts; 3 if not given"""

import collections
import os
import re
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'system'))
from lib import tap  # noqa: E402
from lib.certpinctl import environment  # noqa: E402
from lib.world import HOST, World  # noqa: E402

CERTPINCTL = os.environ['CERTPINCTL']
NAME = 'org.certpin.Certpin1'
# What certpinctl links, each with all that it needs itself, is put into a program that links only the C library.
LIBRARIES = {'none': '', 'glib': 'libglib-2.0.so.0', 'gobject': 'libgobject-2.0.so.0', 'gio': 'libgio-2.0.so.0',
             'json-glib': 'libjson-glib-1.0.so.0'}
NOTHING = '/bin/true'
SKIPPED = 77


def figure(name, value, unit=''):
    print(f'{name:45} {value:.1f} {unit}'.rstrip(), flush=True)


def costs_by_file(path):
    """Returns: how many instructions of each program or library callgrind has counted"""
    names, costs = {}, collections.Counter()
    file, called = None, False
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            named = re.match(r'(c?)ob=(\(\d+\))(?: (.*))?$', line)
            if named:
                names.setdefault(named[2], named[3])
                file = file if named[1] else names[named[2]]
            elif line.startswith('calls='):
                called = True
            elif re.match(r'[+*\d-]', line):
                # The line below a call has what the callee cost, which stands at the callee, too.
                costs[file] += 0 if called else int(line.split()[1])
                called = False
    return costs


def count(world, command, more_environment):
    """Returns: all instructions of a program, and those of the dynamic linker"""
    path = os.path.join(world.folder, 'callgrind')
    subprocess.run(['valgrind', '--tool=callgrind', f'--callgrind-out-file={path}', *command], check=True,
                   env=environment(world, **more_environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    costs = costs_by_file(path)
    return sum(costs.values()), sum(cost for file, cost in costs.items() if re.search(r'/ld[-.][^/]*$', file or ''))


def measure(world, runs, command, **more_environment):
    """Returns: thousand instructions, and those of the dynamic linker"""
    counts = [count(world, command, more_environment) for _ in range(runs)]
    return [statistics.median(column) / 1000 for column in zip(*counts)]


def count_libraries(command):
    """With the program's own, and without what the kernel brings"""
    done = subprocess.run(command, check=True, env={**os.environ, 'LD_TRACE_LOADED_OBJECTS': '1'}, encoding='utf-8',
                          stdout=subprocess.PIPE)
    return len(re.findall(r' => /|^\s+/', done.stdout, re.M))


def programs(world):
    identity = world.issue()
    server = world.serve(identity)
    world.root.pin(HOST, identity.der)
    url = server.url(HOST)
    subprocess.run([CERTPINCTL, 'get', url], check=True, env=environment(world), stdout=subprocess.DEVNULL)
    return {'certpinctl/version': [CERTPINCTL, '--version'], 'busctl/version': ['busctl', '--version'],
            'curl/version': ['curl', '--version'], 'certpinctl/get': [CERTPINCTL, 'get', url],
            'busctl/call': ['busctl', '--system', 'call', NAME, '/org/certpin/Certpin1', 'org.freedesktop.DBus.Peer', 'Ping'],
            'curl/get': ['curl', '--silent', '--cacert', world.shared.trust_file, '--pinnedpubkey',
                         identity.pin.replace('sha256/', 'sha256//'), url]}


def main():
    if subprocess.run(['which', 'valgrind', 'busctl', 'curl'], check=False, stdout=subprocess.DEVNULL).returncode != 0:
        print('valgrind, busctl or curl is not installed')
        return SKIPPED
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    tap.DEADLINE_S = 120
    world = World()
    for name, command in programs(world).items():
        total, linker = measure(world, runs, command)
        figure(f'start/{name}/instructions', total, 'thousand')
        figure(f'start/{name}/linker', linker, 'thousand')
        figure(f'start/{name}/share', 100 * linker / total, '%')
    for name in 'certpinctl', 'busctl', 'curl':
        program = CERTPINCTL if name == 'certpinctl' else f'/usr/bin/{name}'
        figure(f'start/{name}/libraries', count_libraries([program]))
    for name, library in LIBRARIES.items():
        figure(f'start/with/{name}/linker', measure(world, runs, [NOTHING], LD_PRELOAD=library)[1], 'thousand')
    world.close()
    return 0


if __name__ == '__main__':
    sys.exit(main())
