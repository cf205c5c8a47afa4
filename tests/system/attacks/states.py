# SPDX-License-Identifier: LGPL-2.1-or-later
"""What has been between the service and the server before the attack: nothing, or something good
that the attack could ride on."""

from typing import NamedTuple

from lib import http

from .attacker import echo

TLS_1_2, TLS_1_3 = 'TLS 1.2', 'TLS 1.3'
VERSIONS = {TLS_1_2: ('TLSv1_2', 'TLSv1_2'), TLS_1_3: ('TLSv1_3', 'TLSv1_3')}


def echo_and_close(connection, request):
    answer = echo(connection, request)
    return http.reply(200, answer.partition(b'\r\n\r\n')[2], close=True)


def nothing(_cell):
    pass


def one_connection(cell):
    cell.arrives()


def a_session(cell):
    """One that ended well, so that the server would resume it."""
    cell.server.respond = echo_and_close
    cell.arrives()
    cell.server.wait_until_idle()


def a_dropped_connection(cell):
    cell.arrives()
    cell.server.drop()


def a_connection_to_be_lost(cell):
    """The server ends it as the next request arrives on it."""
    cell.arrives()
    [connection] = cell.server.connections
    cell.server.respond = lambda one, request: (
        None if one is connection else echo(one, request))


class State(NamedTuple):
    name: str
    prepare: callable
    tickets: bool = True
    versions: tuple = (TLS_1_2, TLS_1_3)
    keeps: bool = False  # whether a connection is left that could be used again


FRESH = State('fresh', nothing)
KEPT = State('kept alive', one_connection, keeps=True)
TICKET = State('ticket', a_session)
SESSION_ID = State('session id', a_session, tickets=False, versions=(TLS_1_2,))
DROPPED = State('dropped', a_dropped_connection)
LOST = State('lost in use', a_connection_to_be_lost, keeps=True)

STATES = (FRESH, KEPT, TICKET, SESSION_ID, DROPPED, LOST)
