#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attack laboratory, one test a row. With --table, as scripts/attacks has it, the rows are
printed as they are; --first ends a row at its first failure, in both forms. --part=2/4 has only every
fourth row, from the second on: the parts run beside each other, and tests/check-attacks.py holds them together."""

import functools
import sys

from attacks import early
from attacks.attacker import Attacker
from attacks.lab import Lab
from attacks.matrix import print_table, run_row
from attacks.resolver import FILES
from attacks.scenarios import part_of_table
from lib.network import enter_namespace
from lib.tap import equal, run, test
from lib.world import World

FIRST = '--first'


def add_test(scenario):
    @test(scenario.name)
    def _(lab):
        row = run_row(lab, scenario, at_first_failure)
        print(f'# {row.ran} cells, {row.left_out.total()} left out; {row.right_bytes} bytes reached'
              f' the right key, {row.wrong_bytes} a wrong one')
        if row.failures:
            raise AssertionError('\n'.join(f'{cell}: {wrong}' for cell, wrong in row.failures))


at_first_failure = FIRST in sys.argv
chosen = part_of_table(sys.argv)
for entry in chosen:
    add_test(entry)


@test('early data is counted where a client does send it')
def _(lab):
    server = lab.track(Attacker(lab.folder, lab.issue()))
    early.invite(server)
    early.take_up(server, lab.folder)
    equal(server.wrong_bytes, len(early.EARLY), 'the number of bytes that came too early')


@test('after all attacks the service ends as it is told to')
def _(lab):
    World.check_health(lab)
    lab.daemon.start()


enter_namespace(FILES)  # which starts the program anew with the same arguments
if '--table' in sys.argv:
    words = [word for word in sys.argv[1:] if not word.startswith('--')]
    sys.exit(0 if print_table(Lab(), chosen, words, at_first_failure) else 1)
sys.argv = [word for word in sys.argv if not word.startswith('--')]
run(functools.cache(Lab))
