#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""VerifyChain and ExplainHost: what would become of a chain, and which pins apply to a host, without a
connection. The cases of pin.jsonl are judged over the bus as well."""

import base64
import os
import re
import time

from cryptography.hazmat.primitives.serialization import PublicFormat

from lib.caller import PINS, CallError
from lib.pki import DER
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.vectors import load
from lib.world import HOST, World


def verify(caller, host, chain, **options):
    types = {'time': 'x', 'purpose': 's', 'trust_anchors': 'aay', 'keys': 'as', 'match': 's'}
    given = {name.replace('_', '-'): V(types[name], value) for name, value in options.items()}
    return caller.call(PINS, 'VerifyChain', '(saaya{sv})', host, chain, given)[0]


def explain(caller, host, **options):
    given = {name: V('u', value) for name, value in options.items()}
    return caller.call(PINS, 'ExplainHost', '(sa{sv})', host, given)[0]


@test('a chain that passes: Pass, with the matched key and the path')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    verdict = verify(world.alice, HOST, [identity.der])
    equal(verdict['verdict'], 'Pass', 'the verdict')
    equal(verdict['trusted'], True, 'trusted')
    equal(verdict['matched-position'], 0, 'the position')
    equal(verdict['path-keys'][0], verdict['matched-key'], 'the key')
    equal(len(verdict['path-keys']), 2, 'the length of the path')


@test('what a request would get: PinMismatch, NotPinned, Blocked, Untrusted')
def _(world):
    identity, other = world.issue(), world.issue()
    equal(verify(world.alice, HOST, [identity.der])['verdict'], 'NotPinned', 'unpinned')
    world.alice.pin(HOST, other.der)
    mismatch = verify(world.alice, HOST, [identity.der])
    equal((mismatch['verdict'], mismatch['trusted']), ('PinMismatch', True), 'another key')
    equal(verify(world.alice, HOST, [])['verdict'], 'Untrusted', 'no chain')
    cut = other.der[:-1]
    equal(verify(world.alice, HOST, [cut, other.der])['verdict'], 'Untrusted', 'half a certificate')
    equal(verify(world.alice, HOST, [other.der], time=1)['verdict'], 'Untrusted', 'in 1970')
    world.alice.call(PINS, 'BlockHost', '(ssa{sv})', HOST, 'so', {})
    equal(verify(world.alice, HOST, [other.der])['verdict'], 'Blocked', 'blocked')


@test('a report-only pin that does not match: Pass, and the reason says that it does not')
def _(world):
    identity, other = world.issue(), world.issue()
    world.alice.pin(HOST, other.der, mode='report')
    verdict = verify(world.alice, HOST, [identity.der])
    equal((verdict['verdict'], 'matched-key' in verdict), ('Pass', False), 'the verdict')
    for part in ('passes only because a pin is report-only', identity.pin, 'not allowed by your pin'):
        holds(part in verdict['reason'], verdict['reason'])
    # Beside a pin that matches.
    world.root.pin(HOST, identity.der, scope='system')
    verdict = verify(world.alice, HOST, [identity.der])
    equal((verdict['verdict'], verdict['matched-key']), ('Pass', identity.pin), 'the verdict of both')
    holds('report-only' in verdict['reason'], verdict['reason'])
    world.alice.pin(HOST, identity.der, mode='report')
    equal(verify(world.alice, HOST, [identity.der])['reason'], 'the chain is trusted and holds a pinned key',
          'the reason of one that matches')
    server = world.serve(identity)
    world.alice.pin(HOST, other.der, mode='report')
    info = world.alice.fetch_chain(f'{HOST}:{server.port}')[1]
    holds('report-only' in info['reason'], info['reason'])


@test('a paused pin that does not match: Pass, and the reason says that it passes because of the pause')
def _(world):
    identity, other = world.issue(), world.issue()
    server = world.serve(identity)
    world.alice.pin(HOST, other.der)
    world.alice.pause(HOST, 100)
    for said in (verify(world.alice, HOST, [identity.der]), world.alice.fetch_chain(f'{HOST}:{server.port}')[1]):
        equal(said['verdict'], 'Pass', 'the verdict')
        holds('passes only because a pin is paused: ' in said['reason'], said['reason'])


@test('the explanation demands a pinned key only for pins that enforce')
def _(world):
    key = world.issue().der
    only = 'a server must pass ordinary validation; '
    some = 'a server must pass ordinary validation, and match each of these pins that '
    for mode, scopes, due in (
            ('enforce', {}, 'a server must match this pin and pass ordinary validation'),
            ('report', {}, f'{only}this pin only reports, so a key that does not match it is only reported'),
            ('paused', {}, f'{only}this pin is paused until TIME, so a key that does not match it is only reported'),
            ('enforce', {'mode': 'enforce'}, 'a server must match each of these 2 pins and pass ordinary validation'),
            ('enforce', {'mode': 'report'}, f'{some}does not only report'),
            ('report', {'mode': 'report'},
             f'{only}these pins only report, so a key that does not match them is only reported'),
            ('paused', {'mode': 'enforce'}, f'{some}is not paused; the last pause ends at TIME'),
            ('paused', {'mode': 'report'}, f'{only}none of these pins enforces now, and the last pause ends at TIME, '
                                           'so a key that does not match them is only reported')):
        world.alice.pin(HOST, key, mode='report' if mode == 'report' else 'enforce')
        if mode == 'paused':
            world.alice.pause(HOST, 100)
        if scopes:
            world.root.pin(HOST, key, scope='system', **scopes)
        policy = explain(world.alice, HOST)['policy']
        equal(re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC', 'TIME', policy), due, f'the policy of {mode}, {scopes}')


@test('a block without a reason says nothing where the reason would be')
def _(world):
    identity = world.issue()
    world.alice.block(HOST)
    world.alice.block('empty.localhost', '')
    path = os.path.join(world.daemon.pins_dir, 'site.pin')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('[Pin File]\nVersion=1\n\n[one]\nHost=file.localhost\nState=blocked\nReason=\n')
    world.root.call(PINS, 'Reload', '')
    ours = 'your pin; pin it again or unpin it'
    for host, whose in ((HOST, ours), ('empty.localhost', ours),
                        ('file.localhost', 'a pin file; only the administrator can change that')):
        due = f'host ‘{host}’ is blocked by {whose}'
        equal(verify(world.alice, host, [identity.der])['reason'], due, 'the reason')
        equal(world.alice.refuses('Blocked', f'https://{host}/').message, due, 'the message')
        equal(world.alice.last_failure(host)['message'], due, 'the evidence')
        equal('administrator' in world.alice.last_failure(host)['advice'], host == 'file.localhost', 'the advice')
        holds(due in explain(world.alice, host)['policy'], 'the explanation')
        holds('reason' not in world.alice.get_pin(host), 'the pin has an empty reason')
    world.alice.block(HOST, 'it was stolen')
    holds('is blocked by your pin: it was stolen; pin it' in verify(world.alice, HOST, [identity.der])['reason'],
          'the reason that was given')


@test('keys can be supposed, and anchors given, without any pin')
def _(world):
    identity = world.issue()
    key = verify(world.alice, '', [identity.der])['offered-keys'][0]
    equal(verify(world.alice, HOST, [identity.der], keys=[key])['verdict'], 'Pass', 'the key')
    equal(verify(world.alice, HOST, [identity.der], keys=['sha256/' + 'E' * 43 + '='])['verdict'],
          'PinMismatch', 'another key')
    anchors = [world.other_authority.der]
    equal(verify(world.alice, HOST, [identity.der], keys=[key], trust_anchors=anchors)['verdict'],
          'Untrusted', 'other anchors')


@test('without a host only the path is judged')
def _(world):
    identity = world.issue('elsewhere.example')
    equal(verify(world.alice, '', [identity.der])['verdict'], 'Pass', 'the path')
    equal(verify(world.alice, 'h.example', [identity.der], keys=['sha256/' + 'E' * 43 + '='])['verdict'],
          'Untrusted', 'the name')


@test('what holds no certificate at all is WrongFormat, and is told as what it is')
def _(world):
    identity = world.issue()
    public_key = identity.key.public_key().public_bytes(DER, PublicFormat.SubjectPublicKeyInfo)
    for given, word in ((identity.key_pem, 'private key'), (public_key, 'public key'),
                        (b'no certificate', 'text'), (b'', 'empty')):
        for host in (HOST, ''):
            error = world.alice.refused('WrongFormat', verify, world.alice, host, [given])
            holds(word in error.message, error.message)
    equal(verify(world.alice, '', [identity.key_pem, identity.der])['verdict'], 'Untrusted',
          'a key before the certificate')


@test('arguments that are none are errors; a bad chain is not')
def _(world):
    for name, arguments in (
            ('InvalidHost', ('*.h.example', [], {})),
            ('InvalidHost', ('a..b', [], {})),
            ('InvalidArgument', (HOST, [], {'match': V('s', 'leaf')})),
            ('InvalidArgument', ('', [], {'keys': V('as', ['sha256/' + 'E' * 43 + '='])})),
            ('InvalidArgument', (HOST, [], {'purpose': V('s', 'mail')})),
            ('InvalidKey', (HOST, [], {'keys': V('as', ['sha1/x'])})),
            ('InvalidKey', (HOST, [], {'keys': V('as', ['sha256/' + 'A' * 43 + '='])})),
            ('LimitExceeded', (HOST, [b'x'] * 65, {}))):
        world.alice.refused(name, world.alice.call, PINS, 'VerifyChain', '(saaya{sv})', *arguments)


@test('many judgements of one user wait for each other, and slow no other')
def _(world):
    identity = world.issue()
    pending = [world.alice.begin(PINS, 'VerifyChain', '(saaya{sv})', '', [identity.der], {})
               for _ in range(60)]
    equal(verify(world.bob, '', [identity.der])['verdict'], 'Pass', 'the other user')
    equal({p.wait()[0]['verdict'] for p in pending}, {'Pass'}, 'all of them')


@test('ExplainHost names every pin that matches, and which of them win')
def _(world):
    identity = world.issue()
    world.root.pin('**.example.org', identity.der, scope='system')
    for host in ('*.example.org', 'www.example.org', 'www.example.org:8443'):
        world.alice.pin(host, identity.der)
    told = explain(world.alice, 'WWW.example.org.')
    equal([(pin['host'], pin['scope'], pin['applies']) for pin in told['pins']],
          [('**.example.org', 'system', True), ('www.example.org', 'user', True),
           ('*.example.org', 'user', False)], 'the pins')
    told = explain(world.alice, 'www.example.org', port=8443)
    equal(told['pins'][1]['host'], 'www.example.org:8443', 'the pin of the port')
    equal(explain(world.alice, 'www.example.org:8443'), told, 'the same, the port being with the host')
    world.alice.refused('InvalidHost', explain, world.alice, '*.example.org')
    holds('2 pins' in told['policy'], told['policy'])
    holds('NotPinned' in explain(world.bob, 'other.example')['policy'], 'an unpinned host')


def add_vectors(cases):
    @test(f'pin.jsonl over the bus: {len(cases)} cases')
    def _(world):
        decode = lambda texts: [base64.b64decode(text) for text in texts]
        wrong = []
        for case in cases:
            options = {'time': case['time'] or int(time.time()), 'trust_anchors': decode(case['trusted'])}
            if case['pins']:
                options.update(keys=case['pins'], match='path')
            host = case['peer']['value'] if case['pins'] else ''
            try:
                got = verify(world.alice, host, decode(case['chain']), **options)['verdict']
            except CallError as error:  # a key in another spelling than base64's one; no certificate
                got = {'InvalidKey': 'PinMismatch', 'WrongFormat': 'Untrusted'}.get(error.name, error.name)
            due = {'ACCEPT': ['Pass'], 'REJECT_PIN': ['PinMismatch'], 'REJECT_CHAIN': ['Untrusted'],
                   'EITHER': ['Pass', 'PinMismatch', 'Untrusted']}[case['pin_expected']]
            if got not in due or case.get('must_not') == 'ACCEPT' and got == 'Pass':
                wrong.append((case['id'], got))
        equal(wrong, [], 'what came out otherwise')


add_vectors(load('chains/pin.jsonl'))
run(World)
