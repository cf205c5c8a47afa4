#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl log: what it asks journalctl for, what it prints of the answer, and what it says if there is none."""

import json
import re
import struct
import time

from gi.repository import GLib

from lib import fake_service as fake
from lib.certpinctl import FAILED, NOT_AUTHORIZED, OK, USAGE, ctl, exits
from lib.fake_journal import SECOND, Journal, entry
from lib.fake_service import FakeWorld
from lib.tap import equal, holds, run, test

KEY, OTHER = 'sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=', 'sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyFv88RDBvdQJA='
TIME = '2027-01-30T12:00:00Z'
PINNED = {'CERTPIN_EVENT': 'pinned', 'CERTPIN_HOST': 'h.example', 'CERTPIN_SCOPE': 'user', 'CERTPIN_UID': '1000',
          'CERTPIN_APP': 'snap:demo', 'CERTPIN_PROGRAM': 'curl', 'CERTPIN_OLD_KEYS': KEY, 'CERTPIN_NEW_KEYS': f'{KEY} {OTHER}',
          'MESSAGE': 'curl (uid 1000) pinned h.example in the user scope'}


@test('an entry is a line with its time, and its keys are below it')
def _(world):
    journal = Journal(world, entry(MESSAGE='ready') + entry(**PINNED))
    equal(exits(world, OK, 'log', **journal.keywords).decode(),
          f'{TIME}  ready\n{TIME}  {PINNED["MESSAGE"]}\n  old  {KEY}\n  new  {KEY}\n  new  {OTHER}\n', 'what it prints')


@test('in JSON, each entry is a document on a line')
def _(world):
    journal = Journal(world, entry(MESSAGE='ready') + entry(**PINNED))
    lines = exits(world, OK, 'log', '--json', **journal.keywords).decode().split('\n')
    equal(json.loads(lines[0]), {'time': SECOND, 'message': 'ready'}, 'the first one')
    equal(json.loads(lines[1]),
          {'time': SECOND, 'event': 'pinned', 'host': 'h.example', 'scope': 'user', 'uid': '1000', 'app': 'snap:demo', 'program': 'curl',
           'old-keys': [KEY], 'new-keys': [KEY, OTHER], 'message': PINNED['MESSAGE']}, 'the second one')


@test('what a stranger has named is escaped: controls, line ends, what is not UTF-8')
def _(world):
    evil = b'refused a request of \x1b[2J\nforged \xff (uid 1000)'
    journal = Journal(world, entry(MESSAGE=evil, CERTPIN_PROGRAM=b'a\nb\xff\x1b'))
    equal(exits(world, OK, 'log', **journal.keywords).decode(),
          f'{TIME}  refused a request of \\x1b[2J\\x0aforged \\xff (uid 1000)\n', 'the line')
    output = exits(world, OK, 'log', '--json', **journal.keywords)
    holds(b'\x1b' not in output and b'\xff' not in output and output.count(b'\n') == 1, f'JSON is {output}')
    equal(json.loads(output)['program'], 'a\nb\ufffd\x1b', 'the program')


@test('journalctl is asked only for what the service’s unit wrote, about the host, in these times')
def _(world):
    journal = Journal(world, entry(**PINNED))
    rows = {
        (): [],
        ('h.example',): ['CERTPIN_NAME=h.example'],
        ('H.Example:8443',): ['CERTPIN_HOST=h.example:8443'],
        ('**.h.example',): ['CERTPIN_NAME=**.h.example'],
        ('[::1]:443',): ['CERTPIN_HOST=[::1]:443'],
        ('::1',): ['CERTPIN_NAME=::1'],
        ('--since=2027-01-30T12:00Z', '--until', 'yesterday', 'h'):
            [f'--since=@{SECOND}', '--until=yesterday', 'CERTPIN_NAME=h'],
        ('--lines=0',): ['--lines=0'],
    }
    for arguments, wanted in rows.items():
        exits(world, OK, 'log', *arguments, **journal.keywords)
        asked = journal.asked()
        holds('--system' in asked and '--output=export' in asked, f'it asks {asked}')
        own = [word for word in asked if word.startswith(('--since', '--until', '--lines', '--follow', 'CERTPIN'))]
        equal(own, wanted, f'what {arguments} asks for')
        equal(asked.count('_SYSTEMD_UNIT=certpind.service'), 1, 'the unit')


@test('to follow, one journalctl prints the last entries, and another one what comes after these, or from now on')
def _(world):
    def asked(journal, run):
        return [re.sub('@[0-9]+', '@S', word) for word in journal.asked(run)
                if word.startswith(('--since', '--lines', '--after-cursor', '--follow', '--no-tail'))]

    last, after = ['--after-cursor=s=1', '--follow', '--no-tail'], ['--since=@S', '--follow', '--no-tail']
    for arguments, output, wanted in (
            (['-f'], entry(**PINNED), [['--lines=10'], last]), (['-f', '-n', '5'], entry(**PINNED), [['--lines=5'], last]),
            (['-f'], b'', [['--lines=10'], after]), (['-f', '-n', '0'], b'', [after]),
            (['-f', '--since=1h'], b'', [after]), (['-f', '--since=1h', '-n', '2'], b'', [['--since=@S', '--lines=2'], after])):
        journal = Journal(world, output)
        printed = exits(world, OK, 'log', *arguments, **journal.keywords)
        equal([asked(journal, run) for run in range(journal.runs())], wanted, f'what {arguments} asks for')
        equal(printed.count(b'pinned'), len(wanted) if output else 0, 'the number of entries')


@test('a time that has passed is counted from now')
def _(world):
    journal = Journal(world, entry(**PINNED))
    exits(world, OK, 'log', '--since=1h', **journal.keywords)
    since = [int(word.split('@')[1]) for word in journal.asked() if word.startswith('--since=@')]
    equal(len(since), 1, f'the times in {journal.asked()}')
    age = time.time() - since[0]
    holds(3600 <= age < 3700, f'it is {age} s ago')


@test('who may not read the journal is told how to')
def _(world):
    journal = Journal(world, errors=b'No journal files were opened due to insufficient permissions.\n', status=1)
    code, output, errors = ctl(world, 'log', 'h.example', **journal.keywords)
    equal((code, output), (NOT_AUTHORIZED, b''), 'what comes of it')
    holds('systemd-journal and adm' in errors and 'use sudo' in errors, f'it says {errors}')
    error = json.loads(exits(world, NOT_AUTHORIZED, 'log', '--json', **journal.keywords))['error']
    equal(error['name'], 'NotAuthorized', 'the error')


@test('what fails is told: no journalctl, one that fails, one that prints something else')
def _(world):
    journal = Journal(world, errors=b'Failed to parse timestamp: \x1bx\n', status=1)
    code, _, errors = ctl(world, 'log', '--since=x', **journal.keywords)
    equal((code, errors), (FAILED, 'certpinctl: journalctl failed: Failed to parse timestamp: \\x1bx\n'), 'a failure')
    nothing = {'more_environment': {'PATH': world.folder}}
    code, _, errors = ctl(world, 'log', **nothing)
    holds(code == FAILED and 'cannot be read without ‘journalctl’' in errors, f'without it: {code}, {errors}')
    half = entry(**PINNED)[:-30]
    huge = b'MESSAGE\n' + b'\xff' * 8 + b'x\n\n'
    for wrong in (half, huge, b'nonsense\n', b'MESSAGE\n' + struct.pack('<Q', 1) + b'xx\n\n'):
        code, _, errors = ctl(world, 'log', **Journal(world, wrong).keywords)
        holds(code == FAILED and 'journalctl' in errors, f'{wrong} gives {code}, {errors}')


@test('no entry is no error, but is said')
def _(world):
    code, output, errors = ctl(world, 'log', 'h.example', **Journal(world).keywords)
    equal((code, output), (OK, b''), 'what comes of it')
    holds(errors.endswith('the journal has no such entry\n'), f'it says {errors}')


@test('that there is no journal at all is said as well: journalctl is asked once more, as people ask it')
def _(world):
    journal = Journal(world, b'-- No entries --\n', errors=b'No journal files were found.\n')
    code, output, errors = ctl(world, 'log', **journal.keywords)
    equal((code, output), (OK, b''), 'what comes of it')
    holds('no such entry; journalctl says: No journal files were found.' in errors, f'it says {errors}')
    equal((journal.runs(), '--quiet' in journal.asked()), (2, False), 'what is asked')
    equal(ctl(world, 'log', '--json', **journal.keywords)[1:], (b'', ''), 'what it says to programs')


@test('a host in another script is what the service makes of it, with its port, if it was given one')
def _(world):
    asked = []

    def answer(_method, arguments):
        asked.append(arguments[0])
        return fake.one(fake.explanation(host=GLib.Variant('s', 'xn--mnchen-3ya.example:8443')))

    world.answers(answer)
    journal = Journal(world, entry(**PINNED))
    for typed, wanted in (('münchen.example', 'CERTPIN_NAME=xn--mnchen-3ya.example'),
                          ('MÜNCHEN.example:8443', 'CERTPIN_HOST=xn--mnchen-3ya.example:8443'),
                          ('**.münchen.example', 'CERTPIN_NAME=**.xn--mnchen-3ya.example')):
        exits(world, OK, 'log', typed, **journal.keywords)
        equal(journal.asked()[-1], wanted, f'what {typed} asks for')
    equal(asked, ['münchen.example', 'MÜNCHEN.example:8443', 'münchen.example'], 'the hosts')


@test('what cannot be meant is refused before journalctl is asked')
def _(world):
    journal = Journal(world)
    for arguments in (['-n', '-5'], ['--lines=x'], ['h', 'i']):
        code, _, errors = ctl(world, 'log', *arguments, **journal.keywords)
        equal((code, journal.asked()), (USAGE, []), f'what comes of {arguments}, which said {errors},')


run(FakeWorld)
