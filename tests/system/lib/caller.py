# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that call the service: each is a process of its own, with a uid and a connection of its
own, that the test directs."""

import multiprocessing.connection
import os
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from multiprocessing import reduction

from .tap import DEADLINE_S
from .variant import V

NAME = 'org.certpin.Certpin1'
PATH = '/org/certpin/Certpin1'
PINS = NAME + '.Pins'
REQUESTS = NAME + '.Requests'
REQUEST = NAME + '.Request'
ERROR = NAME + '.Error.'
PROPERTIES = 'org.freedesktop.DBus.Properties'
BUS = 'org.freedesktop.DBus'
BUS_PATH = '/org/freedesktop/DBus'


class CallError(Exception):
    """A D-Bus error, `name` being short where it is one of certpin's."""

    def __init__(self, name, message):
        super().__init__(f'{name}: {message}')
        self.name = name[len(ERROR):] if name.startswith(ERROR) else name
        self.message = message


@dataclass
class Answer:
    status: int
    headers: list
    body: bytes
    info: dict


class Pending:
    """A call under way."""

    def __init__(self, caller, number):
        self.caller = caller
        self.number = number
        self.descriptors = []  # that came with the reply

    def wait(self, seconds=DEADLINE_S):
        kind, *rest = self.caller.wait(lambda: self.caller.replies.get(self.number),
                                       'a reply', seconds)
        if kind == 'error':
            raise CallError(*rest)
        self.descriptors = rest[1]
        return rest[0]

    def answer(self, seconds=DEADLINE_S):
        return Answer(*self.wait(seconds))

    def stream(self, seconds=DEADLINE_S):
        """An answer that comes by a descriptor."""
        return self.stream_of(self.answer(seconds))

    def stream_of(self, answer):
        """The stream of an answer of this call."""
        return Stream(self.caller, answer, self.descriptors[answer.info['body']])


class Stream:
    """An answer, the descriptor of its body, and the Request object that it has."""

    def __init__(self, caller, answer, descriptor):
        self.caller = caller
        self.answer = answer
        self.descriptor = descriptor
        self.path = answer.info['request']

    def read(self, most=1 << 20):
        """Some bytes; none at the end. A cut is a ConnectionResetError."""
        return os.read(self.descriptor, most)

    def read_all(self):
        """Returns: all bytes, and whether they ended with the end of file"""
        data = bytearray()
        try:
            while more := self.read():
                data += more
        except ConnectionResetError:
            return bytes(data), False
        return bytes(data), True

    def close(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.descriptor = None

    def begin_finish(self):
        return self.caller.begin(REQUEST, 'Finish', '', path=self.path)

    def finish(self):
        return self.begin_finish().wait()[0]

    def cancel(self):
        self.caller.call(REQUEST, 'Cancel', '', path=self.path)

    def get(self, name):
        return self.caller.call(PROPERTIES, 'Get', '(ss)', REQUEST, name, path=self.path)[0]


class Tunnel:
    """An open connection: its end of it, and the evidence."""

    def __init__(self, caller, pending):
        self.caller = caller
        _, self.info = pending.wait()
        self.path = self.info['request']
        self.socket = socket.socket(fileno=pending.descriptors[0])
        self.socket.settimeout(DEADLINE_S)

    def send(self, data):
        self.socket.sendall(data)

    def end(self):
        self.socket.shutdown(socket.SHUT_WR)

    def read(self, size):
        """So many bytes, or fewer up to the end."""
        data = b''
        while len(data) < size and (more := self.socket.recv(size - len(data))):
            data += more
        return data

    def read_all(self):
        data = b''
        while more := self.socket.recv(65536):
            data += more
        return data

    def close(self):
        self.socket.close()

    def begin_finish(self):
        return self.caller.begin(REQUEST, 'Finish', '', path=self.path)

    def finish(self):
        return self.begin_finish().wait()[0]

    def cancel(self):
        self.caller.call(REQUEST, 'Cancel', '', path=self.path)

    def get(self, name):
        return self.caller.call(PROPERTIES, 'Get', '(ss)', REQUEST, name, path=self.path)[0]

    def get_all(self):
        return self.caller.call(PROPERTIES, 'GetAll', '(s)', REQUEST, path=self.path)[0]


class Caller:
    """One connection of one uid. `wrapper`: a command that runs it; `environment`: more variables"""

    def __init__(self, address, uid, wrapper=(), environment=None):
        ours, theirs = socket.socketpair()
        self._descriptors, their_descriptors = socket.socketpair()
        self.uid = uid
        self.replies = {}
        self.signals = []
        self.changed = threading.Condition()
        self._count = 0
        self._line = multiprocessing.connection.Connection(ours.detach())
        self.process = subprocess.Popen(
            [*wrapper, sys.executable, '-B', '-m', 'lib.caller_process', str(theirs.fileno()),
             str(their_descriptors.fileno()), str(uid), address],
            pass_fds=[theirs.fileno(), their_descriptors.fileno()],
            cwd=os.path.dirname(os.path.dirname(__file__)), env={**os.environ, **(environment or {})})
        theirs.close()
        their_descriptors.close()
        try:
            _, self.unique_name = self._line.recv()
        except EOFError:
            raise AssertionError(f'a caller ended before it was on the bus, with exit code {self.process.wait()}'
                                 ) from None
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                kind, *rest = self._line.recv()
                if kind == 'reply':
                    rest.append(self._take(rest.pop()))
            except (EOFError, OSError):
                return
            with self.changed:
                if kind == 'signal':
                    self.signals.append(tuple(rest))
                else:
                    self.replies[rest[0]] = (kind, *rest[1:])
                self.changed.notify_all()

    def _take(self, count):
        return socket.recv_fds(self._descriptors, 1, count)[1] if count else []

    def wait(self, condition, what, seconds=DEADLINE_S):
        with self.changed:
            value = self.changed.wait_for(condition, seconds)
        if not value:
            raise AssertionError(f'a caller waited in vain for {what}')
        return value

    # Calls

    def begin(self, interface, method, signature, *arguments, path=PATH, destination=NAME,
              descriptors=()):
        """`descriptors`: go with the call; the test keeps its own."""
        self._count += 1
        self._line.send(('call', self._count, (destination, path, interface), method, signature,
                         arguments, len(descriptors)))
        if descriptors:
            socket.send_fds(self._descriptors, [b'.'], list(descriptors))
        return Pending(self, self._count)

    def flush(self):
        """Waits until everything that was begun has been written to the bus."""
        self._count += 1
        self._line.send(('flush', self._count))
        Pending(self, self._count).wait()

    def call(self, *arguments, **keywords):
        return self.begin(*arguments, **keywords).wait()

    def pin(self, host, certificate, **options):
        """PinCertificate."""
        return self.begin_pin(host, certificate, **options).wait()[0]

    def begin_pin(self, host, certificate, **options):
        return self.begin(PINS, 'PinCertificate', '(saya{sv})', host, certificate,
                          pin_options(options))

    def pin_keys(self, host, *keys, **options):
        return self.call(PINS, 'PinKeys', '(sasa{sv})', host, list(keys), pin_options(options))[0]

    def begin_keys(self, method, host, *keys, **options):
        return self.begin(PINS, method, '(sasa{sv})', host, list(keys), pin_options(options))

    def add_keys(self, host, *keys, **options):
        return self.begin_keys('AddKeys', host, *keys, **options).wait()[0]

    def remove_keys(self, host, *keys, **options):
        return self.begin_keys('RemoveKeys', host, *keys, **options).wait()[0]

    def begin_pause(self, host, seconds, reason='why', **options):
        """PausePin."""
        return self.begin(PINS, 'PausePin', '(sa{sv})', host,
                          pin_options({'seconds': seconds, 'reason': reason, **options}))

    def pause(self, host, seconds, reason='why', **options):
        return self.begin_pause(host, seconds, reason, **options).wait()[0]

    def resume(self, host, **options):
        return self.call(PINS, 'ResumePin', '(sa{sv})', host, pin_options(options))[0]

    def unpin(self, host, **options):
        self.call(PINS, 'Unpin', '(sa{sv})', host, pin_options(options))

    def block(self, host, reason='', **options):
        self.call(PINS, 'BlockHost', '(ssa{sv})', host, reason, pin_options(options))

    def get_pin(self, host, **options):
        return self.call(PINS, 'GetPin', '(sa{sv})', host, pin_options(options))[0]

    def list_slice(self, **options):
        """One reply of ListPins."""
        return self.call(PINS, 'ListPins', '(a{sv})', pin_options(options))[0]

    def list_pins(self, **options):
        """All slices of ListPins."""
        pins = []
        while True:
            after = {'start_after': pins[-1]['host']} if pins else {}
            more = self.list_slice(**options, **after)
            if not more:
                return pins
            pins += more

    def last_failure(self, host):
        return self.call(PINS, 'LastFailure', '(s)', host)[0]

    def begin_request(self, url, method='GET', headers=(), body=b'', descriptors=(), **options):
        return self.begin(REQUESTS, 'SecureRequest', '(ssa(ss)aya{sv})', method, url,
                          list(headers), body, request_options(options), descriptors=descriptors)

    def begin_upload(self, url, descriptor, length, method='PUT', **options):
        """A request whose body is read from a descriptor, which the test keeps."""
        return self.begin_request(url, method, descriptors=[descriptor], body_stream=0, body_length=length,
                                  **options)

    def request(self, url, *arguments, **keywords):
        """SecureRequest."""
        return self.begin_request(url, *arguments, **keywords).answer()

    def stream(self, url, *arguments, stream='always', **keywords):
        """SecureRequest whose body comes by a descriptor."""
        return self.begin_request(url, *arguments, stream=stream, **keywords).stream()

    def begin_connect(self, host, port, descriptors=(), **options):
        return self.begin(REQUESTS, 'OpenConnection', '(sqa{sv})', host, port,
                          request_options(options), descriptors=descriptors)

    def connect(self, host, port, **keywords):
        """OpenConnection."""
        return Tunnel(self, self.begin_connect(host, port, **keywords))

    def begin_fetch_chain(self, host, **options):
        return self.begin(REQUESTS, 'FetchChain', '(sa{sv})', host, request_options(options))

    def fetch_chain(self, host, **options):
        """FetchChain. Returns: the certificates in DER, and what is told of them"""
        chain, info = self.begin_fetch_chain(host, **options).wait()
        return [bytes(der) for der in chain], info

    @staticmethod
    def refused(name, function, *arguments, **keywords):
        """Calls what must fail with that error, or one of these. Returns: the error"""
        try:
            answer = function(*arguments, **keywords)
        except CallError as error:
            if error.name not in ([name] if isinstance(name, str) else name):
                raise AssertionError(f'refused with {error}, not {name}') from None
            return error
        raise AssertionError(f'passed with {answer!r}, but {name} was due')

    def refuses(self, name, url, *arguments, **keywords):
        """Makes a request that must fail with that error."""
        return self.refused(name, self.request, url, *arguments, **keywords)

    def ask_bus(self, method, signature='', *arguments):
        """Calls the bus itself."""
        return self.call(BUS, method, signature, *arguments, path=BUS_PATH, destination=BUS)

    # Signals

    def _subscribe(self, sender, interface):
        """Returns when the bus has the subscription: whatever happens after that is announced."""
        self._line.send(('subscribe', sender, interface, None))
        self.ask_bus('GetId')

    def subscribe(self):
        """Asks the bus for all signals of the service, broadcast or not."""
        self._subscribe(None, PINS)

    def listen_to_all(self):
        """Notes whatever the service sends to this connection, of all interfaces, from now on."""
        self._subscribe(NAME, None)

    def be_told(self):
        """Asks the service for its signals to this connection."""
        return self.call(PINS, 'Subscribe', '')

    def watch_name(self):
        """Asks the bus who owns which name from now on."""
        self._subscribe(BUS, BUS)

    def wait_for_signal(self, name):
        """The arguments of the first signal of that name."""
        return self.wait_for_signal_where(name, lambda *_: True)

    def wait_for_signal_where(self, name, condition):
        return self.wait(lambda: next((arguments for what, arguments in self.signals
                                       if what == name and condition(*arguments)), None),
                         f'the signal {name}')

    def vanish(self):
        """Ends like a program that crashed."""
        self.process.kill()
        self.process.wait()

    close = vanish


PIN_TYPES = {'scope': 's', 'app': 's', 'match': 's', 'mode': 's', 'expires': 'x', 'note': 's', 'uid': 'u',
             'start_after': 's', 'max': 'u', 'trust_anchors': 'aay', 'backup_certificates': 'aay',
             'on_failure': 's', 'seconds': 'u', 'reason': 's'}
REQUEST_TYPES = {'timeout_ms': 'u', 'max_body': 't', 'redirects': 'u', 'require_keys': 'as',
                 'handle_token': 's', 'stream': 's', 'stream_timeout_ms': 'u', 'body_stream': 'h',
                 'body_length': 't', 'proxy': 's', 'alpn': 'as', 'starttls': 'h',
                 'starttls_protocol': 's', 'port': 'u', 'keys': 'as', 'match': 's', 'scope': 's',
                 'trust_anchors': 'aay', 'error_cause': 'b'}


def _options(given, types):
    """Keywords as a{sv}; a V says its own type, and `raw` holds names that are no keywords."""
    options = dict(given.pop('raw', {}))
    for name, value in given.items():
        options[name.replace('_', '-')] = (value if isinstance(value, V)
                                           else V(types[name], value))
    return options


def pin_options(given):
    return _options(given, PIN_TYPES)


def request_options(given):
    return _options(given, REQUEST_TYPES)
