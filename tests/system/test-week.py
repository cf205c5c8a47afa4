#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A week in the life of an administrator: real servers renew their certificates, change their keys and their
authorities, and let certificates expire; somebody stands in the way again and again. Programs of two users make
requests all the time. Each day is a function, in the order of DAYS, and prints a diary. At the end, nothing was refused
that should pass, and no byte went to a wrong key."""

import collections
import contextlib
import datetime
import json
import os
import shlex

from lib import pki
from lib.certpinctl import BAD_INPUT, FAILED, OK, REFUSED, UNTRUSTED, ctl, exits, put
from lib.own_clock import OwnClock
from lib.server import Server
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, World

DAY_S = 24 * 60 * 60
HOUR = datetime.timedelta(hours=1)
WEEKDAYS = ('Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday')
# Requests of each program at each host, whenever a diary says that all work.
ROUNDS = 5


class Host(Server):
    """The server of a host. Whatever arrives is counted by the certificate that it was sent to."""

    def __init__(self, folder, name, identity):
        self.received = collections.Counter()  # bytes, by key
        self.handshakes_begun = collections.Counter()
        self.right_keys = {identity.pin}  # that it has, or has had, in truth
        self.name = name
        super().__init__(folder, identity)

    @property
    def at(self):
        return f'{self.name}:{self.port}'

    def wrap(self, connection):
        connection.key = self.presented.pin
        self.handshakes_begun[connection.key] += 1
        return super().wrap(connection)

    def count(self, connection, size):
        self.received[connection.key] += size

    def become(self, identity):
        """Shows another certificate, to everybody: connections end, as when a server is restarted."""
        self.present(identity)
        for connection in list(self.connections):
            with contextlib.suppress(OSError):  # one that has ended
                connection.cut()
        self.wait_until_idle()

    def wrong(self, counter):
        return sum(number for key, number in counter.items() if key not in self.right_keys)

    def right(self, counter):
        return sum(number for key, number in counter.items() if key in self.right_keys)


class Week(World):
    """`hosts`: by their first name. `broken`: which of them refuse at the moment, and with which error."""

    def __init__(self):
        super().__init__()
        os.chmod(self.folder, 0o755)
        self.clock = OwnClock(self.folder)
        self.daemon.more_environment.update(self.clock.environment)
        self.daemon.restart()
        self.begin = self.clock.now()
        self.hosts, self.broken = {}, {}
        self.passed = self.refused = 0

    # The machine

    def tell(self, text):
        hours, rest = divmod(int((self.clock.now() - self.begin).total_seconds()) % DAY_S, 3600)
        print(f'#   {8 + hours:02}:{rest // 60:02} {text}', flush=True)

    def wait(self, hours):
        self.clock.set(self.clock.distance + hours * HOUR)

    def certificate(self, name, days=90, authority=None, **more):
        """A certificate that begins now, by this clock."""
        now = self.clock.now()
        return (authority or self.authority).issue(name, start=now - HOUR, end=now + days * pki.DAY, **more)

    def host(self, name, **more):
        full = f'{name}.localhost'
        self.hosts[name] = self.track(Host(self.folder, full, self.certificate(full, **more)))
        return self.hosts[name]

    def certpinctl(self, *words, uid=ALICE, code=OK):
        return exits(self, code, *words, uid=uid, more_environment=self.clock.environment)

    def pins_of(self, uid):
        """Returns: the keys of each host that the user has pinned"""
        pins = json.loads(self.certpinctl('list', '--user', '--json', uid=uid))['pins']
        return {pin['host']: pin['keys'] for pin in pins}

    # What its users do

    def request(self, caller, host):
        """One request, of which it is known whether it must pass."""
        error = self.broken.get(host.name)
        if error is None:
            answer = caller.request(host.url(host.name, '/secret'))
            equal((answer.status, answer.body), (200, b'hello'), f'the answer of {host.name}')
            self.passed += 1
            return
        before = sum(host.received.values())
        caller.refuses(error, host.url(host.name, '/secret'))
        equal(sum(host.received.values()), before, f'the bytes that {host.name} has got')
        self.refused += 1

    def all_work(self):
        """Everybody asks every host, again and again; after each round, on new connections as well."""
        for number in range(ROUNDS):
            for host in self.hosts.values():
                for caller in (self.alice, self.bob):
                    self.request(caller, host)
                if number == ROUNDS // 2:
                    host.become(host.presented)

    def accepts_for_bob(self, host, *more):
        """The other user pins what there is, without a look."""
        self.certpinctl('pin', host.at, f'--key={host.presented.pin}', *more, uid=BOB)

    def impostor(self, *hosts):
        """Somebody with another key, and a certificate of a trusted authority, answers in place of these hosts."""
        kept = {host: (host.presented, self.broken.get(host.name)) for host in hosts}
        for host in hosts:
            host.become(self.certificate(host.name, authority=self.other_authority))
            self.broken[host.name] = 'PinMismatch'
        self.all_work()
        for host, (identity, error) in kept.items():
            holds(host.wrong(host.handshakes_begun) > 0, f'nobody connected to the impostor of {host.name}')
            host.become(identity)
            self.broken.pop(host.name)
            if error:
                self.broken[host.name] = error
        self.all_work()

    def last_error(self, host, code=REFUSED):
        """What certpinctl says of a request that is refused."""
        return json.loads(self.certpinctl('get', '--json', host.url(host.name), code=code))['error']


DAYS = []


def day(name):
    def register(function):
        DAYS.append((name, function))
        return function
    return register


@day('Monday: learn the keys of four hosts')
def _(week):
    shop, mail, api = week.host('shop'), week.host('mail'), week.host('api', days=5)
    issuing = pki.Authority('Corp Issuing', parent=week.authority)
    corp = week.host('corp', authority=issuing)
    week.broken = {host.name: 'NotPinned' for host in week.hosts.values()}
    week.all_work()
    week.tell('nothing is pinned, so nothing is sent')
    other = week.certificate(shop.name).pin
    week.certpinctl('pin', '--fetch', '--yes', f'--key={other}', shop.at, code=REFUSED)
    week.certpinctl('pin', '--fetch', '--yes', f'--key={shop.presented.pin}', shop.at)
    week.accepts_for_bob(shop)
    week.tell('shop: the operator read its key on the telephone; a key that was misheard was not pinned')
    for uid in (ALICE, BOB):
        week.certpinctl('pin', mail.at, put(week, 'mail.pem', mail.presented.pem), uid=uid)
    week.tell('mail: its operator sent the certificate')
    week.certpinctl('pin', '--system', '--match=path', '**.' + corp.at, f'--key={issuing.pin}', uid=0)
    week.tell('corp: whatever its authority issues, for all users')
    week.certpinctl('pin', '--system', api.at, f'--key={api.presented.pin}', uid=0)
    week.certpinctl('pin', api.at, '/nowhere.pem', code=BAD_INPUT)
    week.tell('api: for all users; a file that was not there changed nothing')
    week.broken = {}
    week.all_work()
    week.tell('everything works')
    week.wait(10)
    week.impostor(shop, mail, corp, api)
    week.tell('in the evening somebody answered in place of all four, and got nothing')


@day('Tuesday: a renewal with the same key')
def _(week):
    shop = week.hosts['shop']
    shop.become(week.certificate(shop.name, key=shop.presented.key))
    week.all_work()
    week.tell('shop has a new certificate with the old key: nobody has to do anything')
    corp = week.hosts['corp']
    issuing = corp.presented.issuers[0]
    corp.become(week.certificate(corp.name, authority=issuing))
    corp.right_keys.add(corp.presented.pin)
    week.all_work()
    week.tell('corp has a new key from the same authority: nobody has to do anything')
    week.daemon.restart()
    week.all_work()
    week.tell('the service was updated: all pins are there')


@day('Wednesday: the next key is announced')
def _(week):
    mail = week.hosts['mail']
    week.next_mail = week.certificate(mail.name)
    file = put(week, 'next.pem', week.next_mail.pem)
    week.certpinctl('rotate', mail.at, file)
    week.certpinctl('pin', '--add', mail.at, file, uid=BOB)
    week.all_work()
    week.tell('mail: the next key is accepted as well, the old one is still in use')
    week.impostor(mail)
    week.tell('mail: a third key is not')


@day('Thursday: the announced key comes into use, and the old one goes')
def _(week):
    mail = week.hosts['mail']
    week.wait(3)
    old = mail.presented
    mail.right_keys.add(week.next_mail.pin)
    mail.become(week.next_mail)
    week.all_work()
    listed = week.certpinctl('list').decode()
    holds('has used the backup key' in listed, f'the list does not warn: {listed}')
    week.tell('mail has changed its key, and no request failed; the list says that the backup is in use')
    week.wait(5)
    week.all_work()
    week.certpinctl('rotate', '--finish', '--yes', '--not-seen-since=1h', mail.at)
    week.certpinctl('pin', '--remove-key', mail.at, old.pin, uid=BOB)
    week.all_work()
    # From now on, whoever has the old key is somebody else.
    week.retired = mail.received.pop(old.pin, 0)
    mail.handshakes_begun.pop(old.pin)
    mail.right_keys.remove(old.pin)
    mail.become(old)
    week.broken[mail.name] = 'PinMismatch'
    week.all_work()
    mail.become(week.next_mail)
    del week.broken[mail.name]
    week.all_work()
    week.tell('mail: the old key was removed, and whoever still has it gets nothing')


@day('Friday: a key and an authority change without notice')
def _(week):
    shop, corp = week.hosts['shop'], week.hosts['corp']
    shop.become(week.certificate(shop.name))
    week.broken[shop.name] = 'PinMismatch'
    week.all_work()
    error = week.last_error(shop)
    equal((error['name'], error['failure']['reason'], error['failure']['offered-keys'][0]),
          ('PinMismatch', 'key-rotated', shop.presented.pin), 'what certpinctl says')
    week.tell('shop has another key, and nothing is sent: ' + error['failure']['likely-cause'])
    equal(shop.wrong(shop.received), 0, 'the bytes that the key got before anybody knew it')
    shop.right_keys.add(shop.presented.pin)  # which its operator says, on the telephone
    week.certpinctl(*shlex.split(error['accept'])[1:])
    week.accepts_for_bob(shop)
    del week.broken[shop.name]
    week.all_work()
    week.tell('shop: the operator confirmed it; the command that certpinctl showed accepted it')
    week.wait(4)
    other = pki.Authority('Another Issuing', parent=week.other_authority)
    corp.become(week.certificate(corp.name, authority=other))
    week.broken[corp.name] = 'PinMismatch'
    week.all_work()
    week.tell('corp has a certificate from another authority, and nothing is sent')
    corp.right_keys.add(corp.presented.pin)
    pattern = '**.' + corp.at
    week.certpinctl('pause', '--system', '--for=1h', '--reason=payroll is due today', pattern, uid=0)
    del week.broken[corp.name]
    week.all_work()
    week.tell('corp: payroll could not wait; its pin only reports for an hour')
    week.wait(2)
    week.broken[corp.name] = 'PinMismatch'
    week.all_work()
    week.tell('corp: the hour is over, and nothing is sent again')
    week.certpinctl('pin', '--system', '--add', pattern, other.pin, uid=0)
    del week.broken[corp.name]
    week.all_work()
    pin = json.loads(week.certpinctl('show', '--json', corp.at))['pins'][0]
    week.certpinctl('pin', '--system', '--remove-key', pattern, pin['keys'][0], uid=0)
    week.all_work()
    week.tell('corp: the contract was found, its authority pinned, and the earlier one removed')


@day('Saturday: a certificate and a pin expire')
def _(week):
    api, mail = week.hosts['api'], week.hosts['mail']
    holds(api.presented.certificate.not_valid_after < week.clock.now(), 'the certificate of api is still valid')
    week.wait(4)
    week.broken[api.name] = 'Untrusted'
    week.all_work()
    equal(week.last_error(api, UNTRUSTED)['failure']['reason'], 'expired', 'the reason')
    week.tell('api: nobody renewed its certificate; the right key does not help it')
    api.become(week.certificate(api.name, key=api.presented.key))
    del week.broken[api.name]
    week.all_work()
    week.tell('api: renewed with the same key')
    end = week.clock.now() + HOUR
    week.certpinctl('pin', '--system', '--yes', mail.at, f'--key={mail.presented.pin}',
                    f'--expires={end:%Y-%m-%dT%H:%M:%SZ}', uid=0)
    week.all_work()
    week.wait(2)
    week.broken[mail.name] = 'PinExpired'
    week.all_work()
    week.certpinctl('unpin', '--system', mail.at, uid=0)
    del week.broken[mail.name]
    week.all_work()
    week.tell('mail: a pin for an hour ended, and then nothing was sent until somebody looked')


@day('Saturday night: pins are exported and imported')
def _(week):
    week.wait(15)
    shop, mail = week.hosts['shop'], week.hosts['mail']
    exported = week.certpinctl('export')
    pins = week.pins_of(ALICE)
    for host in pins:
        week.certpinctl('unpin', host)
    # Another user's pins of the same hosts stay.
    for caller, error in ((week.alice, 'NotPinned'), (week.bob, None)):
        week.broken = {shop.name: error} if error else {}
        week.request(caller, shop)
    week.broken = {}
    week.certpinctl('import', '--dry-run', put(week, 'exported.pin', exported))
    equal(week.pins_of(ALICE), {}, 'the pins after --dry-run')
    week.certpinctl('import', put(week, 'exported.pin', exported))
    equal(week.pins_of(ALICE), pins, 'the pins')
    equal(mail.at in pins, True, 'whether mail was among them')
    week.all_work()
    week.tell('pins were exported, removed and imported, and are as before')


@day('Sunday: the machine crashes, and somebody tries everything at once')
def _(week):
    week.wait(1)
    before = week.pins_of(BOB), week.pins_of(ALICE)
    week.daemon.kill()
    week.daemon.start()
    equal((week.pins_of(BOB), week.pins_of(ALICE)), before, 'the pins')
    week.all_work()
    week.tell('after a crash all pins are as before')
    week.impostor(*week.hosts.values())
    week.tell('all impostors got nothing')
    equal(ctl(week, 'doctor', more_environment=week.clock.environment)[0], OK, 'what doctor says')
    shop = week.hosts['shop']
    week.certpinctl('block', shop.at, 'closed for good')
    week.certpinctl('block', shop.at, 'closed for good', uid=BOB)
    week.broken[shop.name] = 'Blocked'
    week.all_work()
    equal(ctl(week, 'doctor', more_environment=week.clock.environment)[0], FAILED, 'what doctor says')
    week.tell('shop has closed, and is blocked')


@test('a week: nothing is refused that should pass, and no byte goes to a wrong key')
def _(week):
    for name, function in DAYS:
        print(f'# {name}', flush=True)
        week.clock.set(WEEKDAYS.index(name.split(':')[0].split()[0]) * pki.DAY)
        function(week)
    hosts = week.hosts.values()
    right = sum(host.right(host.received) for host in hosts) + week.retired
    wrong = sum(host.wrong(host.received) for host in hosts)
    attempts = sum(host.wrong(host.handshakes_begun) for host in hosts)
    print(f'# {week.passed} requests that should pass did, and {week.refused} that should be refused were;')
    print(f'# {right} bytes went to right keys, and {wrong} to wrong ones, which began {attempts} handshakes', flush=True)
    equal(wrong, 0, 'the number of bytes that wrong keys got')
    holds(min(week.passed, week.refused, attempts) > 50, 'this was no week')


run(Week)
