#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl rotate: the next key is added, the server begins to use it, the old key is removed; and what `show` and
`list` say of what was seen."""

import datetime
import json
import re
import time

from lib import http
from lib.certpinctl import FAILED, NOT_AUTHORIZED, NOT_PINNED, OK, USAGE, ctl, exits, put
from lib.tap import equal, holds, run, test
from lib.terminal import dialog
from lib.world import HOST, World

DAY = datetime.timedelta(days=1)


def text(world, *arguments, **keywords):
    return exits(world, OK, *arguments, **keywords).decode()


def document(world, *arguments, **keywords):
    return json.loads(exits(world, OK, *arguments, '--json', **keywords))


def fails(world, code, part, *arguments, **keywords):
    actual, output, errors = ctl(world, *arguments, **keywords)
    equal((actual, output), (code, b''), f'what came of {arguments}, which said “{errors}”,')
    holds(part in errors, f'{arguments} said “{errors}”, not “{part}”')


def keys_of(world):
    return world.alice.get_pin(HOST)['keys']


def serve_in_turn(world, first):
    """A server with one connection for each request."""
    server = world.serve(first)
    server.respond = lambda connection, request: http.reply(200, b'hello', close=True)
    return server


def state_of(shown, key):
    """Returns: what stands below a key"""
    lines = shown.split('\n')
    return lines[lines.index(key) + 1].strip()


def when(unix_s):
    return datetime.datetime.utcfromtimestamp(unix_s).isoformat() + 'Z'


def rotate_to_the_next_key(world):
    """A server that was seen with one key, and later with the next. Returns: both identities, the server, and a time
    between"""
    old, new = world.issue(), world.issue()
    world.alice.pin(HOST, old.der)
    server = serve_in_turn(world, old)
    world.arrives(server)
    exits(world, OK, 'rotate', HOST, put(world, 'next.pem', new.pem))
    world.wait_for_time(datetime.datetime.utcnow())
    between = int(time.time())
    server.present(new)
    world.arrives(server)
    return old, new, server, between


@test('a whole rotation: add the next key, see it used, remove the old one')
def _(world):
    old, new, server, _ = rotate_to_the_next_key(world)
    equal(keys_of(world), [old.pin, new.pin], 'the keys')
    shown = text(world, 'rotate', HOST)
    holds(state_of(shown, old.pin).startswith('not in use, last seen 20'), shown)
    holds(state_of(shown, new.pin).startswith('in use since 20'), shown)
    command = re.search(f'certpinctl (rotate --finish --not-seen-since=.* {HOST})\n', shown)[1]
    holds('has used the backup key' in text(world, 'list'), 'the list does not warn')
    holds('has used the backup key' in ctl(world, 'get', server.url(HOST))[2], 'a request does not warn')
    shown = text(world, *command.split(), '--yes')
    holds(f'Removed {old.pin}' in shown and 'No key waits' in shown, shown)
    equal(keys_of(world), [new.pin], 'the keys')
    world.arrives(server)
    world.nothing_arrives(serve_in_turn(world, old), 'PinMismatch')


@test('the next key may be a file, a key, or --key; until the server uses it, it waits')
def _(world):
    old, *others = [world.issue() for _ in range(4)]
    world.alice.pin(HOST, old.der)
    holds('No key has been seen' in text(world, 'rotate', HOST), 'the state of a new pin')
    world.alice.pin_keys('other.localhost', world.issue().pin, mode='report')
    world.arrives(world.serve(world.issue('other.localhost')), host='other.localhost')
    holds('was seen with another key: certpinctl show other.localhost' in text(world, 'rotate', 'other.localhost'), 'another key')
    world.arrives(world.serve(old))
    holds('No key waits' in text(world, 'rotate', HOST), 'the state of a pin with one key')
    exits(world, OK, 'rotate', HOST, put(world, 'next.der', others[0].der))
    exits(world, OK, 'rotate', HOST, others[1].pin)
    shown = text(world, 'rotate', HOST, '--key', others[2].pin)
    equal(keys_of(world), [identity.pin for identity in (old, *others)], 'the keys')
    holds(state_of(shown, old.pin).startswith('in use since'), shown)
    for other in others:
        equal(state_of(shown, other.pin), 'waits, never seen at the server', 'the state')
    holds('does not use another key yet' in shown, shown)


@test('--finish never removes what waits, what is in use, or anything if no key is known to be in use')
def _(world):
    old, new, waits = world.issue(), world.issue(), world.issue()
    world.alice.pin(HOST, old.der, backup_certificates=[new.der, waits.der])
    fails(world, FAILED, 'no key of this pin has been seen', 'rotate', '--finish', '--yes', HOST)
    server = serve_in_turn(world, new)
    world.arrives(server)
    code, _, errors = ctl(world, 'rotate', '--finish', '--yes', HOST)
    equal((code, 'there is no key to remove' in errors), (OK, True), 'what comes of it where all others wait')
    equal(keys_of(world), [old.pin, new.pin, waits.pin], 'the keys')
    later = int(time.time()) + 1000
    fails(world, FAILED, 'no key of this pin has been seen', 'rotate', '--finish', '--yes', HOST,
          f'--not-seen-since={later}')
    equal(document(world, 'rotate', '--finish', '--yes', HOST)['removed'], [], 'what JSON says was removed')
    equal(len(keys_of(world)), 3, 'the number of keys')


@test('--finish shows what it would do, asks on a terminal, and needs --yes elsewhere')
def _(world):
    old, new, _, between = rotate_to_the_next_key(world)
    since = f'--not-seen-since={between}'
    shown = text(world, 'rotate', '--finish', '--dry-run', since, HOST)
    holds('Nothing was changed' in shown and 'Would replace your pin' in shown, shown)
    dry = document(world, 'rotate', '--finish', '-n', since, HOST)['dry-run']
    equal((dry['pin']['keys'], dry['replaced']['keys']), ([new.pin], [old.pin, new.pin]), 'the dry run')
    fails(world, FAILED, 'add --yes', 'rotate', '--finish', since, HOST)
    code, shown = dialog(world, 'rotate', '--finish', since, HOST, answers=['n'])
    equal((code, f'{old.pin} is not used any more' in shown), (FAILED, True), 'what comes of no')
    equal(keys_of(world), [old.pin, new.pin], 'the keys')
    code, shown = dialog(world, 'rotate', '--finish', since, HOST, answers=['yes'])
    equal((code, keys_of(world)), (OK, [new.pin]), 'what comes of yes')


@test('without a date, keys that were seen in the last 30 days stay; wrong dates and combinations are refused')
def _(world):
    old, new, _, _ = rotate_to_the_next_key(world)
    equal(document(world, 'rotate', '--finish', '--yes', HOST)['removed'], [], 'what is removed without a date')
    last = world.alice.get_pin(HOST)['seen'][old.pin][1]
    code, shown, errors = ctl(world, 'rotate', '--finish', '--yes', HOST)
    equal((code, errors), (OK, f'certpinctl: nothing was removed: an old key was seen at the server at {when(last)}\n'),
          'what comes of it')
    holds(f'An old key was last seen at {when(last)}.\n'
          f'Without --not-seen-since, --finish removes it after 30 days: at {when(last + 30 * 86400)}.\n'
          in shown.decode(), shown)
    equal(keys_of(world), [old.pin, new.pin], 'the keys')
    for arguments in (['--finish', '--not-seen-since=soon'], ['--finish', '--not-seen-since=5x'],
                      ['--finish', new.pin], ['--not-seen-since=1d'], ['--dry-run'], ['--finish', '--key', new.pin]):
        fails(world, USAGE, '', 'rotate', HOST, *arguments)
    fails(world, USAGE, 'is not a time', 'list', '--ending=next week')
    fails(world, NOT_PINNED, 'you have no pin', 'rotate', 'other.example')
    fails(world, NOT_PINNED, 'nothing is pinned', 'rotate', 'other.example', new.pin)


@test('the system’s pin is rotated by those who may')
def _(world):
    old, new = world.issue(), world.issue()
    world.root.pin(HOST, old.der, scope='system')
    fails(world, NOT_AUTHORIZED, '', 'rotate', '--system', HOST, new.pin)
    exits(world, OK, 'rotate', '--system', HOST, new.pin, uid=0)
    equal(world.root.get_pin(HOST)['keys'], [old.pin, new.pin], 'the keys')
    holds('certpinctl rotate --system' not in text(world, 'rotate', '--system', HOST), 'it is not finished yet')


@test('show, list and JSON say what was seen and what warns')
def _(world):
    identity, backup = world.issue(end=datetime.datetime.utcnow() + 10 * DAY), world.issue()
    world.alice.pin(HOST, identity.der, backup_certificates=[backup.der])
    holds('never seen' not in text(world, 'show', HOST), 'a new pin says more than its keys')
    world.arrives(world.serve(identity))
    today = datetime.datetime.utcnow().strftime('%Y-%m-%d')
    end = identity.certificate.not_valid_after.strftime('%Y-%m-%d')
    shown = text(world, 'show', HOST)
    lines = [line.split(maxsplit=1)[-1] for line in shown.split('\n') if line]
    for key, seen in ((identity.pin, f'seen {today}'), (backup.pin, 'seen')):
        holds(lines[lines.index(key) + 1].startswith(seen), f'what is below {key} in {shown}')
    for part in ('never seen', f'served      CN={HOST}\n', 'issued by CN=Test Root', f'ends {end}', '(days left: '):
        holds(part in shown, f'“{part}” is missing in {shown}')
    listed = text(world, 'list')
    holds(f'(last seen {today}, certificate ends {end})' in listed, listed)
    holds(f'\n\n  warning: {HOST} (user): the certificate of' in listed, listed)
    pin = document(world, 'list')['pins'][0]
    equal((list(pin['seen']), pin['served']['subject']), ([identity.pin], f'CN={HOST}'), 'JSON')
    equal(pin['seen'][identity.pin], [pin['last-seen'], pin['last-seen']], 'the times in JSON')


@test('list --ending has the pins and certificates that end by then, and says if there are none')
def _(world):
    soon, later = world.issue(end=datetime.datetime.utcnow() + 10 * DAY), world.issue()
    world.alice.pin(HOST, soon.der)
    world.alice.pin('later.example', later.der)
    world.alice.pin('expires.example', later.der, expires=int(time.time()) + 5 * 86400)

    def hosts(*arguments):
        return [pin['host'] for pin in document(world, 'list', *arguments)['pins']]

    equal(hosts(), ['expires.example', HOST, 'later.example'], 'all')
    equal(hosts('--ending=30d'), ['expires.example', HOST], 'within 30 days')
    equal(hosts('--ending=144h'), ['expires.example'], 'within 6 days')
    code, output, errors = ctl(world, 'list', '--ending', '1d')
    equal((code, output), (OK, b''), 'what comes of none')
    holds('ends within 1d' in errors, errors)
    # The renewed certificate counts, not that of the pin.
    world.arrives(world.serve(world.issue(key=soon.key)))
    equal(hosts('--ending=30d'), ['expires.example'], 'within 30 days, when it is renewed')


if __name__ == '__main__':
    run(World)
