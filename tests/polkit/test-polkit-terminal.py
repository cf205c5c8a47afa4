#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl on a terminal without a desktop, as over ssh: polkit's own agent asks for the password, which is
checked for real."""

import contextlib
import fcntl
import os
import pathlib
import pty
import select
import subprocess
import sys
import termios

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from lib.pki import Authority
from lib.public import certpinctl
from lib.tap import DEADLINE_S, equal, holds, run, test
from machine import ALICE, RULES, Machine, as_user, enter, eventually

HOST = 'h.example'
OK, NOT_AUTHORIZED, INTERRUPTED = 0, 6, 130
PASSWORD = 'correct horse'


class Terminal:
    def __init__(self, *arguments, user=ALICE):
        self._ours, theirs = pty.openpty()
        # In a session of its own, whose terminal this is: the agent opens /dev/tty.
        self.process = subprocess.Popen(
            [*as_user(user), certpinctl(), *arguments], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0), env={**os.environ, 'TERM': 'dumb', 'LC_ALL': 'C.UTF-8'})
        os.close(theirs)
        self.shown = ''

    def _read(self):
        holds(select.select([self._ours], [], [], DEADLINE_S)[0], f'nothing comes after “{self.shown}”')
        with contextlib.suppress(OSError):  # the other side is gone
            return os.read(self._ours, 65536).decode(errors='replace')
        return ''

    def wait_for(self, text):
        while text not in self.shown:
            chunk = self._read()
            holds(chunk, f'it ended after “{self.shown}”')
            self.shown += chunk

    def wait_for_question(self):
        """The agent drops what is typed before the terminal shows it no more."""
        self.wait_for('Password: ')
        eventually(lambda: holds(not termios.tcgetattr(self._ours)[3] & termios.ECHO, 'what is typed is shown'))

    def type(self, text):
        os.write(self._ours, text.encode())

    def end(self):
        """Returns: the exit status"""
        try:
            while chunk := self._read():
                self.shown += chunk
            return self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._ours)


def agents():
    return subprocess.run(['pgrep', 'pkttyagent'], check=False, stdout=subprocess.PIPE).stdout


def prepare(machine):
    """Alice knows her password, and that is what is wanted of her. Returns: a key to pin"""
    subprocess.run(['chpasswd'], input=f'{ALICE}:{PASSWORD}\n'.encode(), check=True)
    RULES.write_text('polkit.addRule(function (action, subject) {\n'
                     'if (action.id == "org.certpin.manage-system-pins") return polkit.Result.AUTH_SELF; });\n',
                     encoding='utf-8')
    machine.kill(machine.polkitd())
    holds(machine.polkitd(), 'no polkitd')
    return f'--key={Authority("Root").issue(HOST).pin}'


@test('the right password: the host is pinned for all users, and no agent is left')
def _(machine):
    key = prepare(machine)
    terminal = Terminal('pin', '--system', '--yes', HOST, key)
    terminal.wait_for('AUTHENTICATING')
    terminal.wait_for_question()
    holds(not machine.user('root').list_pins(), 'it is pinned already')
    terminal.type(PASSWORD + '\n')
    equal(terminal.end(), OK, f'the exit status, with “{terminal.shown}”')
    holds(PASSWORD not in terminal.shown, 'the password is shown')
    equal([pin['scope'] for pin in machine.user('root').list_pins()], ['system'], 'the pins')
    eventually(lambda: equal(agents(), b'', 'agents'))


@test('a wrong password: nothing is changed, and it says so')
def _(machine):
    key = prepare(machine)
    terminal = Terminal('pin', '--system', '--yes', HOST, key)
    terminal.wait_for_question()
    terminal.type('wrong\n')
    equal(terminal.end(), NOT_AUTHORIZED, f'the exit status, with “{terminal.shown}”')
    holds('polkit does not authorize' in terminal.shown, terminal.shown)
    equal(machine.user('root').list_pins(), [], 'the pins')
    eventually(lambda: equal(agents(), b'', 'agents'))


@test('an interrupt at the question: nothing is changed, and no agent is left')
def _(machine):
    key = prepare(machine)
    terminal = Terminal('pin', '--system', '--yes', HOST, key)
    terminal.wait_for_question()
    terminal.type('\x03')
    status = terminal.end()
    holds(status in (INTERRUPTED, -2), f'the exit status is {status}, with “{terminal.shown}”')
    equal(machine.user('root').list_pins(), [], 'the pins')
    eventually(lambda: equal(agents(), b'', 'agents'))


@test('nobody is asked: for pins of one’s own, without a terminal, or where that is not wanted')
def _(machine):
    key = prepare(machine)
    terminal = Terminal('pin', HOST, key)
    equal(terminal.end(), OK, f'the exit status, with “{terminal.shown}”')
    terminal = Terminal('pin', '--system', '--yes', '--no-ask-password', HOST, key)
    equal(terminal.end(), NOT_AUTHORIZED, f'the exit status, with “{terminal.shown}”')
    done = subprocess.run([*as_user(ALICE), certpinctl(), 'pin', '--system', '--yes', HOST, key], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=DEADLINE_S)
    equal(done.returncode, NOT_AUTHORIZED, f'the exit status, with {done.stdout}')


if __name__ == '__main__':
    enter()
    run(Machine)
