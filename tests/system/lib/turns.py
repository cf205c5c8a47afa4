# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long the turns of the service's main loop are: tests/lib/turns.c, preloaded."""

import mmap
import os
import struct

SIZE = 16


class Turns:
    """`path`: of a new file; `library`: that is preloaded."""

    def __init__(self, path, library):
        with open(path, 'w+b') as file:
            file.write(bytes(SIZE))
            file.flush()
            os.fchmod(file.fileno(), 0o666)
            self._map = mmap.mmap(file.fileno(), SIZE)
        self.environment = {'LD_PRELOAD': library, 'CERTPIN_TEST_TURNS': path}

    def begin(self):
        self._map[:] = bytes(SIZE)

    def read(self):
        """Returns: the longest since then, in ms of processor time, and how many there were"""
        longest_ns, count = struct.unpack('=QQ', self._map[:])
        return longest_ns / 1e6, count

    def close(self):
        self._map.close()
