#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chains as no honest server sends them, exactly as openssl s_server is told to send them: what is
appended, forged, shuffled or repeated proves nothing, and keeps no good path from being found."""

from typing import NamedTuple

from lib import pki
from lib.openssl_server import OpensslServer
from lib.tap import equal, holds, run, test
from lib.world import HOST, World


class Cast:
    """Who can be in a chain: a server below an authority that two trusted roots signed, strangers,
    and namesakes of everybody."""

    def __init__(self, world):
        self.root, self.other_root = world.authority, world.other_authority
        self.middle = pki.Authority('Middle', self.root)
        self.cross = pki.Authority('Middle', self.other_root, key=self.middle.key)
        self.leaf = self.middle.issue(HOST)
        self.pinned = world.issue()
        self.stranger = pki.Authority('Stranger')
        self.untrusted_cross = pki.Authority('Middle', self.stranger, key=self.middle.key)
        self.circle = [self.middle, pki.Authority('Test Root', self.middle, key=self.root.key)]
        self.namesake = pki.Authority('Middle', self.root)
        self.expired = pki.Identity(
            pki.make('Middle', self.root.name, self.middle.key.public_key(), self.root.key, ca=True,
                     start=pki.now() - 9 * pki.DAY, end=pki.now() - pki.DAY), self.middle.key, [])
        self.many = [pki.forged(f'Nobody {number}') for number in range(40)]

    def forge(self, name, key_of=None):
        return pki.forged(name, key_of.key.public_key() if key_of else None)


class Trick(NamedTuple):
    name: str
    behind: object  # cast → what is sent behind the server's certificate
    pinned: object  # cast → whose key is pinned
    error: str = ''  # none: the request passes
    position: int = 0  # of the pinned key on the path
    match: str = 'path'


LEAF = lambda cast: cast.leaf
PINNED = lambda cast: cast.pinned

TRICKS = (
    # What is pinned is sent along, but is on no path.
    Trick('the pinned certificate behind the chain', lambda c: [c.middle, c.pinned], PINNED,
          'PinMismatch'),
    Trick('the same, where only the server’s own key counts',
          lambda c: [c.middle, c.pinned], PINNED, 'PinMismatch', match='leaf'),
    Trick('the pinned certificate before its issuer', lambda c: [c.pinned, c.middle], PINNED,
          'PinMismatch'),
    Trick('the pinned certificate between all others, twice',
          lambda c: [c.pinned, c.middle, c.pinned, c.root], PINNED, 'PinMismatch'),
    Trick('a pinned root that is trusted and did not sign', lambda c: [c.middle, c.other_root],
          lambda c: c.other_root, 'PinMismatch'),
    Trick('a pinned namesake of the issuer that did not sign', lambda c: [c.namesake, c.middle],
          lambda c: c.namesake, 'PinMismatch'),
    Trick('the root’s name with the pinned key', lambda c: [c.middle, c.forge('Test Root', c.pinned)],
          PINNED, 'PinMismatch'),
    Trick('the issuer’s name with the pinned key', lambda c: [c.middle, c.forge('Middle', c.pinned)],
          PINNED, 'PinMismatch'),
    Trick('the issuer’s name with the pinned key, and no issuer',
          lambda c: [c.forge('Middle', c.pinned)], PINNED, 'Untrusted'),
    Trick('a pinned stranger that signed the issuer as well',
          lambda c: [c.middle, c.untrusted_cross, c.stranger], lambda c: c.stranger, 'PinMismatch'),
    Trick('forty strangers, and the pinned certificate last',
          lambda c: [c.middle, *c.many, c.pinned], PINNED, 'PinMismatch'),

    # There is no path at all.
    Trick('no issuer', lambda c: [], LEAF, 'Untrusted'),
    Trick('the root instead of the issuer', lambda c: [c.root], LEAF, 'Untrusted'),
    Trick('a namesake instead of the issuer', lambda c: [c.namesake], LEAF, 'Untrusted'),
    Trick('an expired issuer', lambda c: [c.expired], LEAF, 'Untrusted'),
    Trick('an issuer that only a stranger signed', lambda c: [c.untrusted_cross, c.stranger], LEAF,
          'Untrusted'),
    Trick('a forged root', lambda c: [c.untrusted_cross, c.forge('Stranger'), c.forge('Test Root')],
          LEAF, 'Untrusted'),
    Trick('forty strangers', lambda c: c.many, LEAF, 'Untrusted'),

    # A good path is there, whatever is around it.
    Trick('as it should be', lambda c: [c.middle], LEAF),
    Trick('as it should be, the issuer pinned', lambda c: [c.middle], lambda c: c.middle,
          position=1),
    Trick('as it should be, the root pinned', lambda c: [c.middle], lambda c: c.root, position=2),
    Trick('the root sent along', lambda c: [c.middle, c.root], lambda c: c.root, position=2),
    Trick('the root before the issuer', lambda c: [c.root, c.middle], LEAF),
    Trick('the server’s own again', lambda c: [c.leaf, c.middle, c.leaf], LEAF),
    Trick('the issuer three times', lambda c: [c.middle, c.middle, c.middle], lambda c: c.middle,
          position=1),
    Trick('strangers in between', lambda c: [c.stranger, c.pinned, c.middle], LEAF),
    Trick('forty strangers behind it', lambda c: [c.middle, *c.many], LEAF),
    Trick('forty strangers before it', lambda c: [*c.many, c.middle], LEAF),
    Trick('an untrusted cross-sign behind it', lambda c: [c.middle, c.untrusted_cross, c.stranger],
          LEAF),
    Trick('authorities that issued each other', lambda c: c.circle, LEAF),
    Trick('two cross-signs, the first one’s root pinned', lambda c: [c.middle, c.cross],
          lambda c: c.root, position=2),
    Trick('one cross-sign, its root pinned', lambda c: [c.cross], lambda c: c.other_root,
          position=2),
    Trick('two cross-signs, the second one’s root pinned', lambda c: [c.middle, c.cross],
          lambda c: c.other_root, position=2),
    Trick('an expired issuer before the good one', lambda c: [c.expired, c.middle], LEAF),
    Trick('a namesake of the issuer before it', lambda c: [c.namesake, c.middle], LEAF),
    Trick('an untrusted cross-sign before the trusted one',
          lambda c: [c.untrusted_cross, c.stranger, c.middle], LEAF),
    Trick('a forged issuer before the good one', lambda c: [c.forge('Middle'), c.middle], LEAF),
)


def send_request(world, trick, cast):
    server = world.track(OpensslServer(world.folder, cast.leaf.with_chain(trick.behind(cast)),
                                       answers=True))
    world.alice.pin_keys(HOST, trick.pinned(cast).pin, match=trick.match)
    return server, world.alice.begin_request(server.url(HOST, '/secret'))


def add_trick(trick):
    @test(f'{trick.name}: {trick.error or "passes"}')
    def _(world):
        cast = Cast(world)
        server, request = send_request(world, trick, cast)
        if trick.error:
            world.alice.refused(trick.error, request.answer)
            server.close()
            holds(not server.was_asked, 'the request reached the server')
            return
        info = request.answer().info
        holds(server.was_asked, 'the request passed, but never reached the server')
        equal(info['matched-key'], trick.pinned(cast).pin, 'the matched key')
        equal(info['matched-position'], trick.position, 'its position')
        equal(info['path-keys'][trick.position], info['matched-key'], 'the key on the path')


for one in TRICKS:
    add_trick(one)
run(World)
