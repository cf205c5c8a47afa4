#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-attacks.py BUILD: fails unless the tests that run the parts of the attack laboratory run each of its rows, and
none of them twice."""

import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / 'system'))
from attacks.scenarios import SCENARIOS, part_of_table  # noqa: E402 -- the path comes first

ROWS_MIN = 400  # fewer: the check looks in the wrong place


def main():
    tests = json.loads((pathlib.Path(sys.argv[1]) / 'meson-info' / 'intro-tests.json').read_text(encoding='utf-8'))
    parts = [test['cmd'] for test in tests if any(word.endswith('/test-attacks.py') for word in test['cmd'])]
    runs = collections.Counter(row.name for part in parts for row in part_of_table(part))
    wrong = [f'{runs[row.name]} tests run the attack ‘{row.name}’, not one' for row in SCENARIOS if runs[row.name] != 1]
    print(f'{len(parts)} tests run {runs.total()} attacks', *wrong, sep='\n')
    sys.exit(1 if wrong or runs.total() < ROWS_MIN else 0)


main()
