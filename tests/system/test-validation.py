#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A pin adds to ordinary validation and replaces none of it: the right key does not help a server
whose certificate is bad, and a key that was only shown helps nobody."""

import os

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from lib import http, pki
from lib.openssl_server import OpensslServer
from lib.tap import equal, holds, run, test
from lib.world import HOST, World


def add_untrusted_test(what, words, make_identity):
    @test(f'the right key in a certificate that is {what}: Untrusted, no byte')
    def _(world):
        identity = make_identity(world)
        world.alice.pin(HOST, identity.der)
        server = world.serve(identity)
        error = world.nothing_arrives(server, 'Untrusted')
        holds(any(word in error.message for word in words), f'the message: {error.message}')
        server.present(world.issue(key=identity.key))
        equal(world.arrives(server).info['matched-key'], identity.pin, 'the matched key')


add_untrusted_test('expired', ['expired'],
                   lambda world: world.issue(start=pki.now() - 9 * pki.DAY,
                                             end=pki.now() - pki.DAY))
add_untrusted_test('not yet valid', ['valid only from'],
                   lambda world: world.issue(start=pki.now() + pki.DAY))
add_untrusted_test('for another name', ['name'], lambda world: world.issue('x.localhost'))
add_untrusted_test('of an unknown authority', ['authority'],
                   lambda world: pki.Authority('Unknown Root').issue(HOST))
add_untrusted_test('for the host as common name only', ['name'],
                   lambda world: world.authority.issue(subject=HOST))


@test('a certificate that expires while its connection is kept: Untrusted on that connection')
def _(world):
    identity = world.issue(end=pki.now() + pki.DAY / 86400 * 3)
    world.alice.pin(HOST, identity.der)
    server = world.serve(identity)
    world.arrives(server)
    world.wait_for_time(identity.certificate.not_valid_after)
    world.nothing_arrives(server, 'Untrusted')


@test('a refused server is told so by TLS, and the connection ends')
def _(world):
    server, _ = world.serve_pinned()
    server.present(world.impostor())
    world.nothing_arrives(server, 'PinMismatch')
    equal(server.alerts, ['SSLV3_ALERT_BAD_CERTIFICATE'], 'what it was told')


@test('a refused server that speaks at once is not listened to: PinMismatch')
def _(world):
    server, _ = world.serve_pinned(versions=('TLSv1_2', 'TLSv1_2'))
    server.present(world.impostor())
    server.greet(http.reply(200, b'evil'))
    world.nothing_arrives(server, 'PinMismatch')


@test('TLS 1.1: TlsFailed, no byte')
def _(world):
    server, _ = world.serve_pinned(versions=('TLSv1_1', 'TLSv1_1'))
    world.nothing_arrives(server, 'TlsFailed')
    equal(server.handshakes, 0, 'the number of handshakes')


@test('TLS 1.1 of openssl s_server: TlsFailed')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    server = world.track(OpensslServer(world.folder, identity, '-tls1_1', '-cipher',
                                       'ALL:@SECLEVEL=0'))
    world.alice.refuses('TlsFailed', server.url(HOST, '/secret'))
    holds('secret' not in server.close(), 'the request reached the server')


BODIES = (('a GET', {}), ('a POST', {'method': 'POST', 'body': b'secret'}),
          ('a POST of 4 MiB', {'method': 'POST', 'body': b'secret' * 690000}))


def add_client_certificate_test(version, what, request):
    @test(f'a server that demands a client certificate in TLS {version}: TlsFailed for {what}')
    def _(world):
        identity = world.issue()
        world.alice.pin(HOST, identity.der)
        server = world.track(OpensslServer(world.folder, identity, '-Verify', '1',
                                           f'-tls{version.replace(".", "_")}'))
        for _ in range(10):
            world.alice.refuses('TlsFailed', server.url(HOST, '/secret'), **request)
        holds('secret' not in server.close(), 'the request reached the server')


for version in ('1.2', '1.3'):
    for what, request in BODIES:
        add_client_certificate_test(version, what, request)


@test('TLS 1.2 and 1.3 pass, and the answer says which')
def _(world):
    for number, version in ((2, '1.2'), (3, '1.3')):
        server, _ = world.serve_pinned(versions=(f'TLSv1_{number}', f'TLSv1_{number}'))
        equal(world.arrives(server).info['tls-version'], version, 'the TLS version')


KEYS = (('RSA 2048', lambda: rsa.generate_private_key(65537, 2048)),
        ('RSA 3072', lambda: rsa.generate_private_key(65537, 3072)),
        ('RSA 4096', lambda: rsa.generate_private_key(65537, 4096)),
        ('P-384', lambda: ec.generate_private_key(ec.SECP384R1())),
        ('P-521', lambda: ec.generate_private_key(ec.SECP521R1())),
        ('Ed25519', ed25519.Ed25519PrivateKey.generate), ('Ed448', ed448.Ed448PrivateKey.generate))


def add_key_test(name, make_key):
    @test(f'a key of the kind {name} is pinned and matched')
    def _(world):
        identity = world.issue(key=make_key())
        world.alice.pin(HOST, identity.der)
        server = world.serve(identity)
        equal(world.arrives(server).info['matched-key'], identity.pin, 'the matched key')
        world.alice.pin(HOST, world.issue(key=make_key()).der)
        world.nothing_arrives(server, 'PinMismatch')


for arguments in KEYS:
    add_key_test(*arguments)


@test('an RSA key of 1024 bits: Untrusted, no byte')
def _(world):
    identity = world.issue(key=rsa.generate_private_key(65537, 1024))
    world.alice.pin(HOST, identity.der)
    world.nothing_arrives(world.serve(identity), 'Untrusted')
    equal(world.alice.last_failure(HOST)['reason'], 'weak', 'the reason')


@test('a server that would rather speak HTTP/2 is spoken to in HTTP/1.1')
def _(world):
    server, _ = world.serve_pinned(alpn=['h2', 'http/1.1'])
    equal(world.arrives(server).info['http-version'], '1.1', 'the version')
    equal(server.connections[0].socket.selected_alpn_protocol() in (None, 'http/1.1'), True, 'ALPN')


@test('the pinned certificate appended to another’s chain: PinMismatch, no byte')
def _(world):
    pinned = world.issue()
    for options in ({}, {'match': 'path'}):
        world.alice.pin_keys(HOST, pinned.pin, **options)
        server = world.serve(world.impostor().with_chain([pinned]))
        world.nothing_arrives(server, 'PinMismatch')
    world.alice.pin_keys(HOST, pinned.pin)
    world.arrives(world.serve(pinned))


@test('a pinned authority appended to another’s chain: PinMismatch, no byte')
def _(world):
    intermediate = pki.Authority('Intermediate', world.authority)
    world.alice.pin(HOST, intermediate.der, match='path')
    foreign = world.impostor()
    server = world.serve(foreign.with_chain([intermediate, world.authority]))
    world.nothing_arrives(server, 'PinMismatch')
    server.present(intermediate.issue(HOST))
    world.arrives(server)


@test('a forged certificate with the anchor’s name and the pinned public key: no byte')
def _(world):
    pinned = pki.Authority('Pinned Root')
    forged = pki.forged(world.other_authority.name, pinned.key.public_key())
    world.alice.pin_keys(HOST, pinned.pin, match='path')
    server = world.serve(world.impostor().with_chain([forged]))
    world.nothing_arrives(server, 'PinMismatch')
    world.alice.pin_keys(HOST, world.other_authority.pin, match='path')
    world.arrives(server)


@test('a forged certificate that names a pinned authority, sent along, as its issuer: no byte')
def _(world):
    intermediate = pki.Authority('Intermediate', world.authority)
    link = pki.forged(world.other_authority.name, issuer=intermediate.name)
    world.alice.pin(HOST, intermediate.der, match='path')
    server = world.serve(world.impostor().with_chain([link, intermediate]))
    world.nothing_arrives(server, 'PinMismatch')
    failure = world.alice.last_failure(HOST)
    holds(intermediate.pin in failure['offered-keys'], 'the pinned authority was not even shown')
    server.present(intermediate.issue(HOST))
    world.arrives(server)


@test('the same, with a chain exactly as openssl s_server sends it')
def _(world):
    pinned = world.issue()
    world.alice.pin_keys(HOST, pinned.pin, match='path')
    forged = pki.forged(world.other_authority.name, pinned.key.public_key())
    server = world.track(OpensslServer(world.folder,
                                       world.impostor().with_chain([forged, pinned])))
    world.alice.refuses('PinMismatch', server.url(HOST, '/secret'))
    failure = world.alice.last_failure(f'{HOST}:{server.port}')
    holds(pinned.pin in failure['offered-keys'], 'the forged certificate was not even shown')
    holds('secret' not in server.close(), 'the request reached the server')


@test('openssl s_server with the right key: the request reaches it')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    server = world.track(OpensslServer(world.folder, identity, '-tls1_2'))
    world.alice.begin_request(server.url(HOST, '/secret'))
    server.wait_for('GET /secret')


@test('the anchor sent as well, and an order of its own: the path is found all the same')
def _(world):
    outer = pki.Authority('Outer', world.authority)
    inner = pki.Authority('Inner', outer)
    leaf = inner.issue(HOST)
    world.alice.pin(HOST, leaf.der)
    server = world.serve(leaf.with_chain([world.authority, outer, inner]))
    equal(world.arrives(server).info['path-keys'],
          [leaf.pin, inner.pin, outer.pin, world.authority.pin], 'the path')


@test('a trusted intermediate hides neither its own key nor that of the root behind it')
def _(world):
    intermediate = pki.Authority('Intermediate', world.authority)
    server = world.serve(intermediate.issue(HOST))
    anchors = [intermediate.der, world.authority.der]
    for authority, position in ((intermediate, 1), (world.authority, 2)):
        world.alice.pin_keys(HOST, authority.pin, match='path', trust_anchors=anchors)
        equal(world.arrives(server).info['matched-position'], position, 'where the key is')
    world.alice.pin_keys(HOST, world.other_authority.pin, match='path', trust_anchors=anchors)
    error = world.nothing_arrives(server, 'PinMismatch')
    holds('‘CN=Intermediate’, ‘CN=Test Root’' in error.message, f'the message: {error.message}')


@test('a missing intermediate: Untrusted, no byte')
def _(world):
    leaf = pki.Authority('Intermediate', world.authority).issue(HOST)
    world.alice.pin(HOST, leaf.der)
    server = world.serve(leaf.with_chain([]))
    world.nothing_arrives(server, 'Untrusted')
    server.present(leaf)
    world.arrives(server)


@test('a certificate issued by one that is no authority: Untrusted, no byte')
def _(world):
    middle = world.issue('middle.localhost')
    key = pki.new_key()
    leaf = pki.Identity(pki.make(HOST, 'middle.localhost', key.public_key(), middle.key, [HOST]),
                        key, [middle])
    world.alice.pin(HOST, leaf.der)
    world.nothing_arrives(world.serve(leaf), 'Untrusted')


@test('a self-signed server whose key is pinned: Untrusted, no byte')
def _(world):
    identity = pki.self_signed(HOST)
    world.alice.pin_keys(HOST, identity.pin)
    world.nothing_arrives(world.serve(identity), 'Untrusted')
    equal(world.alice.last_failure(HOST)['reason'], 'self-signed', 'the reason')


@test('a wildcard name of the certificate covers one label')
def _(world):
    identity = world.issue('*.h.localhost')
    server = world.serve(identity)
    world.alice.pin('**.h.localhost', identity.der)
    world.arrives(server, host='a.h.localhost')
    world.nothing_arrives(server, 'Untrusted', host='b.a.h.localhost', others_stay=True)
    world.nothing_arrives(server, 'Untrusted', others_stay=True)


def count_bytes_read(world):
    with open(f'/proc/{world.daemon.process.pid}/io', encoding='utf-8') as file:
        return int(file.readline().split()[1])


@test('the certificates that the system trusts are not read for each connection')
def _(world):
    server, _ = world.serve_pinned()
    before = count_bytes_read(world)
    world.arrives(server)
    read = count_bytes_read(world) - before
    size = os.path.getsize('/etc/ssl/certs/ca-certificates.crt')
    holds(read < size, f'{read} bytes were read for a connection, and these have {size}')


run(World)
