# SPDX-License-Identifier: LGPL-2.1-or-later
"""The right server asks for another handshake on a connection that is there, as TLS 1.2 lets it, to
come back as itself or as somebody else. It comes to neither."""

from lib.gnutls import Tls
from lib.tap import holds

from .attacker import echo
from .scenario import Scenario, refusal
from .servers import impostor
from .states import FRESH, KEPT, TLS_1_2
from .ways import Direct

UPLOAD = Direct('POST', 'POST', b'secret' * 690_000)  # almost the most that a message has


# When: each is given the cell and what asks for another handshake on a connection

def while_idle(cell, anew):
    """Right behind an answer."""
    def respond(connection, request):
        connection.send(echo(connection, request))
        cell.server.respond = echo
        anew(connection)
        return b''

    cell.server.respond = respond
    cell.arrives()
    cell.server.wait(lambda: cell.server.asked_anew, 'itself to ask for a handshake')


def before_the_answer(cell, anew):
    def respond(connection, request):
        anew(connection)
        return echo(connection, request)

    cell.server.respond = respond


def within_the_answer(cell, anew):
    def respond(connection, request):
        answer = echo(connection, request)
        connection.send(answer[:-3])
        anew(connection)
        return answer[-3:]

    cell.server.respond = respond


def within_the_request(cell, anew):
    """When its beginning has come."""
    cell.way = UPLOAD
    before = {connection: connection.bytes for connection in cell.server.connections}

    def before_read(connection):
        if connection.bytes > before.get(connection, 0):
            cell.server.before_read = nothing
            anew(connection)

    cell.server.before_read = before_read


def nothing(_connection):
    pass


def comes_back(name, moment, make):
    # A request over a connection that was idle goes to another one.
    errors = () if moment is while_idle else ('TlsFailed',)

    def attack(cell):
        identity = make(cell)
        moment(cell, lambda connection: cell.server.shake_hands_anew(connection, identity))

    def play(cell):
        cell.server.tls = lambda raw, identity: Tls(raw, identity, 'TLS1.2')
        refusal(attack, lambda cell: errors)(cell)
        holds(cell.server.asked_anew, 'another handshake was never asked for')

    def leaves_out(way, state):
        if moment is within_the_request and way.method != 'POST':
            return 'it has no body'
        return None if state in (FRESH, KEPT) else 'how the connection came about is over'

    words = moment.__name__.replace('_', ' ')
    return Scenario(f'another handshake is asked for {words}: {name}', play, leaves_out, (TLS_1_2,))


MOMENTS = (while_idle, before_the_answer, within_the_answer, within_the_request)
WHO = (('the same certificate', lambda cell: cell.identity), ('another key', impostor))

SCENARIOS = tuple(comes_back(name, moment, *rest) for moment in MOMENTS for name, *rest in WHO)
