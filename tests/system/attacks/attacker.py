# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server that can be anybody: itself, somebody else from one moment to the next, or itself under
a pin that no longer accepts it. It knows which of its bytes reached a wrong key."""

import socket
import threading

from lib import http
from lib.server import Server
from lib.tap import DEADLINE_S

# What an attack may take to be over; the service ends what it refuses at once.
PATIENCE_S = 4


def echo(_connection, request):
    """An answer that no other request has."""
    return http.reply(200, f'{request.method} {request.path} '.encode() + request.body)


class Attacker(Server):
    """`identity`: the right one, which it has at first."""

    def __init__(self, folder, identity, **keywords):
        self.right = identity
        self.identity = identity
        self.condemned = False  # whether even the right one is not to be asked any more
        self.wrong_bytes = 0
        self.latest = None  # the connection that something arrived on
        self.instead = None  # what is done in the place of TLS
        self.tls = None  # who speaks it in the place of Python: (socket, identity) → TLS
        self.asked_anew = 0  # how often it asked for one more handshake
        self._going_on = threading.Event()
        self._going_on.set()
        super().__init__(folder, identity, **keywords)
        self.respond = echo

    # Who it is

    def become(self, identity):
        """New connections meet somebody else; earlier ones are still what they were."""
        with self.changed:
            self.present(identity)
            self.identity = identity

    def condemn(self):
        """Whatever arrives from now on, on any connection, is one byte too many."""
        with self.changed:
            self.condemned = True

    def redeem(self):
        """It is the right one again, and accepted."""
        with self.changed:
            self.become(self.right)
            self.condemned = False
            self.respond = echo

    def wrap(self, connection):
        self._going_on.wait(DEADLINE_S)
        # What is sent twice in a row is not to wait for the other side's next word.
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.instead:
            self.instead(self, connection.socket)
            raise OSError('no TLS was spoken')
        with self.changed:
            connection.identity = self.identity
            return (self.tls(connection.socket, self.identity) if self.tls
                    else super().wrap(connection))

    def _shake_hands(self, connection):
        super()._shake_hands(connection)
        with self.changed:  # what came before the key was proved is wrong whoever it reached
            early = len(getattr(connection.socket, 'early', b''))
            connection.bytes += early
            self.wrong_bytes += early

    def shake_hands_anew(self, connection, identity):
        """What comes afterwards goes to that one."""
        connection.socket.ask_for_handshake(identity)
        with self.changed:
            self.asked_anew += 1
            self.changed.notify_all()
        connection.socket.do_handshake()
        with self.changed:
            connection.identity = identity

    def is_wrong(self, connection):
        return self.condemned or getattr(connection, 'identity', None) is not self.right

    def count(self, connection, size):
        self.latest = connection if size else self.latest
        if self.is_wrong(connection):
            self.wrong_bytes += size

    # What it does to connections

    def hold(self):
        """Handshakes stop until they are let go."""
        self._going_on.clear()

    def let_go(self):
        self._going_on.set()

    def drop(self):
        """Ends all connections, as somebody on the way could."""
        for connection in self.connections:
            if not connection.ended:
                connection.cut()
        self.wait_until_idle()

    def wait_for_silence(self):
        """Waits until nothing more can come over a wrong connection."""
        self.barrier()
        self.wait(lambda: all(one.ended for one in self.connections if self.is_wrong(one)),
                  'the wrong connections to end', PATIENCE_S)
