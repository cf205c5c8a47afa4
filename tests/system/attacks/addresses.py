# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts that lead where no request may go, and hosts written so that the pin might be missed."""

from lib.caller import CallError
from lib.network import METADATA
from lib.tap import equal

from .scenario import Scenario, everywhere, refusal
from .servers import impostor
from .states import FRESH

NO_HOST = ('InvalidHost', 'InvalidArgument', 'NotPinned', 'ProtocolError')
EITHER = ('PinMismatch', *NO_HOST)  # a program may ask in Unicode, a Location may not lead there


def only_fresh(_way, state):
    return None if state is FRESH else 'a host is read before any connection'


def forbidden(host, listen):
    """A server waits there, with a good certificate for the address and its pinned key."""
    def play(cell):
        identity = cell.lab.authority.issue(listen, 'metadata.test')
        there = cell.serve(identity, address=listen)
        there.condemn()
        try:
            cell.caller.pin(host, identity.der)
        except CallError as error:  # as it is no host at all, it cannot be pinned either
            equal(error.name, 'InvalidHost', 'the error')
        cell.asked = there.url(host, cell.path)
        cell.caller.refused(('AddressDenied', *NO_HOST), cell.begin().wait)
        there.barrier()
        equal(len(there.connections), 0, 'the number of connections')
        cell.asked = None
        cell.arrives()

    return Scenario(f'the host {host}, which is link-local', play, only_fresh)


FORBIDDEN = (
    (METADATA, METADATA), (METADATA + '.', METADATA), ('metadata.test', METADATA),
    (f'[::ffff:{METADATA}]', METADATA), ('[::ffff:a9fe:a9fe]', METADATA),
    ('[0:0:0:0:0:FFFF:A9FE:A9FE]', METADATA), ('2852039166', METADATA), ('0xa9fea9fe', METADATA),
    ('0251.0376.0251.0376', METADATA), ('0xa9.0xfe.0xa9.0xfe', METADATA),
    ('169.254.43518', METADATA), ('169.16689662', METADATA),
    ('169.254.169.254%2e', METADATA), ('１６９.254.169.254', METADATA),
    ('[fe80::7]', '::'), ('[FE80:0::7]', '::'), ('[fe80::7%25lo]', '::'), ('[fe80::7%25251]', '::'),
    ('[fe80::7%lo]', '::'), ('[fe80::7%25]', '::'), ('[fd00:ec2::254]', 'fd00:ec2::254'),
    (f'[::{METADATA}]', METADATA), ('[64:ff9b::a9fe:a9fe]', METADATA),
    ('[64:ff9b:1::a9fe:a9fe]', METADATA), ('[2002:a9fe:a9fe::1]', METADATA),
    (f'[::ffff:0:{METADATA}]', METADATA), ('169.254.0xa9.0376', METADATA),
    ('169。254。169。254', METADATA), ('169%2e254.169.254', METADATA),
)


# The pinned host, spelled otherwise; each takes the host and returns what is asked for

def spelled(name, spell, errors=('PinMismatch',)):
    def attack(cell):
        cell.server.become(impostor(cell))
        cell.asked = cell.server.url(spell(cell.host), cell.path)

    def back(cell):
        cell.asked = None

    return Scenario(f'another key, the host spelled {name}',
                    refusal(attack, lambda cell: errors, back), only_fresh)


SPELLED = (
    ('with a trailing dot', lambda host: host + '.'),
    ('in upper case', str.upper),
    ('in upper case with a trailing dot', lambda host: host.upper() + '.'),
    ('with an ideographic full stop', lambda host: host.replace('.', '。'), EITHER),
    ('in wide letters', lambda host: host.replace('l', 'ｌ'), EITHER),
    ('with an escaped letter', lambda host: host.replace('l', '%6c')),
    ('with an escaped dot', lambda host: host.replace('.', '%2e')),
    ('with an escaped end', lambda host: host + '%00.test', NO_HOST),
    ('with two trailing dots', lambda host: host + '..', NO_HOST),
    ('behind a user', lambda host: 'user@' + host, NO_HOST),
    ('behind a user and a password', lambda host: 'localhost:443@' + host, NO_HOST),
    ('behind a space', lambda host: ' ' + host, NO_HOST),
    ('behind a backslash', lambda host: 'x\\@' + host, NO_HOST),
    ('below itself', lambda host: 'x.' + host, NO_HOST),
)

# URLs that others read otherwise, with the pinned host and its port in them

WRONG = ('InvalidArgument', 'NotSecure', *EITHER)


def form(text):
    def attack(cell):
        cell.server.become(impostor(cell))
        cell.asked = text.format(host=cell.host, port=cell.server.port)

    def back(cell):
        cell.asked = None

    return Scenario(f'another key, asked for as {text!r}',
                    refusal(attack, lambda cell: WRONG, back), only_fresh)


FORMS = (
    'http://{host}:{port}/', 'HTTP://{host}:{port}/', 'HTTPS://{host}:{port}/',
    'wss://{host}:{port}/', 'ftp://{host}:{port}/', 'file://{host}:{port}/', 'unix:{host}:{port}',
    'https://@{host}:{port}/', 'https://:@{host}:{port}/', 'https://{host}:{port}@{host}:{port}/',
    'https://{host}:0{port}/', 'https://{host}:+{port}/', 'https://{host}: {port}/',
    'https://{host}:{port}x/', 'https://{host}:{port}:{port}/', 'https://{host}:-1/',
    'https://{host}:0/', 'https://{host}:99999/', 'https://{host}:%34%34%33/',
    'https:\\{host}:{port}/', 'https:/{host}:{port}/', 'https:{host}:{port}/',
    'https:///{host}:{port}/', 'https://[{host}]:{port}/', 'https://.{host}:{port}/',
    'https://{host}	:{port}/', 'https://{host} :{port}/', 'https://{host}%0d%0aX:{port}/',
    'https://other.test\@{host}:{port}/', 'https://other.test#@{host}:{port}/',
    'https://other.test?@{host}:{port}/', 'https://{host}\@other.test:{port}/',
)


# Hosts that are addresses, or names in other scripts

def other_host(make, name, asked=None, address='127.0.0.1'):
    """`make`: makes it of the usual host, as `asked` makes what is asked for."""
    def prepare(cell):
        cell.usual, cell.host = cell.host, make(cell.host)
        cell.identity = issue(cell, cell.lab.authority)
        cell.server = cell.serve(cell.identity, address=address)
        cell.pin()

    def issue(cell, authority):
        return authority.issue(cell.host.strip('[]'))

    def attack(cell):
        cell.server.become(issue(cell, cell.lab.other_authority))
        cell.asked = asked and cell.server.url(asked(cell.usual), cell.path)

    def back(cell):
        cell.asked = None

    def errors(cell):
        return () if cell.rides_on else EITHER if asked else ('PinMismatch',)

    def play(cell):
        prepare(cell)
        refusal(attack, errors, back)(cell)

    return Scenario(f'another key, the host {name}', play, only_fresh if asked else everywhere)


def literal(address, asked=None):
    host = f'[{address}]' if ':' in address else address
    return other_host(lambda _: host,
                      f'being {host}' + (f', asked for as {asked}' if asked else ''),
                      asked and (lambda _: asked), address)


LITERALS = (
    ('127.0.0.1',), ('::1',), ('127.0.0.1', '127.0.0.1.'), ('127.0.0.1', '2130706433'),
    ('127.0.0.1', '0x7f.1'), ('127.0.0.1', '0177.0.0.1'), ('127.0.0.1', '127.1'),
    ('127.0.0.1', '[::ffff:127.0.0.1]'), ('127.0.0.1', '１２７.0.0.1'),
    ('::1', '[0:0:0:0:0:0:0:1]'), ('::1', '[::0.0.0.1]'), ('::1', '[::1%25lo]'),
)


def international(asked=None):
    return other_host(lambda host: 'xn--bcher-kva.' + host,
                      'being bücher' + (f', asked for as {ascii(asked)}' if asked else ''),
                      asked and (lambda host: f'{asked}.{host}'))


INTERNATIONAL = (None, 'bücher', 'BÜCHER', 'bu\u0308cher', 'XN--BCHER-KVA', 'b%C3%BCcher',
                 'b%FCcher', 'ｂücher')


# Ports

def another_port(cell):
    """The pin is for that one; the server here has the key all the same."""
    cell.caller.unpin(cell.host)
    cell.caller.pin(f'{cell.host}:{cell.server.port ^ 1}', cell.identity.der)
    cell.server.condemn()


SCENARIOS = (*(forbidden(*row) for row in FORBIDDEN), *(spelled(*row) for row in SPELLED),
             *(form(text) for text in FORMS), *(literal(*row) for row in LITERALS),
             *(international(asked) for asked in INTERNATIONAL),
             Scenario('only another port is pinned',
                      refusal(another_port, lambda cell: ('NotPinned',), lambda cell: cell.pin()),
                      only_fresh))
