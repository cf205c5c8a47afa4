# SPDX-License-Identifier: LGPL-2.1-or-later
"""An HTTP proxy on loopback. It is asked with CONNECT, and does that or anything else that a test wants.
It counts, and keeps what it was sent; what it carries it cannot read."""

import collections
import os
import socket
import ssl
import threading
from dataclasses import dataclass

from .tap import DEADLINE_S

ESTABLISHED = b'HTTP/1.1 200 Connection established\r\n\r\n'


@dataclass
class Asked:
    """One request to a proxy."""

    method: str
    target: str
    headers: dict  # names in lower case

    @classmethod
    def parse(cls, head):
        first, *lines = head.decode('latin-1').split('\r\n')
        method, target, version = first.split(' ')
        assert version == 'HTTP/1.1', first
        return cls(method, target, {name.lower(): value.strip()
                                    for name, value in (line.split(':', 1) for line in lines if line)})


class Proxy:
    """`identity`: of one that is spoken to over TLS. `answer`: what is done instead of connecting:
    (proxy, connection, asked)."""

    def __init__(self, folder, identity=None, address='127.0.0.1', port=0):
        self.answer = Proxy.connect
        self.answers = {}  # likewise, by what it is asked for
        self.greet = None  # what is done before anything is read: (proxy, connection)
        self.changed = threading.Condition()
        self.asked = []
        self.opened = self.ended = 0  # connections
        self.carrying = collections.Counter()  # connections that are carried now, by what was asked for
        self.carried = 0  # bytes from the service, behind its request
        self._going_on = threading.Event()
        self._going_on.set()
        self._sockets = []
        self._folder = folder
        self._context = self.new_context(identity) if identity else None
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=64)
        self.address, self.port = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def new_context(self, identity):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = os.path.join(self._folder, 'proxy.pem')
        with open(path, 'wb') as file:
            file.write(identity.key_pem + identity.chain_pem())
        context.load_cert_chain(path)
        os.unlink(path)
        return context

    def present(self, identity):
        """New connections meet that one."""
        self._context = self.new_context(identity)

    def url(self, host=None):
        host = host or (f'[{self.address}]' if ':' in self.address else self.address)
        return f'{"https" if self._context else "http"}://{host}:{self.port}'

    def wait(self, condition, what, seconds=DEADLINE_S):
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise AssertionError(f'the proxy waited in vain for {what}')

    def wait_until_idle(self, target=None):
        """`target`: what was asked for; None: all."""
        self.wait(lambda: self.ended == self.opened if target is None else self.carrying[target] == 0,
                  'all connections to end')

    def hold(self):
        """Answers wait until they are let go."""
        self._going_on.clear()

    def let_go(self):
        self._going_on.set()

    # What it does

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.changed:
                self.opened += 1
                self._sockets.append(connection)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, raw):
        connection = raw
        try:
            if self.greet:
                self.greet(self, raw)
            if self._context:
                connection = self._context.wrap_socket(raw, server_side=True)
            self._exchange(connection)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()
            with self.changed:
                self.ended += 1
                self.changed.notify_all()

    def _exchange(self, connection):
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            byte = connection.recv(1)
            if not byte:
                return
            head += byte
        asked = Asked.parse(head[:-4])
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()
        self._going_on.wait(DEADLINE_S)
        self.answers.get(asked.target, self.answer)(self, connection, asked)

    def _count_carried(self, target, change):
        with self.changed:
            self.carrying[target] += change
            self.changed.notify_all()

    def connect(self, connection, asked):
        """To the port that it is asked for, on loopback: here is nothing else."""
        with socket.create_connection(('127.0.0.1', int(asked.target.rpartition(':')[2]))) as there:
            self._count_carried(asked.target, 1)
            connection.sendall(ESTABLISHED)
            self.carry(connection, there)
        connection.close()
        self._count_carried(asked.target, -1)

    def carry(self, connection, there):
        """Both ways, until one of them ends."""
        back = threading.Thread(target=self.copy, args=(there, connection), daemon=True)
        back.start()
        self.copy(connection, there, count=True)
        back.join(DEADLINE_S)

    def copy(self, source, target, count=False):
        try:
            while data := source.recv(65536):
                if count:
                    with self.changed:
                        self.carried += len(data)
                        self.changed.notify_all()
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def drain(connection):
        """Waits for the other side to end the connection."""
        while connection.recv(65536):
            pass

    def close(self):
        self.let_go()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def saying(*parts, then=Proxy.drain):
    """A proxy's answer, in these parts, that connects to nothing."""
    def answer(_proxy, connection, _asked):
        for part in parts:
            connection.sendall(part)
        then(connection)

    return answer
