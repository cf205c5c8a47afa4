# SPDX-License-Identifier: LGPL-2.1-or-later
"""Downloads, uploads and tunnels that end half of their way, in every way that there is. Nobody takes a part for the
whole: not the programs that everybody has, not those that use the library, not the server. The caller is told why, and
nothing is left of it."""

import collections
import itertools
import os
import subprocess

from crowd import USERS
from ends_batch import DOWN, KINDS, TUNNEL, UP, Way
from ends_server import STAYS, EndsServer
from figures import Broken, at_rest, check_given_back
from lib.caller import Caller, CallError
from lib.public import certpinctl, with_library
from lib.world import HOST
from part_streams import count_threads

TRANSFERS = 10000
LEAST = 1000
KILLED_SHARE = 0.05  # of them end with the service, whose figures begin anew then
# The ways that take time begin with a round, and are over with it. Of the others, which have as much time, there are a
# few meanwhile.
IDLE_S, DEADLINE_MS = 8, 4000
FAST_OF_A_ROUND = 2
FULL_KIB = 128


def all_kinds(error):
    return dict.fromkeys((DOWN, UP, TUNNEL), error)


ANY = 'any'  # who would be told has gone
WAYS = (
    Way('is whole', all_kinds(None), then='whole'),
    Way('its program is killed', {DOWN: 'Cancelled', UP: 'InvalidArgument', TUNNEL: None}, 'kill_programs'),
    Way('is cancelled', all_kinds('Cancelled'), 'cancel', with_library=False),
    Way('loses its pin', all_kinds('PinChanged'), 'block'),
    Way('its caller is killed', {DOWN: ANY, UP: ANY}, 'kill_caller', asked=False),
    # What is open belongs to whoever has the socket.
    Way('its caller is killed', {TUNNEL: None}, 'kill_caller', 'whole', asked=False),
    Way('its reader’s disk is full', {DOWN: 'Cancelled', UP: None, TUNNEL: None}, then='refuse', full=True),
    Way('its server ends it', all_kinds('Truncated'), then='cut'),
    Way('its server resets it', all_kinds('Truncated'), then='reset'),
)
IDLE = Way('no byte of it moves', {DOWN: 'TimedOut', UP: 'TimedOut'}, then=STAYS)
LATE = Way('has no more time', {DOWN: 'TimedOut', UP: 'TimedOut'}, then=STAYS, with_library=False,
           options={'stream_timeout_ms': DEADLINE_MS})
KILLED = Way('the service is killed', all_kinds(ANY), 'kill_service', asked=False, library='ServiceUnavailable')


class Ends:
    """All transfers: three users, one for the ways that take no time, and two who wait."""

    def __init__(self, soak):
        self.soak, self.world = soak, soak.world
        self.counts = collections.Counter()
        self._numbers = itertools.count(1)
        self._open = []  # batches
        soak.limit(f'StreamIdleSeconds={IDLE_S}\n')
        identity = self.identity = self.world.issue()
        servers = [self.world.track(EndsServer(self.world.folder, identity, tunnels=tunnels))
                   for tunnels in (False, True)]
        self.servers = {DOWN: servers[0], UP: servers[0], TUNNEL: servers[1]}
        self.users = [self.world.new_caller(uid) for uid in USERS]
        for user in self.users:
            user.pin(HOST, identity.der)
        self.folder = os.path.join(self.world.folder, 'files')
        self.full_folder = os.path.join(self.world.folder, 'full')
        os.chmod(self.world.folder, 0o755)
        for folder, size in ((self.folder, '64m'), (self.full_folder, f'{FULL_KIB}k')):
            os.mkdir(folder)
            subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size},mode=1777', 'tmpfs', folder], check=True)
        self.world.track(self)
        # Both bring the library along: one that runs must not see it written.
        certpinctl()
        with_library(os.environ['CERTPIN_READ_STREAM'])

    def next_number(self):
        return next(self._numbers)

    def new_caller(self, uid):
        return Caller(self.world.shared.bus.address, uid)

    def begin(self, user, way):
        """Returns: a batch of each kind that knows this way"""
        batches = [kind(self, user, way) for kind in KINDS if kind.kind in way.due]
        self._open += batches
        self._all(batches, 'begin')
        return batches

    def end(self, batches):
        for what in ('wait', 'act', 'check', 'close'):
            self._all(batches, what)
        for batch in batches:
            self._open.remove(batch)
            self.counts[f'{batch.kind}: {batch.way.name}'] += batch.count
            self.soak.progress(batch.count)

    @staticmethod
    def _all(batches, what):
        for batch in batches:
            try:
                getattr(batch, what)()
            except (AssertionError, CallError) as wrong:
                raise Broken(f'{batch.kind}, {batch.way.name}, {what}: {wrong}') from None

    def round(self):
        """Every way but one."""
        user, *waiting = self.users
        slow = [self.begin(one, way) for way, one in zip((IDLE, LATE), waiting)]
        for way in WAYS * FAST_OF_A_ROUND:
            self.end(self.begin(user, way))
            if way.act == 'block':
                user.pin(HOST, self.identity.der)
        for batches in slow:
            self.end(batches)

    def load(self, count):
        most = self.counts.total() + count
        while self.counts.total() < most:
            self.round()

    def kill_service(self, count):
        """The last way, so often."""
        most = self.counts.total() + count
        while self.counts.total() < most:
            self.end(self.begin(self.users[0], KILLED))
            self.world.daemon.start()

    def close(self):
        self._all(self._open, 'close')
        for folder in (self.folder, self.full_folder):
            subprocess.run(['umount', folder], check=True)


def run(soak):
    count = soak.scaled(TRANSFERS, LEAST)
    soak.expect(count)
    ends, world = Ends(soak), soak.world
    before = soak.take('before')
    ends.load(count // 10)
    tenth, threads = at_rest(world, 'after a tenth'), count_threads(world)
    killed = int(count * KILLED_SHARE)
    ends.load(count - killed - ends.counts.total())
    after, more_threads = at_rest(world, 'after all'), count_threads(world)
    ends.kill_service(killed)
    soak.report(f'{ends.counts.total()} transfers of {len(ends.users)} users', [before, tenth, after],
                {**ends.counts, 'threads of certpind after a tenth, and after all': f'{threads}, {more_threads}'})
    check_given_back(tenth, after)
    if more_threads > threads:
        raise Broken(f'certpind has {more_threads} threads, and had {threads}')
