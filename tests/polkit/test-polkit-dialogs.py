#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What floods of questions to polkit cost others: password dialogs that nobody closes, questions that
a polkitd that hangs does not answer."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from lib.caller import ERROR, PINS
from lib.public import copy_of
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from machine import ALICE, BOB, POLKIT, WEBADMIN, Machine, as_user, enter, eventually, uid_of

KEY = 'sha256/' + 'E' * 43 + '='
HOST = 'www.example.org'
HERE = pathlib.Path(__file__).parent


def program():
    """A copy that users can reach, with what it imports beside it."""
    copy_of(HERE / 'agent.py')
    return copy_of(HERE / 'dialogs.py')
LIMIT_EXCEEDED = ERROR + 'LimitExceeded'
PER_UID, IN_ALL = 4, 16
POLKIT_DEADLINE_S = 10
SLACK_S = 5


class Screen:
    """A user before whom dialogs open."""

    def __init__(self, user, *arguments):
        self.uid = uid_of(user)
        self.events = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(as_user(user) + [sys.executable, program(), *arguments],
                                        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._listen, daemon=True).start()
        self.wait_for('ready', 1)

    def _listen(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    def all(self, kind):
        return [event[1] if event[1:] else None for event in self.events if event[0] == kind]

    def wait_for(self, kind, count):
        """Until that many events of a kind have been told. Returns: them"""
        with self.changed:
            self.changed.wait_for(lambda: len(self.all(kind)) >= count, DEADLINE_S)
            equal(len(self.all(kind)), count, f'the events ‘{kind}’')
            return self.all(kind)

    def tell(self, command):
        self.process.stdin.write(command + '\n')
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()


class Screens(Machine):
    """A machine with users before screens."""

    def __init__(self):
        super().__init__()
        self._screens = []
        self.polkitd()

    def screen(self, user, *arguments):
        screen = Screen(user, *arguments)
        self._screens.append(screen)
        return screen

    def enter_password(self, screen, cookie):
        """What the agent's helper says to polkit once root's password was right."""
        self.bus.ask_of(POLKIT, '/org/freedesktop/PolicyKit1/Authority', POLKIT + '.Authority',
                        'AuthenticationAgentResponse2', '(us(sa{sv}))', screen.uid, cookie,
                        ('unix-user', {'uid': V('u', 0)}))
        screen.tell('finish')

    def close(self):
        for screen in self._screens:
            screen.close()
        super().close()


def nothing_is_in_the_way_of(machine, *users):
    """Whoever needs no password is authorised, even where a dialog would be allowed."""
    for user in users:
        machine.user(user).pin_keys(HOST, KEY)
    machine.user('root').pin_keys(HOST, KEY, scope='system')
    root = machine.screen('root')
    root.tell('open 1')
    equal(root.wait_for('reply', 1), [None], 'the answer to root, who may be asked')


@test('one user opens a hundred dialogs: four are open, and others are authorised as ever')
def _(machine):
    alice, bob = machine.screen(ALICE), machine.screen(BOB)
    started = time.monotonic()
    alice.tell('open 100')
    equal(alice.wait_for('reply', 100 - PER_UID), [LIMIT_EXCEEDED] * (100 - PER_UID), 'the refusals')
    holds(time.monotonic() - started < SLACK_S, 'they were not refused at once')
    alice.wait_for('dialog', PER_UID)
    nothing_is_in_the_way_of(machine, ALICE, BOB)
    bob.tell('open 1')
    cookie, = bob.wait_for('dialog', 1)
    machine.enter_password(bob, cookie)
    equal(bob.wait_for('reply', 1), [None], 'the answer to bob')
    equal(len(alice.all('dialog')), PER_UID, 'alice’s dialogs')


@test('five users open four dialogs each: sixteen are open')
def _(machine):
    screens = [machine.screen(user) for user in (ALICE, BOB, WEBADMIN, 'games')]
    for screen in screens:
        screen.tell(f'open {PER_UID}')
        screen.wait_for('dialog', PER_UID)
    last = machine.screen('nobody')
    last.tell(f'open {PER_UID}')
    equal(last.wait_for('reply', PER_UID), [LIMIT_EXCEEDED] * PER_UID, 'the fifth user’s refusals')
    equal(last.all('dialog'), [], 'the fifth user’s dialogs')
    equal(sum(len(screen.all('reply')) for screen in screens), 0, 'replies of the other four')
    nothing_is_in_the_way_of(machine, ALICE, 'nobody')
    machine.enter_password(screens[0], screens[0].all('dialog')[0])
    screens[0].wait_for('reply', PER_UID)
    last.tell('open 1')
    last.wait_for('dialog', 1)


def open_one(screen):
    """Opens a dialog; fails where there is no place for it yet."""
    dialogs, replies = len(screen.all('dialog')), len(screen.all('reply'))
    screen.tell('open 1')
    with screen.changed:
        screen.changed.wait_for(
            lambda: len(screen.all('dialog')) + len(screen.all('reply')) > dialogs + replies, DEADLINE_S)
    equal(len(screen.all('dialog')), dialogs + 1, 'the dialogs')


def leave_and_open(machine, alice):
    alice.tell('open 5')
    dialogs = alice.wait_for('dialog', PER_UID)
    alice.wait_for('reply', 1)
    alice.tell('leave')
    equal(sorted(alice.wait_for('cancelled', PER_UID)), sorted(dialogs), 'the dialogs that closed')
    alice.wait_for('reply', 1 + PER_UID)  # that there is none, since the connection is closed
    for _ in range(PER_UID):
        eventually(open_one, alice)
    alice.process.kill()
    eventually(open_one, machine.screen(ALICE))


@test('a program that leaves takes its dialogs along, and others can be opened')
def _(machine):
    leave_and_open(machine, machine.screen(ALICE))


@test('so it does if its user’s agent would leave them open')
def _(machine):
    leave_and_open(machine, machine.screen(ALICE, 'ignore'))


def flood(machine, programs, calls):
    """Questions of alice's that cannot be answered from what was asked before."""
    for caller in [machine.user(ALICE) for _ in range(programs)]:
        for number in range(calls):
            yield caller.begin(PINS, 'PinKeys', '(sasa{sv})', f'h{number}.example.org', [KEY],
                               {'scope': V('s', 'system')})
        caller.flush()


@test('polkitd hangs as it is first asked: what needs no authorization is answered')
def _(machine):
    polkitd = machine.polkitd()
    os.kill(polkitd, signal.SIGSTOP)
    asking = []
    started = time.monotonic()
    for user in (ALICE, BOB, WEBADMIN):
        caller = machine.user(user)
        asking.append(caller.begin(PINS, 'PinKeys', '(sasa{sv})', HOST, [KEY], {}))
        equal(machine.user(user).list_pins(), [], 'the pins while polkitd hangs')
    holds(time.monotonic() - started < SLACK_S, 'the service waited for polkitd')
    os.kill(polkitd, signal.SIGCONT)
    for pending in asking:
        pending.wait()


@test('polkitd hangs while one user floods it: the next user is authorised once it is well again')
def _(machine):
    bob, root = machine.user(BOB), machine.user('root')
    polkitd = machine.polkitd()
    os.kill(polkitd, signal.SIGSTOP)
    first = list(flood(machine, 2, 100))
    for pending in first:
        pending.caller.refused('NotAuthorized', pending.wait, POLKIT_DEADLINE_S + SLACK_S)
    second = list(flood(machine, 2, 100))
    bobs = bob.begin(PINS, 'PinKeys', '(sasa{sv})', HOST, [KEY], {})
    roots = root.begin(PINS, 'PinKeys', '(sasa{sv})', HOST, [KEY], {'scope': V('s', 'system')})
    for caller in (bob, root):
        caller.list_pins()  # the two calls before it have arrived, and are not answered
        equal(caller.replies.keys() & {bobs.number if caller is bob else roots.number}, set(),
              'answers while polkitd hangs')
    os.kill(polkitd, signal.SIGCONT)
    bobs.wait()
    roots.wait()
    for pending in second:
        pending.caller.refused('NotAuthorized', pending.wait)


if __name__ == '__main__':
    enter()
    run(Screens)
