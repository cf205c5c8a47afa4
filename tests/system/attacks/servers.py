# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another server in the place of the pinned one: another key, or the right key in a certificate
that is no good."""

from lib import pki

from .scenario import Scenario, refusal


def other(cell, *names, authority=None, **keywords):
    return (authority or cell.lab.authority).issue(*(names or (cell.host,)), **keywords)


def same_key(cell, *names, **keywords):
    return other(cell, *names, key=cell.identity.key, **keywords)


def impostor(cell):
    return other(cell, authority=cell.lab.other_authority)


def impostor_in_http2(cell):
    cell.server.prefer('h2', 'http/1.1')
    return impostor(cell)


def self_signed(cell):
    key = cell.identity.key
    return pki.Identity(pki.make(cell.host, cell.host, key.public_key(), key, [cell.host]), key, [])


def under_a_path_pin(make):
    """Where the pin is for any key of the path."""
    def make_there(cell):
        cell.caller.pin(cell.host, cell.identity.der, match='path')
        return make(cell)

    return make_there


def appended(cell):
    return impostor(cell).with_chain([cell.identity])


def forged_anchor(cell):
    forged = pki.forged(cell.lab.other_authority.name, cell.identity.key.public_key())
    return impostor(cell).with_chain([forged])


def issued_by_the_pinned(cell):
    """A certificate that the pinned one, which is no authority's, has signed."""
    key = pki.new_key()
    return pki.Identity(pki.make(cell.host, cell.host, key.public_key(), cell.identity.key,
                                 [cell.host]), key, [cell.identity])


SERVERS = (
    ('another key, by another trusted authority', 'PinMismatch', impostor),
    ('another key, by the same authority', 'PinMismatch', other),
    ('another key, by an authority nobody trusts', 'Untrusted',
     lambda cell: other(cell, authority=cell.lab.unknown_authority)),
    ('another key, and it would rather speak HTTP/2', 'PinMismatch', impostor_in_http2),
    ('another key, self-signed', 'Untrusted', lambda cell: pki.self_signed(cell.host)),
    ('the right key, self-signed', 'Untrusted', self_signed),
    ('the right key, by an authority nobody trusts', 'Untrusted',
     lambda cell: same_key(cell, authority=cell.lab.unknown_authority)),
    ('the right key, expired', 'Untrusted',
     lambda cell: same_key(cell, start=pki.now() - 9 * pki.DAY, end=pki.now() - pki.DAY)),
    ('the right key, not valid yet', 'Untrusted',
     lambda cell: same_key(cell, start=pki.now() + pki.DAY)),
    ('the right key, another name', 'Untrusted', lambda cell: same_key(cell, 'other.localhost')),
    ('the right key, a name above', 'Untrusted', lambda cell: same_key(cell, 'localhost')),
    ('the right key, a star for two labels', 'Untrusted', lambda cell: same_key(cell, '*')),
    ('the right key, the name as common name only', 'Untrusted',
     lambda cell: pki.Identity(pki.make(cell.host, cell.lab.authority.name,
                                        cell.identity.key.public_key(), cell.lab.authority.key),
                               cell.identity.key, [])),
    ('another key, the pinned certificate appended', 'PinMismatch', appended),
    ('another key, the pinned certificate of a path appended', 'PinMismatch',
     under_a_path_pin(appended)),
    ('another key, the pinned certificate appended 40 times', 'PinMismatch',
     lambda cell: impostor(cell).with_chain([cell.identity] * 40)),
    ('another key, the pinned one in a forged certificate of the anchor’s name', 'PinMismatch',
     forged_anchor),
    ('another key, the pinned one of a path in a forged certificate of the anchor’s name',
     'PinMismatch', under_a_path_pin(forged_anchor)),
    ('another key, signed by the pinned one', 'Untrusted', issued_by_the_pinned),
)


def other_server(name, error, make):
    def errors(cell):
        return () if cell.rides_on else (error,)  # over what has proved the right key

    return Scenario(name, refusal(lambda cell: cell.server.become(make(cell)), errors))


SCENARIOS = tuple(other_server(*row) for row in SERVERS)
