# SPDX-License-Identifier: LGPL-2.1-or-later
"""One cell of the table: an attack on a host of its own, in one TLS version, by one way in, from
one state. It ends with the right server again, whose bytes must arrive."""

import time

from lib.tap import equal, holds

from .attacker import Attacker
from .states import KEPT, VERSIONS

JUST_USED_S = 0.9  # and a little more: a POST takes a connection that was used since
VERDICTS_ON_PEERS = ('PinMismatch', 'Untrusted')


class Cell:
    """`domain`: of its host; names under localhost are never looked up. `patience`: the times are so many times as long
    as on a machine that is fast enough for them."""

    def __init__(self, lab, version, way, state, domain='localhost', patience=1):
        self.lab = lab
        self.version = version
        self.way = way
        self.state = state
        self.patience = patience
        self.name = f'{version}, {way.name}, {state.name}'
        number = lab.next_number()
        self.host = f'c{number}.{domain}'
        self.path = f'/{number}'
        self.caller = lab.alice
        self.asked = None  # its URL, where it is another
        self.options = {}  # of its requests
        self.bytes_before = 0  # the latest request
        self.answered_at = time.monotonic()
        # The machine was: a POST may not go over a kept connection any more, or a request came too late to its server.
        self.was_slow = False
        self.identity = lab.authority.issue(self.host)
        self.servers = []
        self.server = self.serve(self.identity)
        self.pin()

    def serve(self, identity, **keywords):
        """One more server, for which that certificate is the right one."""
        self.servers.append(Attacker(self.lab.folder, identity, versions=VERSIONS[self.version],
                                     tickets=self.state.tickets, **keywords))
        return self.servers[-1]

    @property
    def url(self):
        return self.asked or self.server.url(self.host, self.path)

    @property
    def rides_on(self):
        """Whether it goes over a kept connection."""
        return self.state.name == KEPT.name

    @property
    def bytes(self):
        return sum(server.bytes for server in self.servers)

    @property
    def wrong_bytes(self):
        return sum(server.wrong_bytes for server in self.servers)

    @property
    def resumptions(self):
        return sum(server.resumptions for server in self.servers)

    def pin(self):
        self.caller.pin(self.host, self.identity.der)

    def begin(self):
        self.bytes_before = self.server.bytes
        self.was_slow |= time.monotonic() - self.answered_at > JUST_USED_S
        return self.way.begin(self)

    # What is asserted

    def arrives(self, pending=None):
        """A request reaches the right server, and is answered by it."""
        answer = (pending or self.begin()).answer()
        self.answered_at = time.monotonic()
        equal(answer.body, self.way.echo(self), 'the answer')
        holds(self.server.bytes > self.bytes_before, 'answered, but no byte reached the server')
        self._check_info(answer.info)

    def _check_info(self, info):
        """The evidence in an answer is what the server saw."""
        equal(f'TLS {info["tls-version"]}', self.version, 'tls-version')
        equal(info['matched-key'], self.server.right.pin, 'matched-key')
        equal(info['connection-reused'], len(self.server.latest.requests) > 1,
              'connection-reused')

    def is_refused(self, pending, errors):
        """A request fails with one of these errors. That not one byte of it reached a wrong key is
        checked by matrix.py, after every cell."""
        error = self.caller.refused(errors, pending.answer)
        self.server.wait_for_silence()
        self._check_failure(error.name)

    def last_failure(self):
        return self.caller.last_failure(f'{self.host}:{self.server.port}')

    def _check_failure(self, name):
        if name not in VERDICTS_ON_PEERS:
            return
        failure = self.last_failure()
        presented = [self.server.identity, *self.server.identity.issuers]
        equal(failure['error'], name, 'the error in LastFailure')
        equal(failure['offered-keys'][0], presented[0].pin, 'the key that was offered')
        holds({*failure['offered-keys']} <= {one.pin for one in presented},
              f'{failure["offered-keys"]} were never offered')

    def close(self):
        for server in self.servers:
            server.let_go()
            server.close()
