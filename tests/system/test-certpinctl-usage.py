#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How certpinctl understands its command line: what comes of it at the service, and what is said
where it cannot be understood."""

import base64
import hashlib
import pathlib
import re

from gi.repository import GLib

from lib import fake_service as fake
from lib.certpinctl import OK, USAGE, ctl, exits, put
from lib.fake_service import FakeWorld
from lib.tap import equal, holds, run, test

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MANUAL = SOURCE / 'docs/man/certpinctl.1'
EXITS, ERRORS = SOURCE / 'cli/certpinctl-exit.h', SOURCE / 'client-lib/certpin-error.h'
REQUESTS = ('get', 'head', 'delete', 'post', 'put', 'request')
VERBS = ('pin', 'unpin', 'block', 'pause', 'resume', 'rotate', 'list', 'show', 'explain', 'export', 'import', 'key',
         'compare', 'verify', *REQUESTS, 'connect', 'status', 'monitor', 'log', 'reload', 'doctor')
# What a pipeline prints as a key where there was none, and what stands for one.
NO_KEYS = (hashlib.sha256(b'').digest(), bytes(32), b'\xff' * 32)

# Of a terminal. Some have more options than it has rows; for them, an ordinary window is high enough.
COLUMNS, ROWS, ROWS_OF_MANY = 80, 24, 40
MANY_OPTIONS = ('pin', *REQUESTS)

# Text, and its Unix seconds
DATES = {
    '1801310400': 1801310400, '1': 1, '2027-01-31': 1801353600,
    '2027-01-31T00:00': 1801353600, '2027-01-31T00:00Z': 1801353600,
    '2027-01-31T12:00:07': 1801396807, '2027-01-31T12:00:07Z': 1801396807,
    '2027-01-31 12:00': 1801396800, '2027-01-31t12:00+01:00': 1801393200,
    '2027-01-31T12:00-0130': 1801402200, '2027-01-31T12:00:00+01:00': 1801393200,
    '2027-01-31T12:00:00.5Z': 1801396800, '20270131T1200Z': 1801396800,
    '20270131T120007Z': 1801396807,
}
NO_DATES = ('', '0', '-1', 'tomorrow', '31.1.2027', '2027-02-30', '2027-13-01', '2027-01-31T',
            '2027-01-31T25:00', '2027-01-31T12:60', '2027-01-31T12', '2027-01-31T12:00X',
            '2027-01-31T12:0', '1970-01-01', '1969-12-31T23:59', '12:00', '2027-01-31T12:00:0')


def ways_of_dates(world):
    """Each verb that takes a date: its words before that, and the name in the service's options."""
    return ((['pin', 'h.example', '--key=x', '--expires'], 'expires'),
            (['verify', put(world, 'a.der', b'der'), '--time'], 'time'))


@test('--expires and --time take the same dates')
def _(world):
    taken = []

    def answer(method, arguments):
        taken.append(arguments[2])
        return fake.one(fake.pin() if method == 'PinKeys' else fake.verdict())

    world.answers(answer)
    for words, name in ways_of_dates(world):
        for text, seconds in DATES.items():
            exits(world, OK, *words, text)
            equal(taken.pop()[name], seconds, f'what {name} {text} is')
        for text in NO_DATES:
            code, _, errors = ctl(world, *words, text)
            equal((code, taken), (USAGE, []), f'what comes of {name} ‘{text}’')
            holds(f'‘{text}’ is not a date' in errors, f'it said “{errors}”')


@test('what is wrong about a command line is said in words that are read once')
def _(world):
    wrong = {
        (): 'no verb is given', ('nonsense',): 'there is no verb ‘nonsense’', ('get',): '‘get’ needs a URL',
        ('request', 'GET'): '‘request’ needs a METHOD and a URL', ('pin',): '‘pin’ needs a HOST',
        ('block', 'h'): '‘block’ needs a HOST and a REASON', ('verify',): '‘verify’ needs a FILE',
        ('reload', 'x'): '‘reload’ takes no argument; leave ‘x’ out',
        ('block', 'h', 'two', 'words'):
            '‘block’ takes at most 2 arguments; leave ‘words’ out, or put in quotes what belongs together',
        ('pin', 'h'): '‘pin’ needs a FILE that holds the certificate, a --key or --fetch',
        ('compare', 'a'): '‘compare’ needs an OLD and a NEW', ('key',): '‘key’ needs a FILE or a HOST',
        ('pin', 'h', 'x', '--fetch'): '--fetch pins what the server presents; give it no FILE',
        ('pin', 'h', '--fetch', '--add'): 'give only one of --fetch, --add and --remove-key',
        ('pin', 'h', '--fetch', '--yes'):
            'with --fetch, --yes needs a --key to compare with what the server presents',
        ('pin', 'h', '--fetch'): '--fetch asks before it pins, which needs a terminal; give --yes and --key',
        ('pin', '*.h', '--fetch'): '--fetch looks at one server; give it a host, not a pattern',
        ('pin', 'h', '--add'): 'give the KEY, or a FILE that holds its certificate, after the HOST',
        ('pin', 'h', 'x', '--add', '--note=x'):
            '--add and --remove-key change only the keys of a pin; to change anything else, pin the host again',
        ('pin', 'h', fake.KEY):
            f'‘{fake.KEY}’ is a key, not a file; give it as --key={fake.KEY}, or use --add to keep the others',
        ('pin', 'h', '--key=x', '--block-on-failure'): '--block-on-failure is only for a FILE',
        ('key', '--format=x', 'f'):
            '‘x’ is not a format; give sha256, curl, hpkp, base64, hex or openssl',
        ('pin', 'h', 'file', '--key=x'):
            'give either certificates or keys; to add a backup key, repeat --key',
        ('list', '--system', '--user'): 'give only one of --system and --user',
        ('get', '-H', 'x', 'https://h/'): '‘x’ is not a header; write it as ‘Name: value’',
        ('get', '--max-time=0', 'https://h/'):
            '‘0’ is not a timeout; give seconds, more than 0 and at most 86400',
        ('doctor', '--timeout=0'): '‘0’ is not a timeout; give seconds, more than 0 and at most 600',
        ('get', '--max-redirs=x', 'https://h/'): '‘x’ is not a number of redirects; give 0 to 20',
    }
    for arguments, text in wrong.items():
        code, output, errors = ctl(world, *arguments)
        verb = arguments[0] + ' ' if arguments and arguments[0] in VERBS else ''
        equal((code, output, errors),
              (USAGE, b'', f'certpinctl: {text}; see ‘certpinctl {verb}--help’\n'),
              f'what comes of {arguments}')


@test('a beginning of a verb is enough if no other begins so; help VERB is VERB --help')
def _(world):
    world.answers(lambda method, arguments: fake.several(*([] if arguments[0].get('start-after') else [fake.pin()])))
    listed = exits(world, OK, 'list')
    equal([exits(world, OK, word) for word in ('lis', 'li')], [listed] * 2, 'what a beginning does')
    for verb in VERBS:
        equal(exits(world, OK, 'help', verb), exits(world, OK, verb, '--help'), f'help {verb}')
    equal(exits(world, OK, 'help', 'unp'), exits(world, OK, 'unpin', '--help'), 'help of a beginning')
    equal(exits(world, OK, 'help', 'help'), exits(world, OK, '--help'), 'help of help')
    equal(exits(world, OK, 'help'), exits(world, OK, '--help'), 'help alone')
    for words, same in ((['help', '-h'], ['--help']), (['help', '--json'], ['--help']), (['--json', 'help'], ['--help']),
                        (['help', '-h', 'pin'], ['pin', '-h']), (['help', 'pin', '-h'], ['pin', '-h']),
                        (['help', '--no-pager', 'pin', '--json'], ['pin', '-h']), (['help', '--version'], ['--version'])):
        equal(exits(world, OK, *words), exits(world, OK, *same), f'what {words} does')


@test('what is mistyped is asked for, and nothing is done')
def _(world):
    asked = {
        ('pni', 'h', 'f'): 'there is no verb ‘pni’; did you mean ‘pin’?',
        ('lsit',): 'there is no verb ‘lsit’; did you mean ‘list’?',
        ('STATUS',): 'there is no verb ‘STATUS’; did you mean ‘status’?',
        ('hlep',): 'there is no verb ‘hlep’; did you mean ‘help’?',
        ('ex', 'h'): 'several verbs begin with ‘ex’; did you mean ‘explain’ or ‘export’?',
        ('ls',): 'there is no verb ‘ls’; did you mean ‘list’?',
        ('https://h/ x',): "there is no verb before ‘https://h/ x’; did you mean ‘certpinctl get 'https://h/ x'’?",
        ('h.example',): 'there is no verb before ‘h.example’; did you mean ‘certpinctl show h.example’?',
        ('list', '--usre'): '‘list’ has no option ‘--usre’; did you mean ‘--user’?',
        ('list', '-user'): '‘list’ has no option ‘-user’; did you mean ‘--user’?',
        ('list', '--jsn'): '‘list’ has no option ‘--jsn’; did you mean ‘--json’?',
        ('--verbos', 'list'): 'before the verb, there is no option ‘--verbos’; did you mean ‘--verbose’?',
        ('get', '--pinnedpubkey=x', 'https://h/'):
            '‘get’ has no option ‘--pinnedpubkey’; did you mean ‘--require-key’?',
    }
    called = []
    world.answers(lambda method, arguments: called.append(method))
    for arguments, text in asked.items():
        equal(ctl(world, *arguments), (USAGE, b'', f'certpinctl: {text}\n'), f'what comes of {arguments}')
    equal(called, [], 'the calls of the service')


@test('an option of another verb, a value where none belongs, and a missing one: exit code 2')
def _(world):
    wrong = {
        ('unpin', 'h', '--key=x'): '‘unpin’ has no option ‘--key’; see ‘certpinctl unpin --help’',
        ('list', '-z'): '‘list’ has no option ‘-z’; see ‘certpinctl list --help’',
        ('list', '-vz'): '‘list’ has no option ‘-z’; see ‘certpinctl list --help’',
        ('list', '-ü'): '‘list’ has no option ‘-ü’; see ‘certpinctl list --help’',
        ('list', '--user=no'): 'option ‘--user’ takes no value, so ‘no’ is too much; give --user alone; '
                               'see ‘certpinctl list --help’',
        ('list', '--ending'): 'option ‘--ending’ needs a value; give it as --ending=TIME; see ‘certpinctl list --help’',
        ('get', 'https://h/', '-H'):
            'option ‘--header’ needs a value; give it as --header=HEADER; see ‘certpinctl get --help’',
        ('--user', 'list'): 'before the verb, there is no option ‘--user’; the options of a verb stand behind it, as in '
                            '‘certpinctl list --system’; see ‘certpinctl --help’',
        ('help', 'pin', 'list'): '‘help’ takes one verb, so ‘list’ is too much; give one verb, as in ‘certpinctl help '
                                 'pin’; see ‘certpinctl --help’',
        ('help', '--jsn'): 'before the verb, there is no option ‘--jsn’; did you mean ‘--json’?',
    }
    for arguments, text in wrong.items():
        equal(ctl(world, *arguments), (USAGE, b'', f'certpinctl: {text}\n'), f'what comes of {arguments}')
    world.answers(lambda method, arguments: fake.one(fake.pin()))
    for arguments in (['--note', '--user'], ['--note=--user'], ['-y', '--note', '-z']):
        exits(world, OK, 'pin', 'h', '--key=x', *arguments)


@test('a change of pins is told as it is said to the one who made it')
def _(world):
    world.answers(lambda method, arguments: GLib.Variant('()', ()))
    for arguments, text in ((['unpin', 'h.example'], 'Removed your pin of h.example'),
                            (['unpin', '--system', 'h.example'],
                             "Removed the system's pin of h.example"),
                            (['block', 'h.example', 'why'], 'Blocked h.example for you'),
                            (['block', '--system', 'h.example', 'why'],
                             'Blocked h.example for all users')):
        equal(exits(world, OK, *arguments).decode(), text + '\n', f'what {arguments} says')


@test('--help is one screen: a sentence, the common case, and a table of options in two columns')
def _(world):
    for arguments in ([], *([verb] for verb in VERBS)):
        lines = exits(world, OK, *arguments, '--help').decode().rstrip('\n').split('\n')
        equal([line for line in lines if len(line) > COLUMNS], [], f'long lines of {arguments}')
        equal([line for line in lines if line.endswith(' ')], [], f'lines of {arguments} that end with a space')
        most = ROWS_OF_MANY if not arguments or arguments[0] in MANY_OPTIONS else ROWS
        holds(len(lines) <= most, f'{arguments} --help has {len(lines)} lines, and a screen {most}')
        if arguments:
            equal((lines[1], lines[2][-1], lines[3].startswith(f'  certpinctl {arguments[0]}')), ('', ':', True),
                  f'the sentence and the example of {arguments}')
        table = lines[lines.index('Options'):] if 'Options' in lines else []
        rows = [line for line in (table if arguments else lines) if line.startswith('  ')]
        equal([line for line in rows if line[28:30] != '  ' or line[30] == ' '], [],
              f'the lines of {arguments} that are not in the columns')


@test('the usage line has the options that a verb does not go without')
def _(world):
    for verb, arguments, needs in (('pause', ['h.example'], ['--for=TIME', '--reason=TEXT']), ('forget', [], ['--app=APP'])):
        usage = exits(world, OK, verb, '--help').decode().splitlines()[0]
        equal(usage, ' '.join(['Usage: certpinctl', verb, *needs, '[OPTION…]', *(['HOST'] if arguments else [])]), 'the usage')
        exits(world, USAGE, verb, *arguments)
    equal(exits(world, OK, 'status', '--help').decode().splitlines()[0], 'Usage: certpinctl status [OPTION…]', 'the usage')


@test('the keys in --help and in the manual could be a server’s')
def _(world):
    texts = [exits(world, OK, verb, '--help').decode() for verb in VERBS]
    texts.append(MANUAL.read_text(encoding='utf-8'))
    keys = [base64.b64decode(key) for text in texts
            for key in re.findall(r'sha256/([A-Za-z0-9+/]+=)', text)]
    equal((len(keys) > 2, {len(key) for key in keys}), (True, {32}), 'the keys')
    holds(not set(keys) & set(NO_KEYS), 'one is the key of nothing')


@test('each exit status is in the manual, once')
def _(_world):
    declared = dict(re.findall(r'CTL_EXIT_(\w+) = (\d+)', EXITS.read_text(encoding='utf-8')))
    section = MANUAL.read_text(encoding='utf-8').split('.Sh EXIT STATUS')[1].split('.Sh ')[0]
    equal(sorted(re.findall(r'^\.It (\d+)$', section, re.M), key=int), sorted(declared.values(), key=int),
          'those of the manual')
    equal(len(set(declared.values())), len(declared), 'how many there are')
    errors = re.findall(r'CERTPIN_ERROR_(\w+),', ERRORS.read_text(encoding='utf-8'))
    names = set(re.findall(r'[A-Z][a-z]+(?:[A-Z][a-z]+)*', ' '.join(re.findall(r'\.?Er ([^\n]*)', section))))
    equal({''.join(part.capitalize() for part in error.split('_')) for error in errors} - names, set(),
          'the errors that the manual gives no exit status')


run(FakeWorld)
