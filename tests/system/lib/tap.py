# SPDX-License-Identifier: LGPL-2.1-or-later
"""Named tests, run in their order, with one TAP line each. Words on the command line choose the
tests whose names hold one of them."""

import sys
import time
import traceback

DEADLINE_S = 15

_tests = []


class Skipped(Exception):
    """A test cannot run here, for this reason."""


def test(name):
    """Registers a function as the test of that name."""
    def register(function):
        _tests.append((name, function))
        return function
    return register


def equal(actual, expected, what='value'):
    if actual != expected:
        raise AssertionError(f'{what} is {actual!r}, not {expected!r}')


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def _comment(text):
    for line in text.rstrip().splitlines():
        print(f'# {line}', flush=True)


def _run_one(number, name, function, make_world):
    started = time.monotonic()
    world = None
    try:
        world = make_world()
        function(world)
        world.check_health()
        passed = True
    except Skipped as reason:
        passed, name = True, f'{name} # SKIP {reason}'
    except Exception:  # whatever goes wrong is this test's result
        passed = False
        _comment(traceback.format_exc())
        if world is not None:
            _comment(world.describe())
    finally:
        if world is not None:
            world.close()
    seconds = '' if '# SKIP' in name else f' ({time.monotonic() - started:.2f} s)'
    print(f'{"ok" if passed else "not ok"} {number} - {name}{seconds}', flush=True)
    return passed


def run(make_world):
    """Runs the tests, each in a world of its own, and exits."""
    words = sys.argv[1:]
    chosen = [entry for entry in _tests if not words or any(word in entry[0] for word in words)]
    print(f'1..{len(chosen)}', flush=True)
    results = [_run_one(number, name, function, make_world)
               for number, (name, function) in enumerate(chosen, 1)]
    sys.exit(0 if all(results) else 1)
