# SPDX-License-Identifier: LGPL-2.1-or-later
"""The right server with bad manners: it has proved the key, so bytes do reach it, but what it says
outside of an exchange must never become the answer to another request."""

import threading

from lib import http
from lib.tap import DEADLINE_S, equal, holds

from .attacker import echo
from .scenario import Scenario, refusal
from .states import FRESH, KEPT
from .strangers import resets

STOLEN = http.reply(200, b'stolen')
OK = b'HTTP/1.1 200 OK\r\n'


def same_connection(_way, state):
    return None if state in (FRESH, KEPT) else 'it is the same connection as a fresh one'


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
        return same_connection(way, state)

    return Scenario(f'the right server {name}', play, leaves_out)


# Ends that are none

def garbage(connection):
    connection.send(b'\0\xffgarbage\r\n\r\n')
    connection.drain()


def silence(connection):
    connection.drain()


def dripping(what):
    def respond(connection):
        tick = threading.Event()
        connection.send(what)
        while not connection.ended:  # sending fails when the other side has gone
            connection.send(b'x')
            tick.wait(0.02)

    return respond


def closing(what):
    return lambda connection: connection.send(what)  # and then TLS ends in order


def cutting(what):
    def respond(connection):
        connection.send(what)
        connection.cut()

    return respond


def resetting(what):
    def respond(connection):
        connection.send(what)
        resets(connection.server, connection.socket)
        connection.socket.close()

    return respond


def no_answer(name, misbehave, errors, timeout_ms=5000):
    """A request is not answered as it should be, nor is it by anything that comes later."""
    def attack(cell):
        cell.misbehaved = []

        def respond(connection, _request):
            cell.misbehaved.append(connection)
            misbehave(connection)
            return None

        cell.server.respond = respond
        cell.options = {'timeout_ms': timeout_ms * cell.patience}

    def back(cell):
        cell.options = {}
        cell.was_slow |= not cell.misbehaved
        holds(cell.misbehaved, 'the time was over before the request was at the server')
        cell.server.wait(lambda: cell.misbehaved[0].ended, 'the connection to end')

    return Scenario(f'the right server {name}', refusal(attack, lambda cell: errors, back),
                    same_connection)


def closes_in_words_alone(cell):
    """It says that it closes the connection, and does not: still it is not used again."""
    cell.state.prepare(cell)
    connections = []

    def respond(connection, request):
        connections.append(connection)
        connection.send(http.reply(200, echo(connection, request).partition(b'\r\n\r\n')[2],
                                   close=True))
        connection.drain()

    cell.server.respond = respond
    for _ in range(3):
        cell.arrives()
    equal(len(set(connections)), 3, 'the number of connections')


HALF = http.reply(200, b'x' * 1000)[:-500]
ENDS = (('closes', closing), ('cuts', cutting), ('resets', resetting))
BROKEN = ('ProtocolError', 'Truncated', 'TlsFailed', 'Unreachable')

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
    no_answer('answers with garbage', garbage, BROKEN),
    no_answer('never answers', silence, ('TimedOut',), 150),
    no_answer('drips its headers for ever', dripping(OK + b'X-Drip: '), ('TimedOut',), 150),
    no_answer('drips its body for ever', dripping(OK + b'Content-Length: 100000\r\n\r\n'),
              ('TimedOut',), 150),
    no_answer('drips a body of no length for ever', dripping(OK + b'\r\n'), ('TimedOut',), 150),
    *(no_answer(f'{name} before its answer', end(b''), BROKEN)
      for name, end in ENDS),
    *(no_answer(f'{name} in its answer', end(HALF), BROKEN)
      for name, end in ENDS),
    Scenario('the right server says that it closes, and does not', closes_in_words_alone,
             same_connection),
)
