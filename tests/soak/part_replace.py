# SPDX-License-Identifier: LGPL-2.1-or-later
"""One instance after the other takes the place of the one before, while programs change pins."""

import os

from figures import at_rest, check_given_back
from lib import replacements

REPLACEMENTS = 1000
FURNITURE = 500  # pins that each of them has to read


def count_files(folder):
    return sum(len(files) for _, _, files in os.walk(folder))


def run(soak):
    count = soak.scaled(REPLACEMENTS, 10)
    soak.expect(count)
    world = soak.world
    world.daemon.terminate()
    replacements.furnish(world, FURNITURE)
    world.daemon.start()
    busy = replacements.start_busy(world)

    def rest(when):
        for one in busy:
            one.finish()
        found = sum(one.check_all() for one in busy)
        return at_rest(world, when, found)

    world.daemon.start('--replace')
    first = rest('the first')
    for one in busy:
        one.go_on()
    replacements.replace(world, busy, count, lambda _: soak.progress())
    last = rest('the last')
    replacements.check_known(world, busy)
    soak.report(f'{count} replacements while {len(busy)} programs changed pins: '
                f'{sum(one.acknowledged for one in busy)} changes were acknowledged and '
                f'{sum(one.looks for one in busy)} looks answered; no call failed', [first, last],
                {'files of pins': count_files(os.path.join(world.daemon.state_dir, 'users'))})
    check_given_back(first, last)
