#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What becomes of a request if the server staples an OCSP response, by openssl's responder and
server, over TLS 1.2 and 1.3."""

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from lib import ocsp, pki
from lib.certpinctl import OK, UNTRUSTED, ctl
from lib.openssl_server import OpensslServer
from lib.tap import equal, holds, run, test
from lib.world import HOST, World

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


def nothing_arrives(world, server, reason, expected):
    """A request is refused for that reason, and not one byte of it reaches the server."""
    try:
        world.alice.refuses('Untrusted', server.url(HOST, '/secret'))
        failure = world.alice.last_failure(f'{HOST}:{server.port}')
        equal((failure['reason'], failure['ocsp']), (reason, expected), 'why')
        wrong = None
    except AssertionError as error:
        wrong = error
    arrived = len(server.close().partition('GET /secret')[2])
    holds(not wrong and not arrived, f'{arrived} bytes reached the server: {wrong}')


def is_refused(world, identity, version, response, reason, expected):
    nothing_arrives(world, serve(world, identity, version, response), reason, expected)


def forge(path):
    """Changes the last byte, which is one of the signature if no certificates are sent along."""
    with open(path, 'r+b') as file:
        content = file.read()
        file.seek(-1, 2)
        file.write(bytes([content[-1] ^ 1]))
    return path


def new_responder(world, purpose=ExtendedKeyUsageOID.OCSP_SIGNING, authority=None):
    key, authority = pki.new_key(), authority or world.authority
    return pki.Identity(pki.make('Responder', authority.name, key.public_key(), authority.key,
                                 purposes=[purpose]), key, [])


def respond(world, identity, *more, **keywords):
    return ocsp.respond(world.folder, identity, world.authority, *more, **keywords)


# What is stapled, what is told of it, and how it is made.
RESPONSES = (
    ('nothing', 'none', lambda world, identity: None),
    ('a good response', 'good', respond),
    ('a good response of a certified responder', 'good',
     lambda world, identity: respond(world, identity, signer=new_responder(world))),
    ('a response that does not know the certificate', 'unknown',
     lambda world, identity: respond(world, identity, known=False)),
    ('a stale response', 'stale', lambda world, identity: respond(world, identity, made='-2d')),
    ('a forged response', 'invalid',
     lambda world, identity: forge(respond(world, identity, '-resp_no_certs'))),
    ('a response of a stranger', 'invalid',
     lambda world, identity: respond(world, identity, signer=world.other_authority)),
    ('a response of another authority’s responder', 'invalid',
     lambda world, identity: respond(world, identity, signer=new_responder(
         world, authority=world.other_authority))),
    ('a response of a server of the same authority', 'invalid',
     lambda world, identity: respond(world, identity, signer=new_responder(
         world, ExtendedKeyUsageOID.SERVER_AUTH))),
    ('a response about another certificate', 'invalid',
     lambda world, identity: respond(world, world.issue())),
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


def add_revoked_test(version, demanding, delegated):
    @test(f'TLS {version}, revoked by {"a responder" if delegated else "the issuer"}'
          f'{", where a response is demanded" if demanding else ""}: Untrusted, no byte')
    def _(world):
        identity = issue(world, demanding)
        signer = new_responder(world) if delegated else None
        response = respond(world, identity, revoked=True, signer=signer)
        is_refused(world, identity, version, response, 'revoked', 'revoked')


@test('a response that is demanded becomes stale while its connection is kept: Untrusted')
def _(world):
    identity = issue(world, demanding=True)
    server = serve(world, identity, '1.3', respond(world, identity, made='-86396'))
    world.alice.request(server.url(HOST, '/first'))
    world.alice.request(server.url(HOST, '/second'))
    equal(world.alice.request(server.url(HOST, '/third')).info['connection-reused'], True,
          'whether the connection was kept')
    world.wait_for_time(pki.now() + pki.DAY / 86400 * 4)
    nothing_arrives(world, server, 'ocsp-required', 'stale')


for tls_version in ('1.2', '1.3'):
    for row in RESPONSES:
        add_tests(tls_version, *row)
    for case in ((False, False), (False, True), (True, False), (True, True)):
        add_revoked_test(tls_version, *case)


@test('pin --fetch tries the pin by the stapled response, too: a revoked certificate is not pinned')
def _(world):
    for number, (demanding, revoked) in enumerate(((False, True), (True, True), (True, False))):
        identity = world.issue(extensions=[DEMANDING] if demanding else [])
        server = serve(world, identity, '1.3', respond(world, identity, revoked=revoked))
        code, _, errors = ctl(world, 'pin', '--fetch', '--yes', '--key', identity.pin, f'{HOST}:{server.port}')
        equal(code, UNTRUSTED if revoked else OK, f'the exit code, with “{errors}”,')
        holds(not revoked or 'revoked' in errors and 'nothing was changed' in errors, errors)
        equal(len(world.alice.list_pins()), 0 if revoked else 1, f'the number of pins after attempt {number}')
        server.close()


run(World)
