#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example role of docs/pin-files.md, run by Ansible on this machine: its pins are in force, a second run changes
nothing, and a mistake is found before the file is touched."""

import json
import os
import pathlib
import subprocess

from lib.daemon import program
from lib.tap import equal, holds, run, test
from lib.world import HOST, World

EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / 'docs/examples/ansible'
NAME = '50-ansible.pin'


def play(world, pins):
    """Returns: exit code, how many tasks changed something, and what Ansible said"""
    variables = {'certpin_pins': pins, 'certpin_pins_file': os.path.join(world.daemon.pins_dir, NAME),
                 'certpin_check': f'{program("CERTPIND")} --check --config=/nonexistent --state-dir=/nonexistent',
                 'certpin_reload': False, 'ansible_python_interpreter': '/usr/bin/python3'}
    playbook = os.path.join(world.folder, 'play.yml')
    with open(playbook, 'w', encoding='utf-8') as file:
        json.dump([{'hosts': 'all', 'roles': ['certpin_pins']}], file)
    done = subprocess.run(
        ['ansible-playbook', '-i', 'localhost,', '-c', 'local', '-e', json.dumps(variables), playbook],
        env={**os.environ, 'ANSIBLE_ROLES_PATH': str(EXAMPLE / 'roles'), 'ANSIBLE_HOME': world.folder + '/ansible',
             'ANSIBLE_LOCAL_TEMP': world.folder + '/ansible', 'ANSIBLE_NOCOLOR': '1', 'LC_ALL': 'C.UTF-8',
             'ANSIBLE_STDOUT_CALLBACK': 'default'},
        check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200)
    recap = done.stdout.rsplit('PLAY RECAP', 1)[-1].split()
    changed = next((int(word[len('changed='):]) for word in recap if word.startswith('changed=')), None)
    return done.returncode, changed, done.stdout


def named(world):
    return [(pin['host'], pin['keys'], pin['match'], pin['mode'], pin.get('note')) for pin in
            world.alice.list_pins(scope='system')]


@test('the role pins hosts, does nothing twice, and checks before it writes')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    pins = [{'host': HOST, 'keys': [identity.pin, world.issue().pin], 'note': 'a \\ and ; are fine'},
            {'host': '[2001:db8::1]:443', 'keys': [identity.pin], 'match': 'path', 'mode': 'report'}]
    code, changed, said = play(world, pins)
    equal(code, 0, f'the exit code of Ansible, which said {said},')
    equal(changed, 1, f'how many tasks changed something: {said}')
    world.root.call('org.certpin.Certpin1.Pins', 'Reload', '')
    equal(named(world), [('[2001:db8::1]:443', pins[1]['keys'], 'path', 'report', None),
                         (HOST, pins[0]['keys'], 'leaf', 'enforce', pins[0]['note'])], 'the pins')
    world.arrives(server)
    equal(play(world, pins)[:2], (0, 0), 'what a second run does')
    with open(os.path.join(world.daemon.pins_dir, NAME), encoding='utf-8') as file:
        before = file.read()
    code, _, said = play(world, [{'host': HOST, 'keys': ['sha256/short']}])
    holds(code != 0 and 'trial.pin:7: Keys=: ' in said, f'what it says of a mistake: {said}')
    with open(os.path.join(world.daemon.pins_dir, NAME), encoding='utf-8') as file:
        equal(file.read(), before, 'the file after that')
    equal(os.listdir(world.daemon.pins_dir), [NAME], 'the files in the folder')


run(World)
