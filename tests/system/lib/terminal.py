# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl on a terminal of its own, with somebody who answers its questions."""

import fcntl
import os
import pty
import select
import struct
import termios
import time

from .certpinctl import start
from .tap import DEADLINE_S, holds
from .world import ALICE

PROMPT = b'[y/N] '


def _read(terminal, deadline):
    """Returns: what came next; nothing at the end"""
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    holds(ready, 'nothing comes from the program')
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side is gone
        return b''


def dialog(world, *arguments, answers=(), uid=ALICE, before=lambda process: None, environment=None, columns=500, **keywords):
    """`answers`: typed one after the other, each at a question. `before`: called before the
    first, with the process. `environment`: more of it.
    `columns`: so many that no message is wrapped, unless the test is about that.
    Returns: exit code, and what the terminal showed"""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    process = start(world, *arguments, uid=uid, stdin=theirs, stdout=theirs, stderr=theirs,
                    more_environment={'TERM': 'dumb', **(environment or {})}, **keywords)
    os.close(theirs)
    shown, deadline, asked = b'', time.monotonic() + DEADLINE_S, 0
    try:
        while chunk := _read(ours, deadline):
            shown += chunk
            if shown.count(PROMPT) > asked:
                holds(asked < len(answers), f'there is no answer for: {shown.decode()}')
                if asked == 0:
                    before(process)
                os.write(ours, answers[asked].encode() + b'\n')
                asked += 1
        code = process.wait(DEADLINE_S)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    holds(asked == len(answers), f'it asked only {asked} questions: {shown.decode()}')
    return code, shown.decode().replace('\r\n', '\n')
