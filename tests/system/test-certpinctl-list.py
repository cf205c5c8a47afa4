#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl with many pins, in whatever order they come, and with pins that are not on disk."""

import json
import pathlib
import random
import re

from gi.repository import GLib

from lib import fake_service as fake
from lib.certpinctl import OK, ctl, exits, put
from lib.fake_journal import SECOND
from lib.fake_service import FakeWorld
from lib.tap import equal, holds, run, test
from lib.terminal import dialog

MANUAL = pathlib.Path(__file__).parents[2] / 'docs/man/certpinctl.1'
VERBS = ('pin', 'unpin', 'block', 'pause', 'resume', 'rotate', 'list', 'forget', 'show', 'explain', 'export', 'import', 'key',
         'compare', 'verify', 'get', 'head', 'delete', 'post', 'put', 'request', 'connect', 'status', 'monitor', 'log',
         'reload', 'doctor')


def everywhere(host):
    """The host's pins in the order in which they apply: the files', the system's, the user's."""
    return [fake.pin(host, scope='system', source='/etc/certpin/pins.d/a.pin'),
            fake.pin(host, scope='system'), fake.pin(host)]


def lists(world, pins):
    """The service has these, and says so at once, in this order."""
    world.answers(lambda method, arguments: fake.several()
                  if 'start-after' in arguments[0] else fake.several(*pins))


def shown(world):
    """Returns: hosts and scopes, and whether it is a file's pin, as JSON lists them"""
    pins = json.loads(exits(world, OK, 'list', '--json'))['pins']
    return [(pin['host'], pin['scope'], 'source' in pin) for pin in pins]


@test('pins are listed by host, and of one host the files’, the system’s and the user’s')
def _(world):
    hosts = sorted(['*.h.example', '**.h.example', 'h.example', 'h.example:8443', '[::1]', 'a.b'])
    pins = [pin for host in hosts for pin in everywhere(host)]
    expected = [(host, scope, file) for host in hosts
                for scope, file in (('system', True), ('system', False), ('user', False))]
    for seed in range(5):
        mixed = pins[:]
        random.Random(seed).shuffle(mixed)
        lists(world, mixed)
        equal(shown(world), expected, 'the order in JSON')
        lines = exits(world, OK, 'list').decode().split('\n')[1:-1]
        rows = [line for line in lines if not line.startswith(' ')]
        equal([line for line in lines if line.startswith(' ')], [f'  {key}' for pin in pins for key in pin['keys']],
              'the lines of the keys')
        equal([tuple(row.split()[:2]) for row in rows], [entry[:2] for entry in expected],
              'the order of the table')


def on_a_terminal(world, *arguments, columns):
    return dialog(world, *arguments, columns=columns)[1].rstrip('\n').split('\n')


@test('a line fits on a terminal: long values go on below, a command goes on behind a backslash; in a pipe, all is one')
def _(world):
    words = 'many words that say why ' * 20
    failure = fake.failure(advice=words.strip(), **{'offered-keys': ['sha256/new']})
    answers = {'GetPin': fake.one(fake.pin(host='h.' + 'long.' * 8 + 'example', note=words.strip())),
               'LastFailure': fake.one(failure)}
    world.answers(lambda method, arguments: answers[method])
    for columns in (80, 100, 200):
        lines = on_a_terminal(world, 'show', 'h.example', columns=columns)
        equal([line for line in lines if len(line) > columns], [], f'the long lines of {columns} columns')
        holds(max(len(line) for line in lines) > columns - 10, f'lines are too short in {columns} columns')
        text = ' '.join(line.strip() for line in lines)
        holds(words.strip() in text, f'words are missing: {text}')
    command = on_a_terminal(world, 'show', 'h.example', columns=80)[-2:]
    holds(command[0].endswith(' \\') and command[1].strip() == 'sha256/new', f'the command is {command}')
    output = exits(world, OK, 'show', 'h.example').decode()
    holds(words.strip() + '\n' in output and 'example sha256/new\n' in output, f'the pipe got {output}')
    world.answers(lambda method, arguments: (_ for _ in ()).throw(fake.Refusal('Failed', words.strip())))
    lines = on_a_terminal(world, 'list', columns=80)
    equal(([len(line) <= 80 for line in lines], ' '.join(line.strip() for line in lines)),
          ([True] * len(lines), 'certpinctl: ' + words.strip()), 'a message')
    info = fake.info(**{'url': 'https://h.example/', 'matched-key': fake.KEY, 'path-keys': [fake.KEY]})
    world.answers(lambda method, arguments: fake.response(body=b'', evidence=info))
    lines = on_a_terminal(world, 'get', 'https://h.example/', columns=80)
    long = [number for number, line in enumerate(lines) if line.startswith('matched')]
    equal(([len(line) <= 80 for line in lines], [lines[number + 1][:2] for number in long]), ([True] * len(lines), ['  ']),
          f'the details of a connection, {lines}')


@test('explain says how to pin a host that is not pinned')
def _(world):
    policy = 'requests are refused with NotPinned: host ‘h.example’ is not pinned; pin its certificate first'
    answer = fake.explanation(host='h.example:8443', policy=policy)
    world.answers(lambda method, arguments: fake.one(answer if method == 'ExplainHost' else fake.failure()))
    for words, host in ((['h.example'], 'h.example'), (['--port=8443', 'h.example'], 'h.example:8443')):
        equal(exits(world, OK, 'explain', *words).decode().split('\n')[:3],
              ['h.example:8443', f'  {policy}', f'    certpinctl pin --fetch {host}'], f'what {words} shows')
    lines = on_a_terminal(world, 'explain', 'h.example', columns=80)
    holds(all(len(line) <= 80 for line in lines) and lines[2].startswith('    '), f'the lines are {lines}')
    world.answers(lambda method, arguments: fake.one(fake.explanation(fake.pin(), policy=policy)
                                                     if method == 'ExplainHost' else fake.failure()))
    holds(b'--fetch' not in exits(world, OK, 'explain', 'h.example'), 'a host that has a pin is to be pinned')


@test('what a message says of the cause is not said twice')
def _(world):
    cause = 'somebody is in between'
    for message, rows in ((f'the key is wrong; {cause}', 0), ('the key is wrong', 1)):
        failure = fake.failure(message=message, **{'likely-cause': cause})
        world.answers(lambda method, arguments, failure=failure: fake.one(fake.pin() if method == 'GetPin' else failure))
        output = exits(world, OK, 'show', 'h.example').decode()
        equal((output.count(cause), output.count('likely cause')), (1, rows), 'how often the cause is said')


@test('in 40 columns, no line is empty, and what goes on below is indented as its beginning; $COLUMNS goes before')
def _(world):
    served = GLib.Variant('a{sv}', {'subject': GLib.Variant('s', 'CN=h'), 'issuer': GLib.Variant('s', 'CN=i'),
                                    'time': GLib.Variant('x', SECOND), 'not-after': GLib.Variant('x', SECOND)})
    pin = fake.pin(keys=[fake.KEY], served=served, seen=GLib.Variant('a{s(xx)}', {fake.KEY: (SECOND, SECOND)}))
    world.answers(lambda method, arguments: fake.several(*([] if 'start-after' in arguments[0] else [pin])))
    equal(on_a_terminal(world, 'list', columns=40)[2:],
          [f'  {fake.KEY}', '  (last seen 2027-01-30, certificate', '  ends 2027-01-30)'], 'the lines below the row')
    equal(dialog(world, 'list', columns=200, environment={'COLUMNS': '40'})[1].count('\n'), 5, 'the lines with COLUMNS=40')
    for wrong in ('', '0', '-5', 'x', '1e9'):
        equal(dialog(world, 'list', columns=200, environment={'COLUMNS': wrong})[1].count('\n'), 4, f'with COLUMNS={wrong}')
    world.answers(lambda method, arguments: fake.one(pin) if method == 'GetPin' else fake.one(fake.failure()))
    lines = on_a_terminal(world, 'show', 'h.example', columns=40)
    below = lines[lines.index(next(line for line in lines if fake.KEY in line)) + 1:][:2]
    equal([len(line) - len(line.lstrip()) for line in below], [16] * 2, f'the indents of {below}')


@test('a long host does not move the columns off a terminal: its middle is left out; in a pipe, it is whole')
def _(world):
    hosts = ['a.example', 'first.' + 'long.' * 45 + 'last.example']
    world.answers(lambda method, arguments: fake.several(
        *([] if 'start-after' in arguments[0] else [fake.pin(host=host, keys=[]) for host in hosts])))
    for columns in (80, 100, 120):
        lines = on_a_terminal(world, 'list', columns=columns)
        equal([len(line) <= columns for line in lines], [True] * 3, f'which of {lines} fit into {columns} columns')
        equal(len({re.search('(SCOPE|user|system) ', line).start() for line in lines}), 1, f'the columns of {lines}')
        holds(re.match('first.*….*last.example  ', lines[2]), f'the host is {lines[2]}')
        equal(max(len(line) for line in lines), columns, f'how wide the table is in {columns} columns')
    equal([line.split()[0] for line in exits(world, OK, 'list').decode().splitlines()[1:]], hosts, 'what a pipe gets')


@test('many pins are listed, however many slices they come in')
def _(world):
    hosts = [f'h{i:05}.example' for i in range(1234)]

    def slice_of(_method, arguments):
        rest = [host for host in hosts if host > arguments[0].get('start-after', '')]
        return fake.several(*(pin for host in rest[:100] for pin in everywhere(host)))

    world.answers(slice_of)
    equal([entry[0] for entry in shown(world)], [host for host in hosts for _ in range(3)],
          'the hosts')


@test('a block that is not on disk says so, in list, show and explain')
def _(world):
    for stored, state, words in ((False, 'blocked', b'not yet on disk'),
                                 (False, 'active', b'in memory only'), (True, 'blocked', None)):
        pin = fake.pin(state=state, stored=stored, keys=[], reason='stolen')
        world.answers(lambda method, arguments, pin=pin: {
            'ListPins': lambda: fake.several(*([] if 'start-after' in arguments[0] else [pin])),
            'GetPin': lambda: fake.one(pin),
            'ExplainHost': lambda: fake.one(fake.explanation(pin)),
            'LastFailure': lambda: fake.one(fake.failure())}[method]())
        for arguments in (('list',), ('show', 'h.example'), ('explain', 'h.example')):
            output = exits(world, OK, *arguments)
            holds(b'stolen' in output, f'{arguments} does not say why: {output}')
            equal([word in output for word in (b'not yet on disk', b'in memory only', b'stored')],
                  [word == words for word in (b'not yet on disk', b'in memory only')]
                  + [words is not None and arguments != ('list',)], f'what {arguments} says')
        equal(json.loads(exits(world, OK, 'list', '--json'))['pins'][0]['stored'], stored, 'JSON')


@test('a command that is shown for the pin of an app names the app')
def _(world):
    app, times = '--app=snap:demo', GLib.Variant('a{s(xx)}', {'sha256/AA=': (1, 2)})
    pin = fake.pin(scope='app', app='snap:demo', seen=times, **{'last-seen': GLib.Variant('x', 2)})
    world.answers(lambda method, arguments: fake.one(pin))
    holds(f'  certpinctl rotate {app} h.example NEW\n' in exits(world, OK, 'rotate', app, 'h.example').decode(),
          'the next step is about another pin')
    world.answers(lambda method, arguments: (_ for _ in ()).throw(fake.Refusal('TimedOut', 'it took too long')))
    errors = ctl(world, 'unpin', app, 'h.example')[2]
    holds(errors.endswith(f'to see whether it was: certpinctl show {app} h.example\n'), f'unpin said “{errors}”')
    file = put(world, 'a.pin', b'[Pin File]\nVersion=1\n')
    world.answers(lambda method, arguments: fake.several() if arguments[1]['dry-run']
                  else (_ for _ in ()).throw(fake.Refusal('TimedOut', 'it took too long')))
    errors = ctl(world, 'import', app, file)[2]
    holds(errors.endswith(f'to see which were not: certpinctl import --dry-run {app} {file}\n'), f'import said “{errors}”')


def options_of(world, *verb):
    """Returns: the long options in the help of the verb, or of the program"""
    text = exits(world, OK, *verb, '--help').decode().split('\nExamples')[0]
    return {re.split(r'[\[=]', word)[0] for line in text.split('\n') if line.startswith('  ')
            for word in line.split()[:2] if word.startswith('--')}


def verbs_of_help(world):
    text = exits(world, OK, '--help').decode().split('\nVerbs\n')[1].split('\n\n')[0]
    return [name.rstrip(',') for line in text.split('\n') if line[2] != ' '
            for name in re.split(' {2,}', line.strip())[0].split() if name.rstrip(',').islower()]


@test('help and the manual have the same verbs and options')
def _(world):
    manual = MANUAL.read_text(encoding='utf-8')
    synopsis = manual.split('.Sh SYNOPSIS')[1].split('.Sh DESCRIPTION')[0]
    verbs = ' | '.join(re.findall(r'^\.Cm (\w+(?: \| \w+)*)$', synopsis, re.M)).split(' | ')
    equal((sorted(set(verbs)), sorted(verbs_of_help(world))), (sorted(VERBS), sorted(VERBS)), 'the verbs')
    told = {option for line in re.findall(r'^\.It .*', manual, re.M)
            for option in re.findall(r'(?:Fl|,) -([\w-]+)', line)}
    options = {option[2:] for verb in VERBS for option in options_of(world, verb)}
    options |= {option[2:] for option in options_of(world)}
    equal((len(options) > 30, told), (True, options), 'the options that the manual explains')


run(FakeWorld)
