#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl export and import: what one user writes, another one reads; nothing is overwritten or changed by
mistake; and the table says what would change."""

import json
import os
import signal

from lib import pki
from lib.certpinctl import BAD_INPUT, FAILED, INTERRUPTED, NOT_AUTHORIZED, NOT_PINNED, OK, USAGE, ctl, exits, put, start
from lib.public import new_folder
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import BOB, HOST, World


def text_of(*pins):
    return ('[Pin File]\nVersion=1\n' + ''.join(
        f'[{number}]\nHost={host}\nKeys={key}\n' for number, (host, key) in enumerate(pins))).encode()


def folder_of(uid):
    """A folder that a user may write to."""
    path = new_folder('certpin-export-')
    os.chown(path, uid, uid)
    return path


def fails(world, code, text, *arguments, **keywords):
    actual, output, errors = ctl(world, *arguments, **keywords)
    equal((actual, output), (code, b''), f'what came of {arguments}, which said “{errors}”,')
    holds(text in errors, f'{arguments} said “{errors}”, not “{text}”')
    return errors


def pins_of(caller):
    return [(pin['host'], pin['state'], list(pin['keys'])) for pin in caller.list_pins(scope='user')]


@test('what one user exports to standard output, another one imports from standard input')
def _(world):
    world.alice.pin(HOST, world.issue().der, note='mine')
    world.alice.pin_keys('[2001:db8::1]:443', world.issue().pin)
    world.alice.block('b.example', 'stolen')
    text = exits(world, OK, 'export')
    said = exits(world, OK, 'import', '-', stdin=text, uid=BOB).decode()
    holds(said.endswith('Set 3 pins; 0 are the same already\n'), said)
    equal(pins_of(world.bob), pins_of(world.alice), 'the pins')
    said = exits(world, OK, 'import', '-', stdin=text, uid=BOB).decode()
    equal(said, 'Set 0 pins; 3 are the same already\n', 'what it says')
    equal(exits(world, OK, 'export', '--output=-'), text, 'the same text')


@test('single hosts are exported, and one that has no pin is an error')
def _(world):
    for host in ('a.example', 'b.example', 'c.example'):
        world.alice.pin_keys(host, world.issue().pin)
    text = exits(world, OK, 'export', 'a.example', 'c.example').decode()
    equal([line for line in text.split('\n') if line.startswith('Host=')], ['Host=a.example', 'Host=c.example'],
          'the hosts')
    fails(world, NOT_PINNED, 'no pin of exactly ‘d.example’', 'export', 'a.example', 'd.example')


@test('export takes a host as the other verbs do, and what it advises is about the host that has no pin')
def _(world):
    for host in ('xn--bcher-kva.example', 'a.example'):
        world.alice.pin_keys(host, world.issue().pin)
    for typed, host in (('bücher.example', 'xn--bcher-kva.example'), ('A.example', 'a.example'), ('a.example.', 'a.example')):
        holds(f'Host={host}\n' in exits(world, OK, 'export', typed).decode(), typed)
    folder = folder_of(world.alice.uid)
    exits(world, OK, 'export', '--scope=all', '-o', folder, 'A.EXAMPLE')
    equal(os.listdir(folder + '/user'), ['a.example.pin'], 'the file')
    fails(world, BAD_INPUT, 'a host', 'export', 'a host')
    code, _, errors = ctl(world, 'export', 'a.example', 'nope.test')
    equal((code, '--scope' in errors), (NOT_PINNED, False), f'what comes of it, which says {errors}')


@test('a folder gets a file for each pin, and none is overwritten but with --force')
def _(world):
    folder = folder_of(world.alice.uid)
    world.alice.pin_keys('a.example', world.issue().pin)
    world.alice.pin_keys('*.a.example', world.issue().pin)
    world.root.pin_keys('a.example', world.issue().pin, scope='system')
    equal(exits(world, OK, 'export', '--output', folder + '/new'), f'Wrote 2 pin files to {folder}/new\n'.encode(),
          'what it says')
    equal(sorted(os.listdir(folder + '/new')), ['%2A.a.example.pin', 'a.example.pin'], 'the files')
    with open(folder + '/new/a.example.pin', 'w', encoding='utf-8') as file:
        file.write('mine')
    os.unlink(folder + '/new/%2A.a.example.pin')
    fails(world, FAILED, 'a.example.pin’ exists, so nothing was written', 'export', '-o', folder + '/new')
    equal(os.listdir(folder + '/new'), ['a.example.pin'], 'the files')
    exits(world, OK, 'export', '-o', folder + '/new', '--force')
    equal(sorted(os.listdir(folder + '/new')), ['%2A.a.example.pin', 'a.example.pin'], 'the files')
    exits(world, OK, 'import', *(os.path.join(folder, 'new', name) for name in os.listdir(folder + '/new')), uid=BOB)
    equal(pins_of(world.bob), pins_of(world.alice), 'the pins')
    fails(world, USAGE, 'needs --output', 'export', '--scope=all')
    fails(world, USAGE, '‘mine’; give user', 'export', '--scope=mine')
    exits(world, OK, 'export', '--scope=all', '-o', folder + '/all')
    equal({name: sorted(os.listdir(f'{folder}/all/{name}')) for name in os.listdir(folder + '/all')},
          {'system': ['a.example.pin'], 'user': ['%2A.a.example.pin', 'a.example.pin']}, 'the files of both scopes')
    exits(world, OK, 'export', '--scope=all', '-o', folder + '/one', '*.a.example')  # which only the user has pinned
    equal(sorted(os.listdir(folder + '/one/user')), ['%2A.a.example.pin'], 'the file of one host')
    fails(world, NOT_PINNED, 'in the scope user or system', 'export', '--scope=all', '-o', folder + '/none', 'c.example')
    fails(world, FAILED, 'cannot make the folder', 'export', '-o', '/nowhere/at/all')


@test('a dry run shows a table of what would change, and changes nothing')
def _(world):
    first, second, third = (world.issue().pin for _ in range(3))
    world.alice.pin_keys('same.example', first)
    world.alice.pin_keys('old.example', first, second, mode='report', expires=4102444800)
    before = pins_of(world.alice)
    text = text_of(('same.example', first), ('old.example', f'{second};{third}')) + (
        f'Match=path\n[more]\nHost=new.example\nKeys={third}\n[last]\nHost=blocked.example\nState=blocked\n'
        'Reason=stolen\n').encode()
    table = exits(world, OK, 'import', '--dry-run', put(world, 'my.pin', text)).decode()
    equal([line.split() for line in table.split('\n')[:-1]],
          [['HOST', 'CHANGE', 'WHAT'],
           ['old.example', 'replaced', 'added', third],
           ['removed', first],
           ['match:', 'leaf', '→', 'path'],
           ['mode:', 'report', '→', 'enforce'],
           ['expires:', '2100-01-01T00:00:00Z', '→', 'never'],
           ['new.example', 'new', 'key', third],
           ['blocked.example', 'new', 'blocked:', 'stolen'],
           ['Would', 'set', '3', 'pins;', '1', 'is', 'the', 'same', 'already']], 'the table')
    equal(pins_of(world.alice), before, 'the pins')
    document = json.loads(exits(world, OK, 'import', '-n', '--json', '-', stdin=text))
    equal((document['dry-run'], [(change['host'], change['change']) for change in document['changes']]),
          (True, [('same.example', 'same'), ('old.example', 'replaced'), ('new.example', 'new'),
                  ('blocked.example', 'new')]), 'the document')
    equal(document['changes'][1]['old']['keys'], [first, second], 'the old keys')


@test('if one of several files is wrong, nothing is changed, and file, line and key are told')
def _(world):
    key = world.issue().pin
    good, bad = put(world, 'good.pin', text_of(('a.example', key))), put(world, 'bad.pin', text_of(
        ('b.example', key), ('c..example', 'sha256/short')))
    said = fails(world, BAD_INPUT, 'line 7: Host=: ', 'import', good, bad)
    holds(f'‘{bad}’: ' in said and 'line 8: Keys=: ' in said, said)
    fails(world, BAD_INPUT, 'pinned in two of the files', 'import', good, put(world, 'again.pin', text_of(
        ('a.example', key))))
    fails(world, BAD_INPUT, 'cannot read', 'import', good, '/nowhere')
    fails(world, BAD_INPUT, 'not text in UTF-8', 'import', good, put(world, 'bytes.pin', b'\xff'))
    equal(pins_of(world.alice), [], 'the pins')


@test('more pins than the service takes in one call are imported, or none of them')
def _(world):
    key = world.issue().pin
    hosts = sorted(f'h{number}.example' for number in range(450))
    text = text_of(*((host, key) for host in hosts))
    fails(world, BAD_INPUT, 'line 1355: Keys=: ', 'import', '-', stdin=text + b'[x]\nHost=x.example\n' +
          b'Keys=sha256/short\n')
    fails(world, BAD_INPUT, 'line 1354: Host=: ‘h0.example’ is pinned twice', 'import', '-',
          stdin=text + f'[x]\nHost=H0.example\nKeys={key}\n'.encode())
    equal(pins_of(world.alice), [], 'the pins')
    said = exits(world, OK, 'import', '-', stdin=text).decode()
    holds(said.endswith('Set 450 pins; 0 are the same already\n'), said[-200:])
    equal([pin['host'] for pin in world.alice.list_pins()], hosts, 'the hosts')
    files = json.loads(exits(world, OK, 'export', '--json'))['files']
    equal([file['host'] for file in files], hosts, 'the exported hosts')


@test('only an administrator imports for all users; anybody may look')
def _(world):
    path = put(world, 'site.pin', text_of(('a.example', world.issue().pin)))
    server, identity = world.serve_pinned()
    text = text_of((f'{HOST}:{server.port}', world.issue().pin))
    fails(world, NOT_AUTHORIZED, 'not authorized', 'import', '--system', put(world, 'looked.pin', text))
    equal(len(server.connections), 0, 'the number of connections before the refusal')
    world.alice.unpin(HOST)
    fails(world, NOT_AUTHORIZED, 'not authorized', 'import', '--system', path)
    equal(pins_of(world.alice), [], 'the pins')
    exits(world, OK, 'import', '--system', '--dry-run', path)
    equal(world.alice.list_pins(), [], 'the pins')
    exits(world, OK, 'import', '--system', path, uid=0)
    equal([pin['scope'] for pin in world.alice.list_pins()], ['system'], 'the scopes')
    text = exits(world, OK, 'export', '--scope=system').decode()
    holds('Host=a.example\n' in text and 'CreatedBy=certpinctl (uid 0)' in text, text)


# Whom an import for all users would shut out

def at(server, host=HOST):
    return f'{host}:{server.port}'


def pins_of_system(world):
    return [pin['host'] for pin in world.root.list_pins(scope='system')]


@test('an import for all users that shuts out servers that work needs a yes, or --yes; --dry-run shows which')
def _(world):
    identity, key = world.issue(), world.issue().pin
    good, bad, worse = world.serve(identity), world.serve(world.issue()), world.serve(world.issue())
    path = put(world, 'site.pin', text_of((at(good), identity.pin), (at(bad), key), (at(worse), key)))
    command = ['import', '--system', path]
    error = fails(world, FAILED, 'nothing was changed; to import nonetheless, add --yes', *command, uid=0)
    holds(f'‘{at(bad)}’ works now' in error and 'so would 1 more' in error, error)
    code, shown = dialog(world, *command, uid=0, answers=['n'])
    equal((code, pins_of_system(world)), (FAILED, []), f'what came of no, with {shown},')
    equal([shown.count(f'the server of ‘{at(one)}’ works now') for one in (good, bad, worse)], [0, 1, 1],
          f'the warnings in {shown}')
    holds('This shuts out 2 hosts. Import nonetheless?' in shown, shown)
    changes = json.loads(exits(world, OK, *command, '-n', '--json', uid=0))['changes']
    equal([(change['host'], 'works now' in change.get('outage', '')) for change in changes],
          [(at(good), False), (at(bad), True), (at(worse), True)], 'what --dry-run --json says')
    equal(exits(world, OK, *command, '-n', uid=0).decode().count('works now'), 2, 'what --dry-run says')
    equal(pins_of_system(world), [], 'the pins after --dry-run')
    equal(dialog(world, *command, uid=0, answers=['y'])[0], OK, 'the exit code of yes')
    equal(len(pins_of_system(world)), 3, 'the number of pins after yes')
    for host in (at(good), at(bad), at(worse)):
        exits(world, OK, 'unpin', '--system', host, uid=0)
    before = len(bad.connections)
    exits(world, OK, *command, '--yes', uid=0)
    equal((len(pins_of_system(world)), len(bad.connections)), (3, before), 'the pins after --yes, and the connections')
    for server in (good, bad, worse):
        server.wait_until_idle()
        equal(server.bytes, 0, 'the number of bytes that a server got')


@test('an import that shuts nobody out asks nothing: one’s own, the same pins, blocks, report mode, broken servers')
def _(world):
    server, key = world.serve(world.issue()), world.issue().pin
    path = put(world, 'my.pin', text_of((at(server), key)))
    exits(world, OK, 'import', path)
    equal(len(server.connections), 0, 'the number of connections for one’s own pins')
    exits(world, OK, 'import', '--system', '--yes', path, uid=0)
    equal(ctl(world, 'import', '--system', path, uid=0)[2], '', 'what it says of the same pins')
    exits(world, OK, 'unpin', '--system', at(server), uid=0)
    for more in (b'Mode=report\n', b'State=blocked\nReason=stolen\n'):
        text = text_of((at(server), key)) + more
        equal(ctl(world, 'import', '--system', '-', stdin=text.replace(f'Keys={key}\n'.encode(), b'')
                  if b'blocked' in more else text, uid=0)[::2], (OK, ''), f'what came of {more}')
        exits(world, OK, 'unpin', '--system', at(server), uid=0)
    server.present(pki.Authority('Stranger').issue(HOST))
    equal(ctl(world, 'import', '--system', path, uid=0)[::2], (OK, ''), 'what came of a server that does not work')


@test('a pin that has expired shuts out its server, whatever the key')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    text = text_of((at(server), identity.pin)) + b'Expires=1577836800\n'
    fails(world, FAILED, 'it has expired; nothing was changed', 'import', '--system', '-', stdin=text, uid=0)
    equal(pins_of_system(world), [], 'the pins')


@test('servers that cannot be looked at are no reason not to import, and that is said: patterns, dead hosts')
def _(world):
    dead = world.serve(world.issue())
    dead.close()
    key = world.issue().pin
    text = text_of((f'*.{HOST}', key), (at(dead), key))
    code, _, errors = ctl(world, 'import', '--system', '-', stdin=text, uid=0)
    equal((code, errors.count('that is not checked')), (OK, 2), f'what came of it, with “{errors}”,')
    equal(len(pins_of_system(world)), 2, 'the number of pins')


@test('many servers that do not answer: the time is bounded, a terminal shows how far it is, and the rest is counted')
def _(world):
    silent, key = world.serve(handshake=False), world.issue().pin
    hosts = [at(silent, f'n{number:02}.localhost') for number in range(20)]
    path = put(world, 'site.pin', text_of(*((host, key) for host in hosts)))
    code, shown = dialog(world, 'import', '--system', '--look=2', path, uid=0)
    equal((code, len(pins_of_system(world))), (OK, len(hosts)), f'what came of it, with {shown},')
    holds('\rlooked at 0 of 20 hosts' in shown, f'there is no such line in {shown!r}')
    equal((shown.count('that is not checked'), 'not checked either: 10; if time ran out, --look=SECONDS' in shown), (10, True), shown)
    equal(len(silent.connections), 3, 'the number of connections: three at a time, for two seconds')
    fails(world, USAGE, '‘0’ is not a time', 'import', '--system', '--look=0', path, uid=0)


@test('an interrupt while it looks ends it with status 130, and nothing is imported')
def _(world):
    silent = world.serve(handshake=False)
    path = put(world, 'site.pin', text_of((at(silent), world.issue().pin)))
    process = start(world, 'import', '--system', path, uid=0, stderr=-1)
    silent.wait(lambda: len(silent.connections) > 0, 'the look')
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=DEADLINE_S)[1].decode()
    equal((process.returncode, pins_of_system(world)), (INTERRUPTED, []), f'what came of it, with “{errors}”,')
    holds('nothing was changed' in errors, errors)


run(World)
