# SPDX-License-Identifier: LGPL-2.1-or-later
"""A journalctl of ours, which prints what a test gives it and notes what it is asked for."""

import os
import stat
import struct

SECOND = 1801310400


def entry(**fields):
    """One of the journal, in its export format."""
    lines = [b'__CURSOR=s=1', f'__REALTIME_TIMESTAMP={SECOND}000000'.encode()]
    for name, value in fields.items():
        value = value if isinstance(value, bytes) else value.encode()
        plain = all(byte >= 32 and byte < 127 for byte in value)
        lines.append(name.encode() + (b'=' + value if plain else b'\n' + struct.pack('<Q', len(value)) + value))
    return b'\n'.join(lines) + b'\n\n'


class Journal:
    """A journalctl of ours, which notes its arguments."""

    def __init__(self, world, output=b'', errors=b'', status=0):
        self.folder = os.path.join(world.folder, 'programs')
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(world.folder, 0o755)
        for name, text in (('output', output), ('errors', errors), ('arguments', b'')):
            with open(os.path.join(self.folder, name), 'wb') as file:
                file.write(text)
        os.chmod(os.path.join(self.folder, 'arguments'), 0o666)
        program = os.path.join(self.folder, 'journalctl')
        with open(program, 'w', encoding='utf-8') as file:
            file.write(f'#!/bin/sh\ncd "$(dirname "$0")"\nprintf "%s\\n" "$@" "" >> arguments\n'
                       f'cat output\ncat errors >&2\nexit {status}\n')
        os.chmod(program, stat.S_IRWXU | stat.S_IROTH | stat.S_IXOTH)
        self.keywords = {'more_environment': {'PATH': f'{self.folder}:{os.environ["PATH"]}'}}

    def _runs(self):
        with open(os.path.join(self.folder, 'arguments'), encoding='utf-8') as file:
            return [run.split('\n') for run in file.read().split('\n\n')[:-1]]

    def runs(self):
        return len(self._runs())

    def asked(self, run=-1):
        """Returns: the arguments of one run; [] if there was none"""
        return self._runs()[run] if self._runs() else []
