# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several layers that pin one host, of which one does not accept the server: none of them loosens
another, and the mode that only reports speaks for nobody but itself."""

from lib.tap import equal

from .pins import again, other_certificate, unpin_file, unpin_system
from .scenario import Scenario, refusal
from .servers import SERVERS
from .states import KEPT, LOST


def put_system(cell, identity, **options):
    cell.lab.root.pin(cell.host, identity.der, scope='system', **options)


def put_file(cell, identity, mode='enforce'):
    cell.lab.write_pin_file(cell.host, f'Keys={identity.pin};\nMode={mode}')


def put_user(cell, identity, **options):
    cell.caller.pin(cell.host, identity.der, **options)


def require(cell, identity):
    """By the request itself, of the host that leads there as well."""
    cell.options = {'require_keys': [identity.pin, cell.lab.lead_identity.pin]}


LAYERS = {'the system’s pin': put_system, 'the administrator’s file': put_file,
          'the user’s pin': put_user}


def take_all(cell):
    unpin_system(cell)
    unpin_file(cell)
    cell.options = {}
    again(cell)


def no_lost(_way, state):
    return 'the kept connection ends with the pin' if state is LOST else None


def one_is_wrong(wrong):
    def attack(cell):
        for name, put in LAYERS.items():
            put(cell, other_certificate(cell) if name == wrong else cell.identity)
        require(cell, cell.identity)
        cell.server.condemn()

    return Scenario(f'{wrong} alone does not accept the server',
                    refusal(attack, lambda cell: ('PinMismatch',), take_all), no_lost)


def own_key_is_wrong(cell):
    """Connections are kept, being good for others: only this request is not let onto them."""
    cell.state.prepare(cell)
    require(cell, other_certificate(cell))
    cell.server.condemn()
    cell.caller.refused('PinMismatch', cell.begin().wait)
    cell.server.barrier()
    equal(cell.server.wrong_bytes, 0, 'the number of bytes of it')
    cell.server.redeem()
    require(cell, cell.identity)
    cell.arrives()


# Report mode

def only_reports(cell):
    put_user(cell, other_certificate(cell), mode='report')


def its_own_mismatch(cell):
    cell.state.prepare(cell)
    only_reports(cell)
    equal(cell.begin().answer().info['report']['error'], 'PinMismatch', 'what is reported')
    again(cell)
    cell.arrives()


def under_a_wrong_system_pin(cell):
    only_reports(cell)
    put_system(cell, other_certificate(cell))
    cell.server.condemn()


def take_system(cell):
    unpin_system(cell)
    again(cell)


def another_server(name, error, make):
    def attack(cell):
        only_reports(cell)
        cell.server.become(make(cell))

    return Scenario(f'under a pin that only reports: {name}',
                    refusal(attack, lambda cell: (error,), again),
                    lambda way, state: 'a kept connection has been judged by the same certificate'
                    if state in (KEPT, LOST) else None)


STILL_REFUSED = ('another key, self-signed', 'the right key, expired',
                 'the right key, by an authority nobody trusts')

SCENARIOS = (
    *(one_is_wrong(name) for name in LAYERS),
    Scenario('the request’s own key alone does not accept the server', own_key_is_wrong, no_lost),
    Scenario('a pin that only reports lets its own mismatch pass', its_own_mismatch, no_lost),
    Scenario('a pin that only reports lets the system’s mismatch not pass',
             refusal(under_a_wrong_system_pin, lambda cell: ('PinMismatch',), take_system),
             no_lost),
    *(another_server(*row) for row in SERVERS if row[0] in STILL_REFUSED),
)
