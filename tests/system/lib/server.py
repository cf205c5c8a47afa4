# SPDX-License-Identifier: LGPL-2.1-or-later
"""A TLS server on loopback that counts what reaches it: connections, handshakes, resumptions, and
every decrypted byte. What it answers, and with which certificate, can change at any time."""

import fcntl
import os
import socket
import ssl
import struct
import termios
import threading
import time

from . import http
from .tap import DEADLINE_S


def reset_when_closed(connected):
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


class Connection:
    """One connection that was accepted, and what came over it."""

    def __init__(self, server, raw):
        self.server = server
        self.socket = raw
        self.bytes = 0
        self.handshaken = False
        self.resumed = False
        self.ended = False
        self.requests = []
        self._sending = threading.Lock()

    def read(self):
        """What came next; nothing once the other side has ended the connection."""
        self.server.before_read(self)
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            if isinstance(error, ssl.SSLError):
                self.server.alerts.append(error.reason)
            return b''
        with self.server.changed:
            self.bytes += len(data)
            self.server.count(self, len(data))
            self.server.changed.notify_all()
        return data

    def send(self, data):
        # The answer can be read before the thread that sends it has left OpenSSL, which takes one writer at a time.
        with self._sending:
            self.socket.sendall(data)

    def write_raw(self, data):
        """Writes under TLS."""
        while data:
            data = data[os.write(self.socket.fileno(), data):]

    def wait_until_arrived(self):
        """Waits until the other kernel has all that was sent: a reset takes back what it does not have yet."""
        end = time.monotonic() + 30
        while struct.unpack('i', fcntl.ioctl(self.socket, termios.TIOCOUTQ, bytes(4)))[0]:
            if time.monotonic() > end:
                raise TimeoutError('the other side does not take what was sent')
            time.sleep(0.001)

    def cut(self):
        """Ends the connection as somebody on the way could: TLS does not say that it ends. What arrived before is
        still decrypted: the shutdown of ssl.SSLSocket would let it be read, and counted, as it came."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as below:
            below.shutdown(socket.SHUT_RDWR)

    def reset(self):
        reset_when_closed(self.socket)
        self.socket.close()

    def drain(self):
        """Waits, without an answer, for the other side to end the connection."""
        while self.read():
            pass


# How a server may speak

BEGUN = b'x' * 1000


def begin_and_wait(connection, _request):
    """The beginning of a body that never ends."""
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n' + BEGUN)
    connection.drain()


def echo(connection):
    """Sends back what comes, until the other side ends its direction; then ends its own."""
    data = connection.read()
    if data:
        connection.send(data)
    return bool(data)


class Gate:
    """A server's answer that waits until it is let out."""

    def __init__(self, answer=None):
        self._answer = answer or http.reply(200, b'hello')
        self._opened = threading.Event()

    def respond(self, _connection, _request):
        return self._answer if self._opened.wait(DEADLINE_S) else None

    def open(self):
        self._opened.set()


_ports = set()  # of all servers that there are


class Server:
    """`versions`: of TLS, from and to. `tickets`: with TLS 1.2 off means session ids. `handshake`:
    off for a server that accepts connections and then stays silent. `alpn`: the protocols that it
    would rather speak. `buffer`: how many bytes its kernel takes before they are read."""

    def __init__(self, folder, identity, address='127.0.0.1', versions=('TLSv1_2', 'TLSv1_3'),
                 tickets=True, handshake=True, alpn=(), buffer=None, port=0):
        self.folder = folder
        self.changed = threading.Condition()
        self.connections = []
        self.alerts = []  # what TLS said instead of data, by OpenSSL's names
        self.respond = lambda connection, request: http.reply(200, b'hello')
        self.before_read = lambda connection: None
        self.on_head = http.want
        self.speak = None  # another protocol than HTTP: called with each connection
        self.handshake = handshake
        self._barriers = set()
        self._passed = set()
        self._context = self._new_context(versions, tickets)
        self.prefer(*alpn)
        self.present(identity)
        self._listener = self._listen(address, port)
        if buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.address, self.port = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    @staticmethod
    def _listen(address, port):
        """Another port than all other servers', whatever their addresses: a name of loopback is one
        of IPv4 and of IPv6, and is to lead to one server."""
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        while True:
            listener = socket.create_server((address, port), family=family, backlog=64)
            given = listener.getsockname()[1]
            if port or given not in _ports:
                _ports.add(given)
                return listener
            listener.close()

    @staticmethod
    def _new_context(versions, tickets):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers('DEFAULT:@SECLEVEL=0')
        context.minimum_version = ssl.TLSVersion[versions[0]]
        context.maximum_version = ssl.TLSVersion[versions[1]]
        if not tickets:
            context.options |= ssl.OP_NO_TICKET
        return context

    def present(self, identity):
        """Shows this certificate from now on; sessions of the earlier one can still be resumed."""
        self.presented = identity
        path = os.path.join(self.folder, f'server-{id(self)}.pem')
        with open(path, 'wb') as file:
            file.write(identity.key_pem + identity.chain_pem())
        self._context.load_cert_chain(path)
        os.unlink(path)

    def prefer(self, *protocols):
        """The protocols over TLS that it would speak, first the one that it likes best."""
        if protocols:
            self._context.set_alpn_protocols(protocols)

    def expose(self, path):
        """Writes the keys of its sessions to a file, and sends no tickets, which would use them."""
        self._context.keylog_filename = path
        self._context.num_tickets = 0

    def url(self, host, path='/', scheme='https'):
        return f'{scheme}://{host}:{self.port}{path}'

    # What it has seen

    @property
    def bytes(self):
        return sum(connection.bytes for connection in self.connections)

    @property
    def requests(self):
        return [request for connection in self.connections for request in connection.requests]

    @property
    def handshakes(self):
        return sum(connection.handshaken for connection in self.connections)

    @property
    def resumptions(self):
        return sum(connection.resumed for connection in self.connections)

    def wait(self, condition, what, seconds=DEADLINE_S):
        """Waits until something that this server sees is so."""
        deadline = time.monotonic() + seconds
        with self.changed:
            if not self.changed.wait_for(condition, max(0, deadline - time.monotonic())):
                raise AssertionError(f'the server waited in vain for {what}')

    def wait_for_requests(self, count):
        self.wait(lambda: len(self.requests) >= count, f'{count} requests')

    def wait_until_idle(self, earlier=0):
        """Waits until everything that connected before this call, but for the first few, is
        accepted and has ended."""
        self.barrier()
        self.wait(lambda: all(connection.ended for connection in self.connections[earlier:]),
                  'all connections to end')

    def barrier(self):
        """Connects by itself: whatever connected earlier is accepted when this returns."""
        family = socket.AF_INET6 if ':' in self.address else socket.AF_INET
        with socket.socket(family) as probe:
            probe.bind((self.address, 0))
            port = probe.getsockname()[1]
            self._barriers.add(port)
            probe.connect((self.address, self.port))
            self.wait(lambda: port in self._passed, 'a connection of its own')

    # What it does

    def _accept(self):
        while True:
            try:
                raw, peer = self._listener.accept()
            except OSError:
                return
            with self.changed:
                if peer[1] in self._barriers:
                    self._passed.add(peer[1])
                    self.changed.notify_all()
                    raw.close()
                    continue
                connection = Connection(self, raw)
                self.connections.append(connection)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def count(self, connection, size):
        """So many decrypted bytes more have arrived; for those who count in another way."""

    def wrap(self, connection):
        """Returns: TLS over what was accepted, with the certificate of now"""
        return self._context.wrap_socket(connection.socket, server_side=True,
                                         do_handshake_on_connect=False)

    def greet(self, data):
        """Sends it before it is asked for anything, in one packet with the end of its handshake."""
        wrap = self.wrap

        def wrap_corked(connection):
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            return wrap(connection)

        def send(connection):
            connection.send(data)
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

        self.wrap, self.before_read = wrap_corked, send

    def _shake_hands(self, connection):
        wrapped = self.wrap(connection)
        connection.socket = wrapped
        wrapped.do_handshake()
        with self.changed:
            connection.handshaken = True
            connection.resumed = wrapped.session_reused
            self.changed.notify_all()

    def _serve(self, connection):
        try:
            if not self.handshake:
                while connection.socket.recv(65536):
                    pass
                return
            self._shake_hands(connection)
            while (self.speak or self._exchange)(connection):
                pass
            # Without a close_notify of its own OpenSSL would forget the session.
            connection.socket.settimeout(DEADLINE_S)
            connection.socket.unwrap()
        except (OSError, ValueError):  # the latter where close () came first
            pass
        finally:
            connection.socket.close()
            with self.changed:
                connection.ended = True
                self.changed.notify_all()

    def _exchange(self, connection):
        request = http.read_request(connection)
        if request is None:
            return False
        with self.changed:
            connection.requests.append(request)
            self.changed.notify_all()
        answer = self.respond(connection, request)
        if answer is None:
            return False
        connection.send(answer)
        return b'Connection: close' not in answer.split(b'\r\n\r\n')[0]

    def close(self):
        if self._listener.fileno() >= 0:
            self._listener.shutdown(socket.SHUT_RDWR)  # which also wakes the thread that accepts
        self._listener.close()
        _ports.discard(self.port)
        for connection in list(self.connections):
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
