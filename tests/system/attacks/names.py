# SPDX-License-Identifier: LGPL-2.1-or-later
"""A name that leads elsewhere from one moment to the next, as whoever answers for it likes, and two
names that lead to one server."""

from lib.network import METADATA
from lib.tap import equal, holds

from .scenario import Scenario, refusal
from .servers import impostor, other, same_key
from .states import LOST

DOMAIN = 'test'
SECOND = '127.0.0.2'


def serve_at(cell, address, make):
    """The same port there; whoever that is has not been met before."""
    there = cell.serve(cell.identity, address=address, port=cell.server.port)
    there.become(make(cell))
    return there


def moved(name, addresses, make, error):
    def attack(cell):
        cell.lab.resolver.lead(cell.host, addresses)
        there = serve_at(cell, addresses[0], make)
        if not cell.rides_on:
            cell.server = there

    def back(cell):
        cell.lab.resolver.lead(cell.host)
        cell.server = cell.servers[0]

    return Scenario(f'the name leads to {name}',
                    refusal(attack, lambda cell: () if cell.rides_on else (error,), back),
                    domain=DOMAIN)


def moved_with_its_key(name, addresses):
    """The server itself is there as well."""
    def play(cell):
        cell.state.prepare(cell)
        cell.lab.resolver.lead(cell.host, addresses)
        there = serve_at(cell, addresses[0], lambda cell: cell.identity)
        if not cell.rides_on:
            cell.server = there
        cell.arrives()

    return Scenario(f'the name leads to {name}, where the right key is', play, domain=DOMAIN)


def forbidden(addresses, listen, kind='link-local'):
    """A server waits there with the right key."""
    def attack(cell):
        cell.lab.resolver.lead(cell.host, addresses)
        for address in listen:
            serve_at(cell, address, lambda cell: cell.identity).condemn()

    def back(cell):
        cell.lab.resolver.lead(cell.host)
        for there in cell.servers[1:]:
            there.barrier()
            equal(len(there.connections), 0, f'the number of connections to {there.address}')

    def errors(cell):
        return () if cell.rides_on or HOME in addresses else ('AddressDenied',)

    return Scenario(f'the name leads to {" and ".join(addresses)}: nothing {kind} is asked',
                    refusal(attack, errors, back), domain=DOMAIN)


HOME = '127.0.0.1'
DENIED = '127.0.0.3'  # for pins of users
AWS = 'fd00:ec2::254'
FORBIDDEN = (((METADATA,), (METADATA,)), ((METADATA, HOME), (METADATA,)), ((AWS,), (AWS,)),
             (('fe80::7', AWS, METADATA), (AWS, METADATA)),
             ((f'::ffff:{METADATA}',), (METADATA,)), (('64:ff9b::a9fe:a9fe',), (METADATA,)))


def pin_both(cell, make):
    """Two names of one server, which has both in its certificate. Returns: the second's URL"""
    second = f'second-{cell.host}'
    cell.server.right = cell.identity = cell.lab.authority.issue(cell.host, second)
    cell.server.become(cell.identity)
    cell.pin()
    cell.caller.pin(second, make(cell).der)
    cell.state.prepare(cell)
    return cell.server.url(second, cell.path)


def other_pin(cell):
    cell.asked = pin_both(cell, other)
    cell.server.condemn()
    cell.caller.refused('PinMismatch', cell.begin().wait)
    cell.server.barrier()
    cell.asked = None
    cell.server.redeem()
    cell.arrives()


def same_pin(cell):
    """Still each has its own connections."""
    cell.asked = pin_both(cell, lambda cell: cell.identity)
    earlier = list(cell.server.connections)
    cell.arrives()
    holds(cell.server.latest not in earlier, 'a connection of the other name’s was used')


def no_lost(_way, state):
    return 'the server loses it whoever asks' if state is LOST else None


SCENARIOS = (
    moved('another IPv4 address and another key', (SECOND,), impostor, 'PinMismatch'),
    moved('an IPv6 address and another key', ('::1',), impostor, 'PinMismatch'),
    moved('another address, where the certificate is for another name', (SECOND,),
          lambda cell: same_key(cell, 'other.test'), 'Untrusted'),
    moved_with_its_key('another IPv4 address', (SECOND,)),
    moved_with_its_key('an IPv6 address', ('::1',)),
    *(forbidden(*row) for row in FORBIDDEN),
    *(forbidden(addresses, (DENIED,), 'denied') for addresses in
      ((DENIED,), (DENIED, HOME), (f'::ffff:{DENIED}',), (f'64:ff9b::{DENIED}',))),
    Scenario('two names of one server, one of them with another pin', other_pin, no_lost),
    Scenario('two names of one server, with one pin', same_pin, no_lost),
)
