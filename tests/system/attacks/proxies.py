# SPDX-License-Identifier: LGPL-2.1-or-later
"""Through a proxy, which may be anybody: the server behind it must prove the pinned key as ever, and what the
proxy says itself never passes for the server's answer."""

import socket
import threading

from lib import http
from lib.proxy import ESTABLISHED, saying
from lib.tap import DEADLINE_S, holds

from .moments import BEFORE, DRIPPING, HANDSHAKE, QUEUED, WAITING, Moment
from .names import SECOND, serve_at
from .pins import CHANGES, pin_changed
from .scenario import Scenario, refusal
from .servers import SERVERS, impostor, other_server

STOLEN = http.reply(200, b'stolen')


def target(cell):
    return f'{cell.host}:{cell.server.port}'


def through_a_proxy(scenario, which=lambda lab: lab.proxy, name='a proxy'):
    """The same, with every request of the cell through it."""
    def play(cell):
        proxy, prepare = which(cell.lab), cell.state.prepare
        cell.options = {'proxy': proxy.url()}

        def prepare_both(cell):
            prepare(cell)
            if not cell.state.keeps:
                proxy.wait_until_idle(target(cell))

        cell.state = cell.state._replace(prepare=prepare_both)
        scenario.play(cell)

    return scenario._replace(name=f'{scenario.name}, through {name}', play=play)


def asking(cell, attack):
    asked, going_on = threading.Event(), threading.Event()

    def answer(proxy, connection, request):
        asked.set()
        going_on.wait(DEADLINE_S)
        proxy.connect(connection, request)

    cell.lab.proxy.answers[target(cell)] = answer
    pending = cell.begin()
    holds(asked.wait(DEADLINE_S), 'the proxy was not asked')
    attack(cell)
    going_on.set()
    del cell.lab.proxy.answers[target(cell)]
    return pending


ASKING = Moment('while the proxy is asked', asking, connects=True)


def misbehaving(name, answer, errors, timeout_ms=5000):
    """The proxy does that when it is asked for the host. What came over a kept connection before is not its
    to change."""
    def attack(cell):
        cell.lab.proxy.answers[target(cell)] = answer
        cell.options['timeout_ms'] = timeout_ms

    def back(cell):
        cell.lab.proxy.answers.pop(target(cell), None)
        del cell.options['timeout_ms']

    return Scenario(f'the proxy {name}', refusal(attack, lambda cell: () if cell.rides_on else errors, back))


def leads_elsewhere(proxy, connection, asked):
    with socket.create_connection((SECOND, int(asked.target.rpartition(':')[2]))) as there:
        connection.sendall(ESTABLISHED)
        proxy.carry(connection, there)


def to_an_impostor():
    def attack(cell):
        there = serve_at(cell, SECOND, impostor)
        if not cell.rides_on:
            cell.lab.proxy.answers[target(cell)] = leads_elsewhere
            cell.server = there

    def back(cell):
        cell.lab.proxy.answers.pop(target(cell), None)
        cell.server = cell.servers[0]

    return Scenario('the proxy leads to another key',
                    refusal(attack, lambda cell: () if cell.rides_on else ('PinMismatch',), back))


def answers_itself(proxy, connection, _asked):
    """To whatever the host is sent."""
    connection.sendall(ESTABLISHED)
    connection.recv(1)
    connection.sendall(STOLEN)
    proxy.drain(connection)


PROXY_SERVERS = [row for row in SERVERS if row[0] in (
    'another key, by another trusted authority', 'another key, by the same authority',
    'the right key, by an authority nobody trusts', 'the right key, expired')]
MOMENTS = (BEFORE, ASKING, HANDSHAKE, QUEUED, WAITING, DRIPPING)
OVERRIDDEN, DISTRUSTED = CHANGES[0], CHANGES[-1]

SCENARIOS = (
    *(through_a_proxy(other_server(*row)) for row in PROXY_SERVERS),
    through_a_proxy(other_server(*PROXY_SERVERS[0]), lambda lab: lab.secure_proxy, 'an https proxy'),
    *(through_a_proxy(pin_changed(*OVERRIDDEN, moment)) for moment in MOMENTS),
    *(through_a_proxy(pin_changed(*OVERRIDDEN, moment), lambda lab: lab.secure_proxy, 'an https proxy')
      for moment in (WAITING, DRIPPING)),
    through_a_proxy(pin_changed(*DISTRUSTED, ASKING)),
    *map(through_a_proxy, (
        to_an_impostor(),
        misbehaving('answers itself instead of the host', answers_itself, ('TlsFailed',)),
        misbehaving('says 200, and an answer', saying(ESTABLISHED + STOLEN), ('ProxyFailed',)),
        misbehaving('says 200, and a byte', saying(ESTABLISHED + b'\x16'), ('ProxyFailed',)),
        misbehaving('answers with a body', saying(STOLEN), ('ProxyFailed',)),
        misbehaving('demands credentials', saying(http.reply(407, b'stolen')), ('ProxyAuthRequired',)),
        misbehaving('redirects', saying(http.redirect(302, 'https://lead.localhost/')), ('ProxyFailed',)),
        misbehaving('sends garbage', saying(b'\0\xffgarbage\r\n\r\n'), ('ProxyFailed',)),
        misbehaving('closes', saying(then=lambda _connection: None), ('ProxyFailed',)),
        misbehaving('never answers', saying(), ('TimedOut',), 150),
    )),
)
