#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl status and reload with the real service: each state, and its exit status."""

import json
import os
import shutil

from lib.certpinctl import NOT_AUTHORIZED, NOT_PINNED, NO_SERVICE, OK, REFUSED, STORE, USAGE, ctl, exits
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

KEY = 'sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
SCREEN_LINES = 24


def status_of(world, code, uid=ALICE):
    """Returns: what JSON says, after what people see was checked"""
    lines = exits(world, code, 'status', uid=uid).decode().splitlines()
    holds(len(lines) < SCREEN_LINES, f'{len(lines)} lines')
    equal(lines[-1] == 'All is well.', code == OK, 'whether it says that all is well')
    return json.loads(exits(world, code, 'status', '--json', uid=uid))['status']


def write_pin_file(world, name, text):
    path = os.path.join(world.daemon.pins_dir, name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


@test('without any fault, all is well')
def _(world):
    exits(world, OK, 'pin', 'h.example', '--key', KEY)
    status = status_of(world, OK)
    equal((status['pins']['user']['active'], status['problems'], status['blocked'], status['warnings']),
          (1, [], [], []), 'the status')
    equal((status['trust-anchors'], status['trust-file']), (2, world.daemon.trust_file), 'the trust anchors')
    holds('h.example (user): the pin has no backup key' in status['advice'][0], f'the advice: {status["advice"]}')


@test('a paused pin is a warning, until it is resumed')
def _(world):
    exits(world, OK, 'pin', 'h.example', '--key', KEY)
    exits(world, OK, 'pause', '--for=1d', '--reason=why not', 'h.example')
    status = status_of(world, REFUSED)
    equal((status['pins']['user']['paused'], len(status['warnings'])), (1, 1), 'what is paused')
    holds('h.example' in status['warnings'][0] and 'paused until' in status['warnings'][0], f'{status["warnings"]}')
    exits(world, OK, 'resume', 'h.example')
    equal(status_of(world, OK)['pins']['user']['active'], 1, 'what is active again')


@test('a broken file is shown until it is fixed, and reload prints why')
def _(world):
    path = write_pin_file(world, 'a.pin', 'nonsense\n')
    code, _, errors = ctl(world, 'reload', uid=0)
    equal(code, STORE, 'the exit code of reload')
    holds('a.pin' in errors, f'reload does not name the file: {errors}')
    status = status_of(world, REFUSED)
    holds('a.pin' in status['problems'][0] and 'a.pin' in status['reload-error'], f'{status}')
    holds(b'certpinctl reload' in exits(world, REFUSED, 'status'), 'it does not say how to go on')
    os.unlink(path)
    exits(world, OK, 'reload', uid=0)
    holds(status_of(world, OK)['last-reload'] > 0, 'the time of the reload')


@test('a file that is broken at the start is shown')
def _(world):
    world.daemon.terminate()
    write_pin_file(world, 'a.pin', 'nonsense\n')
    world.daemon.start()
    status = status_of(world, REFUSED)
    holds('a.pin' in status['problems'][0], f'{status}')
    holds('reload-error' not in status, 'nothing was reloaded')


@test('a blocked host is shown with by whom, to its user and not to others')
def _(world):
    exits(world, OK, 'block', 'h.example', 'its key was stolen')
    shown = exits(world, REFUSED, 'status').decode()
    holds('h.example: its key was stolen; by certpinctl' in shown and f'(uid {ALICE})' in shown, shown)
    equal(status_of(world, REFUSED)['pins']['user']['blocked'], 1, 'the number')
    for uid in (BOB, 0):
        equal(status_of(world, OK, uid=uid)['pins']['user']['blocked'], 0, f'what uid {uid} sees')
    exits(world, OK, 'unpin', 'h.example')
    status_of(world, OK)


@test('a stored pin file that is broken is shown to its user and to root alone')
def _(world):
    exits(world, OK, 'pin', 'h.example', '--key', KEY)
    world.daemon.terminate()
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write('nonsense\n')
    world.daemon.start()
    equal(len(status_of(world, REFUSED)['problems']), 1, 'what its user sees')
    equal(len(status_of(world, REFUSED, uid=0)['problems']), 1, 'what root sees')
    equal(status_of(world, OK, uid=BOB)['problems'], [], 'what another user sees')


@test('a folder of stored pins that cannot be whose it seems is shown to root alone')
def _(world):
    for name, refuses in (  # a dynamic uid, one without an account, and none at all; and likewise for apps
            ('users/61200', True), ('users/4242', True), ('users/somebody', False), ('apps/61200', True),
            ('apps/4242/snap/demo', True), ('apps/4242/snap/Demo', False), ('apps/4242/flatpak/a.b', False), ('apps/4242/none', False)):
        world.daemon.terminate()
        folder = os.path.join(world.daemon.state_dir, name)
        os.makedirs(folder)
        with open(os.path.join(folder, 'h.example.pin'), 'w', encoding='utf-8') as file:
            file.write('nonsense\n')
        world.daemon.start()
        problems = status_of(world, REFUSED, uid=0)['problems']
        holds(problems and name in ' '.join(problems), f'what root sees of {name}: {problems}')
        equal(status_of(world, OK, uid=BOB)['problems'], [], f'what another user sees of {name}')
        line, = [line for line in world.daemon.log().split('\n') if f'/{name}' in line]
        equal(('are refused' in line, 'is ignored' in line), (refuses, not refuses), line)
        shutil.rmtree(folder)


@test('many faults fit on a screen')
def _(world):
    for number in range(9):
        exits(world, OK, 'block', f'h{number}.example', 'stolen')
    holds(b'and 6 more' in exits(world, REFUSED, 'status'), 'it does not say how many are left out')
    equal(len(status_of(world, REFUSED)['blocked']), 9, 'all of them')
    for number in range(9, 60):
        world.alice.block(f'h{number}.example', 'stolen')
    holds(b'and at least 47 more; certpinctl list' in exits(world, REFUSED, 'status'), 'how many are left out at least')


@test('requests and refusals of the user are counted')
def _(world):
    server, _ = world.serve_pinned()
    world.alice.request(server.url(HOST))
    exits(world, NOT_PINNED, 'get', 'https://other.localhost/')
    status = status_of(world, OK)
    equal((status['requests-today'], status['refusals-today']), (2, 1), 'what is counted')
    status = status_of(world, OK, uid=BOB)
    equal((status['requests-today'], status['refusals-today']), (0, 0), 'what another user sees')


@test('list shows the pins of others to root alone')
def _(world):
    exits(world, OK, 'pin', 'a.example', '--key', KEY)
    exits(world, OK, 'pin', 'b.example', '--key', KEY, uid=BOB)
    exits(world, OK, 'pin', '--system', '--yes', 'c.example', '--key', KEY, uid=0)
    pins = json.loads(exits(world, OK, 'list', '--all-users', '--json', uid=0))['pins']
    equal([(pin['host'], pin.get('uid')) for pin in pins],
          [('a.example', ALICE), ('b.example', BOB), ('c.example', None)], 'the pins of all')
    holds(f'uid {BOB}' in exits(world, OK, 'list', '--all-users', uid=0).decode(), 'the table')
    for user in (str(ALICE), 'games'):
        pins = json.loads(exits(world, OK, 'list', '--user', '--json', f'--uid={user}', uid=0))['pins']
        equal([pin['host'] for pin in pins], ['a.example'], f'the pins of {user}')
    for option in ('--all-users', f'--uid={ALICE}'):
        exits(world, NOT_AUTHORIZED, 'list', option, uid=BOB)
    exits(world, USAGE, 'list', '--uid=nobody-has-this-name', uid=0)
    exits(world, USAGE, 'list', '--all-users', '--system', uid=0)


@test('without the service, it says so; and who may not reload is told so')
def _(world):
    exits(world, NOT_AUTHORIZED, 'reload')
    world.daemon.terminate()
    for verb in ('status', 'reload'):
        code, _, errors = ctl(world, verb)
        equal(code, NO_SERVICE, f'the exit code of {verb}')
        holds('service' in errors, errors)


run(World)
