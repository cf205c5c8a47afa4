# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests of every outcome, of several callers at a time."""

import collections
import random
import threading
import time

from crowd import USERS
from figures import Broken, at_rest, check_given_back
from lib.caller import NAME, PATH, CallError
from lib.world import HOST
from servers import LARGE, add_servers

REQUESTS = 100000
AT_A_TIME = 8  # of one caller
UPLOAD = bytes(64 * 1024)
LARGE_UPLOAD = bytes(LARGE)
TIMEOUT_MS = 100


class Kind:
    """`what`: of the server; `due`: the status, or the errors of which one is due; `share`: of a thousand."""

    def __init__(self, share, what, due, cancelled=False, **keywords):
        self.share, self.what, self.due, self.cancelled, self.keywords = share, what, due, cancelled, keywords


KINDS = {
    'answered': Kind(400, 'good', 200),
    'answered with 1 MiB': Kind(10, 'large', 200),
    'uploads': Kind(90, 'good', 200, method='POST', body=UPLOAD),
    'uploads of 1 MiB': Kind(10, 'good', 200, method='POST', body=LARGE_UPLOAD),
    'redirected': Kind(90, 'redirect', 200),
    'refused, wrong key': Kind(100, 'wrong', ('PinMismatch',)),
    'refused, not pinned': Kind(100, 'unpinned', ('NotPinned',)),
    'cancelled': Kind(80, 'stall', ('Cancelled',), cancelled=True),
    'timed out': Kind(40, 'stall', ('TimedOut',), timeout_ms=TIMEOUT_MS),
    'ended by the server': Kind(40, 'end', ('Unreachable', 'Truncated')),
    'cut by the server': Kind(40, 'half', ('Truncated',)),
}


class Requester:
    """One caller that makes requests of all kinds, always several at a time."""

    def __init__(self, soak, caller, urls, seed):
        self.soak, self.caller, self.urls = soak, caller, urls
        self.counts = collections.Counter()
        self.wrong = None
        self._random = random.Random(seed)
        self._under_way = collections.deque()
        self._token = 0

    def _begin(self):
        name = self._random.choices(list(KINDS), [kind.share for kind in KINDS.values()])[0]
        kind, options = KINDS[name], {}
        if kind.cancelled:
            self._token += 1
            options['handle_token'] = f't{self._token}'
        pending = self.caller.begin_request(self.urls[kind.what], **kind.keywords, **options)
        if kind.cancelled:
            sender = self.caller.unique_name[1:].replace('.', '_')
            cancel = self.caller.begin(NAME + '.Request', 'Cancel', '',
                                       path=f'{PATH}/request/{sender}/t{self._token}')
            self._under_way.append((None, cancel))
        self._under_way.append((name, pending))

    def _finish(self):
        name, pending = self._under_way.popleft()
        try:
            reply = pending.wait()
            outcome = reply[0] if name else 'cancelled'
        except CallError as error:
            outcome = error.name
        except AssertionError:
            raise Broken(f'a {"request that was to be " + name if name else "call of Cancel"} is not answered, '
                         f'at {time.strftime("%T")}') from None
        self.caller.replies.pop(pending.number)
        if name is None:
            return
        due = KINDS[name].due
        if outcome != due and outcome not in (due if isinstance(due, tuple) else ()):
            raise Broken(f'a request that was to be {name} came to {outcome}, not {due}')
        self.counts[name] += 1
        self.soak.progress()

    def _work(self, count):
        try:
            for _ in range(count):
                self._begin()
                while len(self._under_way) >= AT_A_TIME:
                    self._finish()
            while self._under_way:
                self._finish()
        except (Broken, AssertionError) as error:
            self.wrong = error

    def start(self, count):
        thread = threading.Thread(target=self._work, args=(count,))
        thread.start()
        return thread


def load(requesters, count):
    """So many requests, by all together."""
    threads = [one.start(count // len(requesters)) for one in requesters]
    for thread in threads:
        thread.join()
    for one in requesters:
        if one.wrong is not None:
            raise one.wrong


def run(soak):
    count = soak.scaled(REQUESTS, 200)
    soak.expect(count)
    world = soak.world
    identity = world.issue()
    _, urls = add_servers(world, identity)
    callers = [world.new_caller(uid) for uid in (0, *USERS)]
    for caller in callers:
        caller.pin(HOST, identity.der)
    requesters = [Requester(soak, caller, urls, number) for number, caller in enumerate(callers)]
    before = soak.take('before')
    load(requesters, count // 10)
    tenth = at_rest(world, 'after a tenth')
    load(requesters, count * 4 // 10)
    half = soak.take('at half')
    load(requesters, count // 2)
    after = at_rest(world, 'after all')
    totals = sum((one.counts for one in requesters), collections.Counter())
    soak.report(f'{sum(totals.values())} requests of {len(callers)} users', [before, tenth, half, after],
                {name: totals[name] for name in KINDS})
    check_given_back(tenth, after)
