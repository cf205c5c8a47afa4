#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Faults that other pinning software has had, where no other test holds them: docs/CASES.md has them all."""

import base64
import datetime
import hashlib
import itertools
import os
import subprocess

from cryptography import x509

from lib import pki
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import HOST, World

DAY = datetime.timedelta(days=1)


def add_matrix_test(match):
    @test(f'of name, trust and key, all three must be right: match {match}')
    def _(world):
        stranger = pki.Authority('Stranger')
        for name, trust, key in itertools.product((True, False), repeat=3):
            authority = world.authority if trust else stranger
            identity = authority.issue(HOST if name else 'other.localhost')
            right = authority.pin if match == 'path' else identity.pin
            world.alice.pin_keys(HOST, right if key else world.issue().pin, match=match)
            server = world.serve(identity)
            if name and trust and key:
                equal(world.arrives(server).info['matched-key'], right, 'the matched key')
            else:
                error = world.nothing_arrives(server, 'PinMismatch' if name and trust else 'Untrusted')
                holds(HOST in error.message, error.message)


add_matrix_test('leaf')
add_matrix_test('path')


@test('a pin that replaces the trusted authorities by its own changes neither the name nor the key that must be right')
def _(world):
    private = pki.Authority('Private')
    for name, trust, key in itertools.product((True, False), repeat=3):
        identity = (private if trust else world.authority).issue(HOST if name else 'other.localhost')
        world.alice.pin_keys(HOST, identity.pin if key else world.issue().pin, trust_anchors=[private.der])
        server = world.serve(identity)
        if name and trust and key:
            world.arrives(server)
        else:
            world.nothing_arrives(server, 'PinMismatch' if name and trust else 'Untrusted')


@test('hosts that only look alike are not pinned: longer names at either end, and other joints')
def _(world):
    alike = ('xh.localhost', 'a-h.localhost', 'ah.localhost', 'h.localhost.x.localhost', 'h.localhostx', 'localhost')
    identity = world.issue(HOST, *alike)
    server = world.serve(identity)
    for pattern in (HOST, f'*.{HOST}', f'**.{HOST}'):
        world.alice.pin(pattern, identity.der)
        for host in alike:
            world.no_connection(server, 'NotPinned', server.url(host))


@test('what is no host is an error, not a pin of nothing')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    for text in (f'https://{HOST}', f'{HOST}/', f'user@{HOST}', f'{HOST}..', '..', f'.{HOST}', f' {HOST}',
                 'a.*.localhost', f'*{HOST}', f'*.*.{HOST}', '*', f'{HOST}:99999', ''):
        for attempt in (lambda host=text: world.alice.pin(host, identity.der),
                        lambda host=text: world.alice.pin_keys(host, identity.pin),
                        lambda host=text: world.alice.block(host, 'so')):
            world.alice.refused('InvalidHost', attempt)
    equal(world.alice.list_pins(), [], 'the pins')
    world.no_connection(server, 'NotPinned', server.url(HOST))


@test('of three keys one is enough, and the answer names it')
def _(world):
    identities = [world.issue() for _ in range(3)]
    world.alice.pin_keys(HOST, *(identity.pin for identity in identities))
    for identity in identities:
        equal(world.arrives(world.serve(identity)).info['matched-key'], identity.pin, 'the matched key')
    world.nothing_arrives(world.serve(world.issue()), 'PinMismatch')


@test('each of two hosts is judged by its own pin, and a third by none')
def _(world):
    names = [f'{letter}.localhost' for letter in 'abc']
    identities = {name: world.issue(*names) for name in names}
    servers = {name: world.serve(identity) for name, identity in identities.items()}
    for name in names[:2]:
        world.alice.pin(name, identities[name].der)
        world.arrives(servers[name], host=name)
    world.nothing_arrives(servers['a.localhost'], 'PinMismatch', host='b.localhost', others_stay=True)
    world.nothing_arrives(servers['b.localhost'], 'PinMismatch', host='a.localhost', others_stay=True)
    world.no_connection(servers['c.localhost'], 'NotPinned', servers['c.localhost'].url('c.localhost'))


@test('the authority between is another one: a pin of it refuses and names the new issuer, one of the root passes')
def _(world):
    first, second = (pki.Authority(f'{name} Intermediate', parent=world.authority) for name in ('First', 'Second'))
    server = world.serve(first.issue(HOST))
    world.alice.pin(HOST, first.der, match='path')
    world.arrives(server)
    changed = second.issue(HOST)
    server.present(changed)
    world.daemon.restart()
    error = world.nothing_arrives(server, 'PinMismatch')
    holds('Second Intermediate' in error.message and 'Test Root' in error.message, error.message)
    failure = world.alice.last_failure(f'{HOST}:{server.port}')
    equal((failure['issuer'], failure['offered-keys']), ('CN=Second Intermediate', [changed.pin, second.pin]),
          'the evidence')
    world.alice.pin(HOST, world.authority.der, match='path')
    equal(world.arrives(server).info['matched-position'], 2, 'the position')


@test('a pin without keys is an error, and leaves what is there')
def _(world):
    server, identity = world.serve_pinned()
    world.alice.refused('InvalidArgument', world.alice.pin_keys, HOST)
    world.alice.refused('InvalidArgument', world.alice.remove_keys, HOST, identity.pin)
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the keys')
    world.arrives(server)


@test('a certificate with ten days left is pinned with a warning, which the list shows')
def _(world):
    identity = world.issue(end=pki.now() + 10 * DAY)
    warnings = world.alice.pin(HOST, identity.der)['warnings']
    holds(any('expires soon' in warning for warning in warnings), warnings)
    equal(world.alice.list_pins()[0]['warnings'], warnings, 'the warnings in the list')
    world.arrives(world.serve(identity))


@test('an authority that one server sends does not complete the chain of another')
def _(world):
    between = pki.Authority('Intermediate', parent=world.authority)
    whole, alone = between.issue('a.localhost'), between.issue('b.localhost')
    world.alice.pin('a.localhost', whole.der)
    world.alice.pin('b.localhost', alone.der)
    complete, incomplete = world.serve(whole), world.serve(alone.with_chain([]))
    for _ in range(2):
        world.arrives(complete, host='a.localhost')
        error = world.nothing_arrives(incomplete, 'Untrusted', host='b.localhost')
        holds('b.localhost' in error.message, error.message)


@test('a host is taken out of a wider pin by one of its own, which loosens no other')
def _(world):
    wide, own = world.issue('a.h.localhost', 'u.h.localhost'), world.issue('u.h.localhost')
    world.alice.pin('**.h.localhost', wide.der)
    world.alice.pin('u.h.localhost', own.der)
    server, other = world.serve(wide), world.serve(own)
    world.arrives(server, host='a.h.localhost')
    world.arrives(other, host='u.h.localhost')
    world.nothing_arrives(server, 'PinMismatch', host='u.h.localhost', others_stay=True)
    # Not out of that of the system.
    world.root.pin('**.h.localhost', wide.der, scope='system')
    world.nothing_arrives(other, 'PinMismatch', host='u.h.localhost')


@test('the digest of something else than a key is no key of the server, and the refusal names the right one')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    for digest in (pki.key_text(world.issue().key.public_key()), 'sha256/' + 'E' * 43 + '='):
        world.alice.pin_keys(HOST, digest)
        error = world.nothing_arrives(server, 'PinMismatch')
        holds(identity.pin in error.message, error.message)


class OpensslIdentity(pki.Identity):
    """One that Python's library would take for another: it writes such a key as one of plain RSA."""

    key_pem = b''
    pin = ''


def issue_with_openssl(world, issuer, name, extensions):
    """Returns: a certificate of a new RSA-PSS key, which nothing but RSA-PSS can be signed with"""
    path = os.path.join(world.folder, name)

    def openssl(*arguments):
        done = subprocess.run(['openssl', *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout

    for suffix, content in (('.ca', issuer.pem), ('.cakey', issuer.key_pem), ('.ext', extensions.encode())):
        with open(path + suffix, 'wb') as file:
            file.write(content)
    openssl('genpkey', '-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', path + '.key')
    openssl('req', '-new', '-key', path + '.key', '-subj', f'/CN={name}', '-out', path + '.csr')
    openssl('x509', '-req', '-in', path + '.csr', '-CA', path + '.ca', '-CAkey', path + '.cakey', '-days', '30',
            '-set_serial', '7', '-extfile', path + '.ext', '-out', path + '.pem')
    with open(path + '.pem', 'rb') as certificate, open(path + '.key', 'rb') as key:
        made = OpensslIdentity(x509.load_pem_x509_certificate(certificate.read()), None,
                           [issuer, *issuer.issuers] if issuer is not world.authority else [])
        made.key_pem = key.read()
    digest = hashlib.sha256(openssl('pkey', '-in', path + '.key', '-pubout', '-outform', 'DER')).digest()
    made.pin = 'sha256/' + base64.b64encode(digest).decode()
    return made


@test('keys of RSA-PSS, of a server and of the authority above it, are pinned and matched')
def _(world):
    between = issue_with_openssl(world, world.authority, 'Between', 'basicConstraints=critical,CA:TRUE\n')
    server_of = f'subjectAltName=DNS:{HOST}\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n'
    identity = issue_with_openssl(world, between, HOST, server_of)
    server = world.serve(identity)
    world.alice.pin(HOST, identity.der)
    equal(world.arrives(server).info['matched-key'], identity.pin, 'the matched key')
    world.alice.pin(HOST, between.der, match='path')
    equal(world.arrives(server).info['matched-position'], 1, 'the position')
    world.alice.pin(HOST, issue_with_openssl(world, between, HOST, server_of).der)
    world.nothing_arrives(server, 'PinMismatch')


@test('all that was set is listed, whatever it is')
def _(world):
    identity, backup = world.issue(), world.issue()
    set_by_call = world.alice.pin(HOST, identity.der, match='path', mode='report', expires=4000000000, note='why',
                                  backup_certificates=[backup.der], trust_anchors=[world.authority.der])
    listed = world.alice.list_pins()[0]
    equal(listed, {**set_by_call, 'generation': listed['generation']}, 'the pin that is listed')
    expected = {'host': HOST, 'scope': 'user', 'keys': [identity.pin, backup.pin], 'match': 'path', 'mode': 'report',
                'expires': 4000000000, 'note': 'why', 'trust-anchors': 1, 'state': 'active', 'subject': f'CN={HOST}'}
    equal({name: listed[name] for name in expected}, expected, 'what was set')


@test('unknown options are errors of every method that takes some')
def _(world):
    identity = world.issue()
    raw = {'raw': {'pin-nothing': V('b', True)}}
    for attempt in (lambda: world.alice.pin(HOST, identity.der, **raw),
                    lambda: world.alice.pin_keys(HOST, identity.pin, **raw),
                    lambda: world.alice.add_keys(HOST, identity.pin, **raw), lambda: world.alice.unpin(HOST, **raw),
                    lambda: world.alice.block(HOST, 'so', **raw), lambda: world.alice.get_pin(HOST, **raw),
                    lambda: world.alice.list_slice(**raw), lambda: world.alice.request(f'https://{HOST}/', **raw),
                    lambda: world.alice.connect(HOST, 443, **raw), lambda: world.alice.fetch_chain(HOST, **raw)):
        world.alice.refused('InvalidArgument', attempt)
    equal(world.alice.list_pins(), [], 'the pins')


run(World)
