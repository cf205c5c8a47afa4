# SPDX-License-Identifier: LGPL-2.1-or-later
"""When the attack comes: before a request, or while one is under way. Each begins the request, has
the attack come at its moment, and returns the request."""

from typing import NamedTuple

from lib import http

from .attacker import echo
from .states import FRESH, KEPT

SLOTS = 6  # connections of one channel
BLOCKER = '/blocker'


def before(cell, attack):
    attack(cell)
    return cell.begin()


def _when_asked(cell, attack, respond):
    cell.server.respond = respond
    asked = len(cell.server.requests)
    pending = cell.begin()
    cell.server.wait_for_requests(asked + 1)
    cell.server.respond = echo
    attack(cell)
    return pending


def waiting(cell, attack):
    return _when_asked(cell, attack, lambda connection, request: connection.drain())


def _half(connection, request):
    connection.send(http.reply(200, b'x' * 1000)[:-500])
    connection.drain()


def dripping(cell, attack):
    return _when_asked(cell, attack, _half)


def shaking_hands(cell, attack):
    connected = len(cell.server.connections)
    cell.server.hold()
    pending = cell.begin()
    cell.server.wait(lambda: len(cell.server.connections) > connected, 'a connection')
    attack(cell)
    cell.server.let_go()
    return pending


def looking_up(cell, attack):
    cell.lab.resolver.hold(cell.host)
    pending = cell.begin()
    cell.lab.resolver.wait_for_question(cell.host)
    attack(cell)
    cell.lab.resolver.let_go(cell.host)
    return pending


def queued(cell, attack):
    asked = len(cell.server.requests)
    cell.server.respond = lambda connection, request: (
        connection.drain() if request.path == BLOCKER else echo(connection, request))
    blockers = [cell.caller.begin_request(cell.server.url(cell.host, BLOCKER), **cell.options)
                for _ in range(SLOTS)]
    cell.server.wait_for_requests(asked + SLOTS)
    pending = cell.begin()
    attack(cell)
    for blocker in blockers:
        cell.caller.refused('PinChanged', blocker.wait)
    return pending


class Moment(NamedTuple):
    name: str
    begin: callable
    sent: bool = False  # whether the request has been sent by then
    states: tuple = ()  # the others make no difference, for this reason:
    reason: str = ''
    connects: bool = False  # whether it is a moment of making a connection
    domain: str = 'localhost'


BEFORE = Moment('before a request', before)
WAITING = Moment('while a request waits for its first byte', waiting, True, (FRESH, KEPT),
                 'how the connection came about is over')
DRIPPING = Moment('while a body drips', dripping, True, (FRESH, KEPT),
                  'how the connection came about is over')
LOOK_UP = Moment('while its name is looked up', looking_up, connects=True, domain='test')
HANDSHAKE = Moment('while TLS shakes hands', shaking_hands, connects=True)
QUEUED = Moment('while a request waits for a connection', queued, False, (FRESH, KEPT),
                'how the connections came about is over')

ALL = (BEFORE, LOOK_UP, HANDSHAKE, QUEUED, WAITING, DRIPPING)
