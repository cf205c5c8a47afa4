# SPDX-License-Identifier: LGPL-2.1-or-later
"""The right key, in a certificate that is no longer good by the OCSP response that comes with it, or
for want of one that it demands (RFC 7633)."""

from cryptography import x509

from lib import ocsp
from lib.gnutls import Tls
from lib.tap import equal

from .scenario import Scenario, refusal
from .servers import same_key

DEMANDING = [x509.TLSFeature([x509.TLSFeatureType.status_request])]


def nothing(_cell, _identity):
    return None


def revoked(cell, identity):
    return ocsp.respond(cell.lab.folder, identity, cell.lab.authority, revoked=True)


def stale(cell, identity):
    return ocsp.respond(cell.lab.folder, identity, cell.lab.authority, made='-2d')


def staples(name, make_response, reason, **certificate):
    def attack(cell):
        identity = same_key(cell, **certificate)
        response = make_response(cell, identity)
        version = cell.version.replace(' ', '')
        cell.server.become(identity)
        cell.server.tls = lambda raw, presented: Tls(raw, presented, version, staple=response)

    def back(cell):
        cell.server.tls = None

    def errors(cell):
        return () if cell.rides_on else ('Untrusted',)

    def play(cell):
        refusal(attack, errors, back)(cell)
        if errors(cell):
            equal(cell.last_failure()['reason'], reason, 'the reason')

    return Scenario(name, play)


SCENARIOS = (
    staples('the right key, in a certificate that was revoked', revoked, 'revoked'),
    staples('the right key, in a certificate that was revoked and demands an OCSP response', revoked, 'revoked',
            extensions=DEMANDING),
    staples('the right key, in a certificate that demands an OCSP response and comes with none', nothing,
            'ocsp-required', extensions=DEMANDING),
    staples('the right key, in a certificate that demands an OCSP response and comes with a stale one', stale,
            'ocsp-required', extensions=DEMANDING),
)
