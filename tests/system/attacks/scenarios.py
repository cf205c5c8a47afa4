# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table: all attacks, in their order. Those that give the service another clock are last."""

from . import (addresses, clock, early, layers, manners, names, neighbours, pins, proxies, redirects,
               renegotiation, restarts, revocation, servers, strangers, tunnels)

SCENARIOS = tuple(scenario
                  for family in (servers, revocation, strangers, renegotiation, early, pins, layers, restarts,
                                 neighbours, manners, names, proxies, redirects, addresses, tunnels, clock)
                  for scenario in family.SCENARIOS)

PART = '--part='


def part_of_table(words):
    """The rows that a command line asks for: with --part=K/N every Nth from the Kth on, else all."""
    parts = [word.removeprefix(PART) for word in words if word.startswith(PART)]
    if not parts:
        return SCENARIOS
    number, count = map(int, parts[-1].split('/'))
    return SCENARIOS[number - 1::count]
