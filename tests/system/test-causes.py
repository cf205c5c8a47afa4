#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user is told of a refusal: who is probably behind it, with the keys that were offered and
those that are pinned."""

import os

from lib import pki
from lib.tap import equal, holds, run, test
from lib.world import HOST, World


def refused_because(world, server, identity, pinned, error, reason):
    """One request is refused, and its evidence is what the server really presented."""
    world.nothing_arrives(server, error)
    failure = world.alice.last_failure(f'{HOST}:{server.port}')
    equal(failure['error'], error, 'the error')
    equal(failure['reason'], reason, 'the reason')
    equal(failure['offered-keys'][0], identity.pin, 'the key that was offered')
    equal(failure['pinned-keys'], [pinned.pin], 'the pinned keys')
    return failure


def add_wrong_key_test(what, reason, make_identity, authority):
    @test(f'{what} issued another key: {reason}')
    def _(world):
        server, pinned = world.serve_pinned()
        other = make_identity(world)
        server.present(other)
        failure = refused_because(world, server, other, pinned, 'PinMismatch', reason)
        holds(authority in failure['likely-cause'], failure['likely-cause'])


add_wrong_key_test('the same authority', 'key-rotated', World.issue, 'Test Root')
add_wrong_key_test('another authority', 'wrong-key', World.impostor, 'Other Root')


@test('an authority that the administrator added vouches for it: local-authority, by name')
def _(world):
    added = os.path.join(world.folder, 'added', 'company')
    os.makedirs(added)
    with open(os.path.join(added, 'proxy.crt'), 'wb') as file:
        file.write(world.other_authority.pem)
    world.daemon.configure(f'[Tls]\nLocalTrustDirs=/nonexistent;{os.path.dirname(added)}\n')
    world.daemon.restart()
    server, pinned = world.serve_pinned()
    inspected = world.impostor()
    server.present(inspected)
    failure = refused_because(world, server, inspected, pinned, 'PinMismatch', 'local-authority')
    holds('Other Root' in failure['likely-cause'], failure['likely-cause'])
    holds('inspected' in failure['likely-cause'], failure['likely-cause'])


@test('the pinned key without its intermediate: untrusted-path')
def _(world):
    middle = pki.Authority('Middle', world.authority)
    whole = middle.issue(HOST)
    world.alice.pin(HOST, whole.der)
    server = world.serve(whole.with_chain([]))
    refused_because(world, server, whole, whole, 'Untrusted', 'untrusted-path')
    world.arrives(world.serve(whole))


@test('a stranger under its own name and key: captive-portal')
def _(world):
    server, pinned = world.serve_pinned()
    for portal in (pki.self_signed('login.wifi.example'), world.issue('login.wifi.example')):
        server.present(portal)
        failure = refused_because(world, server, portal, pinned, 'Untrusted', 'captive-portal')
        holds('login.wifi.example' in failure['likely-cause'], failure['likely-cause'])


@test('the pinned key under another name: name')
def _(world):
    server, pinned = world.serve_pinned()
    renamed = world.issue('other.example', key=pinned.key)
    server.present(renamed)
    refused_because(world, server, renamed, pinned, 'Untrusted', 'name')


@test('an expired certificate with the pinned key: expired')
def _(world):
    server, pinned = world.serve_pinned()
    expired = world.issue(HOST, key=pinned.key, end=pki.now() - pki.DAY / 2)
    server.present(expired)
    refused_because(world, server, expired, pinned, 'Untrusted', 'expired')


def replace_trusted(world, *authorities):
    """As update-ca-certificates does it."""
    path = world.daemon.trust_file
    with open(path + '.new', 'wb') as file:
        file.write(b''.join(authority.pem for authority in authorities))
    os.rename(path + '.new', path)


def serve_trusted(world):
    """A pinned server, by a trust file of the test's own, that was asked once."""
    world.daemon.trust_file = os.path.join(world.folder, 'trust.pem')
    replace_trusted(world, world.authority)
    world.daemon.restart()
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.alice.be_told()
    return server


@test('authorities that are read anew leave a good connection open')
def _(world):
    server = serve_trusted(world)
    replace_trusted(world, world.authority, world.other_authority)
    world.alice.wait_for_signal_where('PinChanged', lambda host, _: host == '')
    answer = world.arrives(server)
    equal(answer.info['connection-reused'], True, 'whether the connection is the old one')
    equal(len(server.connections), 1, 'the connections')


@test('without anybody’s asking, an authority that leaves the file is not trusted any more')
def _(world):
    server = serve_trusted(world)
    replace_trusted(world, world.other_authority)
    world.alice.wait_for_signal_where('PinChanged', lambda host, _: host == '')
    world.nothing_arrives(server, 'Untrusted')


run(World)
