# SPDX-License-Identifier: LGPL-2.1-or-later
"""Through a proxy, which may be anybody: the server behind it must prove the pinned key as ever, and what the
proxy says itself never passes for the server's answer."""

import socket
import threading

from lib import http, pki
from lib.proxy import ESTABLISHED, saying
from lib.tap import DEADLINE_S, equal, holds

from .moments import BEFORE, DRIPPING, HANDSHAKE, QUEUED, WAITING, Moment
from .names import SECOND, serve_at
from .pins import CHANGES, pin_changed, trust_again
from .scenario import Scenario, refusal
from .servers import SERVERS, impostor, other_server
from .states import DROPPED, FRESH, KEPT

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


def hands_on(proxy, connection, asked, bytes_until):
    """Connects, and cuts that after so many bytes from the service."""
    with socket.create_connection(('127.0.0.1', int(asked.target.rpartition(':')[2]))) as there:
        connection.sendall(ESTABLISHED)
        threading.Thread(target=proxy.copy, args=(there, connection), daemon=True).start()
        while bytes_until > 0 and (data := connection.recv(bytes_until)):
            there.sendall(data)
            bytes_until -= len(data)


def cuts_after(count):
    return lambda proxy, connection, asked: hands_on(proxy, connection, asked, count)


def with_its_own_certificate(make):
    """The proxy speaks TLS in the place of the host, and counts what it is told."""
    def attack(cell):
        context = cell.lab.proxy.new_context(make(cell))

        def answer(_proxy, connection, _asked):
            connection.sendall(ESTABLISHED)
            with context.wrap_socket(connection, server_side=True) as stolen:
                while data := stolen.recv(65536):
                    with cell.server.changed:
                        cell.server.wrong_bytes += len(data)

        cell.lab.proxy.answers[target(cell)] = answer

    return attack


def speaks_for_the_host(name, errors, make):
    def play(cell):
        cell.state.prepare(cell)
        with_its_own_certificate(make)(cell)
        pending = cell.begin()
        if cell.rides_on:
            cell.arrives(pending)
        else:
            cell.caller.refused(errors, pending.answer)
        del cell.lab.proxy.answers[target(cell)]
        cell.arrives()

    return Scenario(f'the proxy speaks for the host with {name}', play)


def as_proxy(name, make):
    """Another one in the place of the https proxy, which was the right one before: it is not even asked."""
    def play(cell):
        proxy = cell.lab.secure_proxy
        cell.state.prepare(cell)
        proxy.present(make(cell.lab))
        asked = len(proxy.asked)
        try:
            pending = cell.begin()
            if cell.rides_on:
                cell.arrives(pending)
            else:
                cell.caller.refused('ProxyFailed', pending.answer)
        finally:
            proxy.present(cell.lab.secure_proxy_identity)
        equal(len(proxy.asked), asked, 'how often the proxy was asked')
        cell.arrives()

    return through_a_proxy(Scenario(f'the https proxy comes to have {name}', play), secure, 'it')


def in_states(scenario, *states):
    def leaves_out(way, state):
        return scenario.leaves_out(way, state) or (None if state in states else 'it is tried without a proxy')

    return scenario._replace(leaves_out=leaves_out)


def secure(lab):
    return lab.secure_proxy


def distrust_proxy(cell):
    cell.lab.trust(cell.lab.authority)


def proxy_distrusted(moment):
    scenario = pin_changed('the https proxy’s authority is not trusted any more', 'ProxyFailed', distrust_proxy, trust_again,
                           moment)

    def leaves_out(way, state):
        if not moment.sent and way.name == 'redirect':
            return 'the host that leads there is refused, too'
        return scenario.leaves_out(way, state)

    return in_states(through_a_proxy(scenario._replace(leaves_out=leaves_out), secure, 'it'), FRESH, KEPT)


def self_signed_proxy(lab):
    key = lab.secure_proxy_identity.key
    return pki.Identity(pki.make('127.0.0.1', '127.0.0.1', key.public_key(), key, ['127.0.0.1']), key, [])


PROXIES = (
    ('a certificate for another name', lambda lab: lab.other_authority.issue('other.test')),
    ('a certificate that has expired', lambda lab: lab.other_authority.issue(
        '127.0.0.1', start=pki.now() - 9 * pki.DAY, end=pki.now() - pki.DAY)),
    ('a certificate by an authority nobody trusts', lambda lab: lab.unknown_authority.issue('127.0.0.1')),
    ('its key in a self-signed certificate', self_signed_proxy),
)
# All states are tried with some of the servers, and the others with those that meet a server anew.
PROXY_SERVERS = [row for row in SERVERS if row[0] in (
    'another key, by another trusted authority', 'another key, by the same authority',
    'the right key, by an authority nobody trusts', 'the right key, expired')]
MORE_SERVERS = [row for row in SERVERS if row not in PROXY_SERVERS]
MOMENTS = (BEFORE, ASKING, HANDSHAKE, QUEUED, WAITING, DRIPPING)
SENT = (WAITING, DRIPPING)
OVERRIDDEN, DISTRUSTED = CHANGES[0], CHANGES[-1]
CUT = ('Truncated', 'TlsFailed', 'Unreachable', 'ProxyFailed')

SCENARIOS = (
    *(through_a_proxy(other_server(*row)) for row in PROXY_SERVERS),
    *(in_states(through_a_proxy(other_server(*row)), FRESH) for row in MORE_SERVERS),
    through_a_proxy(other_server(*PROXY_SERVERS[0]), secure, 'an https proxy'),
    *(in_states(through_a_proxy(other_server(*row), secure, 'an https proxy'), FRESH) for row in SERVERS
      if row is not PROXY_SERVERS[0]),
    *(through_a_proxy(pin_changed(*OVERRIDDEN, moment)) for moment in MOMENTS),
    *(through_a_proxy(pin_changed(*OVERRIDDEN, moment), secure, 'an https proxy') for moment in SENT),
    through_a_proxy(pin_changed(*DISTRUSTED, ASKING)),
    *map(proxy_distrusted, (BEFORE, HANDSHAKE, *SENT)),
    *(in_states(as_proxy(*row), KEPT, DROPPED) for row in PROXIES[:1]),
    *(in_states(as_proxy(*row), DROPPED) for row in PROXIES[1:]),
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
    *(in_states(through_a_proxy(row), FRESH) for row in (
        speaks_for_the_host('a certificate of its own', 'Untrusted', lambda cell: cell.lab.other_authority.issue('proxy.test')),
        speaks_for_the_host('another key for its name', 'PinMismatch', impostor),
        misbehaving('connects, and cuts', cuts_after(0), CUT),
        misbehaving('connects, and cuts in the handshake', cuts_after(100), CUT),
    )),
)
