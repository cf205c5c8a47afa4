# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another pin, a block or the end of one, under a server that stays the same: whatever was good before is not asked any
more. This is where each change is tried at each moment, since only here is every byte counted."""

from lib.caller import PINS

from . import moments
from .scenario import Scenario, refusal
from .states import LOST


def other_certificate(cell):
    return cell.lab.authority.issue(cell.host)


def override(cell):
    cell.caller.pin(cell.host, other_certificate(cell).der)


def pin_port(cell):
    cell.caller.pin(f'{cell.host}:{cell.server.port}', other_certificate(cell).der)


def unpin_port(cell):
    cell.caller.unpin(f'{cell.host}:{cell.server.port}')


def pin_junk(cell):
    cell.caller.refused('WrongFormat', cell.caller.pin, cell.host, b'no certificate')


def block(cell):
    cell.caller.call(PINS, 'BlockHost', '(ssa{sv})', cell.host, 'why not', {})


def unpin(cell):
    cell.caller.unpin(cell.host)


def pin_system(cell):
    cell.lab.root.pin(cell.host, other_certificate(cell).der, scope='system')


def unpin_system(cell):
    cell.lab.root.unpin(cell.host, scope='system')


def pin_file(more):
    def change(cell):
        cell.lab.write_pin_file(cell.host, more(cell))

    return change


def unpin_file(cell):
    cell.lab.remove_pin_file()


def distrust(cell):
    cell.lab.trust(cell.lab.other_authority)


def trust_again(cell):
    cell.lab.trust(cell.lab.other_authority, cell.lab.authority)


def again(cell):
    cell.pin()


CHANGES = (
    ('the pin is overridden', 'PinMismatch', override, again),
    ('a pin for the port appears', 'PinMismatch', pin_port, unpin_port),
    ('a pinning fails', 'Blocked', pin_junk, again),
    ('the host is blocked', 'Blocked', block, again),
    ('the host is unpinned', 'NotPinned', unpin, again),
    ('a system pin appears', 'PinMismatch', pin_system, unpin_system),
    ('an administrator’s file appears', 'PinMismatch',
     pin_file(lambda cell: f'Keys={other_certificate(cell).pin};'), unpin_file),
    ('an expired pin appears', 'PinExpired',
     pin_file(lambda cell: f'Keys={cell.identity.pin};\nExpires=1000000000'), unpin_file),
    ('the server’s authority is not trusted any more', 'Untrusted', distrust, trust_again),
)


def pin_changed(name, error, change, back, moment):
    def attack(cell):
        change(cell)
        cell.server.condemn()

    def leaves_out(_way, state):
        if moment.states:
            return None if state in moment.states else moment.reason
        if moment.connects and state.keeps:
            return 'a kept connection is not made anew'
        return 'the kept connection ends with the pin' if state is LOST else None

    errors = ('PinChanged' if moment.sent else error,)
    return Scenario(f'{name} {moment.name}', refusal(attack, lambda cell: errors, back, moment),
                    leaves_out, domain=moment.domain)


SCENARIOS = tuple(pin_changed(*row, moment) for row in CHANGES for moment in moments.ALL)
