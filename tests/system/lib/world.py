# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one test lives in: a fresh service with no pins, which trusts two authorities; programs of
root and of two users; and the servers that it starts. The bus and the programs outlive the test."""

import atexit
import datetime
import os
import pwd
import shutil
import tempfile
import threading
import time

from . import pki
from .bus import Bus
from .caller import Caller
from .daemon import Daemon
from .network import enter_network
from .public import new_folder
from .server import Server
from .tap import DEADLINE_S, equal, holds

HOST = 'h.localhost'
ALICE = pwd.getpwnam('games').pw_uid
BOB = pwd.getpwnam('nobody').pw_uid


class Shared:
    """What all tests of one file use: dear to make, and without state of the service's."""

    def __init__(self):
        enter_network()
        self.folder = new_folder('certpin-system-')
        self.callers = {}
        self.bus = Bus(self.folder)
        atexit.register(self.close)
        self.authority = pki.Authority('Test Root')
        self.other_authority = pki.Authority('Other Root')
        self.trust_file = os.path.join(self.folder, 'trust.pem')
        with open(self.trust_file, 'wb') as file:
            file.write(self.authority.pem + self.other_authority.pem)

    def caller(self, who, uid):
        if who not in self.callers:
            self.callers[who] = Caller(self.bus.address, uid)
            self.callers[who].subscribe()
        return self.callers[who]

    def close(self):
        for caller in self.callers.values():
            caller.close()
        self.bus.close()


class World:
    shared = None

    def __init__(self):
        if World.shared is None:
            World.shared = Shared()
        self.authority = self.shared.authority
        self.other_authority = self.shared.other_authority
        self.folder = tempfile.mkdtemp(dir=self.shared.folder)
        self.daemon = Daemon(self.shared.bus, self.folder, self.shared.trust_file)
        self._closing = []
        for caller in self.shared.callers.values():
            caller.signals.clear()
        self.daemon.start()

    # Who and what is there

    @property
    def root(self):
        return self.shared.caller('root', 0)

    @property
    def alice(self):
        return self.shared.caller('alice', ALICE)

    @property
    def bob(self):
        return self.shared.caller('bob', BOB)

    def new_caller(self, uid):
        """A program of this test's own."""
        return self.track(Caller(self.shared.bus.address, uid))

    def issue(self, *names, **keywords):
        return self.authority.issue(*(names or (HOST,)), **keywords)

    def serve(self, identity=None, **keywords):
        return self.track(Server(self.folder, identity or self.issue(), **keywords))

    def track(self, closable):
        """Closes it when the test is over."""
        self._closing.append(closable)
        return closable

    def serve_pinned(self, **keywords):
        """A server whose certificate the first user has pinned. Returns: server and identity"""
        identity = self.issue()
        self.alice.pin(HOST, identity.der)
        return self.serve(identity, **keywords), identity

    def impostor(self):
        """Another key for the same host, by the other trusted authority."""
        return self.other_authority.issue(HOST)

    @staticmethod
    def wait_for_time(moment):
        """Waits for a second of the clock to be over: the one event that nothing announces."""
        left = (moment - datetime.datetime.utcnow()).total_seconds() + 1
        if left > 0:
            threading.Event().wait(left)

    def count_files(self):
        """How many descriptors the service has open."""
        return len(os.listdir(f'/proc/{self.daemon.process.pid}/fd'))

    def wait_for_files(self, most):
        """Waits until the service has no more open than that, which nothing announces."""
        deadline = time.monotonic() + DEADLINE_S
        while self.count_files() > most:
            holds(time.monotonic() < deadline, f'{self.count_files()} descriptors are open, not {most}')
            threading.Event().wait(0.01)

    def start_to_measure(self):
        """Starts the service once more: with the address sanitizer it keeps what was freed, but no longer for long."""
        self.daemon.terminate()
        environment = self.daemon.more_environment or {}
        options = ':'.join(filter(None, (environment.get('ASAN_OPTIONS'), 'quarantine_size_mb=1')))
        self.daemon.more_environment = {**environment, 'ASAN_OPTIONS': options}
        self.daemon.start()

    # What is asserted again and again

    def nothing_arrives(self, server, name, caller=None, host=HOST, path='/', others_stay=False,
                        **keywords):
        """A request is refused with that error, and not one byte of it reaches the server.
        `others_stay`: earlier connections, of other channels, are not expected to end."""
        before, earlier = server.bytes, len(server.connections) if others_stay else 0
        error = self._refused(server, name, server.url(host, path), caller, keywords)
        server.wait_until_idle(earlier)
        holds(server.bytes == before, f'{server.bytes - before} bytes reached the server: {error}')
        return error

    def _refused(self, server, name, url, caller, keywords):
        before = server.bytes
        try:
            return (caller or self.alice).refuses(name, url, **keywords)
        except AssertionError as wrong:
            arrived = server.bytes - before
            raise AssertionError(f'{arrived} bytes reached the server: {wrong}') from None

    def no_connection(self, server, name, url, caller=None, **keywords):
        """A request is refused with that error, without even a connection."""
        before = len(server.connections)
        error = self._refused(server, name, url, caller, keywords)
        server.barrier()
        equal(len(server.connections) - before, 0, 'the number of connections')
        return error

    def arrives(self, server, caller=None, host=HOST, **keywords):
        """A request passes, and its bytes do reach the server."""
        before = server.bytes
        answer = (caller or self.alice).request(server.url(host), **keywords)
        equal(answer.status, 200, 'the status')
        holds(server.bytes > before, 'the request is answered, but no byte reached the server')
        return answer

    def arrives_with_key(self, pin, identities):
        """A pinned host's own server passes, and another one does not."""
        right = [identity for identity in identities if identity.pin in pin['keys']]
        wrong = [identity for identity in identities if identity.pin not in pin['keys']]
        names = [pin['host']]
        server = self.serve(self.issue(*names, key=right[0].key))
        self.arrives(server, host=pin['host'])
        self.nothing_arrives(self.serve(self.issue(*names, key=wrong[0].key)), 'PinMismatch',
                             host=pin['host'])

    def check_health(self):
        """Whatever the test did to it, the service still runs, and ends when it is told to."""
        if self.daemon.process.poll() is None:
            self.daemon.terminate()
        equal(self.daemon.process.returncode, 0, 'the exit code of the service')

    def describe(self):
        return 'the service said:\n' + self.daemon.log()[-3000:]

    def close(self):
        self.daemon.close()
        for one in reversed(self._closing):
            one.close()
        shutil.rmtree(self.folder)
