#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl looks after the pins of its user's sandboxed apps: each verb with --app, against the real service. It needs
no sandbox for that: it is one of the user's own programs."""

import json
import os

from lib.certpinctl import BAD_INPUT, NOT_PINNED, OK, STORE, UNTRUSTED, USAGE, ctl, exits
from lib.public import new_folder
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

APP, OTHER, SNAP = 'flatpak:org.example.App', 'flatpak:org.example.Other', 'snap:demo'
KEYS = [f'sha256/{letter * 42}A=' for letter in 'BCDE']


def document(world, *arguments, code=OK, **keywords):
    return json.loads(exits(world, code, *arguments, '--json', **keywords))


def pins_of(world, *options, **keywords):
    """Returns: hosts, scopes and apps, as the list has them"""
    return [(pin['host'], pin['scope'], pin.get('app')) for pin in document(world, 'list', *options, **keywords)['pins']]


def fails(world, code, text, *arguments, **keywords):
    actual, output, errors = ctl(world, *arguments, **keywords)
    equal((actual, output), (code, b''), f'what came of {arguments}, which said “{errors}”,')
    holds(text in errors, f'{arguments} said “{errors}”, not “{text}”')


def fill(world):
    """The user has a pin, and two of the user's apps have one, or two, of the same name."""
    exits(world, OK, 'pin', HOST, f'--key={KEYS[0]}')
    exits(world, OK, 'pin', f'--app={APP}', HOST, f'--key={KEYS[1]}')
    exits(world, OK, 'pin', f'--app={APP}', 'b.example', f'--key={KEYS[1]}')
    exits(world, OK, 'pin', f'--app={SNAP}', HOST, f'--key={KEYS[2]}')


def same_for_others(world, change):
    """The change is of this app alone."""
    before = [document(world, 'list', *options)['pins'] for options in ((), (f'--app={SNAP}',))]
    answer = change()
    equal([document(world, 'list', *options)['pins'] for options in ((), (f'--app={SNAP}',))], before, 'what others have')
    return answer


@test('what is pinned for an app is that app’s alone, and is listed and shown where the app is named')
def _(world):
    fill(world)
    equal(pins_of(world), [(HOST, 'user', None)], 'the list without an app')
    equal(pins_of(world, f'--app={APP}'), [('b.example', 'app', APP), (HOST, 'app', APP)], 'the list of one')
    everyone = [('b.example', 'app', APP), (HOST, 'app', APP), (HOST, 'app', SNAP)]
    equal((pins_of(world, '--app'), pins_of(world, '--app', APP)), (everyone, everyone[:2]), 'the lists in two words')
    rows = [line.split()[:2] for line in exits(world, OK, 'list', '--app').decode().split('\n')[1:] if line[:1].isalnum()]
    equal(rows, [['b.example', APP], [HOST, APP], [HOST, SNAP]], 'the table')
    shown = document(world, 'show', f'--app={APP}', HOST)['pins']
    equal([(pin['app'], pin['scope'], pin['keys']) for pin in shown], [(APP, 'app', [KEYS[1]])], 'what show has')
    holds(f'app           {APP}'.split() in [line.split() for line in
          exits(world, OK, 'show', f'--app={APP}', HOST).decode().split('\n')], 'the text does not name the app')
    equal(document(world, 'show', HOST)['pins'][0]['keys'], [KEYS[0]], 'what show has without an app')
    equal((pins_of(world, '--app', uid=BOB), pins_of(world, '--app', uid=0)), ([], []), 'the lists of others')


@test('each verb that changes a pin changes that of the app, and says so')
def _(world):
    fill(world)
    app = f'--app={APP}'

    def told(*arguments):
        return same_for_others(world, lambda: exits(world, OK, arguments[0], app, *arguments[1:]).decode())

    def pin():
        return document(world, 'show', app, HOST)['pins'][0]

    told('pin', '--add', HOST, KEYS[3])
    equal(pin()['keys'], [KEYS[1], KEYS[3]], 'the keys')
    told('pin', '--remove-key', HOST, KEYS[3])
    equal(pin()['keys'], [KEYS[1]], 'the keys')
    told('rotate', HOST, KEYS[2])
    equal(pin()['keys'], [KEYS[1], KEYS[2]], 'the keys')
    holds("Paused the app's pin of" in told('pause', '--for=1h', '--reason=why', HOST), 'the pause is not told')
    equal(pin()['state'], 'paused', 'the state')
    holds("Resumed the app's pin of" in told('resume', HOST), 'the end of the pause is not told')
    equal(pin()['state'], 'active', 'the state')
    equal(told('block', HOST, 'stolen'), f'Blocked {HOST} for {APP}\n', 'what block says')
    equal((pin()['state'], pin()['reason']), ('blocked', 'stolen'), 'the pin')
    equal(told('unpin', HOST), f"Removed the app's block of {HOST}; it has no pin of it now\n", 'what unpin says')
    equal(pins_of(world, app), [('b.example', 'app', APP)], 'what is left')
    for verb, words, state in (('block', ['why'], 'blocked'), ('unpin', [], 'removed')):
        equal({**document(world, verb, app, HOST, *words)['pin'], 'reason': ''},
              {'host': HOST, 'scope': 'app', 'app': APP, 'state': state, 'reason': ''}, f'the JSON of {verb}')


@test('what would be pinned for an app is compared with the app’s pin, and a file that cannot be read blocks it there')
def _(world):
    fill(world)
    wanted = document(world, 'pin', '-n', f'--app={APP}', HOST, f'--key={KEYS[3]}')['dry-run']
    equal([(pin['app'], pin['scope'], pin['keys']) for pin in (wanted['pin'], wanted['replaced'])],
          [(APP, 'app', [KEYS[3]]), (APP, 'app', [KEYS[1]])], 'what would change')
    holds(f"Would replace the app's pin of {HOST} by:\n".encode()
          in exits(world, OK, 'pin', '-n', f'--app={APP}', HOST, f'--key={KEYS[3]}'), 'the text is about another pin')
    holds(b'Would pin new.example for the app:\n'
          in exits(world, OK, 'pin', '-n', f'--app={APP}', 'new.example', f'--key={KEYS[3]}'), 'the text is not about it')
    same_for_others(world, lambda: fails(world, BAD_INPUT, 'is blocked', 'pin', f'--app={APP}', '--block-on-failure', HOST,
                                         '/no/such/file'))
    equal(document(world, 'show', f'--app={APP}', HOST)['pins'][0]['state'], 'blocked', 'the state')


@test('the pins of an app are exported, and imported for another one')
def _(world):
    fill(world)
    text = exits(world, OK, 'export', f'--app={APP}')
    changes = document(world, 'import', '-n', f'--app={OTHER}', '-', stdin=text)['changes']
    equal(([change['change'] for change in changes], pins_of(world, f'--app={OTHER}')), (['new', 'new'], []), 'the plan')
    same_for_others(world, lambda: exits(world, OK, 'import', f'--app={OTHER}', '-', stdin=text))
    equal(pins_of(world, f'--app={OTHER}'), [('b.example', 'app', OTHER), (HOST, 'app', OTHER)], 'what is imported')
    one = exits(world, OK, 'export', f'--app={OTHER}', 'b.example')
    holds(b'Host=b.example\n' in one and f'Keys={KEYS[1]};\n'.encode() in one and one.count(b'Host=') == 1,
          f'the export of one host is {one}')
    folder = new_folder('certpin-apps-')
    os.chown(folder, ALICE, ALICE)
    exits(world, OK, 'export', f'--app={APP}', '-o', f'{folder}/pins')
    equal(sorted(os.listdir(f'{folder}/pins')), ['b.example.pin', f'{HOST}.pin'], 'the files')
    fails(world, NOT_PINNED, 'in the scope app', 'export', f'--app={APP}', 'c.example')


@test('forget removes all pins of one app, says which, and touches no other')
def _(world):
    fill(world)
    exits(world, OK, 'block', f'--app={APP}', 'c.example', 'why')
    told = same_for_others(world, lambda: exits(world, OK, 'forget', f'--app={APP}').decode())
    equal(told, ''.join(f"Removed the app's pin of {host}\n" for host in ('b.example', 'c.example', HOST)), 'what it says')
    equal(pins_of(world, '--app'), [(HOST, 'app', SNAP)], 'what is left')
    fails(world, NOT_PINNED, f'the app ‘{APP}’ has no pins; to see which apps have some: certpinctl list --app\n',
          'forget', f'--app={APP}')
    fails(world, NOT_PINNED, 'did you mean ‘snap:demo’?', 'forget', '--app=snap:dmeo')
    equal(document(world, 'forget', f'--app={SNAP}')['pins'],
          [{'host': HOST, 'scope': 'app', 'app': SNAP, 'state': 'removed'}], 'the JSON')
    equal(pins_of(world, '--app'), [], 'what is left')
    fails(world, USAGE, '‘forget’ needs --app', 'forget')


@test('forget removes the other pins if one of them cannot be removed, and says which that is')
def _(world):
    fill(world)
    exits(world, OK, 'block', f'--app={APP}', 'c.example', 'why')
    file = next(os.path.join(folder, 'c.example.pin') for folder, _, files in os.walk(world.daemon.state_dir)
                if 'c.example.pin' in files)
    os.unlink(file)
    os.mkdir(file)
    code, output, errors = ctl(world, 'forget', f'--app={APP}')
    equal((code, output.decode()), (STORE, ''.join(f"Removed the app's pin of {host}\n" for host in ('b.example', HOST))),
          'what it says')
    holds('c.example' in errors, f'it says: {errors}')
    equal(pins_of(world, f'--app={APP}'), [('c.example', 'app', APP)], 'what is left')
    os.rmdir(file)


@test('an app is named as Flatpak or snapd do; what may be either is refused, and nothing is pinned')
def _(world):
    exits(world, OK, 'pin', '--app=org.example.App', HOST, f'--key={KEYS[0]}')
    equal(pins_of(world, '--app'), [(HOST, 'app', APP)], 'the app of a bare id')
    for name in ('demo', 'org.example', '', 'firefox'):
        fails(world, USAGE, f'‘{name}’ does not say whether it is a Flatpak or a snap; give --app=flatpak:ID',
              'pin', f'--app={name}', HOST, f'--key={KEYS[0]}')
    for name in ('flatpak:demo', 'snap:De.mo', 'deb:demo', 'a.b.c/d'):
        fails(world, BAD_INPUT, 'is not the name of an app', 'pin', f'--app={name}', HOST, f'--key={KEYS[0]}')
    for verb, *words in (('pin', HOST, f'--key={KEYS[0]}'), ('unpin', HOST), ('block', HOST, 'why'), ('resume', HOST),
                         ('rotate', HOST), ('list',), ('import', '-')):
        fails(world, USAGE, 'give only one of --system and --app', verb, '--system', f'--app={APP}', *words)
    fails(world, USAGE, 'give only one of --scope and --app', 'export', '--scope=user', f'--app={APP}')
    for option in ('--user', '--all-users', '--uid=0'):
        fails(world, USAGE, '--app goes without --system, --user, --uid and --all-users', 'list', '--app', option)
    equal(pins_of(world, '--app'), [(HOST, 'app', APP)], 'what there is')


@test('who names the wrong pin is told where the right one is')
def _(world):
    fill(world)
    exits(world, OK, 'pin', 'mine.example', f'--key={KEYS[0]}')
    exits(world, OK, 'pin', '--system', '--yes', 'all.example', f'--key={KEYS[0]}', uid=0)
    for verb in ('unpin', 'resume'):
        fails(world, NOT_PINNED, 'you have a pin of that name, which is meant without --app', verb, f'--app={APP}',
              'mine.example')
    fails(world, NOT_PINNED, 'the system has a pin of that name, which is not the app', 'unpin', f'--app={APP}', 'all.example')
    fails(world, NOT_PINNED, 'did you mean ‘b.example’?', 'unpin', f'--app={APP}', 'd.example')
    fails(world, NOT_PINNED, f'to see what is pinned: certpinctl list --app={APP}\n', 'show', f'--app={APP}',
          'elsewhere.example')
    fails(world, NOT_PINNED, f'the app ‘{APP}’ has no pin of ‘elsewhere.example’', 'rotate', f'--app={APP}',
          'elsewhere.example')


@test('pin --fetch tries the pin as the app’s, beside those of its user')
def _(world):
    server, identity = world.serve_pinned()
    at = f'{HOST}:{server.port}'
    exits(world, OK, 'pin', f'--app={APP}', at, f'--key={KEYS[0]}')
    exits(world, OK, 'pin', f'--app={APP}', '--fetch', '--yes', f'--key={identity.pin}', at)
    equal(document(world, 'show', f'--app={APP}', at)['pins'][0]['keys'], [identity.pin], 'the keys')
    exits(world, OK, 'pin', HOST, f'--key={KEYS[0]}')
    fails(world, UNTRUSTED, 'is refused by the user\'s settings; nothing was changed', 'pin', f'--app={OTHER}', '--fetch', '--yes',
          f'--key={identity.pin}', at)
    equal((pins_of(world, f'--app={OTHER}'), server.bytes), ([], 0), 'what came of it')


@test('completion offers the apps that have pins')
def _(world):
    fill(world)

    def offered(*words):
        return [line.split('\t')[0] for line in exits(world, OK, 'complete', *words).decode().splitlines()]

    equal(offered('unpin', '--app='), [f'--app={APP}', f'--app={SNAP}'], 'behind the option')
    equal(offered('list', '--app', 'snap'), [SNAP], 'in a word of its own')
    for words in (('unpin', f'--app={APP}', ''), ('unpin', '--app', 'org.example.App', '')):
        equal(offered(*words), ['b.example', HOST], f'behind {words}')
    equal(offered('unpin', '--app', SNAP, ''), [HOST], 'the hosts of another app')
    holds('--json' in offered('list', '--app', '--'), 'no option is offered where the value may be left out')


run(World)
