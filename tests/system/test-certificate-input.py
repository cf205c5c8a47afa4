#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is given to PinCertificate and is not exactly one DER certificate: WrongFormat, and the host
stays blocked until a pinning succeeds."""

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from lib import pki
from lib.pki import DER, PEM
from lib.tap import equal, holds, run, test
from lib.world import HOST, World


def make_pkcs7(identity, encoding=DER):
    return pkcs7.serialize_certificates([identity.certificate], encoding)


def make_pkcs12(identity):
    return pkcs12.serialize_key_and_certificates(b'name', identity.key, identity.certificate, None,
                                                 serialization.BestAvailableEncryption(b'secret'))


def make_request(identity, encoding=DER):
    builder = x509.CertificateSigningRequestBuilder().subject_name(identity.certificate.subject)
    return builder.sign(identity.key, hashes.SHA256()).public_bytes(encoding)


def make_private_key(identity, container=serialization.PrivateFormat.PKCS8):
    return identity.key.private_bytes(DER, container, serialization.NoEncryption())


def make_public_key(identity):
    return identity.key.public_key().public_bytes(
        DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def make_indefinite(identity):
    """The same in BER: of indefinite length, which every lax parser reads."""
    der = identity.der
    header = 2 + (der[1] & 0x7f)
    return b'\x30\x80' + der[header:] + b'\x00\x00'


def make_overlong(identity):
    """The same with a length in one byte more than it needs."""
    der = identity.der
    octets = der[1] & 0x7f
    return bytes([0x30, 0x80 | (octets + 1), 0]) + der[2:]


INPUTS = (
    ('PEM', lambda identity: identity.pem, 'PEM'),
    ('a PEM bundle', lambda identity: identity.pem * 2, 'PEM'),
    ('PKCS7', make_pkcs7, 'PKCS#7'),
    ('PKCS7 in PEM', lambda identity: make_pkcs7(identity, PEM), 'PKCS#7'),
    ('PKCS12', make_pkcs12, 'PKCS#12'),
    ('a signing request', make_request, 'request'),
    ('a signing request in PEM', lambda identity: make_request(identity, PEM), 'request'),
    ('a private key', make_private_key, 'key'),
    ('a private key in SEC 1', lambda identity: make_private_key(
        identity, serialization.PrivateFormat.TraditionalOpenSSL), 'key'),
    ('a private key in PEM', lambda identity: identity.key_pem, 'key'),
    ('a public key', make_public_key, ''),
    ('two certificates', lambda identity: identity.der * 2, ''),
    ('a truncated one', lambda identity: identity.der[:-1], ''),
    ('half of one', lambda identity: identity.der[:len(identity.der) // 2], ''),
    ('one with a byte behind it', lambda identity: identity.der + b'\x00', ''),
    ('one with a line end behind it', lambda identity: identity.der + b'\n', ''),
    ('nothing', lambda identity: b'', 'empty'),
    ('BER of indefinite length', make_indefinite, ''),
    ('an overlong length', make_overlong, ''),
    ('more than 64 KiB', lambda identity: identity.der + b'\x00' * 65536, '64 KiB'),
    ('text', lambda identity: b'/etc/ssl/certs/server.der\n', ''),
    ('HTML', lambda identity: b'<html><body>404 not found</body></html>', ''),
)


def add_input_test(name, make, word):
    @test(f'{name}: WrongFormat, the host is blocked, and a good pin heals it')
    def _(world):
        identity = world.issue()
        server = world.serve(identity)
        world.alice.pin(HOST, identity.der)
        error = world.alice.refused('WrongFormat', world.alice.pin, HOST, make(identity))
        holds(word in error.message, f'the message does not name it: {error.message}')
        equal(world.alice.get_pin(HOST)['state'], 'blocked', 'the state')
        world.no_connection(server, 'Blocked', server.url(HOST))
        world.alice.pin(HOST, identity.der)
        world.arrives(server)


for arguments in INPUTS:
    add_input_test(*arguments)


@test('a bad backup certificate: WrongFormat that says which, and the host is blocked')
def _(world):
    server, identity = world.serve_pinned()
    error = world.alice.refused('WrongFormat', world.alice.pin, HOST, identity.der,
                                backup_certificates=[world.issue().der, identity.pem])
    for text in (error.message, world.alice.get_pin(HOST)['reason']):
        holds(text.startswith('backup certificate 2 of 2: '), f'it does not say which: {text}')
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('on-failure keep: a bad certificate changes nothing, and the old pin holds')
def _(world):
    server, identity = world.serve_pinned()
    before = world.alice.get_pin(HOST)
    for given in (world.issue().pem, pki.self_signed(HOST).der):
        error = world.alice.refused(('WrongFormat', 'SelfSigned'), world.alice.pin, HOST, given, on_failure='keep')
        holds(error.message.endswith('; nothing was changed'), f'the message: {error.message}')
    equal(world.alice.get_pin(HOST), before, 'the pin')
    world.arrives(server)
    world.daemon.restart()
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the keys on disk')
    server.present(world.impostor())
    world.nothing_arrives(server, 'PinMismatch')


@test('on-failure keep: of several certificates, the bad one is named, and the good ones change nothing')
def _(world):
    server, identity = world.serve_pinned()
    fresh = world.issue()
    error = world.alice.refused('WrongFormat', world.alice.pin, HOST, fresh.der, on_failure='keep',
                                backup_certificates=[world.issue().der, fresh.pem, world.issue().der])
    holds(error.message.startswith('backup certificate 2 of 3: '), f'it does not say which: {error.message}')
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the keys')
    world.arrives(server)


@test('on-failure keep: a host that is not pinned stays so, and is refused; a block stays a block')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    world.alice.refused('WrongFormat', world.alice.pin, HOST, identity.pem, on_failure='keep')
    world.alice.refused('NotPinned', world.alice.get_pin, HOST)
    world.no_connection(server, 'NotPinned', server.url(HOST))
    world.alice.block(HOST, 'why')
    world.alice.refused('WrongFormat', world.alice.pin, HOST, identity.pem, on_failure='keep')
    equal(world.alice.get_pin(HOST)['reason'], 'why', 'the reason')
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('on-failure keep: a good certificate is pinned as ever; block is the default; other words are refused')
def _(world):
    server, identity = world.serve_pinned()
    renewed = world.issue()
    equal(world.alice.pin(HOST, renewed.der, on_failure='keep')['keys'], [renewed.pin], 'the keys')
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.refused('InvalidArgument', world.alice.pin, HOST, identity.pem, on_failure='ignore')
    world.alice.refused('InvalidArgument', world.alice.pin_keys, HOST, identity.pin, on_failure='keep')
    equal(world.alice.get_pin(HOST)['state'], 'active', 'the state')
    world.alice.refused('WrongFormat', world.alice.pin, HOST, identity.pem, on_failure='block')
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('on-failure keep: the journal says who could not pin what, and why; nobody is told of a change')
def _(world):
    world.alice.be_told()
    world.alice.refused('WrongFormat', world.alice.pin, HOST, world.issue().pem, on_failure='keep')
    line = f'could not pin {HOST} in the user scope (WrongFormat); nothing was changed'
    holds(line in world.daemon.log(), f'the log: {world.daemon.log()}')
    world.alice.pin_keys('other.localhost', world.issue().pin)
    equal(world.alice.wait_for_signal('PinChanged')[0], 'other.localhost', 'the first pin that changed')


@test('a failed pinning of a host that was never pinned blocks it as well')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    world.alice.refused('WrongFormat', world.alice.pin, HOST, identity.pem)
    world.no_connection(server, 'Blocked', server.url(HOST))
    world.alice.unpin(HOST)
    world.no_connection(server, 'NotPinned', server.url(HOST))


@test('a failed pinning of the system blocks every user, whatever they have pinned')
def _(world):
    server, identity = world.serve_pinned()
    world.root.refused('WrongFormat', world.root.pin, HOST, identity.pem, scope='system')
    world.no_connection(server, 'Blocked', server.url(HOST))
    world.root.unpin(HOST, scope='system')
    world.arrives(server)


@test('a failed pinning names who caused it and why')
def _(world):
    world.alice.refused('WrongFormat', world.alice.pin, HOST, world.issue().pem)
    pin = world.alice.get_pin(HOST)
    holds('PEM' in pin['reason'], f'the reason: {pin["reason"]}')
    holds(f'uid {world.alice.uid}' in pin['created-by'], f'created-by: {pin["created-by"]}')


run(World)
