#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other people's chains over real TLS: openssl s_server sends each exactly as its authors wrote it, and what
comes of a request is held against what VerifyChain says of the same chain.
The names resolve, since the service has an /etc/hosts of its own."""

import base64
import os
import textwrap

from lib.caller import PINS, CallError
from lib.openssl_server import OpensslServer
from lib.own_clock import going_by
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.vectors import load
from lib.world import World

# The certificates of BetterTLS end on 2027-11-26.
CLOCK = going_by(FAKETIME='@2027-11-01 00:00:00')
FILES = ('chains/pin.jsonl', 'limbo/limbo.jsonl', 'chains/bettertls.jsonl')
# TLS finds nothing that both sides could sign with, so that no certificate is ever sent.
WITHOUT_HANDSHAKE = ('webpki::forbidden-dsa-leaf', 'webpki::forbidden-p192-leaf')
LABELS = {'pkcs8': 'PRIVATE KEY', 'sec1': 'EC PRIVATE KEY', 'pkcs1': 'RSA PRIVATE KEY',
          'dsa': 'DSA PRIVATE KEY'}


def pem(label, text):
    lines = '\n'.join(textwrap.wrap(text, 64))
    return f'-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n'.encode()


class Presented:
    """A case as OpensslServer takes it."""

    def __init__(self, case):
        chain = [pem('CERTIFICATE', text) for text in case['chain']]
        self.pem = chain[0]
        self.key_pem = pem(LABELS[case['leaf_key_kind']], case['leaf_key'])
        self.issuers = [type('Issuer', (), {'pem': one}) for one in chain[1:]]


def servable(cases):
    """Those that a server of some name can present over TLS."""
    return [case for case in cases
            if case.get('leaf_key') and case.get('pins') != [] and (case.get('peer') or {}).get('kind') == 'DNS']


def decode(texts):
    return [base64.b64decode(text) for text in texts]


def keys_of(case):
    """What is pinned: what the case says, or else the server's own key."""
    return case['pins'] if 'pins' in case else [case['spki_sha256']['chain'][0]]


def judge_offline(world, case):
    options = {'keys': V('as', keys_of(case)), 'match': V('s', 'path'),
               'trust-anchors': V('aay', decode(case['trusted']))}
    return world.alice.call(PINS, 'VerifyChain', '(saaya{sv})', case['peer']['value'],
                            decode(case['chain']), options)[0]['verdict']


def ask(world, case, host):
    """Pass, or the name of the error, of a request to a server that sends the chain; None where
    openssl itself does not take it."""
    try:
        server = OpensslServer(world.folder, Presented(case), '-cipher', 'ALL:@SECLEVEL=0',
                               answers=True)
    except AssertionError:
        return None
    try:
        world.alice.request(server.url(host))
        outcome = 'Pass'
    except CallError as error:
        outcome = error.name
    server.close()
    holds(server.was_asked == (outcome == 'Pass'), f'{case["id"]}: {outcome}, but the server was '
          + ('asked' if server.was_asked else 'not asked'))
    return outcome


def run_case(world, case, counts, differences):
    """Counts a case by its outcome, and notes where that is another than VerifyChain's."""
    try:
        offline = judge_offline(world, case)
        pin = world.alice.pin_keys(case['peer']['value'], *keys_of(case), match='path',
                                   trust_anchors=decode(case['trusted']))
    except CallError as error:
        return counts.append(f'cannot be pinned: {error.name}')
    outcome = ask(world, case, pin['host'])
    world.alice.unpin(pin['host'])
    if outcome is None:
        return counts.append('openssl does not serve it')
    if case['id'] in WITHOUT_HANDSHAKE:
        equal(outcome, 'TlsFailed', case['id'])
        return counts.append('no handshake')
    if outcome != offline:
        differences.append(f'{case["id"]} {outcome} {offline}')
    return counts.append(outcome)


def prepare(world, cases):
    """Has the service resolve every name to loopback, at a time when all chains are valid."""
    hosts = os.path.join(world.folder, 'hosts')
    with open(hosts, 'w', encoding='ascii') as file:
        names = {case['peer']['value'].encode('idna').decode().rstrip('.') for case in cases}
        file.writelines(f'127.0.0.1 {name}\n' for name in sorted(names))
    world.daemon.wrapper = ['unshare', '--mount', 'sh', '-c',
                            f'mount --bind {hosts} /etc/hosts && exec "$@"', 'sh']
    world.daemon.more_environment.update(CLOCK)
    world.daemon.restart()


def add_file(name):
    cases = servable(load(name))

    @test(f'{name}: {len(cases)} cases over TLS')
    def _(world):
        counts, differences = [], []
        prepare(world, cases)
        for case in cases:
            run_case(world, case, counts, differences)
        for outcome in sorted(set(counts)):
            print(f'# {outcome}: {counts.count(outcome)}')
        equal(differences, [], 'what differs from VerifyChain')


for one in FILES:
    add_file(one)
run(World)
