#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of a request if the server staples an OCSP response, by openssl's responder and
server, over TLS 1.2 and 1.3."""

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from lib import ocsp, pki
from lib.openssl_server import OpensslServer
from lib.tap import equal, holds, run, test
from lib.world import HOST, World

VERSIONS = ('1.2', '1.3')
DEMANDING = x509.TLSFeature([x509.TLSFeatureType.status_request])


def issue(world, demanding=False):
    """A certificate whose key is pinned."""
    identity = world.issue(extensions=[DEMANDING] if demanding else [])
    world.alice.pin(HOST, identity.der)
    return identity


def serve(world, identity, version, response=None):
    staple = ['-status_file', response] if response else []
    return world.track(OpensslServer(world.folder, identity, f'-tls{version.replace(".", "_")}',
                                     *staple, answers=True))


def passes(world, identity, version, response, expected):
    server = serve(world, identity, version, response)
    answer = world.alice.request(server.url(HOST, '/secret'))
    equal(answer.info['ocsp'], expected, 'what the response says')
    equal(answer.info['tls-version'], version, 'the TLS version')
    holds('GET /secret' in server.close(), 'the request did not reach the server')


def is_refused(world, identity, version, response, reason, expected):
    server = serve(world, identity, version, response)
    world.alice.refuses('Untrusted', server.url(HOST, '/secret'))
    failure = world.alice.last_failure(f'{HOST}:{server.port}')
    equal(failure['reason'], reason, 'the reason')
    equal(failure['ocsp'], expected, 'what the response says')
    output = server.close()
    holds('secret' not in output and 'HTTP' not in output, f'the request reached the server: {output}')


def forge(path):
    """Another last byte of the signature: without certificates within, it is that of the response."""
    with open(path, 'r+b') as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    return path


def new_responder(world, purpose=ExtendedKeyUsageOID.OCSP_SIGNING, authority=None):
    key = pki.new_key()
    authority = authority or world.authority
    certificate = pki.make('Responder', authority.name, key.public_key(), authority.key,
                           purposes=[purpose])
    return pki.Identity(certificate, key, [])


def respond(world, identity, **keywords):
    return ocsp.respond(world.folder, identity, world.authority, **keywords)


STALE = ('-ndays', '-1')

# What is stapled, what is told of it, and how it is made.
RESPONSES = (
    ('nothing', 'none', lambda world, identity: None),
    ('a good response', 'good', respond),
    ('a good response of a certified responder', 'good',
     lambda world, identity: respond(world, identity, signer=new_responder(world))),
    ('a response that is unknown', 'unknown',
     lambda world, identity: respond(world, identity, known=False)),
    ('a stale response', 'stale', lambda world, identity: respond(world, identity, times=STALE)),
    ('a forged response', 'invalid',
     lambda world, identity: forge(respond(world, identity, more=['-resp_no_certs']))),
    ('a response by a stranger', 'invalid',
     lambda world, identity: respond(world, identity, signer=world.other_authority)),
    ('a response by a responder that was certified for another purpose', 'invalid',
     lambda world, identity: respond(world, identity, signer=new_responder(
         world, ExtendedKeyUsageOID.SERVER_AUTH))),
    ('a response by another authority’s responder', 'invalid',
     lambda world, identity: respond(world, identity, signer=new_responder(
         world, authority=world.other_authority))),
    ('a response about another certificate', 'invalid',
     lambda world, _: respond(world, world.issue())),
)


def add_tests(version, what, expected, make):
    @test(f'TLS {version}, {what}: it passes, and the answer says {expected}')
    def _(world):
        identity = issue(world)
        passes(world, identity, version, make(world, identity), expected)

    outcome = 'it passes' if expected == 'good' else 'Untrusted, no byte'

    @test(f'TLS {version}, {what} where one is demanded: {outcome}')
    def _(world):
        identity = issue(world, demanding=True)
        response = make(world, identity)
        if expected == 'good':
            passes(world, identity, version, response, expected)
        else:
            is_refused(world, identity, version, response, 'ocsp-required', expected)


def add_revoked_tests(version):
    for demanding in (False, True):
        for signer in (None, new_responder):
            @test(f'TLS {version}, revoked by {"a responder" if signer else "the issuer"}'
                  f'{", where a response is demanded" if demanding else ""}: Untrusted, no byte')
            def _(world, demanding=demanding, signer=signer):
                identity = issue(world, demanding)
                response = respond(world, identity, revoked=True,
                                   signer=signer and signer(world))
                is_refused(world, identity, version, response, 'revoked', 'revoked')


for tls_version in VERSIONS:
    for row in RESPONSES:
        add_tests(tls_version, *row)
    add_revoked_tests(tls_version)


run(World)
