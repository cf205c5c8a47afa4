# SPDX-License-Identifier: LGPL-2.1-or-later
"""The users of a soak, and the programs of theirs that behave badly: visitors.py, directed from here."""

import multiprocessing.connection
import pathlib
import pwd
import socket
import subprocess
import sys

from lib.world import ALICE, BOB

USERS = (ALICE, BOB, pwd.getpwnam('man').pw_uid)
BYSTANDER = pwd.getpwnam('mail').pw_uid
PROGRAM = pathlib.Path(__file__).with_name('visitors.py')


class Visitors:
    """A process of one user with as many connections as it is told to have."""

    def __init__(self, address, uid):
        ours, theirs = socket.socketpair()
        self._line = multiprocessing.connection.Connection(ours.detach())
        self._process = subprocess.Popen(
            [sys.executable, '-B', PROGRAM, str(theirs.fileno()), str(uid), address],
            pass_fds=[theirs.fileno()])
        theirs.close()

    def begin(self, what, *arguments):
        self._line.send((what, *arguments))

    def finish(self):
        kind, value = self._line.recv()
        if kind == 'failed':
            raise AssertionError(f'a visitor failed: {value}')
        return value

    def close(self):
        self._process.kill()
        self._process.wait()


class Crowd:
    """One such process of each user."""

    def __init__(self, world):
        self.members = [world.track(Visitors(world.shared.bus.address, uid)) for uid in USERS]

    def all(self, what, *arguments):
        """All do it at the same time. Returns: what each returned"""
        for one in self.members:
            one.begin(what, *arguments)
        return [one.finish() for one in self.members]
