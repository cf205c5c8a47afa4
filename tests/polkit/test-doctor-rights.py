#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl doctor on an installed system, where polkit decides: what it says of the rights of each user, and
which questions it asks, which is none."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'system'))

# pylint: disable=wrong-import-position
from lib.public import certpinctl
from lib.tap import DEADLINE_S, equal, holds, run, test
from machine import ALICE, RULES, Machine, as_user, enter

POLICY = pathlib.Path('/usr/share/polkit-1/actions/org.certpin.Certpin1.policy')


def look(user, code, **environment):
    """Returns: what doctor finds, by the names of the checks"""
    done = subprocess.run([*as_user(user), 'env', *(f'{name}={value}' for name, value in environment.items()),
                           certpinctl(), 'doctor', '--json'], check=False, stdout=subprocess.PIPE, timeout=DEADLINE_S)
    equal(done.returncode, code, f'the exit status, with {done.stdout.decode()},')
    return {check['check']: check for check in json.loads(done.stdout)['doctor']['checks']}


def says(check, state, text, **more):
    equal((check['state'], check['text']), (state, text), 'the check')
    for name, words in more.items():
        holds(words in check.get(name, ''), f'its {name} is “{check.get(name)}”, not “{words}”')


@test('a plain user: own pins without a password, the system’s with one, and an agent where there is no desktop')
def _(machine):
    holds(machine.polkitd(), 'no polkitd')
    found = look(ALICE, 0)
    says(found['rights'], 'ok', 'you may pin hosts for yourself')
    says(found['system pins'], 'ok', 'you need a password to pin hosts for all users',
         meaning='No desktop runs here', command='pkttyagent --process $$ &')
    found = look(ALICE, 0, WAYLAND_DISPLAY='wayland-0')
    equal('command' in found['system pins'], False, 'whether there is a command on a desktop')


@test('root may do both')
def _(machine):
    holds(machine.polkitd(), 'no polkitd')
    found = look('root', 0)
    says(found['rights'], 'ok', 'you may pin hosts for yourself')
    says(found['system pins'], 'ok', 'you may pin hosts for all users')


@test('a rule of the administrator that says no, or wants a password, is named')
def _(machine):
    for result in ('NO', 'AUTH_ADMIN'):
        RULES.write_text('polkit.addRule(function (action, subject) {\n'
                         f'if (action.id.startsWith("org.certpin.manage-")) return polkit.Result.{result}; }});\n',
                         encoding='utf-8')
        machine.kill(machine.polkitd())
        found = look(ALICE, 1)
        equal(found['rights']['state'], 'failed', f'the state of the rights with {result}')
        says(found['rights'], 'failed', found['rights']['text'], meaning='A rule of the administrator says so',
             command='pkcheck --action-id org.certpin.manage-own-pins --process $$')
    RULES.write_text('polkit.addRule(function (action, subject) {\n'
                     'if (action.id == "org.certpin.manage-system-pins") return polkit.Result.NO; });\n',
                     encoding='utf-8')
    machine.kill(machine.polkitd())
    says(look(ALICE, 0)['system pins'], 'ok', 'only an administrator may pin hosts for all users')


@test('a policy file that is not installed is a failure, and polkit’s words are shown')
def _(machine):
    kept = POLICY.read_bytes()
    POLICY.unlink()
    try:
        machine.kill(machine.polkitd())
        found = look(ALICE, 1)
    finally:
        POLICY.write_bytes(kept)
    equal((found['rights']['state'], found['system pins']['state']), ('failed', 'failed'), 'the states')
    holds('org.certpin.manage-own-pins' in found['rights']['meaning'], found['rights']['meaning'])
    holds('org.certpin.manage-system-pins' in found['system pins']['text'], found['system pins']['text'])
    holds('policy file' in found['system pins']['meaning'], found['system pins']['meaning'])


if __name__ == '__main__':
    enter()
    run(Machine)
