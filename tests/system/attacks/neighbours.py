# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two users and one host: neither rides on what the other has, and no answer goes astray."""

from lib.tap import equal, holds

from .scenario import Scenario
from .states import LOST

MANY = 24


def not_with_less(cell):
    """Bob has pinned another key: Alice's connections and sessions are of no use to him."""
    cell.state.prepare(cell)
    cell.lab.bob.pin(cell.host, cell.lab.authority.issue(cell.host).der)
    before = cell.server.bytes
    cell.caller = cell.lab.bob
    cell.caller.refused('PinMismatch', cell.begin().wait)
    cell.server.barrier()
    equal(cell.server.bytes - before, 0, 'the bytes of the other user’s')
    cell.caller = cell.lab.alice
    cell.arrives()


def not_with_as_much(cell):
    """Bob has pinned the same key: he is asked on connections of his own."""
    cell.state.prepare(cell)
    earlier = list(cell.server.connections)
    cell.caller = cell.lab.bob
    cell.pin()
    cell.arrives()
    holds(cell.server.latest not in earlier, 'a connection of the other user’s was used')
    cell.caller = cell.lab.alice
    cell.arrives()


def each_its_own(cell):
    """Many requests of both users at once, each with a body of its own."""
    cell.state.prepare(cell)
    cell.lab.bob.pin(cell.host, cell.identity.der)
    users = (cell.lab.alice, cell.lab.bob)
    asked = [(f'{user.uid} {number}'.encode(), user.begin_request(cell.url, 'PUT', body=(
        f'{user.uid} {number}'.encode()))) for number in range(MANY) for user in users]
    for body, pending in asked:
        equal(pending.answer().body, f'PUT {cell.path} '.encode() + body, 'the answer')
    for connection in cell.server.connections:
        whose = {request.body.split()[0] for request in connection.requests
                 if request.method == 'PUT'}
        holds(len(whose) <= 1, f'one connection carried requests of {whose}')


def no_lost(_way, state):
    return 'the server loses it for both' if state is LOST else None


def once(way, state):
    return no_lost(way, state) or (way.name != 'GET' and 'the way in is the same: PUT' or None)


SCENARIOS = (
    Scenario('another user, who has pinned another key', not_with_less, no_lost),
    Scenario('another user, who has pinned the same key', not_with_as_much, no_lost),
    Scenario(f'{2 * MANY} requests of two users at once', each_its_own, once),
)
