#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""AddKeys and RemoveKeys: the keys of a pin change one by one, the rest of it stays, and what is under way goes on only
with a key that is left."""

import datetime
import os
import time

from lib.caller import PINS
from lib.server import BEGUN, begin_and_wait, echo
from lib.tap import equal, holds, run, test
from lib.world import HOST, World


def pin_two(world):
    """Returns: the identities of a host that may have either key"""
    first, second = world.issue(), world.issue()
    world.alice.pin(HOST, first.der, backup_certificates=[second.der])
    return first, second


@test('a key that is added passes from the reply on; the others still do, and the rest of the pin stays')
def _(world):
    old, new = world.issue(), world.issue()
    expires = int(time.time()) + 100000
    before = world.alice.pin(HOST, old.der, note='why', expires=expires, mode='enforce', match='leaf',
                             trust_anchors=[world.authority.der])
    server = world.serve(new)
    world.nothing_arrives(server, 'PinMismatch')
    after = world.alice.add_keys(HOST, new.pin)
    equal(after['keys'], [old.pin, new.pin], 'the keys')
    world.arrives(server)
    world.arrives(world.serve(old))
    for changing in ('keys', 'generation', 'created', 'created-by', 'source', 'warnings', 'seen', 'last-seen', 'served'):
        before.pop(changing, None), after.pop(changing, None)
    equal(after, before, 'the rest of the pin')


@test('a key that is there already, in any spelling, changes nothing')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    bare = identity.pin.removeprefix('sha256/')
    equal(world.alice.add_keys(HOST, bare, identity.pin, f'sha256//{bare}')['keys'], [identity.pin], 'the keys')
    world.arrives(world.serve(identity))


@test('a key that is removed no longer passes, and what is left does')
def _(world):
    first, second = pin_two(world)
    server = world.serve(first)
    world.arrives(server)
    after = world.alice.remove_keys(HOST, first.pin)
    equal(after['keys'], [second.pin], 'the keys')
    equal([name for name in ('subject', 'issuer', 'not-after') if name in after], [],
          'what it says of the certificate whose key is gone')
    world.nothing_arrives(server, 'PinMismatch')
    world.arrives(world.serve(second))


@test('the last key cannot be removed, nor a key that is not there; then nothing is removed')
def _(world):
    first, second = pin_two(world)
    error = world.alice.refused('InvalidArgument', world.alice.remove_keys, HOST, first.pin, second.pin)
    holds('unpin' in error.message, f'the message does not name the remedy: {error.message}')
    stranger = world.issue().pin
    error = world.alice.refused('InvalidArgument', world.alice.remove_keys, HOST, first.pin, stranger)
    holds(stranger in error.message, f'the message does not name the key: {error.message}')
    equal(world.alice.get_pin(HOST)['keys'], [first.pin, second.pin], 'the keys')
    world.arrives(world.serve(first))


@test('keys that are none, no keys, too many, options that are unknown, hosts that are none')
def _(world):
    first, _ = pin_two(world)
    for change in (world.alice.add_keys, world.alice.remove_keys):
        world.alice.refused('InvalidKey', change, HOST, first.pin, 'sha256/short')
        world.alice.refused('InvalidArgument', change, HOST)
        world.alice.refused('InvalidArgument', change, HOST, *[first.pin] * 65)
        world.alice.refused('InvalidArgument', change, HOST, first.pin, note='x')
        world.alice.refused('InvalidArgument', change, HOST, first.pin, scope='app')
        world.alice.refused('InvalidHost', change, 'a..b', first.pin)
    equal(len(world.alice.get_pin(HOST)['keys']), 2, 'the number of keys')


@test('a pin may have 64 keys, and no more')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    more = [f'{number:064x}' for number in range(2, 65)]
    equal(len(world.alice.add_keys(HOST, *more)['keys']), 64, 'the number of keys')
    world.alice.refused('LimitExceeded', world.alice.add_keys, HOST, f'{99:064x}')
    world.arrives(world.serve(identity))


@test('a host without a pin of exactly this pattern, a blocked one, one whose pin has expired')
def _(world):
    identity = world.issue()
    key = identity.pin
    world.alice.pin(f'**.{HOST}', identity.der)
    world.root.pin(HOST, identity.der, scope='system')
    for change in (world.alice.add_keys, world.alice.remove_keys):
        world.alice.refused('NotPinned', change, HOST, key)
    world.alice.block(HOST, 'why')
    for change in (world.alice.add_keys, world.alice.remove_keys):
        world.alice.refused('Blocked', change, HOST, key)
    equal(world.alice.get_pin(HOST)['reason'], 'why', 'the reason of the block')
    expires = int(time.time()) + 2
    world.alice.pin_keys(HOST, key, expires=expires)
    world.wait_for_time(datetime.datetime.utcfromtimestamp(expires))
    for change in (world.alice.add_keys, world.alice.remove_keys):
        world.alice.refused('PinExpired', change, HOST, key)


@test('a pin of a file is changed in the file, which is named')
def _(world):
    key = world.issue().pin
    path = os.path.join(world.daemon.pins_dir, 'a.pin')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'[Pin File]\nVersion=1\n\n[one]\nHost={HOST}\nKeys={key};\n')
    world.root.call(PINS, 'Reload', '')
    for change in (world.root.add_keys, world.root.remove_keys):
        error = world.root.refused('InvalidArgument', change, HOST, key, scope='system')
        holds(path in error.message, f'the message does not name the file: {error.message}')
    world.alice.refused('NotPinned', world.alice.add_keys, HOST, key)


@test('only those who may pin may change keys, and only their own')
def _(world):
    first, second = pin_two(world)
    world.root.pin(HOST, first.der, scope='system', backup_certificates=[second.der])
    for change in (world.alice.add_keys, world.alice.remove_keys):
        world.alice.refused('NotAuthorized', change, HOST, first.pin, scope='system')
    world.bob.refused('NotPinned', world.bob.remove_keys, HOST, first.pin)
    world.root.remove_keys(HOST, first.pin, scope='system')
    equal(world.alice.get_pin(HOST)['keys'], [first.pin, second.pin], 'the keys of the user')
    world.nothing_arrives(world.serve(first), 'PinMismatch')
    world.arrives(world.serve(second))


@test('keys survive a restart and kill -9')
def _(world):
    first, second = world.issue(), world.issue()
    world.alice.pin(HOST, first.der, note='why')
    world.alice.add_keys(HOST, second.pin)
    world.daemon.kill()
    world.daemon.start()
    equal(world.alice.get_pin(HOST)['keys'], [first.pin, second.pin], 'the keys after kill -9')
    world.alice.remove_keys(HOST, first.pin)
    world.daemon.restart()
    pin = world.alice.get_pin(HOST)
    equal((pin['keys'], pin['note']), ([second.pin], 'why'), 'the keys after a restart')
    world.nothing_arrives(world.serve(first), 'PinMismatch')


@test('subscribers and the journal are told')
def _(world):
    first, second = pin_two(world)
    world.alice.be_told()
    world.alice.remove_keys(HOST, second.pin)
    host, details = world.alice.wait_for_signal('PinChanged')
    equal((host, details['scope'], details['state']), (HOST, 'user', 'active'), 'the signal')
    equal(world.daemon.log().count(f'pinned {HOST} in the user scope'), 2, 'lines of the journal')
    pin = world.alice.get_pin(HOST)
    holds(f'uid {world.alice.uid}' in pin['created-by'], f'created-by: {pin["created-by"]}')


@test('programs that change the keys of one pin at the same time lose none')
def _(world):
    first, second = pin_two(world)
    programs = [world.alice, world.new_caller(world.alice.uid)]
    more = [f'{number:064x}' for number in range(2, 42)]
    pending = [programs[index % 2].begin_keys('AddKeys', HOST, key) for index, key in enumerate(more)]
    pending.append(programs[0].begin_keys('RemoveKeys', HOST, second.pin))
    for one in pending:
        one.wait()
    keys = world.alice.get_pin(HOST)['keys']
    equal((len(keys), keys[0]), (41, first.pin), 'the number of keys, and the first')


@test('a stream and a tunnel to a server whose key is removed are cut before the reply')
def _(world):
    first, second = pin_two(world)
    server, other = world.serve(first), world.serve(first)
    server.respond, other.speak = begin_and_wait, echo
    stream = world.alice.stream(server.url(HOST))
    data = b''
    while len(data) < len(BEGUN):
        data += stream.read()
    tunnel = world.alice.connect(HOST, other.port)
    tunnel.send(b'ping')
    equal(tunnel.read(4), b'ping', 'what came back')
    request = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(2)
    world.alice.remove_keys(HOST, first.pin)
    world.alice.refused('PinChanged', request.wait)
    equal(stream.read_all()[1], False, 'whether the stream ended in order')
    world.alice.refused('PinChanged', stream.finish)
    try:
        holds(tunnel.read_all() is None, 'the tunnel ended in order')
    except ConnectionResetError:
        pass
    world.alice.refused('PinChanged', tunnel.finish)
    server.wait_until_idle()
    other.wait_until_idle()
    world.nothing_arrives(server, 'PinMismatch')


@test('keys that are added, and others that are removed, disturb nothing: the same connections go on')
def _(world):
    first, second = pin_two(world)
    server, other = world.serve(first), world.serve(first)
    server.respond, other.speak = begin_and_wait, echo
    stream = world.alice.stream(server.url(HOST))
    tunnel = world.alice.connect(HOST, other.port)
    world.alice.add_keys(HOST, world.issue().pin)
    world.alice.remove_keys(HOST, second.pin)
    tunnel.send(b'ping')
    equal(tunnel.read(4), b'ping', 'what came back')
    server.connections[0].send(b'y' * 1000)
    data = b''
    while len(data) < 2 * len(BEGUN):
        data += stream.read()
    equal(data, BEGUN + b'y' * 1000, 'the body so far')
    stream.cancel()
    tunnel.close()


run(World)
