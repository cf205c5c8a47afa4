#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Long output of certpinctl goes through a pager: on a terminal, with a real less."""

import contextlib
import fcntl
import os
import pathlib
import pty
import select
import struct
import termios

from lib import fake_service as fake
from lib.certpinctl import OK, exits, start
from lib.fake_journal import Journal, entry
from lib.fake_service import FakeWorld
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE

ROWS = 24
MANY = 60
PROMPT = b'\r\n:'


def lists(world, count):
    pins = [fake.pin(f'h{number:02}.example') for number in range(count)]
    world.answers(lambda method, arguments: fake.several(*([] if 'start-after' in arguments[0] else pins)))


class Terminal:
    """A program on a terminal of 24 rows."""

    def __init__(self, world, *arguments, **environment):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', ROWS, 100, 0, 0))
        # In a session of its own, whose terminal this is: an interrupt is typed.
        self._process = start(world, *arguments, uid=ALICE, stdin=theirs, stdout=theirs, stderr=theirs,
                              start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                              more_environment={'TERM': 'vt100', 'NO_COLOR': '1', 'LESSHISTFILE': '-', **environment})
        os.close(theirs)
        self.shown = b''

    def _read(self):
        holds(select.select([self._ours], [], [], DEADLINE_S)[0], f'nothing comes after {self.shown}')
        with contextlib.suppress(OSError):  # the other side is gone
            return os.read(self._ours, 65536)
        return b''

    def wait_for(self, text, times=1):
        while self.shown.count(text) < times:
            chunk = self._read()
            holds(chunk, f'it ended after {self.shown}')
            self.shown += chunk

    def type(self, keys):
        os.write(self._ours, keys)

    def end(self):
        """Returns: the exit status"""
        try:
            while chunk := self._read():
                self.shown += chunk
            return self._process.wait(DEADLINE_S)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._ours)


@test('what does not fit waits for its reader, who may leave early')
def _(world):
    lists(world, MANY)
    terminal = Terminal(world, 'list')
    terminal.wait_for(b'h10.example')
    holds(b'h50.example' not in terminal.shown, 'all is shown at once')
    terminal.type(b'q')
    equal(terminal.end(), OK, 'the exit status')
    holds(b'h50.example' not in terminal.shown, 'the rest follows')


@test('its reader can go to the end')
def _(world):
    lists(world, MANY)
    terminal = Terminal(world, 'list')
    terminal.wait_for(b'h10.example')
    terminal.type(b'G')
    terminal.wait_for(b'h59.example')
    terminal.type(b'q')
    equal(terminal.end(), OK, 'the exit status')


@test('what fits is shown, and that is all')
def _(world):
    lists(world, 3)
    terminal = Terminal(world, 'list')
    equal(terminal.end(), OK, 'the exit status')
    holds(b'h02.example' in terminal.shown, terminal.shown)


@test('an interrupt does not take the text away from its reader')
def _(world):
    lists(world, MANY)
    terminal = Terminal(world, 'list')
    terminal.wait_for(b'h10.example')
    terminal.type(b'\x03')
    terminal.wait_for(b'h00.example', times=2)  # it is drawn again
    terminal.wait_for(PROMPT, times=2)
    terminal.type(b'G')
    terminal.wait_for(b'h59.example')
    terminal.type(b'q')
    equal(terminal.end(), OK, 'the exit status')


@test('nor does it while there is more to come')
def _(world):
    world.answers(lambda method, arguments: fake.one(fake.explanation() if method == 'ExplainHost' else fake.pin(arguments[0])))
    hosts = [f'h{number:02}.example' for number in range(MANY)]
    terminal = Terminal(world, 'explain', *hosts)
    terminal.wait_for(PROMPT)
    terminal.type(b'\x03')
    terminal.wait_for(PROMPT, times=2)
    terminal.type(b'q')
    equal(terminal.end(), OK, 'the exit status')


@test('the journal, and what is shown of several hosts, goes through one pager')
def _(world):
    def answer(method, arguments):
        if method == 'LastFailure':
            raise fake.Refusal('NotPinned', 'none')
        return fake.one(fake.explanation() if method == 'ExplainHost' else fake.pin(arguments[0]))

    world.answers(answer)
    journal = Journal(world, b''.join(entry(MESSAGE=f'entry {number:02}') for number in range(MANY)))
    environment = journal.keywords['more_environment']
    hosts = [f'h{number:02}.example' for number in range(MANY)]
    for arguments, first, last in ((('log',), b'entry 10', b'entry 59'), (('show', *hosts), b'h00.example', b'h59.example')):
        terminal = Terminal(world, *arguments, **environment)
        terminal.wait_for(first)
        holds(last not in terminal.shown, f'all of {arguments} is shown at once')
        terminal.type(b'G')
        terminal.wait_for(last)
        terminal.type(b'q')
        equal(terminal.end(), OK, f'the exit status of {arguments}')


@test('the pager that the user named')
def _(world):
    lists(world, MANY)
    program = pathlib.Path(world.folder, 'my pager')
    program.write_text('#!/bin/sh\necho "here is $1"\nsed "s/^/> /"\necho $LESSSECURE $LESSCHARSET\n', encoding='utf-8')
    program.chmod(0o755)
    terminal = Terminal(world, 'list', PAGER=f"'{program}' 'one word'")
    equal(terminal.end(), OK, 'the exit status')
    lines = terminal.shown.decode().split('\r\n')
    equal((lines[0], lines[-2]), ('here is one word', '1 utf-8'), 'what it was given')
    holds(any(line.startswith('> h59.example') for line in lines), lines)


@test('no pager: nobody wants it, there is none, or nobody would see it')
def _(world):
    lists(world, MANY)
    for arguments, environment in ((('--no-pager', 'list'), {}), (('list', '--no-pager'), {}), (('list',), {'PAGER': ''}),
                                   (('list',), {'PAGER': '/nonexistent'}), (('list',), {'TERM': 'dumb'}),
                                   (('list',), {'TERM': ''}),
                                   (('list',), {'PAGER': "'"}), (('list', '--json'), {'PAGER': '/bin/false'})):
        terminal = Terminal(world, *arguments, **environment)
        equal(terminal.end(), OK, f'the exit status of {arguments} with {environment}')
        holds(b'h00.example' in terminal.shown and b'h59.example' in terminal.shown, f'{arguments} with {environment}')
    terminal = Terminal(world, 'list', TERM='', NO_COLOR='')
    equal((terminal.end(), b'\x1b' in terminal.shown), (OK, False), 'what comes of a terminal of no kind')
    output = exits(world, OK, 'list', more_environment={'TERM': 'vt100', 'PAGER': '/bin/false'})
    holds(b'h59.example' in output, 'in a pipe')


run(FakeWorld)
