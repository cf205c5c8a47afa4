#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a pin means: which servers pass, which do not, and what the answers tell of it."""

import time

from lib import pki
from lib.caller import CallError
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.variant import V
from lib.world import HOST, World


@test('pin a DER file, then request: the answer names the matched key and its path')
def _(world):
    identity = world.issue()
    pin = world.alice.pin(HOST, identity.der)
    equal(pin['keys'], [identity.pin], 'the pin’s keys')
    equal(pin['state'], 'active', 'the pin’s state')
    answer = world.arrives(world.serve(identity))
    equal(answer.body, b'hello', 'the body')
    equal(answer.info['matched-key'], identity.pin, 'the matched key')
    equal(answer.info['matched-position'], 0, 'its position')
    equal(answer.info['path-keys'], [identity.pin, world.authority.pin], 'the path')
    equal(answer.info['connection-reused'], False, 'connection-reused')


@test('the server changes to another certificate of the same authority: PinMismatch, no byte')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    server.present(world.issue())
    world.daemon.restart()
    world.nothing_arrives(server, 'PinMismatch')
    failure = world.alice.last_failure(f'{HOST}:{server.port}')
    equal(failure['error'], 'PinMismatch', 'the error on record')
    equal(failure['reason'], 'key-rotated', 'the reason on record')


@test('LastFailure is about one host: a pattern is InvalidHost')
def _(world):
    world.alice.refused('NotPinned', world.alice.last_failure, HOST)
    for pattern in ('*.localhost.example', '**.localhost.example:443'):
        world.alice.refused('InvalidHost', world.alice.last_failure, pattern)


@test('a certificate of another trusted authority: PinMismatch, no byte')
def _(world):
    server, identity = world.serve_pinned()
    server.present(world.impostor())
    world.nothing_arrives(server, 'PinMismatch')
    equal(world.alice.last_failure(f'{HOST}:{server.port}')['reason'], 'wrong-key', 'the reason')
    server.present(identity)
    world.arrives(server)


@test('a certificate renewed with the same key passes')
def _(world):
    server, identity = world.serve_pinned()
    world.arrives(server)
    server.present(world.issue(key=identity.key))
    world.daemon.restart()
    equal(world.arrives(server).info['matched-key'], identity.pin, 'the matched key')


@test('a self-signed leaf is refused at pinning, and blocks')
def _(world):
    identity = pki.self_signed(HOST)
    world.alice.refused('SelfSigned', world.alice.pin, HOST, identity.der)
    equal(world.alice.get_pin(HOST)['state'], 'blocked', 'the state')
    server = world.serve(identity)
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('a self-signed leaf with match path is refused at pinning, and blocks')
def _(world):
    world.alice.refused('SelfSigned', world.alice.pin, HOST, pki.self_signed(HOST).der,
                        match='path')
    equal(world.alice.get_pin(HOST)['state'], 'blocked', 'the state')


@test('a self-signed authority with match leaf is refused at pinning, and blocks')
def _(world):
    world.alice.refused('SelfSigned', world.alice.pin, HOST, world.authority.der)
    server = world.serve()
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('a self-signed authority with match path is accepted, and its servers pass')
def _(world):
    world.alice.pin(HOST, world.authority.der, match='path')
    server = world.serve()
    answer = world.arrives(server)
    equal(answer.info['matched-key'], world.authority.pin, 'the matched key')
    equal(answer.info['matched-position'], 1, 'its position')
    server.present(world.impostor())
    world.daemon.restart()
    world.nothing_arrives(server, 'PinMismatch')


@test('an authority that is not self-signed, with match leaf: InvalidArgument, nothing blocked')
def _(world):
    intermediate = pki.Authority('Intermediate', world.authority)
    server, identity = world.serve_pinned()
    world.alice.refused('InvalidArgument', world.alice.pin, HOST, intermediate.der)
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the pin')
    world.arrives(server)


@test('match path: the root passes though it is never sent, and so does the intermediate')
def _(world):
    intermediate = pki.Authority('Intermediate', world.authority)
    leaf = intermediate.issue(HOST)
    server = world.serve(leaf)
    world.alice.pin(HOST, world.authority.der, match='path')
    answer = world.arrives(server)
    equal(answer.info['matched-position'], 2, 'the root’s position')
    equal(answer.info['path-keys'], [leaf.pin, intermediate.pin, world.authority.pin], 'the path')
    world.alice.pin(HOST, intermediate.der, match='path')
    equal(world.arrives(server).info['matched-position'], 1, 'the intermediate’s position')


@test('match leaf: the key of an authority on the path is not the server’s own')
def _(world):
    server = world.serve()
    world.alice.pin_keys(HOST, world.authority.pin)
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.pin_keys(HOST, world.authority.pin, match='path')
    world.arrives(server)


@test('an unpinned host: NotPinned, without a connection')
def _(world):
    server, _ = world.serve_pinned()
    world.no_connection(server, 'NotPinned', server.url('other.localhost'))
    world.arrives(server)


@test('http: NotSecure, without a connection')
def _(world):
    server, _ = world.serve_pinned()
    for scheme in ('http', 'ftp', 'ws'):
        world.no_connection(server, 'NotSecure', server.url(HOST, scheme=scheme))
    world.arrives(server)


@test('backup certificates pass as well')
def _(world):
    first, second, third = world.issue(), world.issue(), world.issue()
    pin = world.alice.pin(HOST, first.der, backup_certificates=[second.der])
    equal(pin['keys'], [first.pin, second.pin], 'the pin’s keys')
    server = world.serve(second)
    equal(world.arrives(server).info['matched-key'], second.pin, 'the matched key')
    server.present(third)
    world.daemon.restart()
    world.nothing_arrives(server, 'PinMismatch')


@test('report mode lets its own mismatch pass, and tells of it')
def _(world):
    pinned, shown = world.issue(), world.issue()
    world.alice.be_told()
    world.alice.pin(HOST, pinned.der, mode='report')
    server = world.serve(shown)
    report = world.arrives(server).info['report']
    equal(report['error'], 'PinMismatch', 'the reported error')
    host, details = world.alice.wait_for_signal('PinFailed')
    equal(host, f'{HOST}:{server.port}', 'the host of the signal')
    equal(details['offered-keys'][0], shown.pin, 'the offered key')
    equal(details['mode'], 'report', 'the mode in the signal')


@test('report mode lets nothing else pass')
def _(world):
    untrusted = pki.Authority('Unknown Root').issue(HOST)
    world.alice.pin(HOST, world.issue().der, mode='report')
    server = world.serve(untrusted)
    world.nothing_arrives(server, 'Untrusted')
    server.present(world.issue())
    world.root.pin(HOST, world.issue().der, scope='system')
    world.nothing_arrives(server, 'PinMismatch')


@test('a pin that ends is in force until then, and refuses with PinExpired afterwards')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    world.alice.pin(HOST, identity.der, expires=int(time.time()) + 3)
    world.arrives(server)
    deadline = time.monotonic() + DEADLINE_S
    refused = None
    while refused is None and time.monotonic() < deadline:
        before = server.bytes
        try:
            world.alice.request(server.url(HOST))
        except CallError as error:
            refused = error
    holds(refused is not None, 'the pin never ended')
    equal(refused.name, 'PinExpired', 'the error')
    equal(server.bytes, before, 'the number of bytes that reached the server')
    equal(world.alice.get_pin(HOST)['state'], 'expired', 'the state')
    connections = len(server.connections)
    world.alice.refuses('PinExpired', server.url(HOST))
    equal(len(server.connections), connections, 'the number of connections')


@test('trust-anchors: a private authority is trusted for that pin, and for nothing else')
def _(world):
    private = pki.Authority('Private Root')
    leaf = private.issue(HOST, 'other.localhost')
    server = world.serve(leaf)
    world.alice.pin(HOST, leaf.der)
    world.nothing_arrives(server, 'Untrusted')
    world.alice.pin(HOST, leaf.der, trust_anchors=[private.der])
    world.arrives(server)
    world.alice.pin('other.localhost', leaf.der)
    world.nothing_arrives(server, 'Untrusted', host='other.localhost', others_stay=True)


@test('trust-anchors: the system’s authorities do not count for that pin')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    world.alice.pin(HOST, identity.der, trust_anchors=[pki.Authority('Private Root').der])
    world.nothing_arrives(server, 'Untrusted')


@test('trust-anchors: other layers keep their own')
def _(world):
    private = pki.Authority('Private Root')
    leaf = private.issue(HOST)
    server = world.serve(leaf)
    world.alice.pin(HOST, leaf.der, trust_anchors=[private.der])
    world.root.pin(HOST, leaf.der, scope='system')
    world.nothing_arrives(server, 'Untrusted')


@test('require-keys must pass besides the pins')
def _(world):
    server, identity = world.serve_pinned()
    other = world.issue()
    world.nothing_arrives(server, 'PinMismatch', require_keys=[other.pin])
    world.arrives(server, require_keys=[other.pin, identity.pin])
    world.nothing_arrives(server, 'PinMismatch', require_keys=[other.pin])
    world.arrives(server, require_keys=[world.authority.pin])  # any place on the path
    world.nothing_arrives(server, 'PinMismatch', require_keys=[world.other_authority.pin])


@test('require-keys do not replace a pin')
def _(world):
    other = world.issue()
    world.alice.pin(HOST, world.issue().der)
    server = world.serve(other)
    world.nothing_arrives(server, 'PinMismatch', require_keys=[other.pin])
    world.no_connection(server, 'NotPinned', server.url('other.localhost'),
                        require_keys=[other.pin])


@test('a certificate that is expired or names another host is pinned, with warnings')
def _(world):
    old = world.issue(start=pki.now() - 9 * pki.DAY, end=pki.now() - pki.DAY)
    pin = world.alice.pin(HOST, old.der)
    holds(pin['warnings'], 'no warning of an expired certificate')
    server = world.serve(world.issue(key=old.key))
    world.arrives(server)
    pin = world.alice.pin(HOST, world.issue('elsewhere.localhost').der)
    holds(pin['warnings'], 'no warning of a certificate for another host')


@test('PinKeys takes the spellings people paste, all or nothing, and never blocks')
def _(world):
    server, identity = world.serve_pinned()
    digest = identity.pin[len('sha256/'):]
    for spelling in (identity.pin, 'sha256//' + digest, f'pin-sha256="{digest}"', digest,
                     digest.rstrip('=')):
        equal(world.alice.pin_keys(HOST, spelling)['keys'], [identity.pin], spelling)
    of_nothing = 'sha256/47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    for bad in ('sha1/AAAA', 'sha256/AAAA', 'md5:00', '', of_nothing):
        world.alice.refused('InvalidKey', world.alice.pin_keys, HOST, world.issue().pin, bad)
    world.alice.refused('InvalidArgument', world.alice.pin_keys, HOST)
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the pin’s keys')
    world.arrives(server)


@test('Unpin leaves the host unpinned, which is refused')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.alice.unpin(HOST)
    before = server.bytes
    world.no_connection(server, 'NotPinned', server.url(HOST))
    equal(server.bytes, before, 'the number of bytes')
    world.alice.refused('NotPinned', world.alice.unpin, HOST)


@test('options that are refused change nothing')
def _(world):
    server, identity = world.serve_pinned()
    other = world.issue()
    for options in ({'raw': {'colour': V('s', 'red')}}, {'match': V('u', 1)},
                    {'expires': int(time.time()) - 10}, {'expires': V('t', 1)},
                    {'expires': 253402300800}, {'mode': 'off'},
                    {'match': 'any'}, {'scope': 'app'}, {'note': 'a\u202eb'}, {'note': 'x' * 1025},
                    {'trust_anchors': []}, {'trust_anchors': [b'junk']},
                    {'backup_certificates': [b'x'] * 64}):
        world.alice.refused('InvalidArgument', world.alice.pin, HOST, other.der, **options)
        equal(world.alice.get_pin(HOST)['keys'], [identity.pin], f'the pin after {options}')
    for host in ('', 'https://h.localhost', 'h.localhost/', 'a b', '*.*.h.localhost', 'a..b',
                 ' h.localhost', 'x' * 64 + '.localhost', 'user@h.localhost', '*.com', '*.1.2.3.4'):
        world.alice.refused('InvalidHost', world.alice.pin, host, other.der)
    equal(len(world.alice.list_pins()), 1, 'the number of pins')
    world.arrives(server)


run(World)
