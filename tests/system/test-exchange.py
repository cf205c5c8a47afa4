#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ExportPins and ImportPins: pins go from one user to another, and to a folder of pin files, with everything that is
true of them; a text is taken as a whole or not at all; and nobody gets at pins of others."""

import datetime
import os
import time

from lib.caller import PINS, CallError
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, BOB, HOST, World

HEADER = '[Pin File]\nVersion=1\n'
# What says who made a pin, where and when: it is another's after an import.
PROVENANCE = ('scope', 'created', 'created-by', 'generation', 'source', 'note')


def export(caller, **options):
    """All texts, in all slices."""
    files, after = [], {}
    while True:
        more, = caller.call(PINS, 'ExportPins', '(a{sv})', {name.replace('_', '-'): V(kind, value) for name, (
            kind, value) in {**options, **after}.items()})
        if not more:
            return files
        files += more
        after = {'start_after': ('s', files[-1]['host'])}


def begin_import(caller, text, scope='user', dry=False):
    return caller.begin(PINS, 'ImportPins', '(sa{sv})', text, {'scope': V('s', scope), 'dry-run': V('b', dry)})


def take(caller, text, **keywords):
    """Returns: what has changed"""
    return begin_import(caller, text, **keywords).wait()[0]


def kinds(changes):
    return [(change['host'], change['change']) for change in changes]


def join(files):
    """One text of many."""
    return HEADER + ''.join(file['text'].split('\n', 2)[2] for file in files)


def text_of(*pins):
    return HEADER + ''.join(f'[{number}]\nHost={host}\nKeys={key}\n' for number, (host, key) in enumerate(pins))


def shown(pin):
    return {name: value for name, value in pin.items() if name not in PROVENANCE}


def pin_every_kind(world, caller):
    """A pin of every kind. Returns: their hosts"""
    first, second = world.issue(), world.issue()
    caller.pin('a.example', first.der)
    caller.pin('*.b.example:8443', first.der, backup_certificates=[second.der], mode='report')
    caller.pin('**.c.example', world.authority.der, match='path', trust_anchors=[world.authority.der])
    caller.pin_keys('d.example', second.pin, first.pin, note='  a note; with “quotes”, \\ and spaces  ')
    caller.pin_keys('[2001:db8::1]:443', first.pin, expires=4102444800)
    caller.pin_keys('192.0.2.1', first.pin)
    caller.block('e.example', 'its key was stolen; ask the operator')
    caller.pin('g.example', world.issue(end=datetime.datetime.utcnow() + datetime.timedelta(days=3)).der)  # warnings
    caller.pin_keys('xn--bcher-kva.example', first.pin, note='')
    expired = int(time.time()) + 2
    caller.pin_keys('f.example', first.pin, expires=expired)
    world.wait_for_time(datetime.datetime.utcfromtimestamp(expired))
    return sorted(pin['host'] for pin in caller.list_pins(scope='user'))


@test('every kind of pin comes to another user, and to the system, as it was')
def _(world):
    hosts = pin_every_kind(world, world.alice)
    equal(len(hosts), 10, 'the number of pins')
    files = export(world.alice)
    equal([file['host'] for file in files], hosts, 'the hosts of the texts')
    for importer, scope in ((world.bob, 'user'), (world.root, 'system')):
        changes = take(importer, join(files), scope=scope)
        equal(kinds(changes), [(host, 'new') for host in hosts], 'what has changed')
        for host in hosts:
            was, now = world.alice.get_pin(host, scope='user'), importer.get_pin(host, scope=scope)
            equal(shown(now), shown(was), f'what is shown of {host}')
            holds('uid 0' in now['created-by'] if scope == 'system' else f'uid {BOB}' in now['created-by'],
                  f'who made it: {now["created-by"]}')
            if was.get('note') is not None:
                equal(now['note'], was['note'], 'the note')
            else:
                day = datetime.datetime.utcfromtimestamp(was['created']).strftime('%Y-%m-%d')
                equal(now['note'], f'pinned on {day} by {was["created-by"]}', 'the note')
    equal(sorted(pin['state'] for pin in world.bob.list_pins(scope='user')),
          ['active'] * 8 + ['blocked', 'expired'], 'the states')


@test('a pause is not exported, so the imported pin is not paused; a pause in a text is an error')
def _(world):
    world.alice.pin_keys('paused.example', world.issue().pin)
    unpaused, = export(world.alice)
    until = world.alice.pause('paused.example', 100)['paused-until']
    paused, = export(world.alice)
    equal(paused['text'], unpaused['text'], 'the text of a paused pin')
    take(world.bob, paused['text'])
    equal(world.bob.get_pin('paused.example')['state'], 'active', 'the state of what was imported')
    error = world.bob.refused('InvalidArgument', take, world.bob, (
        f'{paused["text"]}PausedSince={until - 100}\nPausedUntil={until}\nPauseReason=no reason\n'))
    holds('a pause cannot be imported' in error.message, f'the error is “{error.message}”')


@test('what was imported is exported as the same text, apart from who made it')
def _(world):
    def without_origin(files):
        return [[line for line in file['text'].split('\n') if not line.startswith(('Created', 'Note='))]
                for file in files]
    pin_every_kind(world, world.alice)
    before = export(world.alice)
    take(world.bob, join(before))
    once = export(world.bob)
    equal(without_origin(once), without_origin(before), 'the texts')
    equal([file['name'] for file in once], [file['name'] for file in before], 'the names')
    world.bob.be_told()
    equal({kind for _, kind in kinds(take(world.bob, join(once)))}, {'same'}, 'what changes with the same text')
    equal({kind for _, kind in kinds(take(world.bob, join(before)))}, {'same'}, 'what changes with the first text')
    equal(export(world.bob), once, 'the texts after that')
    equal({kind for _, kind in kinds(take(world.alice, join(before)))}, {'same'}, 'what changes where it is from')


@test('what was imported decides on requests, at once and after a restart')
def _(world):
    server, identity = world.serve_pinned()
    text = join(export(world.alice))
    world.nothing_arrives(server, 'NotPinned', caller=world.bob)
    take(world.bob, text)
    world.arrives(server, caller=world.bob)
    change, = take(world.bob, text_of((HOST, world.issue().pin)))
    equal((change['change'], change['old']['keys']), ('replaced', [identity.pin]), 'the change')
    world.nothing_arrives(server, 'PinMismatch', caller=world.bob)
    world.arrives(server)
    world.daemon.restart()
    world.nothing_arrives(server, 'PinMismatch', caller=world.bob)


@test('a folder of exported texts is a folder of pin files')
def _(world):
    pin_every_kind(world, world.alice)
    for file in export(world.alice):
        path = os.path.join(world.daemon.pins_dir, file['name'])
        with open(path, 'x', encoding='utf-8') as output:
            output.write(file['text'])
    code, output = world.daemon.run('--check')
    equal((code, output.split('\n')[-2]), (0, '0 problems'), 'what --check says')
    world.root.call(PINS, 'Reload', '')
    for mine in world.alice.list_pins(scope='user'):
        files, = (pin for pin in world.alice.list_pins(scope='system') if pin['host'] == mine['host'])
        equal(shown(files), shown(mine), f'what is shown of {mine["host"]}')
        equal(files['created-by'], mine['created-by'], 'who made it')


@test('a text with errors changes nothing, and all errors are told with line and key')
def _(world):
    key = world.issue().pin
    text = text_of(('a.example', key), ('b..example', key), ('c.example', 'sha256/short'), ('a.example', key))
    text += 'Mode=off\n[more]\nHost=d.example\n' + f'Keys={key}\nTrustAnchors=corp.der\nnonsense\n'
    for dry in (False, True):
        error = world.alice.refused('InvalidArgument', take, world.alice, text, dry=dry)
        for told in ('line 7: Host=: ', 'line 11: Keys=: ', 'line 13: Host=: ', 'line 15: Mode=: ',
                     'line 19: TrustAnchors=: ', 'line 20: ‘nonsense’'):
            holds(told in error.message, f'{told} is not in: {error.message}')
    equal(world.alice.list_pins(), [], 'the pins')


@test('a text of too much is refused, and so are the limits of single pins')
def _(world):
    key = world.issue().pin
    many = text_of(*((f'h{number}.example', key) for number in range(201)))
    keys = ';'.join(f'{number:064x}' for number in range(1000, 1065))
    for text, told in ((many, 'has more than 200 pins'), (HEADER + '#' + 'x' * (4 << 20), 'has more than 4 MiB'),
                       (text_of(('a.example', keys)), 'line 5: Keys=: there are 65'),
                       (text_of(('a.example', key)) + 'Note=' + 'x' * 1025, 'line 6: Note=: '),
                       ('', 'the first group'), (HEADER + 'Other=1\n', 'line 3: Other=: ')):
        error = world.alice.refused('InvalidArgument', take, world.alice, text)
        holds(told in error.message, f'{told} is not in: {error.message}')
    equal(take(world.alice, HEADER), [], 'what a text without pins changes')
    equal(len(take(world.alice, many.replace('[200]\nHost=h200.example\nKeys=' + key, ''))), 200, 'the changes')


@test('a dry run says what would change, and changes nothing')
def _(world):
    first, second = world.issue().pin, world.issue().pin
    world.alice.pin_keys('a.example', first)
    world.alice.pin_keys('b.example', first)
    before = world.alice.list_pins()
    text = text_of(('a.example', first), ('b.example', second), ('c.example', second))
    changes = take(world.alice, text, dry=True)
    equal(kinds(changes), [('a.example', 'same'), ('b.example', 'replaced'), ('c.example', 'new')], 'the changes')
    equal((changes[1]['pin']['keys'], changes[1]['old']['keys']), ([second], [first]), 'the keys')
    equal(world.alice.list_pins(), before, 'the pins')
    equal(kinds(take(world.bob, text, scope='system', dry=True)),
          [('a.example', 'new'), ('b.example', 'new'), ('c.example', 'new')], 'what anybody sees of the system')
    equal(kinds(take(world.alice, text)), kinds(changes), 'what changes then')


@test('nobody exports pins of others, and nobody but an administrator imports to the system')
def _(world):
    key = world.issue().pin
    world.alice.pin_keys('a.example', key)
    world.root.pin_keys('s.example', key, scope='system')
    equal([file['host'] for file in export(world.bob)], [], 'the pins of another user')
    equal([file['host'] for file in export(world.bob, scope=('s', 'system'))], ['s.example'], "the system's pins")
    equal([file['host'] for file in export(world.root, uid=('u', ALICE))], ['a.example'], 'what root sees')
    world.bob.refused('NotAuthorized', export, world.bob, uid=('u', ALICE))
    world.bob.refused('NotAuthorized', take, world.bob, text_of(('t.example', key)), scope='system')
    equal([pin['host'] for pin in world.root.list_pins(scope='system')], ['s.example'], "the system's pins after that")
    take(world.root, text_of(('t.example', key)), scope='system')
    equal(world.bob.get_pin('t.example')['scope'], 'system', 'the scope')


@test('many pins are exported in slices, and all of them')
def _(world):
    key = world.issue().pin
    hosts = sorted(f'h{number}.example' for number in range(150))
    take(world.alice, text_of(*((host, key) for host in hosts)))
    equal([file['host'] for file in export(world.alice)], hosts, 'the hosts')
    slice_, = world.alice.call(PINS, 'ExportPins', '(a{sv})', {'max': V('u', 3), 'start-after': V('s', hosts[9])})
    equal([file['host'] for file in slice_], hosts[10:13], 'one slice')


@test('where the pins are not all known, none is exported')
def _(world):
    world.alice.pin_keys('a.example', world.issue().pin)
    world.daemon.terminate()
    with open(os.path.join(world.daemon.state_dir, 'users', str(ALICE), 'b~.pin'), 'w', encoding='utf-8') as file:
        file.write('broken')
    world.daemon.start()
    world.alice.refused('StoreFailed', export, world.alice)


@test('kill -9 in the middle of an import: each pin is the old or the new one, never broken')
def _(world):
    old, new = world.issue().pin, world.issue().pin
    hosts = [f'h{number}.example' for number in range(200)]
    for kill_after in (None, 5, 60, 150):
        take(world.alice, text_of(*((host, old) for host in hosts)))
        call = begin_import(world.alice, text_of(*((host, new) for host in hosts)))
        world.alice.flush()
        while kill_after is not None and world.alice.get_pin(hosts[kill_after])['keys'] == [old]:
            pass
        world.daemon.kill()
        try:
            call.wait()
            done = True
        except CallError:
            done = False
        equal(world.daemon.run('--check')[0], 0, 'the exit code of --check')
        world.daemon.start()
        keys = [tuple(pin['keys']) for pin in world.alice.list_pins()]
        equal(len(keys), 200, 'the number of pins')
        if kill_after is not None:
            equal(world.alice.get_pin(hosts[kill_after])['keys'], [new], 'the keys of a pin that was seen')
        holds(set(keys) <= ({(new,)} if done else {(old,), (new,)}), f'other keys: {set(keys)}')
        # They are written in the order of the text.
        now = {pin['host']: pin['keys'][0] for pin in world.alice.list_pins()}
        written = [now[host] == new for host in hosts]
        equal(written, sorted(written, reverse=True), 'which are written')


@test('subscribers are told of what has changed, and only of that')
def _(world):
    key, other = world.issue().pin, world.issue().pin
    world.alice.pin_keys('a.example', key)
    world.alice.be_told()
    world.alice.signals.clear()
    take(world.alice, text_of(('a.example', key), ('b.example', other)))
    world.alice.wait_for_signal_where('PinChanged', lambda host, _: host == 'b.example')
    equal([arguments[0] for name, arguments in world.alice.signals if name == 'PinChanged'], ['b.example'],
          'the hosts that were told')
    equal(world.daemon.log().count('pinned b.example in the user scope'), 1, 'lines of the journal')


run(World)
