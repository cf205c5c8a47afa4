#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""When keys were last seen at servers: what a pin says of that, to whom, and what warns; over restarts and broken
files; and that no request depends on it."""

import datetime
import os
import time

from lib import http
from lib.caller import REQUESTS
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

DAY = datetime.timedelta(days=1)
NO_BACKUP = 'the pin has no backup key'


def in_days(days):
    return datetime.datetime.utcnow().replace(microsecond=0) + days * DAY


def unix(moment):
    return int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())


def close_after_each(server):
    server.respond = lambda connection, request: http.reply(200, b'hello', close=True)
    return server


def file_of(world, folder=f'users/{ALICE}'):
    return os.path.join(world.daemon.state_dir, folder, 'sightings')


def warnings_with(pin, text):
    return [warning for warning in pin.get('warnings', []) if text in warning]


def pin_two(world, **keywords):
    """Returns: the identities of a host that may have either key"""
    first, second = world.issue(**keywords), world.issue(**keywords)
    world.alice.pin(HOST, first.der, backup_certificates=[second.der])
    return first, second


@test('a pin says which key was seen, first and last, and with which certificate')
def _(world):
    first, second = pin_two(world, end=in_days(60))
    server = close_after_each(world.serve(first))
    pin = world.alice.get_pin(HOST)
    equal([name for name in ('seen', 'last-seen', 'served') if name in pin], [], 'what is known of a new pin')
    before = int(time.time())
    world.arrives(server)
    pin, after = world.alice.get_pin(HOST), int(time.time())
    equal(list(pin['seen']), [first.pin], 'the keys that were seen')
    holds(before <= pin['seen'][first.pin][0] <= after, f'it was first seen {pin["seen"]}')
    equal(pin['last-seen'], pin['seen'][first.pin][1], 'when it was last seen')
    equal((pin['served']['subject'], pin['served']['issuer'], pin['served']['not-after']),
          (f'CN={HOST}', 'CN=Test Root', unix(in_days(60))), 'the certificate')
    equal(world.alice.list_pins()[0]['seen'], pin['seen'], 'what a list says')
    holds(second.pin in pin['keys'], 'the backup is gone')


@test('a certificate that is renewed with the same key updates the date that people see')
def _(world):
    old = world.issue(end=in_days(10))
    world.alice.pin(HOST, old.der)
    holds(warnings_with(world.alice.get_pin(HOST), 'expires soon'), 'no warning of the pinned certificate')
    server = close_after_each(world.serve(old))
    world.arrives(server)
    pin = world.alice.get_pin(HOST)
    equal((len(warnings_with(pin, 'ends on')), warnings_with(pin, 'expires soon')), (1, []), 'the warnings of it')
    server.present(world.issue(key=old.key, end=in_days(80)))
    world.arrives(server)
    pin = world.alice.get_pin(HOST)
    equal(pin['served']['not-after'], unix(in_days(80)), 'the end of the served certificate')
    equal(pin['warnings'], [warning for warning in pin['warnings'] if NO_BACKUP in warning], 'the warnings')


@test('a server that begins to use the backup is told of once: by a signal, in the journal, and in replies')
def _(world):
    first, second = pin_two(world)
    world.alice.be_told()
    server = close_after_each(world.serve(first))
    holds('warnings' not in world.arrives(server).info, 'a request with the first key has warnings')
    host, details = world.alice.wait_for_signal('KeySeen')
    equal((host, details['scope'], details['key'], details['position'], details['keys']),
          (HOST, 'user', first.pin, 0, 2), 'the signal of the first key')
    server.present(second)
    answer = world.arrives(server)
    holds('has used the backup key' in answer.info['warnings'][0], f'the evidence: {answer.info["warnings"]}')
    host, details = world.alice.wait_for_signal_where('KeySeen', lambda _, details: details['position'] == 1)
    equal((host, details['key']), (HOST, second.pin), 'the signal of the backup')
    holds(warnings_with(world.alice.get_pin(HOST), second.pin), 'no warning of the backup')
    for _ in range(3):
        world.arrives(server)
    equal(world.daemon.log().count('for the first time'), 2, 'the lines of the journal')
    world.alice.remove_keys(HOST, first.pin)
    holds('warnings' not in world.arrives(server).info, 'a request has warnings when only the new key is left')
    equal(world.alice.get_pin(HOST)['seen'].keys(), {second.pin}, 'the keys that were seen')


@test('a kept connection warns, too, and learns at once that the pin has changed')
def _(world):
    first, second = pin_two(world)
    server = world.serve(second)
    for _ in range(2):
        answer = world.arrives(server)
        equal(len(answer.info['warnings']), 1, 'the warnings')
    holds(answer.info['connection-reused'], 'the connection was not kept')
    world.alice.pin(HOST, second.der)
    answer = world.arrives(server)
    holds(answer.info['connection-reused'], 'the connection was not kept')
    holds('warnings' not in answer.info, f'it still warns: {answer.info}')


@test('a certificate that ends soon warns in replies; the journal has one line of a pin')
def _(world):
    identity = world.issue(end=in_days(20))
    world.alice.pin(HOST, identity.der)
    server = close_after_each(world.serve(identity))
    for _ in range(5):
        answer = world.arrives(server)
        equal([warning for warning in answer.info['warnings'] if 'ends on' not in warning], [], 'other warnings')
    equal(world.daemon.log().count(f'the pin of uid {ALICE} for {HOST}: the certificate of'), 1, 'lines of the journal')
    server.present(world.issue(key=identity.key, end=in_days(22)))
    holds('warnings' not in world.arrives(server).info, 'a certificate for 22 days warns')


@test('a tunnel counts as well; FetchChain, VerifyChain and what is refused do not')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    server, impostor = world.serve(identity), world.serve(world.impostor())
    world.nothing_arrives(impostor, 'PinMismatch')
    world.alice.fetch_chain(f'{HOST}:{server.port}')
    holds('seen' not in world.alice.get_pin(HOST), 'a look counts')
    world.alice.connect(HOST, server.port).close()
    equal(list(world.alice.get_pin(HOST)['seen']), [identity.pin], 'the keys that were seen by a tunnel')


@test('a pin for the path sees the keys on it; a pin that only reports sees the server')
def _(world):
    world.alice.pin(HOST, world.authority.der, match='path')
    world.root.pin(HOST, world.issue().der, scope='system', mode='report')
    server = world.serve()
    world.arrives(server)
    equal(list(world.alice.get_pin(HOST)['seen']), [world.authority.pin], 'the keys of the path')
    pin = world.alice.get_pin(HOST, scope='system')
    equal(('seen' in pin, pin['served']['subject']), (False, f'CN={HOST}'), 'what the other pin knows')


@test('another user learns nothing of mine; of the system’s pins, everybody learns')
def _(world):
    identity = world.issue()
    for caller in (world.alice, world.bob):
        caller.pin(HOST, identity.der)
        caller.be_told()
    world.root.pin(HOST, identity.der, scope='system')
    server = world.serve(identity)
    world.arrives(server)
    for caller, uid in ((world.alice, ALICE), (world.bob, BOB)):
        _, details = caller.wait_for_signal_where('KeySeen', lambda _, details: details['scope'] == 'system')
        equal(details['key'], identity.pin, 'the key of the system’s pin')
        equal('seen' in caller.get_pin(HOST, scope='user'), uid == ALICE, f'what uid {uid} sees of its pin')
        holds('seen' in caller.get_pin(HOST, scope='system'), 'the system’s pin does not say it')
    # What the service sends to one receiver arrives in order: a change of Bob's after that is behind it.
    world.bob.pin(HOST, identity.der, note='later')
    world.bob.wait_for_signal_where('PinChanged', lambda _, details: details['scope'] == 'user')
    told = [arguments for name, arguments in world.bob.signals if name == 'KeySeen' and arguments[1]['scope'] == 'user']
    equal(told, [], 'what Bob was told of Alice’s pins')


@test('an orderly end and a restart keep it, in every layer; kill -9 loses only what is new')
def _(world):
    identity, other = world.issue(), world.issue()
    world.alice.pin(HOST, identity.der, backup_certificates=[other.der])
    world.root.pin(HOST, identity.der, scope='system', backup_certificates=[other.der])
    server = close_after_each(world.serve(identity))
    world.arrives(server)
    before = {scope: world.alice.get_pin(HOST, scope=scope)['seen'] for scope in ('user', 'system')}
    world.daemon.restart()
    for scope, seen in before.items():
        equal(world.alice.get_pin(HOST, scope=scope)['seen'], seen, f'what was seen of the {scope} pin')
    equal(world.daemon.log().count('for the first time'), 2, 'lines of the journal')
    server.present(other)
    world.arrives(server)
    world.daemon.kill()
    world.daemon.start()
    equal(world.alice.get_pin(HOST)['seen'], before['user'], 'what was seen, after kill -9')
    world.arrives(server)
    equal(world.alice.get_pin(HOST)['seen'].keys(), {identity.pin, other.pin}, 'what was seen in the end')


def check_passes_and_refuses(world, identity, known):
    holds(('seen' in world.alice.get_pin(HOST)) == known, 'what is known of the pin')
    world.nothing_arrives(world.serve(world.impostor()), 'PinMismatch')
    world.arrives(world.serve(identity))


@test('a file that is deleted, garbage or unreadable changes no verdict, and is told once')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    world.arrives(world.serve(identity))
    world.daemon.terminate()
    with open(file_of(world), 'rb') as file:
        good = file.read()
    for content in (None, b'', os.urandom(1000), good[:-5], good + b'x', good.replace(b'sha256/', b'sha999/')):
        if content is None:
            os.remove(file_of(world))
        else:
            with open(file_of(world), 'wb') as file:
                file.write(content)
        said = world.daemon.log().count('no request depends on this')
        world.daemon.start()
        check_passes_and_refuses(world, identity, known=False)
        equal(world.daemon.log().count('no request depends on this') - said, content is not None, 'lines of the journal')
        world.daemon.terminate()
    world.daemon.start()
    check_passes_and_refuses(world, identity, known=True)


@test('a file that is a folder, a link or a pipe neither stops the service nor is followed')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    for make in (os.mkdir, os.mkfifo, lambda path: os.symlink('/etc/passwd', path)):
        world.daemon.terminate()
        if os.path.lexists(file_of(world)):
            os.remove(file_of(world)) if not os.path.isdir(file_of(world)) else os.rmdir(file_of(world))
        make(file_of(world))
        world.daemon.start()
        check_passes_and_refuses(world, identity, known=False)
    code, seconds = world.daemon.terminate()
    holds(code == 0 and seconds < 2, f'the service ended with {code} after {seconds} s')
    with open('/etc/passwd', 'rb') as file:
        holds(b'certpin sightings' not in file.read(), 'a link was followed')


@test('nothing is written while requests are made; what is removed is forgotten')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    server = world.serve(identity)
    for _ in range(100):
        world.alice.begin(REQUESTS, 'SecureRequest', '(ssa(ss)aya{sv})', 'GET', server.url(HOST), [], b'', {}).wait()
    holds(not os.path.exists(file_of(world)), 'it was written before an hour was over')
    world.daemon.restart()
    holds(os.path.exists(file_of(world)), 'it was not written at the end')
    equal(os.stat(file_of(world)).st_mode & 0o777, 0o600, 'the mode of the file')
    equal(sorted(os.listdir(os.path.dirname(file_of(world)))), sorted(['sightings', f'{HOST}.pin']), 'the folder')
    world.alice.unpin(HOST)
    world.alice.pin(HOST, identity.der)
    holds('seen' not in world.alice.get_pin(HOST), 'a pin that was removed is remembered')


if __name__ == '__main__':
    run(World)
