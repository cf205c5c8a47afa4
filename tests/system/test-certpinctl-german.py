#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The languages of certpinctl: each catalog has all of its text, German is one screen as English is, and what programs
read is English in every locale."""

import base64
import json
import pathlib
import re
import subprocess
import tempfile
import time

from gi.repository import GLib

from lib import fake_service as fake
from lib import language, pki
from lib.certpinctl import FAILED, HTTP_STATUS, NOT_PINNED, OK, USAGE, ctl, exits, put, run_raw
from lib.fake_service import FakeWorld
from lib.network import enter_namespace
from lib.tap import equal, holds, run, test
from lib.terminal import dialog

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PO = SOURCE / 'po'
KEYWORDS = ('-k_', '-kN_', '-kC_:1c,2', '-kNC_:1c,2')
MARK = re.compile(r'\b(_|N_|C_|NC_|ngettext) \(\s*"')
# As in English; some verbs have more options than a terminal has rows.
COLUMNS, NAMES, ROWS, ROWS_OF_MANY = 80, 28, 24, 40
MANY_OPTIONS = ('pin', 'get', 'head', 'delete', 'post', 'put', 'request')
OLD_KEY = 'sha256/' + base64.b64encode(bytes(range(32))).decode()
# What is mostly said by certpinctl, and so in German.
UNTITLED = {'Failed', 'InvalidArgument', 'WrongFormat', 'FileNotFound'}
TABLE = re.compile(r'^  ([a-z-]+(?:, [a-z-]+)*) ', re.M)


def languages():
    return [line for line in (PO / 'LINGUAS').read_text(encoding='utf-8').split() if re.fullmatch('[a-z]{2}', line)]


def texts_of(path):
    """Returns: context, text and plural of each entry of a catalog or a template, and what they are translated to"""
    done = subprocess.run(['msgcat', '--no-wrap', '--no-location', path], check=True, stdout=subprocess.PIPE)
    found = {}
    for block in done.stdout.decode().split('\n\n')[1:]:
        lines = re.sub(r'"\n"', '', '\n'.join(line for line in block.split('\n') if not line.startswith('#')))
        parts = dict(re.findall(r'^(\w+(?:\[\d\])?) "(.*)"$', lines, re.M))
        found[tuple(parts.get(name, '') for name in ('msgctxt', 'msgid', 'msgid_plural'))] = [
            text for name, text in parts.items() if name.startswith('msgstr')]
    return found


def marked_files():
    return {str(path.relative_to(SOURCE)) for folder in ('cli', 'cli/doctor') for path in (SOURCE / folder).glob('*.c')
            if MARK.search(path.read_text(encoding='utf-8'))}


def marked_texts():
    """Returns: those of the sources, as the translators get them"""
    files = (PO / 'POTFILES').read_text(encoding='utf-8').split()
    with tempfile.NamedTemporaryFile(suffix='.pot') as template:
        subprocess.run(['xgettext', '--from-code=UTF-8', *KEYWORDS, '-o', template.name,
                        *[file for file in files if file.endswith('.c')]], check=True, cwd=SOURCE)
        return set(texts_of(template.name))


@test('each text that is marked is in each catalog, translated, and nothing else is')
def _(_world):
    files = (PO / 'POTFILES').read_text(encoding='utf-8').split()
    equal(sorted(file for file in files if file.startswith('cli/')), sorted(marked_files()), 'the files in POTFILES')
    marked = marked_texts()
    policy = ' '.join((SOURCE / 'policy/org.certpin.Certpin1.policy.in').read_text(encoding='utf-8').split())
    holds(len(marked) > 600, f'only {len(marked)} texts are marked')
    for name in languages():
        translated = set(texts_of(PO / f'{name}.po'))
        equal(marked - translated, set(), f'the texts that {name} lacks')
        equal({text for _, text, _ in translated - marked if text not in policy}, set(), f'the texts that only {name} has')
        done = subprocess.run(['msgfmt', '--check', '--statistics', '-o', '/dev/null', PO / f'{name}.po'], check=True,
                              text=True, stderr=subprocess.PIPE)
        equal(re.findall(r'\d+ (?:fuzzy|untranslated)[^,.]*', done.stderr), [], f'what {name} has not translated')
        equal(re.findall('^#~ msgid.*', (PO / f'{name}.po').read_text(encoding='utf-8'), re.M), [],
              f'what is obsolete in {name}, which scripts/update-po removes,')


@test('a text of several lines fits on a terminal, in each language')
def _(_world):
    for name in languages():
        for (_context, text, plural), translations in texts_of(PO / f'{name}.po').items():
            lines = [line for one in (text, plural, *translations) if r'\n' in one for line in one.split(r'\n')]
            equal([line for line in lines if len(line.replace(r'\"', '"')) > COLUMNS], [], f'the long lines of “{text}”, in {name},')


@test('German has German quotes, and a text that ends a sentence or begins one does so in both')
def _(_world):
    for (_context, text, _plural), translations in texts_of(PO / 'de.po').items():
        for one in translations:
            holds('‘' not in one and '’' not in one and one.count('„') == one.count('“'), f'the quotes of “{one}”')
            equal([one[:1] == ' ', one[-1:] == ' ', one[-1:] == '.'], [text[:1] == ' ', text[-1:] == ' ', text[-1:] == '.'],
                  f'the spaces and the period of “{one}”, for “{text}”,')


def verbs(world):
    text = exits(world, OK, '--help').decode().split('\nVerbs\n')[1].split('\n\n')[0]
    return [verb for row in TABLE.findall(text) for verb in row.split(', ')]


@test('the help in German is one screen, in columns, with the same verbs and options')
def _(world):
    holds(len(verbs(world)) > 20, 'there are few verbs')
    for arguments in ([], *([verb] for verb in verbs(world))):
        english = exits(world, OK, *arguments, '--help').decode()
        german = exits(world, OK, *arguments, '--help', more_environment=GERMAN).decode()
        lines = german.rstrip('\n').split('\n')
        equal([line for line in lines if len(line) > COLUMNS], [], f'the long lines of {arguments}')
        most = ROWS_OF_MANY if not arguments or arguments[0] in MANY_OPTIONS else ROWS
        holds(len(lines) <= most, f'{arguments} --help has {len(lines)} lines, and a screen {most}')
        rows = [line for line in lines if re.match(' {2}(?!certpinctl)', line) and len(line) > NAMES + 1]
        equal([line for line in rows if line[NAMES:NAMES + 2] != '  ' or line[NAMES + 2] == ' '], [],
              f'the lines of {arguments} that are not in the columns')
        equal(re.findall(r'^ {2,6}(?:-\w, )?--[\w-]+', german, re.M), re.findall(r'^ {2,6}(?:-\w, )?--[\w-]+', english, re.M),
              f'the options of {arguments}')
        same = set(lines) & set(english.split('\n'))
        # Examples, and a name that has a line of its own.
        equal([line for line in same if re.search('[a-z]{2}', line) and not re.match(r' +(certpinctl |--[\w-]+=?\S*$)', line)], [],
              f'the lines of {arguments} in English')


@test('errors and their remedies are in German, and the exit status is the same')
def _(world):
    for words, text in ((('pni',), 'es gibt keinen Befehl „pni“; meinten Sie „pin“?'),
                        (('reload', 'x'), '„reload“ nimmt kein Argument; lassen Sie „x“ weg; siehe „certpinctl reload --help“'),
                        (('block', 'h'), '„block“ braucht HOST und GRUND; siehe „certpinctl block --help“'),
                        (('key',), '„key“ braucht DATEI oder HOST; siehe „certpinctl key --help“'),
                        (('list', '--ending'), 'Option „--ending“ braucht einen Wert; geben Sie sie so an: --ending=ZEIT; siehe '
                                               '„certpinctl list --help“'),
                        (('get', '-k', 'https://h/'),
                         '„get“ hat keine Option „-k“; certpin lässt nie eine Prüfung aus; um einen neuen Schlüssel '
                         'anzunehmen, siehe „certpinctl rotate --help“')):
        equal(ctl(world, *words, more_environment=GERMAN), (USAGE, b'', f'certpinctl: {text}\n'), f'what {words} says')


def answer(method, arguments):
    """A service that has a pin, and refuses requests, but for a page that is missing."""
    if method == 'SecureRequest' and arguments[1].endswith('/missing'):
        return fake.response(status=404)
    if method == 'SecureRequest':
        raise fake.Refusal('NotPinned', 'host ‘h.example’ is not pinned')
    if method == 'ListPins':
        return fake.several(*([] if 'start-after' in arguments[0] else [fake.pin()]))
    return GLib.Variant('()', ())


@test('a table and its words are in German, with the colours of the English words')
def _(world):
    world.answers(answer)
    lines = exits(world, OK, 'list', more_environment=GERMAN).decode().split('\n')
    equal(lines[0].split(), ['HOST', 'BEREICH', 'ZUSTAND', 'VERGLEICH', 'MODUS', 'ENDET'], 'the heading')
    holds(' aktiv ' in lines[1], f'the first row is {lines[1]!r}')
    equal(lines[0].index('VERGLEICH'), lines[1].index('leaf'), 'the column')
    shown = dialog(world, 'list', environment={**GERMAN, 'TERM': 'xterm', 'PAGER': ''})[1]
    holds('\x1b[32maktiv' in shown, f'it is not green: {shown!r}')


def answer_rotation(method, _arguments):
    """A service whose pin has a key that is not used any more."""
    now = int(time.time())
    seen = GLib.Variant('a{s(xx)}', {fake.KEY: (now, now), OLD_KEY: (1, 1)})
    return fake.one(fake.pin(keys=GLib.Variant('as', [OLD_KEY, fake.KEY]), seen=seen))


def calls_of(world, words, environment):
    """Returns: what the service is asked for"""
    calls = []

    def reply(method, arguments):
        calls.append((method, re.sub("'handle-token': '[^']*'", '', str(arguments))))
        return answer(method, arguments) if method == 'ListPins' else fake.one(fake.pin())

    world.answers(reply)
    run_raw(world, *words, more_environment=environment)
    return calls


@test('the service is asked for the same in German')
def _(world):
    certificate = put(world, 'server.der', pki.Authority('CA').issue('h').der)
    for words in (('pin', 'h', '--key', fake.KEY, '--note=new', '--expires=2100-01-01', '--mode=report', '--match=path'),
                  ('pin', 'h', certificate, '--system', '--yes', '--note=x', '--trust-anchor', certificate),
                  ('pin', 'h', certificate, '--backup', certificate, '--block-on-failure'),
                  ('pin', 'h', '/no/such/file', '--block-on-failure'),
                  ('pin', '--add', 'h.example', OLD_KEY), ('pin', '--remove-key', 'h.example', fake.KEY),
                  ('pin', '-n', 'h', '--key', fake.KEY, '--note=x'), ('unpin', '--system', 'h'), ('block', 'h', 'why'),
                  ('pause', '--for=1h', '--reason=why', 'h'), ('resume', 'h'), ('rotate', 'h.example', OLD_KEY),
                  ('list', '--ending=30d'), ('list', '--system'), ('show', 'h'), ('explain', '--port=1', 'h'),
                  ('key', 'h'), ('compare', 'h', certificate),
                  ('verify', '--host=h', '--key', fake.KEY, '--match=path', '--time=2100-01-01', certificate),
                  ('post', '-L', '-m1', '-d', 'x', '-H', 'a: b', '--require-key', fake.KEY, '-x', 'direct', 'https://h/'),
                  ('import', '-n', put(world, 'my.pin', b'[Pin File]')), ('status',)):
        english = calls_of(world, words, {})
        holds(english, f'{words} calls nobody')
        equal(calls_of(world, words, GERMAN), english, f'what {words} calls in German')


@test('a question is in German, and understands ja and yes')
def _(world):
    for said, code in (('ja', OK), ('J', OK), ('y', OK), ('yes', OK), ('jawohl', FAILED), ('n', FAILED)):
        world.answers(answer_rotation)
        status, shown = dialog(world, 'rotate', '--finish', 'h.example', answers=[said], environment=GERMAN,
                               prompt=b'Entfernen, was nicht mehr benutzt wird? [j/N] ')
        equal(status, code, f'the exit status after ‘{said}’, with “{shown}”,')
        equal('die Antwort war nicht „ja“; nichts wurde geändert' in shown, code != OK, f'whether “{shown}” says no')
    holds('[y/N] ' in dialog(world, 'rotate', '--finish', 'h.example', answers=['y'])[1], 'English asks otherwise')


@test('what programs read is in English: JSON with its errors, -w, keys and pin files')
def _(world):
    world.answers(answer)
    for words in (('list', '--json'), ('--json', 'pni'), ('list', '--json', 'x'), ('doctor', '--json', '--no-such-option'),
                  ('pin', '--json', 'h.example', '/no/such/file'), ('export', '--json')):
        english, german = (run_raw(world, *words, more_environment=more) for more in ({}, GERMAN))
        equal(german, english, f'what comes of {words} in German')
        json.loads(german[1])
    for words, code, text in ((('get', '-sw', '%{errormsg}', 'https://h.example/'), NOT_PINNED, b'is not pinned'),
                              (('get', '-fw', '%{errormsg}', 'https://h.example/missing'), HTTP_STATUS, b'answered with'),
                              (('get', '-w', '%{json}', 'https://h.example/'), NOT_PINNED, b'is not pinned')):
        english, german = (run_raw(world, *words, more_environment=more) for more in ({}, GERMAN))
        equal(german[0], code, f'the exit status of {words}')
        holds(text in german[1], f'{words} prints {german[1]}')
        equal([re.sub(rb'[\d.]+', b'', one) for one in german[1:]], [re.sub(rb'[\d.]+', b'', one) for one in english[1:]],
              f'what {words} prints in German')


@test('before the English words of the service, the kind of failure is said in German')
def _(world):
    names = re.findall(r'CODE \(\w+, "(\w+)", "', (SOURCE / 'client-lib/certpin-error.c').read_text(encoding='utf-8'))
    titles, others = set(), UNTITLED | {'Cancelled'}  # of which certpinctl says all
    for name in set(names) - {'Cancelled'}:
        def refuse(method, arguments, name=name):
            raise fake.Refusal(name, 'what the service says')

        world.answers(refuse)
        english, german = (run_raw(world, 'unpin', 'h.example', more_environment=more) for more in ({}, GERMAN))
        equal(german[:2], english[:2], f'the exit status of {name}')
        holds(english[2].decode().startswith('certpinctl: what the service says'), f'{name} says {english[2]}')
        said = re.match(r'certpinctl: (?:(.*): )?what the service says', german[2].decode())
        holds(said, f'{name} says {german[2]}')
        equal(said[1] is None, name in UNTITLED, f'whether {name} says nothing in German')
        titles |= {said[1]} if said[1] else set()
    equal(len(titles), len(set(names) - others), f'the number of {titles}')


@test('a locale that the machine does not have, and one without a catalog, are English')
def _(world):
    for locale in ('xx_XX.UTF-8', 'C', 'POSIX'):
        equal(ctl(world, 'pni', more_environment={**GERMAN, 'LC_ALL': locale})[2],
              'certpinctl: there is no verb ‘pni’; did you mean ‘pin’?\n', f'what is said in {locale}')


if __name__ == '__main__':
    enter_namespace()
    GERMAN = language.install()
    run(FakeWorld)
