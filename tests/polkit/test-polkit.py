#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who may do what: the installed policy, on a real system bus, asked of the real polkitd, by real users."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from lib import pki
from lib.caller import ERROR, NAME, PATH, PINS, REQUESTS
from lib.public import copy_of, put
from lib.tap import equal, holds, run, test
from lib.variant import V
from machine import (ALICE, BINARY, BOB, BUS, POLKIT, RULES, SOURCE, SYSTEM_SERVICES, WEBADMIN,
                     Machine, as_user, enter, eventually, uid_of)

KEY = 'sha256/' + 'E' * 43 + '='
OTHER_KEY = 'sha256/' + 'B' * 42 + 'A='
HOST = 'www.example.org'
AGENT = pathlib.Path(__file__).with_name('agent.py')
# certpind's own deadline for an answer, and what a slow machine may add.
POLKIT_DEADLINE_S = 10
SLACK_S = 5


def system_hosts(caller):
    return [pin['host'] for pin in caller.list_pins(scope='system')]


def write_rule(text):
    RULES.write_text('polkit.addRule(function (action, subject) {\n' + text + '\n});\n',
                     encoding='utf-8')


def names_the_remedy(error):
    holds('systemctl status polkit' in error.message, f'‘{error.message}’ names no remedy')


# What the policy allows by default


@test('a plain user pins and unpins a host for themselves')
def _(machine):
    alice = machine.user(ALICE)
    equal(alice.pin_keys(HOST, KEY)['scope'], 'user', 'the scope')
    equal([pin['host'] for pin in alice.list_pins()], [HOST], 'the pinned hosts')
    alice.unpin(HOST)
    equal(alice.list_pins(), [], 'the pins')


@test('a plain user may make requests')
def _(machine):
    machine.user(ALICE).refuses('NotPinned', f'https://{HOST}/')


@test('a plain user’s system pin is refused, and the message names the remedy')
def _(machine):
    alice = machine.user(ALICE)
    error = alice.refused('NotAuthorized', alice.pin_keys, HOST, KEY, scope='system')
    for words in ('administrator', 'interactive authorization', 'root'):
        holds(words in error.message, f'‘{error.message}’ does not speak of {words}')
    alice.refused('NotAuthorized', alice.unpin, HOST, scope='system')
    alice.refused('NotAuthorized', alice.call, PINS, 'BlockHost', '(ssa{sv})', HOST, 'why',
                  {'scope': V('s', 'system')})
    alice.refused('NotAuthorized', alice.call, PINS, 'Reload', '')
    equal(system_hosts(alice), [], 'the system’s pins')


@test('a plain user pauses only their own pins; root pauses those of the system')
def _(machine):
    alice, root = machine.user(ALICE), machine.user('root')
    alice.pin_keys(HOST, KEY)
    equal(alice.pause(HOST, 60)['state'], 'paused', 'the state of the own pin')
    equal(alice.resume(HOST)['state'], 'active', 'the state of the own pin')
    root.pin_keys(HOST, KEY, scope='system')
    error = alice.refused('NotAuthorized', alice.pause, HOST, 60, scope='system')
    holds('org.certpin.pause' in error.message, f'‘{error.message}’ does not name the action')
    equal(root.pause(HOST, 60, scope='system')['state'], 'paused', 'the state of the system’s pin')
    alice.refused('NotAuthorized', alice.resume, HOST, scope='system')
    equal(root.resume(HOST, scope='system')['state'], 'active', 'the state of the system’s pin')


@test('root pins a host for all, and reloads')
def _(machine):
    root = machine.user('root')
    root.pin_keys(HOST, KEY, scope='system')
    root.call(PINS, 'Reload', '')
    equal(system_hosts(machine.user(ALICE)), [HOST], 'the system’s pins')


@test('another user’s pins are for those alone who may inspect all')
def _(machine):
    alice, bob, root = machine.user(ALICE), machine.user(BOB), machine.user('root')
    alice.pin_keys(HOST, KEY)
    equal(bob.list_pins(), [], 'what bob sees')
    bob.refused('NotAuthorized', bob.list_pins, uid=uid_of(ALICE))
    equal(len(alice.list_pins(uid=uid_of(ALICE))), 1, 'what alice sees of herself')
    equal(len(root.list_pins(uid=uid_of(ALICE))), 1, 'what root sees of alice')


def ask_at_the_screen(user, method, arguments, locale='C.UTF-8'):
    done = subprocess.run(as_user(user) + [sys.executable, copy_of(AGENT), locale, method, arguments],
                          check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def add_dialog_test(name, says, method, arguments, locale='C.UTF-8'):
    @test(f'the password dialog for {name}, and closing it is a no')
    def _(machine):
        if locale != 'C.UTF-8':
            subprocess.run(['localedef', '-i', locale.partition('.')[0], '-f', 'UTF-8', locale],
                           check=True)
        error, questions = ask_at_the_screen(ALICE, method, arguments, locale)
        equal(error, ERROR + 'NotAuthorized', 'the error')
        equal(questions, [says], 'the questions')
        equal(system_hosts(machine.user(ALICE)), [], 'the system’s pins')


SYSTEM = "{'scope': <'system'>}"
for dialog in (
        ('a pin names host and key',
         f'Authentication is required to pin {HOST} for all users to the key {KEY}',
         'PinKeys', f"('{HOST}', ['{KEY}'], {SYSTEM})"),
        ('a pin names every key',
         f'Authentication is required to pin {HOST} for all users to the key {KEY} {OTHER_KEY}',
         'PinKeys', f"('{HOST}', ['{KEY}', '{OTHER_KEY}'], {SYSTEM})"),
        ('a pause names host and minutes',
         f'Authentication is required to let other keys of {HOST} pass for all users, for 2 min',
         'PausePin', f"('{HOST}', {{'scope': <'system'>, 'seconds': <uint32 61>, 'reason': <'why'>}})"),
        ('the end of a pause names the host',
         f'Authentication is required to end the pause of the certificate pin of {HOST} for all users',
         'ResumePin', f"('{HOST}', {SYSTEM})"),
        ('a pin, in German',
         f'Um {HOST} für alle Benutzer auf den Schlüssel {KEY} festzulegen, ist eine Anmeldung nötig',
         'PinKeys', f"('{HOST}', ['{KEY}'], {SYSTEM})", 'de_DE.UTF-8'),
        ('the end of a pin names the host',
         f'Authentication is required to change the certificate pin of {HOST} for all users',
         'Unpin', f"('{HOST}', {SYSTEM})"),
        ('pins of a text',
         'Authentication is required to set certificate pins of all users from a file',
         'ImportPins', f"('[Pin File]\\nVersion=1\\n[a]\\nHost={HOST}\\nKeys={KEY}\\n', {SYSTEM})"),
        ('a reload',
         'Authentication is required to reload the certificate pins of all users',
         'Reload', '()')):
    add_dialog_test(*dialog)


@test('nobody is asked for a password for a pin of their own')
def _(_machine):
    equal(ask_at_the_screen(ALICE, 'PinKeys', f"('{HOST}', ['{KEY}'], @a{{sv}} {{}})"), [None, []],
          'error and questions')


# Rules of the administrator


@test('the example rule lets a group pin one domain for all, without a restart')
def _(machine):
    admin, alice = machine.user(WEBADMIN), machine.user(ALICE)
    admin.refused('NotAuthorized', admin.pin_keys, HOST, KEY, scope='system')
    put(SOURCE / 'policy/examples/50-certpin-domain.rules', RULES)
    eventually(admin.pin_keys, HOST, KEY, scope='system')
    for host in ('example.org', '**.example.org', '*.example.org:8443'):
        admin.pin_keys(host, KEY, scope='system')
    for host in ('evil-example.org', 'example.org.example.com', 'example.com'):
        admin.refused('NotAuthorized', admin.pin_keys, host, KEY, scope='system')
    admin.refused('NotAuthorized', admin.call, PINS, 'Reload', '')
    alice.refused('NotAuthorized', alice.pin_keys, HOST, KEY, scope='system')


@test('a rule is told the host and the key')
def _(machine):
    write_rule(f'if (action.lookup("host") == "{HOST}" && action.lookup("key") == "{KEY}")'
               ' return polkit.Result.YES;')
    alice = machine.user(ALICE)
    eventually(alice.pin_keys, HOST, KEY, scope='system')
    for keys in ([OTHER_KEY], [KEY, OTHER_KEY], [OTHER_KEY, KEY]):
        alice.refused('NotAuthorized', alice.pin_keys, HOST, *keys, scope='system')
    alice.refused('NotAuthorized', alice.pin_keys, HOST, KEY, scope='system', mode='report')
    alice.refused('NotAuthorized', alice.unpin, HOST, scope='system')


@test('a rule is told of the keys of backup certificates, and of none where one cannot be read')
def _(machine):
    authority = pki.Authority('authority')
    allowed, other = authority.issue(HOST), authority.issue(HOST)
    write_rule(f'if (action.lookup("key") == "{allowed.pin}") return polkit.Result.YES;')
    alice = machine.user(ALICE)
    eventually(alice.pin, HOST, allowed.der, scope='system')
    for backup in (other.der, b'junk'):
        alice.refused('NotAuthorized', alice.pin, HOST, allowed.der, scope='system',
                      backup_certificates=[backup])
    equal(alice.get_pin(HOST, scope='system')['keys'], [allowed.pin], 'the keys')


@test('a rule that takes a right away reaches a program that had it, without a restart')
def _(machine):
    alice, bob = machine.user(ALICE), machine.user(BOB)
    alice.pin_keys(HOST, KEY)
    write_rule(f'if (action.id == "org.certpin.manage-own-pins" && subject.user == "{ALICE}")'
               ' return polkit.Result.NO;')
    error = eventually(alice.refused, 'NotAuthorized', alice.pin_keys, HOST, KEY)
    holds('/etc/polkit-1/rules.d' in error.message, f'‘{error.message}’ names no remedy')
    bob.pin_keys(HOST, KEY)
    RULES.unlink()
    eventually(alice.pin_keys, HOST, KEY)


@test('a program that may not make requests may not open connections either, and its leaving harms nothing')
def _(machine):
    write_rule('if (action.id == "org.certpin.secure-request") return polkit.Result.NO;')
    alice, bob = machine.user(ALICE), machine.user(BOB)
    eventually(alice.refuses, 'NotAuthorized', f'https://{HOST}/')
    alice.vanish()
    bob.refuses('NotAuthorized', f'https://{HOST}/')
    bob.refused('NotAuthorized', bob.connect, HOST, 993)
    bob.pin_keys(HOST, KEY)


@test('a rule that lets a user pause for an hour at most lets that user resume, and change nothing else')
def _(machine):
    write_rule('if (action.id == "org.certpin.pause" && Number(action.lookup("minutes") || 0) <= 60)'
               ' return polkit.Result.YES;')
    alice = machine.user(ALICE)
    machine.user('root').pin_keys(HOST, KEY, scope='system')
    eventually(alice.pause, HOST, 3600, scope='system')
    alice.refused('NotAuthorized', alice.pause, HOST, 3601, scope='system')
    equal(alice.resume(HOST, scope='system')['state'], 'active', 'the state')
    alice.refused('NotAuthorized', alice.pin_keys, HOST, OTHER_KEY, scope='system', mode='report')
    alice.refused('NotAuthorized', alice.unpin, HOST, scope='system')


@test('keys are added and removed by those who may pin; of the system’s, no rule about a key lets them change')
def _(machine):
    write_rule(f'if (action.lookup("key") == "{KEY}") return polkit.Result.YES;')
    alice = machine.user(ALICE)
    eventually(alice.pin_keys, HOST, KEY, scope='system')
    for change in (alice.add_keys, alice.remove_keys):
        alice.refused('NotAuthorized', change, HOST, KEY, scope='system')
    alice.pin_keys(HOST, KEY)
    equal(alice.add_keys(HOST, OTHER_KEY)['keys'], [KEY, OTHER_KEY], 'the keys')
    equal(alice.remove_keys(HOST, KEY)['keys'], [OTHER_KEY], 'the keys')


@test('a look at a server needs the right to make requests; where the host is not pinned, that to pin it as well')
def _(machine):
    alice = machine.user(ALICE)
    reached = ('Unreachable', 'Offline')
    alice.refused(reached, alice.fetch_chain, 'a.invalid')
    write_rule('if (action.id == "org.certpin.manage-own-pins") return polkit.Result.NO;')
    error = eventually(alice.refused, 'NotAuthorized', alice.fetch_chain, 'a.invalid')
    holds('/etc/polkit-1/rules.d' in error.message, f'‘{error.message}’ names no remedy')
    machine.user('root').pin_keys('a.invalid', KEY, scope='system')
    alice.refused(reached, alice.fetch_chain, 'a.invalid')
    machine.user('root').block('a.invalid', scope='system')
    alice.refused('NotAuthorized', alice.fetch_chain, 'a.invalid')
    write_rule('if (action.id == "org.certpin.secure-request") return polkit.Result.NO;')
    eventually(alice.refused, 'NotAuthorized', alice.fetch_chain, 'a.invalid')


# polkitd out of order


@test('polkitd hangs: a kept answer holds, everything else is refused at the deadline')
def _(machine):
    alice, second, root = machine.user(ALICE), machine.user(ALICE), machine.user('root')
    alice.pin_keys(HOST, KEY)
    polkitd = machine.polkitd()
    os.kill(polkitd, signal.SIGSTOP)
    started = time.monotonic()
    waiting = [(second, second.begin(PINS, 'PinKeys', '(sasa{sv})', HOST, [KEY], {})),
               (second, second.begin_request(f'https://{HOST}/')),
               (root, root.begin(PINS, 'PinKeys', '(sasa{sv})', HOST, [KEY],
                                 {'scope': V('s', 'system')}))]
    alice.pin_keys('other.example.org', KEY)
    holds(time.monotonic() - started < 2, 'the kept answer was not used')
    for caller, pending in waiting:
        error = caller.refused('NotAuthorized', pending.wait, POLKIT_DEADLINE_S + SLACK_S)
        names_the_remedy(error)
    holds(time.monotonic() - started > POLKIT_DEADLINE_S - 1, 'refused before the deadline')
    os.kill(polkitd, signal.SIGCONT)
    second.pin_keys(HOST, KEY)
    equal(system_hosts(root), [], 'the system’s pins')


@test('polkitd hangs before it was ever asked: refused at the deadline, and well again after it')
def _(machine):
    polkitd = machine.polkitd()
    os.kill(polkitd, signal.SIGSTOP)
    alice = machine.user(ALICE)
    pending = alice.begin(PINS, 'PinKeys', '(sasa{sv})', HOST, [KEY], {})
    error = alice.refused('NotAuthorized', pending.wait, POLKIT_DEADLINE_S + SLACK_S)
    names_the_remedy(error)
    os.kill(polkitd, signal.SIGCONT)
    eventually(alice.pin_keys, HOST, KEY)


@test('polkitd dies and cannot be started: nothing is allowed, not even what was')
def _(machine):
    alice, root = machine.user(ALICE), machine.user('root')
    alice.pin_keys(HOST, KEY)
    polkitd = machine.polkitd()
    activation = SYSTEM_SERVICES / (POLKIT + '.service')
    hidden = activation.with_suffix('.hidden')
    activation.rename(hidden)
    try:
        machine.bus.ask('ReloadConfig')
        machine.kill(polkitd)
        names_the_remedy(alice.refused('NotAuthorized', alice.pin_keys, HOST, KEY))
        alice.refuses('NotAuthorized', f'https://{HOST}/')
        root.refused('NotAuthorized', root.pin_keys, HOST, KEY, scope='system')
    finally:
        hidden.rename(activation)
    machine.bus.ask('ReloadConfig')
    alice.pin_keys(HOST, KEY)


# The bus


@test('only certpin and root may have the name')
def _(machine):
    machine.daemon.terminate()
    for user, allowed in ((ALICE, False), ('nobody', False), ('certpin', True), ('root', True)):
        caller = machine.user(user)
        request = (BUS, 'RequestName', '(su)', NAME, 4)
        where = {'path': '/org/freedesktop/DBus', 'destination': BUS}
        if allowed:
            equal(caller.call(*request, **where), (1,), f'the answer to {user}')
            caller.vanish()
            machine.bus.wait_for_no_owner()
        else:
            caller.refused(BUS + '.Error.AccessDenied', caller.call, *request, **where)


@test('the interfaces of the service can be called, and nothing else of it')
def _(machine):
    nobody = machine.user('nobody')
    properties = BUS + '.Properties'
    equal(nobody.call(PINS, 'ListPins', '(a{sv})', {}), ([],), 'the pins')
    nobody.call(properties, 'Get', '(ss)', REQUESTS, 'Version')
    nobody.call(properties, 'GetAll', '(s)', REQUESTS)
    nobody.call(BUS + '.Introspectable', 'Introspect', '')
    nobody.call(BUS + '.Peer', 'Ping', '')
    nobody.refused('NotAuthorized', nobody.call, NAME + '.Request', 'Cancel', '',
                   path=PATH + '/request/0_0/of_another')
    for interface, method, signature, arguments in (
            (properties, 'Set', '(ssv)', (REQUESTS, 'Version', V('s', '9'))),
            (BUS + '.ObjectManager', 'GetManagedObjects', '', ()),
            (NAME, 'ListPins', '(a{sv})', ({},))):
        nobody.refused(BUS + '.Error.AccessDenied', nobody.call, interface, method, signature,
                       *arguments)


@test('the bus starts the service, as its own user, when it is first called')
def _(machine):
    machine.daemon.terminate()
    # As systemd makes it, by the unit's StateDirectory=; where it is depends on the prefix.
    for folder in ('/var/lib/certpin', '/var/local/lib/certpin'):
        os.makedirs(folder, 0o700, exist_ok=True)
        os.chown(folder, uid_of('certpin'), -1)
    machine.bus.ask('StartServiceByName', '(su)', NAME, 0)
    equal(machine.bus.ask('GetConnectionUnixUser', '(s)', NAME), uid_of('certpin'), 'its uid')
    process = machine.bus.ask('GetConnectionUnixProcessID', '(s)', NAME)
    equal(os.readlink(f'/proc/{process}/exe'), BINARY, 'its program')
    equal(machine.user(ALICE).list_pins(), [], 'its pins')
    os.kill(process, signal.SIGTERM)
    machine.bus.wait_for_no_owner()


@test('a change of a user’s pin is told to that user alone')
def _(machine):
    alice, bob = machine.user(ALICE), machine.user(BOB)
    for caller in (alice, bob):
        caller.subscribe()
        caller.be_told()
    alice.pin_keys('alice.example.org', KEY)
    machine.user('root').pin_keys('all.example.org', KEY, scope='system')
    equal(bob.wait_for_signal('PinChanged')[0], 'all.example.org', 'the first that bob is told')
    equal(alice.wait_for_signal('PinChanged')[0], 'alice.example.org', 'the first alice is told')


def listen(machine, user):
    """What a monitor of that user hears of a pinning."""
    with subprocess.Popen(as_user(user) + ['dbus-monitor', '--system'], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as monitor:
        heard = monitor.stdout.readline()  # it listens from here on
        machine.user(ALICE).pin_keys('secret.example.org', KEY)
        subprocess.run(['dbus-send', '--system', '--type=signal', '/', 'org.certpin.Test.TheEnd'],
                       check=True)
        while 'TheEnd' not in heard:
            heard += monitor.stdout.readline()
        monitor.kill()
    return heard


@test('nobody but root can listen in')
def _(machine):
    holds('secret.example.org' in listen(machine, 'root'), 'the monitor does not work')
    for user in ('nobody', BOB):
        holds('secret.example.org' not in listen(machine, user), f'{user} heard of the pin')


if __name__ == '__main__':
    enter()
    run(Machine)
