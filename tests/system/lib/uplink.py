# SPDX-License-Identifier: LGPL-2.1-or-later
"""A wire to another machine: a second network namespace, with servers in it, and what can happen to the
way there. For programs that have entered a namespace of their own."""

import contextlib
import ctypes
import os
import subprocess
import threading

from .network import CLONE_NEWNET

OURS, SECOND, FAR = '198.51.100.1', '198.51.100.2', '198.51.100.80'
OURS6, FAR6 = '2001:db8:1::1', '2001:db8:1::80'
# Packets to these are sent, and nobody is there.
DEAD = [f'198.51.100.{number}' for number in (71, 72, 73)]
DEAD6 = [f'2001:db8:1::{number}' for number in (71, 72, 73)]
NOBODY = '02:00:00:00:00:01'

_libc = ctypes.CDLL(None, use_errno=True)


def ip(*arguments):
    subprocess.run(['ip', *arguments], check=True)


def _enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'cannot enter the network')


def _new_network():
    """Returns: a descriptor of a network that nobody is in"""
    made = []

    def make():
        if _libc.unshare(CLONE_NEWNET) == 0:
            made.append(os.open('/proc/thread-self/ns/net', os.O_RDONLY))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Uplink:
    """`default`: whether everything else is behind it, too. `families`: of this machine's addresses."""

    def __init__(self, default=True, families='46'):
        self._far = _new_network()
        self._near = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', f'/proc/{os.getpid()}/fd/{self._far}')
        with self.far():
            for command in ('link set lo up', 'link set far up', f'address add {FAR}/24 dev far',
                            f'address add {FAR6}/64 dev far nodad'):
                ip(*command.split())
        ip('link', 'set', 'near', 'up')
        if '4' in families:
            self._open('-4', f'{OURS}/24', DEAD, FAR, default)
        if '6' in families:
            self._open('-6', f'{OURS6}/64', DEAD6, FAR6, default)

    @staticmethod
    def _open(family, ours, dead, far, default):
        ip(family, 'address', 'add', ours, 'dev', 'near', *(['nodad'] if family == '-6' else []))
        for address in dead:
            ip(family, 'neighbor', 'add', address, 'lladdr', NOBODY, 'dev', 'near', 'nud', 'permanent')
        if default:
            ip(family, 'route', 'add', 'default', 'via', far)

    @contextlib.contextmanager
    def far(self):
        """Sockets and programs of this thread are at the other end."""
        _enter(self._far)
        try:
            yield
        finally:
            _enter(self._near)

    def silence(self, connection):
        """What the far end sends to one of its connections is lost from now on."""
        port = connection.socket.getpeername()[1]
        with self.far():
            ip('rule', 'add', 'to', OURS, 'ipproto', 'tcp', 'dport', str(port), 'blackhole')

    @staticmethod
    def give_second_address():
        """One that is used if the first goes."""
        ip('address', 'add', f'{SECOND}/32', 'dev', 'near')
        ip('route', 'add', '198.51.100.0/24', 'dev', 'near', 'src', SECOND, 'metric', '500')

    @staticmethod
    def lose_address():
        ip('address', 'del', f'{OURS}/24', 'dev', 'near')

    def close(self):
        subprocess.run(['ip', 'link', 'del', 'near'], check=False, stderr=subprocess.DEVNULL)
        os.close(self._far)
        os.close(self._near)
