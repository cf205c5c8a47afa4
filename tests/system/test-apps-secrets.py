#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What looks without a request, and so can be repeated for any host and any key, tells a sandboxed app nothing of what
its user, or another app, has pinned; nor does it tell others of the pins of one connection."""

import time

from lib.apps import MAPS, WEATHER, WITHOUT_NETWORK, AppsWorld
from lib.caller import PINS
from lib.pki import Authority
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, HOST


def verified(app, chain, **options):
    told = app.call(PINS, 'VerifyChain', '(saaya{sv})', HOST, [chain.der], options)[0]
    return told['verdict'], told['reason']


# What may be there of the user, by what makes it so.
USER_PINS = {
    'another key': lambda user, right, wrong: user.pin_keys(HOST, wrong.pin),
    'the key': lambda user, right, wrong: user.pin_keys(HOST, right.pin),
    'a pause': lambda user, right, wrong: (user.pin_keys(HOST, wrong.pin), user.pause(HOST, 3600)),
    'a report': lambda user, right, wrong: user.pin_keys(HOST, wrong.pin, mode='report'),
    'an end': lambda user, right, wrong: user.pin_keys(HOST, right.pin, expires=int(time.time()) + 1000),
    'a block': lambda user, right, wrong: user.block(HOST),
}


@test('VerifyChain tells an app nothing of a pin of its user, with whatever chain, anchors and time')
def _(world):
    own, app = Authority('Evil Root'), world.new_app(WEATHER, wrapper=WITHOUT_NETWORK)
    right, wrong = world.issue(), world.issue()
    # Only the public key is used of the right one: anybody can make such a certificate.
    forged = [own.issue(HOST), own.issue(HOST, key=right.key)]
    app.pin_keys(HOST, own.pin, match='path')

    def told():
        return [verified(app, chain, **{'trust-anchors': V('aay', [own.der]), 'time': V('x', int(time.time()) + ahead)})
                for chain in forged for ahead in (0, 2000, 7200)]
    before = told()
    equal({verdict for verdict, _ in before}, {'Pass'}, 'what the app is told without a pin of its user')
    for what, make in USER_PINS.items():
        make(world.alice, right, wrong)
        equal(told(), before, f'what the app is told with {what} of its user')
    equal(verified(world.alice, right)[0], 'Blocked', 'what the user is told')


@test('FetchChain tells an app nothing of a pin of its user, whatever keys it supposes')
def _(world):
    right, wrong = world.issue(), world.issue()
    server, app = world.serve(right), world.new_app(WEATHER)

    def told(caller=app):
        infos = [caller.fetch_chain(HOST, port=server.port, keys=[key])[1] for key in (right.pin, wrong.pin)]
        return [(info['verdict'], info['reason'], info.get('matched-key')) for info in infos]
    before = told()
    equal([verdict for verdict, *_ in before], ['Pass', 'PinMismatch'], 'what the app is told without a pin of its user')
    for what, make in USER_PINS.items():
        make(world.alice, right, wrong)
        equal(told(), before, f'what the app is told with {what} of its user')
    asked = world.alice.fetch_chain(HOST, port=server.port, keys=[right.pin], app=V('s', WEATHER))[1]
    equal(asked['verdict'], 'Blocked', 'what its user is told of a request of the app')


def explained(caller, host=HOST):
    """Returns: whose pins apply, and all that is said"""
    told = caller.call(PINS, 'ExplainHost', '(sa{sv})', host, {})[0]
    return [(pin['scope'], pin['applies']) for pin in told['pins']], told


@test('ExplainHost tells an app nothing of a pin of its user, nor of another app’s')
def _(world):
    right, wrong = world.issue(), world.issue()
    app, maps = world.new_app(WEATHER, wrapper=WITHOUT_NETWORK), world.new_app(MAPS)
    for pinned in (False, True):
        if pinned:
            app.pin_keys(HOST, right.pin)
        before = explained(app)[1]
        equal('refused' in before['policy'], not pinned, 'whether requests are refused')
        for what, make in USER_PINS.items():
            make(world.alice, right, wrong)
            maps.block(HOST, what)
            told = explained(app)[1]
            equal(told, before, f'what the app is told with {what} of its user, and a block of another app')
        world.alice.unpin(HOST)


@test('ExplainHost tells a user nothing of an app’s pin, which does not concern that user’s programs')
def _(world):
    key = world.issue().pin
    before = explained(world.alice)[1]
    world.new_app(WEATHER).pin_keys(HOST, key)
    equal(explained(world.alice)[1], before, 'what the user is told')
    world.root.pin_keys(HOST, key, scope='system')
    equal([explained(caller)[0] for caller in (world.new_app(WEATHER), world.new_app(MAPS), world.alice)],
          [[('system', True), ('app', True)], [('system', True)], [('system', True)]], 'the pins that apply to each')


@test('ExplainHost and VerifyChain show a transient pin to its connection, and to no other')
def _(world):
    chain, wrong = world.issue(), world.issue()
    for owner, others, scope in ((world.alice, [world.new_caller(ALICE), world.root, world.new_app(WEATHER)], 'user'),
                                 (world.new_app(WEATHER), [world.new_app(WEATHER), world.alice], 'app')):
        owner.pin_keys(HOST, chain.pin)
        before = [(explained(other)[1], verified(other, chain)) for other in others]
        equal(verified(owner, chain)[0], 'Pass', 'the verdict without a transient pin')
        owner.pin_keys(HOST, wrong.pin, scope='transient')
        equal(explained(owner)[0], [(scope, True), ('transient', True)], 'the pins that apply to its connection')
        verdict, reason = verified(owner, chain)
        equal(verdict, 'PinMismatch', 'the verdict for its connection')
        holds('transient' in reason, reason)
        equal([(explained(other)[1], verified(other, chain)) for other in others], before, 'what others are told')
        owner.unpin(HOST)


run(AppsWorld)
