# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network of the test's own, so that no other program has its ports; and one with link-local addresses, in
a mount namespace with names that lead to them."""

import ctypes
import os
import subprocess
import sys

INSIDE = 'CERTPIN_TEST_NAMESPACE'
METADATA = '169.254.169.254'
CLONE_NEWNET = 0x40000000
NAMES = (f'127.0.0.1 localhost\n{METADATA} metadata.test\n'
         f'127.0.0.1 both.test\n{METADATA} both.test\n')


def enter_network():
    """Leaves the machine's network, unless that has been done, for one with loopback alone. Comes before the first
    thread and socket."""
    if INSIDE in os.environ:
        return
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'cannot have a network of its own')
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)


def enter_namespace(files=None):
    """Starts the program anew in there, the first time that it is called. `files`: what is in those
    of /etc, by name."""
    if os.environ.get(INSIDE) is None:
        os.environ[INSIDE] = '1'
        os.execvp('unshare', ['unshare', '--net', '--mount', '--propagation', 'private',
                              sys.executable, *sys.argv])
    for command in (['ip', 'link', 'set', 'lo', 'up'],
                    ['ip', 'address', 'add', METADATA + '/32', 'dev', 'lo'],
                    ['ip', 'address', 'add', 'fe80::7/128', 'dev', 'lo'],
                    ['ip', 'address', 'add', 'fd00:ec2::254/128', 'dev', 'lo'],
                    ['mount', '-t', 'tmpfs', 'tmpfs', '/mnt']):
        subprocess.run(command, check=True)
    for name, text in {'hosts': NAMES, **(files or {})}.items():
        with open(f'/mnt/{name}', 'w', encoding='utf-8') as file:
            file.write(text)
        subprocess.run(['mount', '--bind', f'/mnt/{name}', f'/etc/{name}'], check=True)
