# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers that come, and leave at every stage of a call."""

from crowd import USERS, Crowd
from figures import Broken, at_rest, check_given_back
from lib.server import Gate
from lib.world import HOST
from polkit import FakePolkit
from servers import LARGEST, add_servers
from visitors import STAGES

CALLERS = 10000
# A user sets up four connections at a time, and has six to a host.
EACH, OF_A_HOST = 4, 6
LISTED, NOTE = 30, 'n' * 1000
KEY = 'sha256/' + 'E' * 43 + '='
# What one user may have at a time.
RUNNING, BODIES = 64, 16
GATED = [f'h{number}.localhost' for number in range(-(-RUNNING // OF_A_HOST))]


class Visits:
    """Rounds in which each user has a few callers at one stage, who then leave together."""

    def __init__(self, soak):
        self.soak, self.world = soak, soak.world
        self.polkit = self.world.track(FakePolkit(self.world.shared.bus.address))
        daemon = self.world.daemon
        daemon.terminate()
        daemon.more_environment |= {'DBUS_SYSTEM_BUS_ADDRESS': self.world.shared.bus.address}
        daemon.start('--bus=system', '--authority=polkit')
        identity = self.world.issue(HOST, *GATED)
        self.servers, self.urls = add_servers(self.world, identity)
        self.users = [self.world.new_caller(uid) for uid in USERS]
        for user in self.users:
            for host in (HOST, *GATED):
                user.pin(host, identity.der)
            for number in range(LISTED):
                user.pin_keys(f'l{number}.localhost', KEY, note=NOTE)
        self.crowd = Crowd(self.world)
        self.counts = dict.fromkeys(STAGES, 0)

    def _wait_for(self, stage, came):
        """Until the other side sees as many as came."""
        servers = {'in_a_handshake': ('mute', 'accepted'), 'in_an_upload': ('jam', 'accepted'),
                   'in_a_request': ('good', 'arrived')}
        if stage == 'asking_for_a_password':
            self.polkit.wait(lambda: len(self.polkit.open) >= came, f'{came} questions')
        elif stage in servers:
            server, count = self.servers[servers[stage][0]], servers[stage][1]
            server.wait(lambda: getattr(server, count) >= came, f'{came} callers that are {stage}')
            setattr(server, count, 0)

    def round(self, stage):
        self.servers['good'].arrived = 0
        self.crowd.all('come', self.urls, stage, EACH)
        self._wait_for(stage, EACH * len(USERS))
        self.crowd.all('go')
        self.servers['jam'].go.set()
        self.servers['jam'].wait(lambda: not self.servers['jam'].connections, 'uploads to end')
        self.servers['jam'].go.clear()
        self.polkit.wait(lambda: not self.polkit.open,
                         f'the end of {len(self.polkit.open)} questions whose callers have left')
        self.counts[stage] += EACH * len(USERS)
        self.soak.progress(EACH * len(USERS))

    def load(self, callers):
        done = 0
        while done < callers:
            for stage in STAGES:
                self.round(stage)
                done += EACH * len(USERS)

    def check_budgets(self):
        """Each user has all that one may have: as many requests at a time, as many bytes of bodies, signals."""
        good = self.servers['good']
        for user in self.users:
            gate = Gate()
            good.do_gate = lambda connection, gate=gate: gate.respond(connection, None)
            good.arrived = 0
            pending = [user.begin_request(good.url(GATED[number % len(GATED)], '/gate'))
                       for number in range(RUNNING)]
            good.wait(lambda: good.arrived >= RUNNING, f'{RUNNING} requests of one user at a time')
            gate.open()
            for one in pending:
                one.wait()
            pending = [user.begin_request(self.urls['largest']) for _ in range(BODIES)]
            if any(len(one.answer().body) != LARGEST for one in pending):
                raise Broken('a large answer came in part')
            user.be_told()
            user.replies.clear()


def run(soak):
    callers = soak.scaled(CALLERS, 150)
    soak.expect(callers)
    visits = Visits(soak)
    before = soak.take('before')
    visits.load(callers // 10)
    visits.check_budgets()
    tenth = at_rest(soak.world, 'after a tenth')
    visits.load(callers - sum(visits.counts.values()))
    visits.check_budgets()
    after = at_rest(soak.world, 'after all')
    soak.report(f'{sum(visits.counts.values())} callers of {len(USERS)} users came and left; afterwards each user had '
                f'{RUNNING} requests at a time, {BODIES} answers of 4 MiB at a time, and signals',
                [before, tenth, after], {stage.replace('_', ' '): count for stage, count in visits.counts.items()})
    check_given_back(tenth, after)
