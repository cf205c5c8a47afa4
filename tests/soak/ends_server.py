# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that bring a transfer half of its way, wait there, and then do as they are told. They forget what is over."""

import threading

from lib import http
from lib.server import Server
from lib.tap import DEADLINE_S

SIZE = 512 * 1024
HALF = SIZE // 2
DATA = bytes(range(256)) * (SIZE // 256)
HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % SIZE
WAIT_S = 4 * DEADLINE_S
STAYS = ''  # what is told to a server that goes on waiting


class Gate:
    """Where a few transfers wait for what is to become of all of them: `whole`, `cut`, `reset`, `drain` or `refuse`."""

    def __init__(self):
        self.what = None
        self.came = 0  # transfers that are here
        self.whole = 0  # uploads that came to their end
        self._changed = threading.Condition()

    def arrive(self):
        with self._changed:
            self.came += 1
            self._changed.notify_all()

    def pass_through(self):
        """Returns: what is to be done, once that is known"""
        with self._changed:
            self._changed.wait_for(lambda: self.what, WAIT_S)
            return self.what

    def wait_for(self, count):
        with self._changed:
            if not self._changed.wait_for(lambda: self.came >= count, WAIT_S):
                raise AssertionError(f'{self.came} of {count} transfers came half of their way')

    def open(self, what):
        with self._changed:
            self.what = self.what or what
            self._changed.notify_all()


def break_off(connection, what):
    if what in ('drain', 'refuse'):
        connection.drain()
    elif what == 'cut':
        connection.cut()
    elif what == 'reset':
        connection.reset()


def send_half(connection, gate, head=b''):
    """Whoever cannot write any more, since a disk is full, may leave before all of it is sent."""
    try:
        connection.send(head + DATA[:HALF])
    finally:
        gate.arrive()


class EndsServer(Server):
    """`tunnels`: whether it speaks no HTTP, but sends as soon as it is connected to. `gates`: by what a URL names."""

    def __init__(self, *arguments, tunnels=False, **keywords):
        self.gates = {}
        self.gate = None  # of the tunnels that are opened now
        super().__init__(*arguments, **keywords)
        self.respond, self.on_head = self.send_body, self.take_body
        if tunnels:
            self.speak = self.send_bytes

    def _serve(self, connection):
        super()._serve(connection)
        with self.changed:
            self.connections.remove(connection)
            self.changed.notify_all()

    def new_gate(self, name):
        self.gates[name] = self.gate = Gate()
        return self.gate

    def send_body(self, connection, request):
        connection.requests.clear()
        gate = self.gates[request.path[1:]]
        if request.method == 'PUT':
            gate.whole += 1
            return http.reply(200, b'hello')
        send_half(connection, gate, HEAD)
        what = gate.pass_through()
        break_off(connection, what)
        return DATA[HALF:] if what == 'whole' else None

    def take_body(self, connection, request):
        if request.method != 'PUT':
            return True
        gate = self.gates[request.path[1:]]
        http.want(connection, request)
        while len(request.body) < HALF:
            more = connection.read()
            if not more:
                return False
            request.body += more
        gate.arrive()
        what = gate.pass_through()
        if what == 'refuse':
            connection.send(http.reply(507, b'full', close=True))
        else:
            break_off(connection, what)
        return what == 'whole'

    def send_bytes(self, connection):
        gate = self.gate
        send_half(connection, gate)
        what = gate.pass_through()
        if what == 'whole':
            connection.send(DATA[HALF:])
        break_off(connection, what)
        return False
