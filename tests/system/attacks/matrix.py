# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs each attack over TLS versions, ways in and states, and counts."""

import collections
import itertools
import time

from lib.tap import equal

from .cell import Cell
from .states import LOST, STATES, VERSIONS
from .ways import WAYS

TRIES = 3  # for a cell that comes out otherwise on a machine that is too slow for it


class Row:
    """What became of one attack."""

    def __init__(self, scenario):
        self.name = scenario.name
        self.ran = 0
        self.left_out = collections.Counter()  # why → how many cells
        self.failures = []  # (cell, what was wrong)
        self.wrong_bytes = 0
        self.right_bytes = 0
        self.seconds = 0


def _play(scenario, cell):
    scenario.play(cell)
    equal(cell.wrong_bytes, 0, 'the number of bytes that reached a wrong key')
    equal(cell.resumptions, 0, 'the number of sessions that were resumed')


def _play_to_the_end(scenario, cell):
    """Returns: what went wrong, or None"""
    try:
        _play(scenario, cell)
    except Exception as wrong:  # whatever goes wrong is this cell's result
        return f'{type(wrong).__name__}: {wrong}'
    finally:
        cell.close()
    return None


def _leave_out(scenario, version, way, state):
    if version not in state.versions:
        return f'{version} has no {state.name}'
    if version not in scenario.versions:
        return f'{version} does not know it'
    if state is LOST and way.method == 'POST':
        return 'a POST is not sent again'
    return scenario.leaves_out(way, state)


def run_row(lab, scenario, at_first_failure=False):
    row = Row(scenario)
    started = time.monotonic()
    lab.use_proxy(scenario.proxy)
    for version, way, state in itertools.product(VERSIONS, WAYS, STATES):
        reason = _leave_out(scenario, version, way, state)
        if reason:
            row.left_out[reason] += 1
            continue
        if row.failures and at_first_failure:
            break
        for number in range(TRIES):
            cell = Cell(lab, version, way, state, scenario.domain, patience=4 ** number)
            failure = _play_to_the_end(scenario, cell)
            row.wrong_bytes += cell.wrong_bytes
            row.right_bytes += cell.bytes - cell.wrong_bytes
            if failure is None or not cell.was_slow:
                break
        row.ran += 1
        if failure is not None:
            row.failures.append((cell.name, failure))
    row.seconds = time.monotonic() - started
    return row


def _print_row(row):
    print(f'{"FAIL" if row.failures else "ok":<6}{row.ran:>5}{len(row.failures):>6}'
          f'{row.left_out.total():>10}{row.wrong_bytes:>7}  {row.name}', flush=True)
    for cell, wrong in row.failures:
        print(f'      {cell}: {wrong}')


def _print_sum(rows):
    reasons = sum((row.left_out for row in rows), collections.Counter())
    print('\nCells left out:')
    for reason, count in reasons.most_common():
        print(f'{count:>7}  {reason}')
    failed = sum(len(row.failures) for row in rows)
    print(f'\n{len(rows)} attacks in {sum(row.ran for row in rows)} cells, {failed} failed; '
          f'{sum(row.right_bytes for row in rows)} bytes reached the right key, '
          f'{sum(row.wrong_bytes for row in rows)} bytes a wrong one')
    return failed == 0


def print_table(lab, scenarios, words, at_first_failure=False):
    """Runs the attacks whose names hold one of the words. Returns: whether all of them failed"""
    chosen = [one for one in scenarios if not words or any(word in one.name for word in words)]
    print(f'{"":<6}cells  FAIL  left out  bytes  attack')
    rows = []
    for scenario in chosen:
        rows.append(run_row(lab, scenario, at_first_failure))
        _print_row(rows[-1])
    return bool(rows) and _print_sum(rows)
