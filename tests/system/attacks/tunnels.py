# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same servers and changes as for requests, under tunnels: in every state of one, from the look-up of its name to
the middle of what is sent over it."""

from lib import http
from lib.caller import Tunnel
from lib.tap import equal, holds

from .pins import CHANGES
from .scenario import Scenario
from .servers import SERVERS
from .states import FRESH, LOST
from .ways import WAYS

TIMEOUT_MS = 8000


def begin(cell):
    return cell.caller.begin_connect(cell.host, cell.server.port, timeout_ms=TIMEOUT_MS)


def connect(cell):
    return Tunnel(cell.caller, begin(cell))


def request(cell, more=''):
    return f'GET {cell.path} HTTP/1.1\r\nHost: {cell.host}\r\n{more}\r\n'.encode()


def exchange(cell, tunnel):
    """One request of HTTP over the tunnel."""
    answer = http.reply(200, f'GET {cell.path} '.encode())
    tunnel.send(request(cell))
    equal(tunnel.read(len(answer)), answer, 'the answer')


def works(cell):
    tunnel = connect(cell)
    exchange(cell, tunnel)
    equal(tunnel.info['matched-key'], cell.server.right.pin, 'matched-key')
    tunnel.close()


def is_refused(cell, pending, error):
    cell.caller.refused(error, pending.wait)
    cell.server.wait_for_silence()


def ends_well(cell):
    cell.server.redeem()
    works(cell)


# To another server


def other_server(name, error, make):
    def play(cell):
        cell.state.prepare(cell)
        cell.server.become(make(cell))
        is_refused(cell, begin(cell), error)
        ends_well(cell)

    return Scenario(f'a tunnel to {name}', play, leaves_out)


# Under another pin: before it is open


def before(cell, attack):
    attack(cell)
    return begin(cell)


def shaking_hands(cell, attack):
    connected = len(cell.server.connections)
    cell.server.hold()
    pending = begin(cell)
    cell.server.wait(lambda: len(cell.server.connections) > connected, 'a connection')
    attack(cell)
    cell.server.let_go()
    return pending


def looking_up(cell, attack):
    cell.lab.resolver.hold(cell.host)
    pending = begin(cell)
    cell.lab.resolver.wait_for_question(cell.host)
    attack(cell)
    cell.lab.resolver.let_go(cell.host)
    return pending


def refused_while(moment):
    def play(cell, change, error):
        is_refused(cell, moment(cell, change), error)

    return play


# And when it is open


def idle(cell, tunnel):
    exchange(cell, tunnel)


def in_a_request(cell, tunnel):
    tunnel.send(request(cell, 'Content-Length: 1000\r\n') + b'x' * 500)
    sent = len(request(cell, 'Content-Length: 1000\r\n')) + 500
    cell.server.wait(lambda: cell.server.latest is not None and cell.server.latest.bytes >= sent, 'half of a request')


def in_an_answer(cell, tunnel):
    half = http.reply(200, b'x' * 1000)[:-500]

    def respond(connection, _request):
        connection.send(half)
        connection.drain()

    cell.server.respond = respond
    tunnel.send(request(cell))
    equal(tunnel.read(len(half)), half, 'half of an answer')


def cut_while(state):
    def play(cell, change, _error):
        tunnel = connect(cell)
        state(cell, tunnel)
        change(cell)
        try:
            tunnel.send(b'secret' * 100)
        except OSError:
            pass  # it was cut already
        holds(is_cut(tunnel), 'the tunnel goes on, or looks as if it had ended')
        cell.server.wait_for_silence()
        cell.caller.refused('PinChanged', tunnel.finish)

    return play


def is_cut(tunnel):
    try:
        tunnel.read_all()
    except OSError:
        return True
    return False


MOMENTS = (
    ('before a tunnel', refused_while(before), 'localhost'),
    ('while a tunnel’s name is looked up', refused_while(looking_up), 'test'),
    ('while a tunnel’s TLS shakes hands', refused_while(shaking_hands), 'localhost'),
    ('while a tunnel is idle', cut_while(idle), 'localhost'),
    ('while a tunnel is sent a request', cut_while(in_a_request), 'localhost'),
    ('while a tunnel gets an answer', cut_while(in_an_answer), 'localhost'),
)


def leaves_out(way, state):
    if way is not WAYS[0]:
        return 'a tunnel is a way in of its own'
    return 'a tunnel uses no other connection' if state is LOST else None


def through_a_proxy(scenario, proxy):
    return scenario._replace(name=f'{scenario.name}, through an {proxy} proxy', proxy=proxy, leaves_out=change_leaves_out,
                             domain='proxied')


def change_leaves_out(way, state):
    return leaves_out(way, state) or (state is not FRESH and 'a tunnel uses no other connection') or None


def changed(change, moment):
    name, error, alter, back = change
    when, play_it, domain = moment

    def play(cell):
        def attack(one):
            alter(one)
            one.server.condemn()

        cell.state.prepare(cell)
        try:
            play_it(cell, attack, error)
        finally:
            back(cell)
        ends_well(cell)

    return Scenario(f'{name} {when}', play, change_leaves_out, domain=domain)


TO_OTHERS = tuple(other_server(*row) for row in SERVERS)
PROXIED_CHANGES = (CHANGES[0], CHANGES[-1])
PROXIED_MOMENTS = tuple(moment for moment in MOMENTS if moment[2] == 'localhost')  # a proxy looks up the name
PROXIED = TO_OTHERS + tuple(changed(change, moment) for change in PROXIED_CHANGES for moment in PROXIED_MOMENTS)

SCENARIOS = (TO_OTHERS
             + tuple(changed(change, moment) for change in CHANGES for moment in MOMENTS)
             + tuple(through_a_proxy(scenario, proxy) for proxy in ('http', 'https') for scenario in PROXIED))
