# SPDX-License-Identifier: LGPL-2.1-or-later
"""Redirects from one pinned host to another that would take along what belongs to the first, leave
TLS, or never end. They are here since the bytes count that a second host gets; the rules themselves are rows of
/transport/redirect. That each hop is judged is shown by every attack, whose third way in is a redirect."""

from lib import http
from lib.tap import equal, holds

from .scenario import Scenario
from .states import FRESH, KEPT
from .strangers import listen

PERSONAL = [('Authorization', 'Basic c2VjcmV0'), ('Cookie', 'id=1'), ('X-Token', 'secret'),
            ('Referer', 'https://lead.localhost/secret'), ('Origin', 'https://lead.localhost'),
            ('Content-Type', 'text/secret')]
MOST = 10  # redirects


def lead(cell, status=302, scheme='https'):
    """The next request is led to the server by the other host."""
    cell.asked = cell.lab.url_that_leads_to(
        cell.server.url(cell.host, cell.path, scheme), status)


def afterwards(cell):
    cell.asked = None
    cell.options = {}
    cell.server.instead = None
    cell.server.redeem()
    cell.arrives()


def keeps_the_body(status):
    """It would have to be sent to another origin: the redirect is the answer."""
    def play(cell):
        cell.state.prepare(cell)
        lead(cell, status)
        cell.server.condemn()
        equal(cell.begin().answer().status, status, 'the status')
        cell.server.barrier()
        afterwards(cell)

    return Scenario(f'a {status} of a request with a body', play, with_body)


def drops_the_body(status):
    def play(cell):
        cell.state.prepare(cell)
        lead(cell, status)
        equal(cell.begin().answer().body, f'GET {cell.path} '.encode(), 'what arrives')
        afterwards(cell)

    return Scenario(f'a {status} of a request with a body, which becomes a GET', play, with_body)


def with_secrets(cell):
    cell.state.prepare(cell)
    lead(cell)
    cell.options = {'headers': PERSONAL}
    equal(cell.begin().answer().status, 200, 'the status')
    for name, _ in PERSONAL:
        holds(name.lower() not in cell.server.requests[-1].headers, f'{name} went along')
    afterwards(cell)


def to_http(cell):
    cell.state.prepare(cell)
    connected = len(cell.server.connections)
    lead(cell, scheme='http')
    cell.server.instead = listen
    cell.caller.refused('NotSecure', cell.begin().wait)
    cell.server.barrier()
    equal(len(cell.server.connections), connected, 'the number of connections')
    afterwards(cell)


def in_a_circle(cell):
    cell.state.prepare(cell)
    asked = len(cell.server.requests)
    lead(cell)
    cell.server.respond = lambda connection, request: http.redirect(302, cell.asked)
    equal(cell.begin().answer().status, 302, 'the status')
    equal(len(cell.server.requests) - asked, MOST // 2, 'the number of requests')
    afterwards(cell)


def direct(way, state):
    if way.name == 'redirect':
        return 'the attack is itself a redirect'
    return None if state in (FRESH, KEPT) else 'how the connection came about is over'


def with_body(way, state):
    return direct(way, state) or ('it has no body' if way.method != 'POST' else None)


SCENARIOS = (
    keeps_the_body(307), keeps_the_body(308),
    drops_the_body(301), drops_the_body(302), drops_the_body(303),
    Scenario('a redirect that would take secrets along', with_secrets, direct),
    Scenario('a redirect to http', to_http, direct),
    Scenario('redirects in a circle', in_a_circle, direct),
)
