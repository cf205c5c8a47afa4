#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What users of systemctl, resolvectl, journalctl, busctl and fwupdmgr expect, row by row, of a program for the state of
a service. docs/FROM-SYSTEMD.md has the rows; `--write` writes it anew."""

import json
import os
import pathlib
import signal
import subprocess
import sys

from lib.certpinctl import (BAD_INPUT, BLOCKED, INTERRUPTED, NO_SERVICE, NOT_AUTHORIZED, NOT_PINNED, OK, REFUSED, STORE, USAGE, ctl,
                            exits, put, start)
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import HOST, World

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGE = SOURCE / 'docs/FROM-SYSTEMD.md'
TABLES = {'same': [], 'different': [], 'missing': []}


def row(table, theirs, ours, says=''):
    """A row of the page, and the test that shows it."""
    def add(function):
        TABLES[table].append((theirs, ours, says))
        return test(f'{theirs} → {ours or says}')(function)
    return add


def text(world, *words, code=OK, **keywords):
    return exits(world, code, *words, **keywords).decode()


def unknown(world, *words):
    """Is refused, with the exit status of a wrong command line; what else there is, is told."""
    code, output, errors = ctl(world, *words)
    equal((code, output), (USAGE, b''), f'{words}, which said {errors!r},')
    holds('certpinctl' in errors, errors)


# What is the same


@row('same', 'systemctl status, resolvectl status', 'certpinctl status', 'exit status 0 only if all is well, otherwise 3')
def _(world):
    holds('certpind' in text(world, 'status'), 'it says nothing of the service')
    world.alice.block(HOST)
    holds(HOST in text(world, 'status', code=REFUSED), 'the blocked host')


@row('same', 'systemctl is-active UNIT', 'certpinctl explain HOST --json', 'a program asks for JSON')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    holds('must match' in str(json.loads(text(world, 'explain', HOST, '--json'))), 'it does not say what would happen')


@row('same', 'systemctl list-units, fwupdmgr get-devices', 'certpinctl list', 'on a terminal, an empty list says so')
def _(world):
    holds('nothing is pinned' in dialog(world, 'list', environment={'TERM': 'dumb', 'PAGER': ''})[1], 'the empty list')
    world.alice.pin(HOST, world.issue().der)
    holds(HOST in text(world, 'list'), 'the pin')


@row('same', 'systemctl show UNIT', 'certpinctl show HOST')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der)
    holds(identity.pin in text(world, 'show', HOST), 'the key')


@row('same', 'resolvectl query NAME', 'certpinctl explain HOST', 'what would happen, without sending anything')
def _(world):
    server, identity = world.serve_pinned()
    told = text(world, 'explain', HOST)
    holds(HOST in told and 'must match' in told and identity.pin in told, told)
    equal(len(server.connections), 0, 'the number of connections')


@row('same', 'systemctl show A B, resolvectl query A B', 'certpinctl show A B, explain A B, unpin A B, key A B',
     'if one fails, the others are done all the same; the exit status is that of the first failure')
def _(world):
    identity = world.issue()
    hosts = ['a.example', 'b.example']
    for host in hosts:
        world.alice.pin(host, identity.der)
    for verb in ('show', 'explain'):
        printed = text(world, verb, *hosts)
        shown = [line for line in printed.splitlines() if line in (*hosts, *(f'{host}:443' for host in hosts))]
        equal(len(shown), 2 if verb == 'show' else 4, f'the headings of {printed}')
        equal([len(json.loads(line)) for line in text(world, verb, '--json', *hosts).splitlines()], [1, 1], 'the documents')
    code, output, errors = ctl(world, 'show', 'nix.example', 'b.example')
    equal((code, 'b.example' in output.decode(), 'nix.example' in errors), (NOT_PINNED, True, True), f'show, with {errors},')
    file = put(world, 'server.der', identity.der)
    code, output, errors = ctl(world, 'key', file, os.path.join(world.folder, 'nofile'), file)
    equal((code, output.decode()), (BAD_INPUT, f'{identity.pin}\n' * 2), f'the keys, with {errors},')
    equal(list(json.loads(exits(world, BAD_INPUT, 'key', '--json', file, './nofile'))), ['error'], 'the only document')
    code, output, errors = ctl(world, 'unpin', 'a.example', '', 'nix.example', 'b.example')
    equal((code, len(output.splitlines()), len(errors.splitlines())), (BAD_INPUT, 2, 2), f'unpin, with {errors},')
    equal(world.alice.list_pins(), [], 'the pins')


@row('same', 'systemctl daemon-reload', 'certpinctl reload', 'all files, or none')
def _(world):
    def write(name, host, key):
        path = put(world, f'pins.d/{name}', f'[Pin File]\nVersion=1\n[1]\nHost={host}\nKeys={key}\n'.encode())
        os.chmod(path, 0o644)

    def hosts():
        return [pin['host'] for pin in world.alice.list_pins()]

    key = world.issue().pin
    equal(hosts(), [], 'the pins')
    write('a.pin', 'one.example', key)
    text(world, 'reload', uid=0)
    equal(hosts(), ['one.example'], 'the pins after it')
    write('b.pin', 'two.example', key)
    write('c.pin', 'three.example', 'nothing')
    text(world, 'reload', uid=0, code=STORE)
    equal(hosts(), ['one.example'], 'the pins after an error in one of the files')


@row('same', 'systemctl edit, cat', 'certpinctl export HOST, import FILE', '-n shows what would change')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    file = put(world, 'h.pin', text(world, 'export', HOST).encode())
    text(world, 'unpin', HOST)
    text(world, 'import', '-n', file)
    world.alice.refused('NotPinned', world.alice.get_pin, HOST)
    text(world, 'import', file)
    equal(world.alice.get_pin(HOST)['host'], HOST, 'the host')


@row('same', 'resolvectl monitor, busctl monitor', 'certpinctl monitor', 'an interrupt ends it with 130')
def _(world):
    process = start(world, 'monitor', stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        holds('watching' in process.stderr.readline(), 'it does not watch')
        world.alice.pin(HOST, world.issue().der)
        holds(HOST in process.stdout.readline(), 'the pin')
    finally:
        process.send_signal(signal.SIGINT)
        equal(process.wait(timeout=DEADLINE_S), INTERRUPTED, 'the exit status')


@row('same', 'systemctl --user, --system', 'certpinctl --system', 'your own is the default, and needs no option')
def _(world):
    identity = world.issue()
    file = put(world, 'server.der', identity.der)
    text(world, 'pin', HOST, file, '--system', '--yes', uid=0)
    text(world, 'pin', HOST, file)
    equal([pin['scope'] for pin in world.alice.list_pins()], ['system', 'user'], 'the scopes')
    text(world, 'pin', HOST, file, '--system', '--yes', code=NOT_AUTHORIZED)


@row('same', '--json=short, -o json', 'certpinctl --json', 'one document, also for errors; docs/json has its schema')
def _(world):
    holds(isinstance(json.loads(text(world, 'list', '--json')), (list, dict)), 'the list')
    code, output, _ = ctl(world, 'unpin', 'h.example', '--json')
    equal((code, 'error' in json.loads(output)), (NOT_PINNED, True), f'the error {output!r}')


@row('same', '--no-pager, $PAGER, $NO_COLOR', 'the same')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    coloured = dialog(world, 'list', environment={'TERM': 'xterm', 'PAGER': ''})[1]
    holds('\x1b[' in coloured, 'there is no colour on a terminal')
    plain = dialog(world, 'list', environment={'TERM': 'xterm', 'PAGER': '', 'NO_COLOR': '1'})[1]
    holds('\x1b[3' not in plain, 'there is colour with NO_COLOR')
    holds(b'\x1b' not in exits(world, OK, 'list'), 'there is colour in a pipe')
    paged = {'TERM': 'xterm', 'PAGER': "sed 's/^/paged: /'"}
    holds('paged: ' in dialog(world, 'list', environment=paged)[1], 'it does not go through the pager')
    holds('paged: ' not in dialog(world, 'list', '--no-pager', environment=paged)[1], 'the pager runs with --no-pager')


@row('same', '--no-ask-password', 'the same')
def _(world):
    file = put(world, 'server.der', world.issue().der)
    folder = pathlib.Path(world.folder, 'bin')
    folder.mkdir()
    agent = pathlib.Path(put(world, 'bin/pkttyagent', b'#!/bin/sh\necho agent >&2\n'))
    agent.chmod(0o755)
    path = {'PATH': f'{folder}:{os.environ["PATH"]}'}
    command = 'pin', HOST, file, '--system', '--yes'
    code, shown = dialog(world, *command, environment=path)
    equal((code, 'agent' in shown), (NOT_AUTHORIZED, True), f'of {shown!r}, what it asks')
    code, shown = dialog(world, *command, '--no-ask-password', environment=path)
    equal((code, 'agent' in shown), (NOT_AUTHORIZED, False), f'of {shown!r}, what it asks')


@row('same', 'fwupdmgr -y, --assume-yes', 'certpinctl --yes, -y', 'without a terminal, a question without it is a refusal')
def _(world):
    identity = world.issue()
    place = f'{HOST}:{world.serve(identity).port}'
    code, _, errors = ctl(world, 'pin', '--fetch', place)
    equal((code, '--yes' in errors), (USAGE, True), errors)
    world.alice.refused('NotPinned', world.alice.get_pin, place)
    for word in '-y', '--yes':
        text(world, 'pin', '--fetch', f'--key={identity.pin}', word, place)
        equal(world.alice.get_pin(place)['host'], place, 'the host')
        text(world, 'unpin', place)


@row('same', 'systemctl help, VERB --help', 'certpinctl help VERB, VERB --help', 'one screen')
def _(world):
    equal(text(world, 'help', 'list'), text(world, 'list', '--help'), 'the help')
    holds(len(text(world, 'list', '--help').split('\n')) <= 24, 'it is longer than a screen')


@row('same', 'a verb that is misspelt or cut', 'the same', 'did you mean …?; an unambiguous beginning is enough')
def _(world):
    code, _, errors = ctl(world, 'lsit')
    equal((code, '‘list’' in errors), (USAGE, True), errors)
    equal(text(world, 'stat'), text(world, 'status'), 'what a beginning does')


@row('same', 'no service, or no bus', 'exit status 7', 'says which, and what to do')
def _(world):
    world.daemon.terminate()
    code, _, errors = ctl(world, 'list')
    equal(code, NO_SERVICE, errors)
    holds('certpinctl doctor' in errors, errors)
    world.daemon.start()


# What is different on purpose


@row('different', 'systemctl status UNIT: exit status 3 if it is not active', 'certpinctl show HOST: 0 if there is a pin',
     'whether a request would pass is what `explain` and `get` say')
def _(world):
    world.alice.block(HOST)
    text(world, 'show', HOST)


@row('different', 'systemctl mask, unmask', 'certpinctl export HOST, block HOST REASON, import FILE',
     'a block replaces the pin; `unpin HOST` removes the block, and does not bring the pin back')
def _(world):
    server, identity = world.serve_pinned()
    file = put(world, 'h.pin', text(world, 'export', HOST).encode())
    code, _, errors = ctl(world, 'block', HOST, 'moved')
    equal((code, identity.pin in errors, 'certpinctl export' in errors), (OK, True, True), errors)
    world.no_connection(server, 'Blocked', server.url(HOST))
    text(world, 'get', server.url(HOST), code=BLOCKED)
    holds('no pin' in text(world, 'unpin', HOST), 'it does not say that nothing is pinned')
    world.alice.refused('NotPinned', world.alice.get_pin, HOST)
    text(world, 'import', file)
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the keys')


@row('different', 'systemctl: 1 for most failures', 'an exit status for each kind of failure',
     'scripts can tell a wrong key (3) from a server that is away; certpinctl(1) has them')
def _(world):
    server, _ = world.serve_pinned()
    world.alice.pin(HOST, world.issue().der)
    text(world, 'get', server.url(HOST), code=REFUSED)


@row('different', 'fwupdmgr get-history', 'certpinctl log, show HOST', 'the journal has all changes, show the last refusal')
def _(world):
    server, _ = world.serve_pinned()
    wrong = world.issue()
    world.alice.pin(HOST, wrong.der)
    text(world, 'get', server.url(HOST), code=REFUSED)
    holds(wrong.pin in text(world, 'show', HOST), 'the refusal')


@row('different', 'fwupdmgr asks before it changes', 'only `pin --fetch` does: is this the right key?',
     'what else is wrong can be taken back; for --system, polkit asks for a password')
def _(world):
    server = world.serve()
    text(world, 'pin', HOST, put(world, 'server.der', world.issue().der))
    text(world, 'unpin', HOST)
    holds(ctl(world, 'pin', '--fetch', f'{HOST}:{server.port}')[0] != OK, 'it pinned without a question')
    world.alice.refused('NotPinned', world.alice.get_pin, HOST)


# What is left out on purpose


def missing(theirs, says, *words):
    row('missing', theirs, '', says)(lambda world: unknown(world, *words))


missing('systemctl start, stop, restart', 'systemctl does that: `systemctl restart certpind`', 'restart')
missing('systemctl enable, disable', 'the bus starts the service when it is called', 'enable')
missing('resolvectl flush-caches', 'nothing that was judged is kept: each request is judged anew', 'flush-caches')
missing('-H, --host USER@HOST', '`ssh HOST certpinctl …` does it, and asks for a password there', '--host=h', 'list')
missing('-M, --machine', '`machinectl shell` does it', '--machine=m', 'list')
missing('--no-legend, -q', '--json is for programs', 'list', '--no-legend')
missing('fwupdmgr refresh, update', 'new keys come with the server; `certpinctl rotate` follows them', 'refresh')


# The page

INTRODUCTION = '''# Coming from systemctl, resolvectl and fwupdmgr

For the state of the service, `certpinctl` does what these do.
`tests/system/test-certpinctl-systemd.py` shows each row of these tables, and makes this page.
[FROM-CURL.md](FROM-CURL.md) is about requests.

'''
HEADINGS = {
    'same': ('## What is the same\n\n| theirs | certpinctl | |\n| --- | --- | --- |\n', True),
    'different': ('\n## What is different on purpose\n\n| theirs | certpinctl | why |\n| --- | --- | --- |\n', True),
    'missing': ('\n## What is left out on purpose\n\n| theirs | why, or what to do instead |\n| --- | --- |\n', False),
}


def make_page():
    page = INTRODUCTION
    for table, (heading, three) in HEADINGS.items():
        page += heading
        for theirs, ours, says in TABLES[table]:
            cells = [theirs, ours, says] if three else [theirs, says]
            page += '| ' + ' | '.join(cell.replace('|', '\\|') for cell in cells).replace('|  |', '| |') + ' |\n'
    return page


@test('docs/FROM-SYSTEMD.md has these rows')
def _(_world):
    equal(PAGE.read_text(encoding='utf-8'), make_page(), 'the page, which --write writes anew,')


if '--write' in sys.argv:
    PAGE.write_text(make_page(), encoding='utf-8')
    sys.exit(0)
run(World)
