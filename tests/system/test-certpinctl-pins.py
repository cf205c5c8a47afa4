#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl for people who pin: the formats of files, mistakes that change nothing, what would
happen, and single keys."""

import base64
import datetime
import itertools
import json
import os
import shutil
import subprocess

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12

from lib import pki
from lib.certpinctl import (BAD_INPUT, FAILED, NOT_AUTHORIZED, NOT_PINNED, OK, REFUSED, USAGE, ctl, environment,
                            exits, put, run_raw)
from lib.public import certpinctl
from lib.tap import equal, holds, run, test
from lib.terminal import dialog
from lib.world import ALICE, HOST, World

DAY = datetime.timedelta(days=1)


def says(world, *arguments, **keywords):
    """Returns: what came on the standard error of a command that succeeds"""
    code, _, errors = ctl(world, *arguments, **keywords)
    equal(code, OK, f'the exit code of {arguments}, which said “{errors}”,')
    return errors


def fails(world, code, text, *arguments, **keywords):
    """A command that fails in this way. Returns: what it said"""
    actual, output, errors = ctl(world, *arguments, **keywords)
    equal((actual, output), (code, b''), f'what came of {arguments}, which said “{errors}”,')
    holds(text in errors, f'{arguments} said “{errors}”, not “{text}”')
    return errors


def pkcs7(world, *identities, form='DER'):
    """A PKCS#7 file with these certificates. Returns: its bytes"""
    pem = put(world, 'for-pkcs7.pem', b''.join(identity.pem for identity in identities))
    return subprocess.run(['openssl', 'crl2pkcs7', '-nocrl', '-certfile', pem, '-outform', form],
                          check=True, stdout=subprocess.PIPE).stdout


def pkcs12_of(identity, password=None, others=()):
    return pkcs12.serialize_key_and_certificates(
        b'h', identity.key, identity.certificate, [other.certificate for other in others] or None,
        BestAvailableEncryption(password) if password else NoEncryption())


def empty_password(world, identity):
    """A PKCS#12 file that is encrypted with the password of no characters."""
    pem = put(world, 'for-pkcs12.pem', identity.pem + identity.key_pem)
    return subprocess.run(['openssl', 'pkcs12', '-export', '-in', pem, '-passout', 'pass:'],
                          check=True, stdout=subprocess.PIPE).stdout


def pins_of(world, **keywords):
    return json.loads(exits(world, OK, 'list', '--json', **keywords))['pins']


# Files

@test('a certificate may be PEM, PKCS#7 or PKCS#12 without a password, and that is said')
def _(world):
    identity = world.issue()
    formats = {'PEM': [identity.pem, b'text before\n' + identity.key_pem + identity.pem],
               'PKCS#7': [pkcs7(world, identity), pkcs7(world, identity, form='PEM')],
               'PKCS#12': [pkcs12_of(identity), empty_password(world, identity)]}
    for name, contents in formats.items():
        for content in contents:
            path = put(world, 'server.file', content)
            exits(world, OK, 'pin', HOST, '--key', world.issue().pin)
            equal(says(world, 'pin', HOST, path),
                  f'certpinctl: note: ‘{path}’ is {name}; converted to DER\n', 'what is said')
            equal(pins_of(world)[0]['keys'], [identity.pin], f'the keys of {name}')
            equal(says(world, 'pin', HOST, '-', stdin=content),
                  f'certpinctl: note: standard input is {name}; converted to DER\n', 'what is said')
            equal(run_raw(world, 'pin', '--json', HOST, path)[2], b'', 'the errors with JSON')
    equal(says(world, 'pin', HOST, put(world, 'server.der', identity.der)), '', 'what DER says')
    world.arrives(world.serve(identity))


@test('backups and trust anchors are converted, too')
def _(world):
    identity, backup = world.issue(), world.issue()
    exits(world, OK, 'pin', HOST, put(world, 'a.pem', identity.pem),
          '--backup', put(world, 'b.p7', pkcs7(world, backup)), '--trust-anchor', put(world, 'ca.pem', world.authority.pem))
    pin = pins_of(world)[0]
    equal((pin['keys'], pin['trust-anchors']), ([identity.pin, backup.pin], 1), 'the pin')
    world.arrives(world.serve(backup))


@test('a certificate of a server is no trust anchor, in a pin or a file, and it says why')
def _(world):
    identity, other = world.issue(), world.issue()
    path = put(world, 'server.der', identity.der)
    fails(world, BAD_INPUT, 'belongs to a server, not to an authority', 'pin', HOST, path, '--trust-anchor', path)
    fails(world, BAD_INPUT, '--trust-anchor', 'pin', HOST, '--key', identity.pin, '--trust-anchor', path)
    equal(pins_of(world), [], 'the pins')
    anchor = base64.b64encode(other.der).decode()
    text = f'[Pin File]\nVersion=1\n\n[h]\nHost={HOST}\nKeys={identity.pin}\nTrustAnchors={anchor}\n'
    fails(world, BAD_INPUT, 'not to an authority', 'import', put(world, 'h.pin', text.encode()))
    equal(pins_of(world), [], 'the pins after an import')


@test('block names the keys that are lost, and needs a reason; unpin of a block says that nothing is pinned')
def _(world):
    for scope, uid, export in (([], ALICE, 'export'), (['--system'], 0, 'export --scope=system')):
        keys = [world.issue().pin, world.issue().pin]
        exits(world, OK, 'pin', *scope, HOST, *(f'--key={key}' for key in keys), '--yes', uid=uid)
        fails(world, USAGE, 'is empty; say why', 'block', *scope, HOST, ' ', uid=uid)
        text = says(world, 'block', *scope, HOST, 'stolen', uid=uid)
        holds(all(key in text for key in keys) and f'certpinctl {export} {HOST}' in text, text)
        equal(says(world, 'block', *scope, HOST, 'stolen again', uid=uid), '', 'what is said of a second block')
        holds(b'no pin of it now' in exits(world, OK, 'unpin', *scope, HOST, uid=uid), 'of a block')


@test('several certificates: nothing is changed, and it says which there are')
def _(world):
    identity, intermediate = world.issue(), pki.Authority('Some Intermediate', parent=world.authority)
    earlier = world.issue()
    exits(world, OK, 'pin', HOST, '--key', earlier.pin)
    for content in (intermediate.pem + identity.pem, pkcs7(world, intermediate, identity),
                    pkcs12_of(identity, others=[intermediate])):
        path = put(world, 'chain', content)
        text = fails(world, BAD_INPUT, f'‘{path}’ has 2 certificates', 'pin', HOST, path)
        lines = [line.split(maxsplit=2) for line in text.split('\n')[1:] if line]
        equal(lines, [['KEY', 'SUBJECT'], ['1', identity.pin, f'CN={HOST}'],
                      ['2', intermediate.pin, 'CN=Some Intermediate']], 'the table')
        error = json.loads(exits(world, BAD_INPUT, 'pin', '--json', HOST, path))['error']
        equal([one['subject'] for one in error['certificates']], [f'CN={HOST}', 'CN=Some Intermediate'],
              'the subjects in JSON')
        equal(pins_of(world)[0]['keys'], [earlier.pin], 'the keys')


@test('what is no certificate is named, and nothing is changed')
def _(world):
    identity = world.issue()
    exits(world, OK, 'pin', HOST, '--key', identity.pin)
    for content, text in ((pkcs12_of(identity, b'secret'), 'it is a PKCS#12 file with a password'),
                          (identity.key_pem, 'the certificate is a private key in PEM'),
                          (identity.pem[:-30], 'PEM'), (b'text', 'the certificate is text'),
                          (b'', 'the certificate is empty'), (bytes(1 << 20), '64 KiB'),
                          (bytes((1 << 20) + 1), 'is larger than'),
                          (identity.der[:-1], 'truncated'), (world.authority.der, 'self-signed')):
        path = put(world, 'server.file', content)
        holds('nothing was changed' in fails(world, BAD_INPUT, text, 'pin', HOST, path), text)
        fails(world, BAD_INPUT, text, 'pin', HOST, '-', stdin=content)
        equal(pins_of(world)[0]['keys'], [identity.pin], 'the keys')
    missing = os.path.join(world.folder, 'missing.pem')
    fails(world, BAD_INPUT, 'No such file or directory; check its name and its folder; nothing was changed', 'pin', HOST, missing)
    fails(world, BAD_INPUT, 'cannot read', 'pin', HOST, put(world, 'a.pem', identity.pem), '--backup', missing)
    world.arrives(world.serve(identity))


@test('--block-on-failure blocks the host whatever is wrong with the file, and says so')
def _(world):
    identity = world.issue()
    bad = {'missing': None, 'text': b'text', 'key': identity.key_pem, 'root': world.authority.der,
           'locked': pkcs12_of(identity, b'secret'), 'two': identity.pem * 2}
    for name, content in bad.items():
        path = os.path.join(world.folder, name)
        if content is not None:
            put(world, name, content)
        exits(world, OK, 'pin', HOST, '--key', identity.pin)
        fails(world, BAD_INPUT, 'is blocked until it is pinned or unpinned', 'pin', '--block-on-failure',
              HOST, path)
        equal(pins_of(world)[0]['state'], 'blocked', f'the state after {name}')
        exits(world, BAD_INPUT, 'pin', '--block-on-failure', '--dry-run', 'other.example', path)
        equal(len(pins_of(world)), 1, 'the number of pins after --dry-run')
    # A file in a folder, not a key that is cut.
    exits(world, OK, 'pin', HOST, '--key', identity.pin)
    fails(world, BAD_INPUT, 'is blocked until', 'pin', '--block-on-failure', HOST, 'sha256/missing')
    equal(pins_of(world)[0]['state'], 'blocked', 'the state')
    exits(world, OK, 'pin', '--block-on-failure', HOST, put(world, 'good.pem', identity.pem))
    world.arrives(world.serve(identity))


@test('--block-on-failure blocks the host whatever is wrong with a backup or a trust anchor; a wrong option does not')
def _(world):
    identity = world.issue()
    good = put(world, 'good.pem', identity.pem)
    paths = (os.path.join(world.folder, 'missing'), put(world, 'text', b'text'), put(world, 'key', identity.key_pem))
    for option, path in itertools.product(('--backup', '--trust-anchor'), paths):
        exits(world, OK, 'pin', HOST, '--key', identity.pin)
        exits(world, BAD_INPUT, 'pin', HOST, good, option, path)
        exits(world, BAD_INPUT, 'pin', '--block-on-failure', '--dry-run', HOST, good, option, path)
        exits(world, USAGE, 'pin', '--block-on-failure', '--expires=never', HOST, good, option, path)
        equal(pins_of(world)[0]['state'], 'active', f'the state before {option} {path}')
        fails(world, BAD_INPUT, f'the host ‘{HOST}’ is blocked until it is pinned or unpinned', 'pin',
              '--block-on-failure', HOST, good, option, path)
        equal(pins_of(world)[0]['state'], 'blocked', f'the state after {option} {path}')
    fails(world, BAD_INPUT, 'is blocked', 'pin', '--block-on-failure', HOST, good, '--backup',
          put(world, 'own.der', world.authority.der))
    exits(world, OK, 'pin', '--block-on-failure', HOST, good, '--backup', put(world, 'other.der', world.issue().der))
    world.arrives(world.serve(identity))


@test('verify reads PKCS#7 and PKCS#12, too')
def _(world):
    intermediate = pki.Authority('Some Intermediate', parent=world.authority)
    identity = intermediate.issue(HOST)
    for content in (pkcs7(world, intermediate, identity), pkcs12_of(identity, others=[intermediate]),
                    pkcs7(world, identity, intermediate, form='PEM')):
        exits(world, OK, 'verify', '--host', HOST, '--key', identity.pin, put(world, 'chain', content))
    exits(world, BAD_INPUT, 'verify', put(world, 'chain', pkcs12_of(identity, b'secret')))


@test('FILE before HOST: the right command is shown, and nothing is done')
def _(world):
    identity = world.issue()
    for name, content in (('server.pem', identity.pem), ('server.der', identity.der),
                          ("server's.pem", identity.pem)):
        path = put(world, name, content)
        quoted = subprocess.run(['bash', '-c', 'printf %q "$0"', path], check=True,
                                stdout=subprocess.PIPE).stdout.decode()
        text = fails(world, USAGE, f'‘{path}’ is a file and ‘{HOST}’ is not', 'pin', path, HOST)
        if "'" not in path:
            holds(f'‘certpinctl pin {HOST} {quoted}’' in text, text)
        else:
            command = text.split('‘certpinctl pin ')[1].split('’; see')[0]
            equal(subprocess.run(['bash', '-c', f'printf "%s\\n" {command}'], check=True,
                                 stdout=subprocess.PIPE).stdout.decode().split('\n')[:2],
                  [HOST, path], 'the words of the command')
    equal(pins_of(world), [], 'the pins')
    # A host may be called like a file, and a key is none.
    put(world, HOST, identity.pem)
    fails(world, NOT_PINNED, 'pin', 'pin', '--add', HOST, identity.pin, cwd=world.folder)
    put(world, HOST, b'notes')
    fails(world, BAD_INPUT, 'cannot read ‘missing.pem’', 'pin', HOST, 'missing.pem', cwd=world.folder)


@test('without certpin-reader, DER is pinned as it is, and what cannot be done is said')
def _(world):
    identity = world.issue()
    tool = os.path.join(world.folder, 'alone')
    os.makedirs(tool)
    alone = shutil.copy(certpinctl(), tool)

    def run_alone(*arguments):
        done = subprocess.run([alone, *arguments], check=False, env=environment(world), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return done.returncode, done.stderr.decode()

    der = put(world, 'server.der', identity.der)
    equal(run_alone('pin', HOST, der), (OK, ''), 'what comes of DER')
    code, errors = run_alone('pin', HOST, put(world, 'server.pem', identity.pem))
    holds(code == FAILED and 'cannot run' in errors and 'nothing was changed' in errors, errors)
    code, errors = run_alone('pin', '--system', HOST, der)
    holds(code == OK and 'that is not checked: cannot run' in errors, errors)


# What would happen

@test('--dry-run says what would be made and replaced, and changes nothing')
def _(world):
    identity, other = world.issue(), world.issue('other.localhost')
    path = put(world, 'server.pem', identity.pem)
    text = exits(world, OK, 'pin', '-n', HOST, path, '--note', 'mine').decode()
    for part in (f'Would pin {HOST} for you', identity.pin, f'CN={HOST}', 'leaf', 'mine',
                 'Nothing was changed'):
        holds(part in text, f'it does not say “{part}”: {text}')
    equal(pins_of(world), [], 'the pins')
    exits(world, OK, 'pin', HOST, path)
    before = pins_of(world)
    text = exits(world, OK, 'pin', '-n', HOST, put(world, 'other.der', other.der)).decode()
    for part in (f'Would replace your pin of {HOST}', other.pin, identity.pin,
                 'the certificate does not name the host'):
        holds(part in text, f'it does not say “{part}”: {text}')
    made = json.loads(exits(world, OK, 'pin', '-n', '--json', HOST, '--key', other.pin,
                            '--match=path'))['dry-run']
    equal((made['pin']['keys'], made['pin']['match'], made['replaced']['keys']),
          ([other.pin], 'path', [identity.pin]), 'the JSON')
    equal(pins_of(world), before, 'the pins')


@test('--dry-run does not mistake the pin of a pattern for that of the host')
def _(world):
    key = world.issue().pin
    exits(world, OK, 'pin', f'**.{HOST}', '--key', key)
    for host in (HOST, f'{HOST}:8443', f'*.{HOST}', f'**.{HOST}:8443'):
        holds(f'Would pin {host} for you' in exits(world, OK, 'pin', '-n', host, '--key', key).decode(), host)
    for host in (f'**.{HOST}', f'**.{HOST.upper()}'):
        holds('Would replace' in exits(world, OK, 'pin', '-n', host, '--key', key).decode(), host)
    exits(world, OK, 'pin', HOST, '--key', key)
    holds('Would pin' in exits(world, OK, 'pin', '-n', f'{HOST}:8443', '--key', key).decode(), 'a port')
    holds('Would replace' in exits(world, OK, 'pin', '-n', HOST, '--key', key).decode(), 'no port')


@test('--dry-run refuses what the service would refuse, with the same exit code')
def _(world):
    alone = pki.self_signed(HOST)
    for content, match in ((world.authority.der, 'leaf'), (alone.der, 'leaf'), (alone.der, 'path'), (b'x', 'leaf')):
        path = put(world, 'server.der', content)
        wanted, _, errors = ctl(world, 'pin', '--match', match, HOST, path)
        code, output, _ = ctl(world, 'pin', '-n', '--match', match, HOST, path)
        equal((code, output), (wanted, b''), f'what comes of what says “{errors}”')
    path = put(world, 'ca.der', world.authority.der)
    exits(world, OK, 'pin', '-n', '--match=path', HOST, path)
    exits(world, BAD_INPUT, 'pin', '-n', HOST, '--key', 'sha1/x')
    exits(world, BAD_INPUT, 'pin', '-n', 'a..b', '--key', alone.pin)
    leaf = put(world, 'leaf.der', world.issue().der)
    for option, says in (('--note=' + 'x' * 1025, 'refused: --note: it has more than 1024'), ('--expires=2020-01-01', 'in the past'),
                         (f'--trust-anchor={leaf}', 'refused: --trust-anchor: trust anchor 1'), ('--mode=none', 'enforce')):
        code, output, errors = ctl(world, 'pin', '-n', HOST, '--key', alone.pin, option)
        equal((code, output, says in errors), (BAD_INPUT, b'', True), f'what comes of {option}, which said {errors},')
        exits(world, BAD_INPUT, 'pin', HOST, '--key', alone.pin, option)
    equal(pins_of(world), [], 'the pins')


@test('--dry-run shows the pin that there would be: as the host is named, with each warning')
def _(world):
    other, soon = world.issue('other.localhost'), world.issue(end=datetime.datetime.utcnow() + 3 * DAY)
    root = put(world, 'root.der', world.authority.der)
    for words in ([HOST, put(world, 'a.der', world.issue().der)], ['BÜCHER.example', put(world, 'other.der', other.der)],
                  [HOST, put(world, 'soon.der', soon.der)], [f'**.{HOST.upper()}:8443', '--key', other.pin],
                  [HOST, put(world, 'b.der', world.issue().der), '--backup', put(world, 'next.der', world.issue().der)],
                  [HOST, '--key', other.pin, '--trust-anchor', root, '--match=path', '--mode=report', '--expires=2100-01-01',
                   '--note', 'a; b\\n ‘ä’']):
        would = json.loads(exits(world, OK, 'pin', '-n', '--json', *words))['dry-run']['pin']
        made = json.loads(exits(world, OK, 'pin', '--json', *words))['pin']
        for known_later in ('created', 'created-by', 'generation', 'state', 'stored', 'source'):
            holds(known_later not in would, f'{known_later} of {would}')
            made.pop(known_later, None)
        if not made['expires']:
            del made['expires']
        would.setdefault('warnings', []).sort()
        made.setdefault('warnings', []).sort()
        equal(would, made, f'what -n shows of {words}')


# Single keys

@test('--add and --remove-key change single keys, given as keys or files')
def _(world):
    first, second, third = world.issue(), world.issue(), world.issue()
    path = put(world, 'first.der', first.der)
    exits(world, OK, 'pin', HOST, path, '--note', 'mine')
    equal(exits(world, OK, 'pin', '--add', HOST, second.pin).decode().count('sha256/'), 2, 'the keys shown')
    exits(world, OK, 'pin', '--add', HOST, put(world, 'third.pem', third.pem))
    before = pins_of(world)[0]
    holds('has what is to be added' in says(world, 'pin', '--add', HOST, second.pin), 'a key that is there')
    equal(pins_of(world)[0], before, 'the pin')
    pin = pins_of(world)[0]
    equal((pin['keys'], pin['note'], pin['subject']),
          ([first.pin, second.pin, third.pin], 'mine', f'CN={HOST}'), 'the pin')
    exits(world, OK, 'pin', '--remove-key', HOST, path)
    exits(world, OK, 'pin', '--remove-key', HOST, '--key', second.pin.replace('sha256/', 'sha256//'))
    equal(pins_of(world)[0]['keys'], [third.pin], 'the keys')
    fails(world, BAD_INPUT, 'no key of', 'pin', '--remove-key', HOST, third.pin)
    fails(world, BAD_INPUT, first.pin, 'pin', '--remove-key', HOST, first.pin)
    fails(world, BAD_INPUT, '‘nonsense’ is not a key, and as a file: cannot read', 'pin', '--add', HOST, 'nonsense')
    fails(world, NOT_PINNED, 'other.example', 'pin', '--add', 'other.example', first.pin)
    fails(world, NOT_AUTHORIZED, '', 'pin', '--system', '--add', HOST, first.pin)
    world.arrives(world.serve(third))


@test('a pin that differs only in the port is asked for')
def _(world):
    key = world.issue().pin
    for host in ('all.localhost', 'one.localhost:8443', 'one.localhost:993'):
        exits(world, OK, 'pin', host, f'--key={key}')
    for words in (['unpin'], ['show'], ['rotate'], ['pause', '--for=1h', '--reason=x']):
        fails(world, NOT_PINNED, 'did you mean ‘one.localhost:8443’ or ‘one.localhost:993’?', *words, 'one.localhost')
        fails(world, NOT_PINNED, 'did you mean ‘one.localhost:8443’ or ‘one.localhost:993’?', *words, 'one.localhost:443')
    for words in (['unpin'], ['rotate'], ['pause', '--for=1h', '--reason=x']):
        fails(world, NOT_PINNED, 'did you mean ‘all.localhost’?', *words, 'all.localhost:443')
    fails(world, NOT_PINNED, 'did you mean ‘one.localhost:8443’ or ‘one.localhost:993’?', 'get', 'https://one.localhost/')


@test('--dry-run of --add and --remove-key shows the keys that there would be')
def _(world):
    first, second = world.issue(), world.issue()
    exits(world, OK, 'pin', HOST, '--key', first.pin)
    before = pins_of(world)
    made = json.loads(exits(world, OK, 'pin', '--json', '-n', '--add', HOST, second.pin))['dry-run']
    equal((made['pin']['keys'], made['replaced']['keys']), ([first.pin, second.pin], [first.pin]), 'the keys')
    for option in ([], ['-n']):
        fails(world, BAD_INPUT, 'to remove the pin itself, unpin the host', 'pin', *option, '--remove-key', HOST, first.pin)
        fails(world, BAD_INPUT, 'does not have the key', 'pin', *option, '--remove-key', HOST, second.pin)
    equal(pins_of(world), before, 'the pins')


# Keys of certificates

@test('key prints the key in each spelling, and pin accepts them all')
def _(world):
    identity = world.issue()
    path = put(world, 'server.pem', identity.pem)
    base64_text = identity.pin.removeprefix('sha256/')
    digits = base64.b64decode(base64_text).hex()
    spellings = {'sha256': identity.pin, 'curl': 'sha256//' + base64_text, 'base64': base64_text,
                 'hpkp': f'pin-sha256="{base64_text}"', 'hex': digits,
                 'openssl': ':'.join(digits[i:i + 2] for i in range(0, len(digits), 2))}
    equal(exits(world, OK, 'key', path).decode(), identity.pin + '\n', 'the usual spelling')
    for name, text in spellings.items():
        equal(exits(world, OK, 'key', '--format', name, path).decode(), text + '\n', name)
        exits(world, OK, 'pin', HOST, '--key', text)
        equal(pins_of(world)[0]['keys'], [identity.pin], f'the key of {name}')


@test('key of several files, of a chain, and of what is none')
def _(world):
    intermediate = pki.Authority('Some Intermediate', parent=world.authority)
    identity, other = intermediate.issue(HOST), world.issue()
    chain = put(world, 'chain.pem', intermediate.pem + identity.pem)
    paths = [put(world, 'a.der', identity.der), put(world, 'b.p12', pkcs12_of(other))]
    equal(exits(world, OK, 'key', *paths).decode(), f'{identity.pin}\n{other.pin}\n', 'the keys')
    equal(exits(world, OK, 'key', '--chain', chain).decode(), f'{identity.pin}\n{intermediate.pin}\n', 'the chain')
    fails(world, BAD_INPUT, 'has 2 certificates', 'key', chain)
    fails(world, BAD_INPUT, 'the certificate is text', 'key', put(world, 'text', b'text'))
    fails(world, BAD_INPUT, 'No such file', 'key', './missing.pem')
    entry = json.loads(exits(world, OK, 'key', '--json', '--format=curl', paths[0]))['keys'][0]
    equal((entry['name'], entry['key'], entry['subject'], entry['not-after']),
          (paths[0], identity.pin.replace('/', '//', 1), f'CN={HOST}',
           int((identity.certificate.not_valid_after - datetime.datetime(1970, 1, 1)).total_seconds())),
          'the JSON')
    code, shown = dialog(world, 'key', paths[0])
    equal((code, shown), (OK, f'{identity.pin}  CN={HOST}\n'), 'what a terminal shows')


@test('the subject of a certificate cannot control the terminal')
def _(world):
    odd = world.issue(HOST, subject='\x1b[31m\u202ex')
    path = put(world, 'odd.pem', odd.pem)
    for arguments in (['key', path], ['compare', path, path], ['pin', '-n', HOST, path], ['pin', HOST, path],
                      ['key', put(world, 'two.pem', odd.pem * 2)]):
        shown = dialog(world, *arguments)[1]
        holds('\x1b' not in shown and '\u202e' not in shown, f'{arguments} showed {shown!r}')


@test('compare says whether a renewal keeps the key')
def _(world):
    old = world.issue()
    renewed, changed = world.issue(key=old.key, end=pki.now() + 300 * DAY), world.issue()
    paths = [put(world, f'{name}.pem', one.pem) for name, one in
             (('old', old), ('renewed', renewed), ('changed', changed))]
    text = exits(world, OK, 'compare', paths[0], paths[1]).decode()
    holds('Same key' in text and text.count(old.pin) == 2 and 'not after' in text, text)
    text = exits(world, FAILED, 'compare', paths[0], paths[2]).decode()
    holds('Different keys' in text and old.pin in text and changed.pin in text, text)
    for other, same in ((1, True), (2, False)):
        document = json.loads(exits(world, OK if same else FAILED, 'compare', '--json', paths[0], paths[other]))
        equal((document['comparison']['same'], document['comparison']['old']['key']), (same, old.pin), 'JSON')
    exits(world, BAD_INPUT, 'compare', paths[0], './missing')


# A key that changed

@test('a mismatch shows the command that accepts the new key, behind a warning; the command works')
def _(world):
    server, _ = world.serve_pinned()
    renewed = world.issue()
    server.present(renewed)
    command = f'certpinctl pin --add {HOST} {renewed.pin}'
    for arguments, code in ((['get', server.url(HOST)], REFUSED),
                            (['connect', f'{HOST}:{server.port}'], REFUSED)):
        _, output, errors = ctl(world, *arguments)
        holds('Only the operator of the server can say' in errors and errors.endswith(f'    {command}\n'), errors)
        equal(output, b'', 'the standard output')
    equal(json.loads(exits(world, REFUSED, 'get', '--json', server.url(HOST)))['error']['accept'], command, 'JSON')
    for verb in ('show', 'explain'):
        shown = exits(world, OK, verb, f'{HOST}:{server.port}').decode()
        holds(f'    {command}\n' in shown and 'Only the operator' in shown, f'{verb} says {shown}')
    exits(world, OK, *command.split()[1:])
    exits(world, OK, 'get', server.url(HOST))
    for verb in ('show', 'explain'):
        shown = exits(world, OK, verb, f'{HOST}:{server.port}').decode()
        holds('Only the operator' not in shown, f'{verb} says {shown}, though the key is pinned')


@test('the command names the pin that refused: its scope, its pattern, and the key of its kind')
def _(world):
    intermediate = pki.Authority('Some Intermediate', parent=world.authority)
    server = world.serve(intermediate.issue(HOST))
    key = world.issue().pin
    exits(world, OK, 'pin', '--system', '--match=path', f'**.{HOST}', '--key', key, '--yes', uid=0)
    errors = ctl(world, 'get', server.url(HOST))[2]
    holds(errors.endswith(f"    certpinctl pin --add --system '**.{HOST}' {intermediate.pin}\n"), errors)
    exits(world, OK, 'pin', '--add', '--system', f'**.{HOST}', intermediate.pin, uid=0)
    errors = ctl(world, 'get', '--require-key', key, server.url(HOST))[2]
    holds('certpinctl pin' not in errors, f'a request’s own keys are no pin: {errors}')


run(World)
