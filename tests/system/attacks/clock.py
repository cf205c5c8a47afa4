# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine's clock jumps, so that what was good a moment ago is over, or has not begun."""

import datetime
import functools

from lib import pki
from lib.own_clock import OwnClock
from lib.tap import equal

from . import moments
from .pins import pin_port, unpin_port
from .scenario import Scenario
from .servers import same_key

REAL = datetime.timedelta()
HOUR = datetime.timedelta(hours=1)


@functools.cache
def own_clock(lab):
    """The service has one from now on. Returns: what sets it so far off the real one"""
    clock = OwnClock(lab.folder)
    lab.daemon.more_environment.update(clock.environment)
    lab.daemon.restart()
    return clock.set


# What holds for a time only

def certificate(**dates):
    def prepare(cell):
        cell.server.right = same_key(cell, **{name: pki.now() + by for name, by in dates.items()})
        cell.server.become(cell.server.right)

    return prepare


def pin(cell):
    ends = datetime.datetime.now() + 10 * pki.DAY
    cell.caller.pin(cell.host, cell.identity.der, expires=int(ends.timestamp()))


def all_is_old(cell):
    """Whatever the clock says, all certificates are good: only the service is younger."""
    start = pki.now() - 9999 * pki.DAY
    authority = pki.Authority('Old Root', start=start)
    cell.server.right = cell.identity = authority.issue(cell.host, start=start)
    cell.server.become(cell.identity)
    cell.caller.pin(cell.host, cell.identity.der, trust_anchors=[authority.der])


CLOCKS = (
    ('past the end of the certificate', 20 * pki.DAY, 'Untrusted', 'expired',
     certificate(end=10 * pki.DAY)),
    ('past the end of the pin', 20 * pki.DAY, 'PinExpired', 'pin-expired', pin),
    ('back to before the certificate', -12 * HOUR, 'Untrusted', 'not-yet-valid',
     certificate(start=-HOUR)),
    ('back to before the service was made', -5000 * pki.DAY, 'Untrusted', 'clock', all_is_old),
)


def jumps(name, by, error, reason, prepare, moment):
    def play(cell):
        jump = own_clock(cell.lab)

        def attack(_cell):
            jump(by)
            cell.server.condemn()

        prepare(cell)
        cell.state.prepare(cell)
        try:
            cell.caller.refused(error, moment.begin(cell, attack).wait)
            equal(cell.last_failure()['reason'], reason, 'the reason')
        finally:
            jump(REAL)
        pin_port(cell)  # which ends all connections: nothing more can come
        cell.server.wait_until_idle()
        unpin_port(cell)
        cell.server.redeem()
        cell.arrives()

    def leaves_out(way, state):
        if prepare is all_is_old and way.name == 'redirect':
            return 'the host that leads there is refused, too'
        if moment.connects and state.keeps:
            return 'a kept connection is not made anew'
        return None

    return Scenario(f'the clock jumps {name} {moment.name}', play, leaves_out,
                    domain=moment.domain)


SCENARIOS = tuple(jumps(*row, moment) for row in CLOCKS
                  for moment in (moments.BEFORE, moments.HANDSHAKE))
