# SPDX-License-Identifier: LGPL-2.1-or-later
"""An hour of load beside programs that never read."""

import time

from crowd import BYSTANDER, USERS, Crowd
from figures import Broken, at_rest, check_given_back, check_peak, percentiles, wait_until
from lib.world import HOST
from servers import LARGEST, add_servers

# What a busy desktop makes in an hour: ten requests a second, and a pin changed every second. With each change every
# silent one calls, if the bus takes it.
REQUESTS, CHANGES = 36000, 3600
# So that a list of pins is some 100 KiB.
LISTED, NOTE = 80, 'n' * 1000
CHANGED = 60
# Calls of each silent one after which nothing more is done for it, by and by: small replies have used up its credit of
# 1 MiB, more of them wait in the service, and then as many of its calls as the bus lets wait.
CALLS_TO_FILL = 1500
KEYS = [f'sha256/{letter * 42}A=' for letter in 'BCDE']
# What the budget of one user's bodies, 64 MiB, has room for.
LARGEST_AT_ONCE = 16


class Changer:
    """Changes pins of all users, of which every subscriber is to be told, and knows what was acknowledged."""

    def __init__(self, caller):
        self.caller = caller
        self.known = {}
        self.count = 0

    def change(self):
        host = f'c{self.count % CHANGED}.localhost'
        self.count += 1
        if host in self.known and self.count % 3 == 0:
            self.caller.unpin(host, scope='system')
            del self.known[host]
        else:
            key = KEYS[self.count % len(KEYS)]
            self.caller.pin_keys(host, key, scope='system')
            self.known[host] = [key]

    def check(self):
        found = {pin['host']: pin['keys'] for pin in self.caller.list_pins(scope='system')}
        if found != self.known:
            raise Broken(f'{len(self.known)} pins were acknowledged, and other ones are found: {found}')
        return len(found)


class Silence:
    def __init__(self, soak):
        self.soak, self.world = soak, soak.world
        identity = self.world.issue()
        self.servers, self.urls = add_servers(self.world, identity)
        for uid in (*USERS, BYSTANDER):
            caller = self.world.new_caller(uid)
            caller.pin(HOST, identity.der)
            for number in range(LISTED):
                caller.pin_keys(f'l{number}.localhost', KEYS[0], note=NOTE)
        self.bystander = caller
        self.changer = Changer(self.world.root)
        self.crowd = Crowd(self.world)
        self.called = 0

    def request(self):
        started = time.monotonic()
        answer = self.bystander.request(self.urls['good'])
        if answer.status != 200:
            raise Broken(f'the bystander got status {answer.status}')
        return time.monotonic() - started

    def send(self, count):
        self.called += sum(self.crowd.all('send', count))

    def load(self, requests):
        """Part of the hour. Returns: how long each request of the bystander took"""
        seconds = []
        for number in range(requests):
            seconds.append(self.request())
            if number % (REQUESTS // CHANGES) == 0:
                self.changer.change()
                self.send(1)
            self.soak.progress()
        self.bystander.replies.clear()
        return seconds

    def fill(self):
        """Until the silent ones hold all that they can: memory no longer grows."""
        highest, since = [0.0], [time.monotonic()]
        for _ in range(min(CALLS_TO_FILL, self.soak.scaled(5 * CALLS_TO_FILL, 40)) // 10):
            self.send(10)
            self.load(1)

        def is_full():
            self.load(10)
            now = self.soak.memory()
            if now > highest[0] + 1:
                highest[0], since[0] = now, time.monotonic()
            return time.monotonic() - since[0] > 1

        if not wait_until(is_full):
            raise Broken('programs that do not read make certpind grow without end')

    def serve_largest(self):
        """Every user’s budget is all there: as many of the largest answers as it has room for, at the same time."""
        for uid in USERS:
            caller = self.world.new_caller(uid)
            pending = [caller.begin_request(self.urls['largest']) for _ in range(LARGEST_AT_ONCE)]
            for one in pending:
                if len(one.answer().body) != LARGEST:
                    raise Broken('a large answer came in part')
            caller.close()
        return LARGEST_AT_ONCE * len(USERS)


def run(soak):
    requests = soak.scaled(REQUESTS, 100)
    soak.expect(requests)
    silence = Silence(soak)
    silence.crowd.all('be_silent', silence.urls)
    silence.send(30)
    silence.load(20)
    silence.crowd.all('leave')
    silence.serve_largest()
    before = at_rest(soak.world, 'before', silence.changer.check())
    silence.called = 0
    silent = sum(silence.crowd.all('be_silent', silence.urls))
    silence.fill()
    first = silence.load(requests // 10)
    tenth = soak.take('after a tenth', silence.changer.check())
    tenths = [tenth]
    for _ in range(9):
        last = silence.load(requests // 10)
        tenths.append(soak.take('at the end', silence.changer.check()))
        check_peak(tenth, tenths[-1])
    silence.crowd.all('leave')
    served = silence.serve_largest()
    left = at_rest(soak.world, 'when they have left', silence.changer.check())
    soak.report(f'{silent} silent connections of {len(USERS)} users made {silence.called} calls; beside them '
                f'{requests} requests and {silence.changer.count} changes of pins, none of which failed',
                [before, tenth, tenths[-1], left],
                {'memory of certpind after each tenth, MiB': ' '.join(f'{one.memory:.0f}' for one in tenths),
                 'bystander, first tenth, p50 / p99 / max': percentiles(first),
                 'bystander, last tenth': percentiles(last),
                 'answers of 4 MiB served at once when they had left': served})
    check_given_back(before, left)
