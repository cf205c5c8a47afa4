# SPDX-License-Identifier: LGPL-2.1-or-later
"""The right server with bad manners: it has proved the key, so bytes do reach it, but what it says
outside of an exchange must never become the answer to another request."""

import threading

from lib import http
from lib.tap import DEADLINE_S, holds

from .attacker import echo
from .scenario import Scenario
from .states import FRESH, KEPT

STOLEN = http.reply(200, b'stolen')
OK = b'HTTP/1.1 200 OK\r\n'


def in_one(answer):
    return lambda connection, first: connection.send(first + answer)


def in_two(answer):
    """In a record of its own."""
    def send(connection, first):
        connection.send(first)
        connection.send(answer)

    return send


def chunked(connection, _first, more=STOLEN):
    connection.send(OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n' + more)


def with_body(head):
    """An answer that can have no body has one: another answer."""
    return lambda connection, _first: connection.send(head + STOLEN)


def long_length(connection, _first):
    """As many bytes as announced, and more than the announced length in them."""
    connection.send(OK + b'Content-Length: 5\r\n\r\nfirst' + STOLEN)


NO_CONTENT = b'HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n' % len(STOLEN)
NOT_MODIFIED = b'HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n' % len(STOLEN)
HEAD = OK + b'Content-Length: %d\r\n\r\n' % len(STOLEN)


def two_answers(name, misbehave, method=None):
    """One request is answered and something more is sent; the next one gets its own answer."""
    def play(cell):
        cell.state.prepare(cell)
        earlier = len(cell.server.requests)
        said = threading.Event()

        def respond(connection, request):
            if len(cell.server.requests) > earlier + 1:
                return echo(connection, request)
            misbehave(connection, http.reply(200, b'first'))
            said.set()
            connection.drain()
            return None

        cell.server.respond = respond
        first = (cell.caller.begin_request(cell.url, method) if method else cell.begin()).answer()
        holds(b'stolen' not in first.body, f'the first answer is {first.body!r}')
        misbehaved = cell.server.latest
        holds(said.wait(DEADLINE_S), 'the server could not say it all')
        cell.arrives()
        holds(cell.server.latest is not misbehaved, 'the connection was used again')
        cell.server.wait(lambda: misbehaved.ended, 'the connection to end')

    def leaves_out(way, state):
        if method and way.name != 'GET':
            return f'only {method} is answered like that'
        return None if state in (FRESH, KEPT) else 'it is the same connection as a fresh one'

    return Scenario(f'the right server {name}', play, leaves_out)


SCENARIOS = (
    two_answers('answers twice in one go', in_one(STOLEN)),
    two_answers('answers twice, one after the other', in_two(STOLEN)),
    two_answers('answers 100 times', in_one(STOLEN * 100)),
    two_answers('answers, and with one byte more', in_one(b'\n')),
    two_answers('answers, and with an empty line more', in_one(b'\r\n')),
    two_answers('answers, and with half an answer more', in_one(STOLEN[:-3])),
    two_answers('answers, and with an interim answer more',
                in_one(b'HTTP/1.1 100 Continue\r\n\r\n')),
    two_answers('answers in chunks, and once more behind the last', chunked),
    two_answers('answers 204 with a body', with_body(NO_CONTENT)),
    two_answers('answers 304 with a body', with_body(NOT_MODIFIED)),
    two_answers('answers HEAD with a body', with_body(HEAD), 'HEAD'),
)
