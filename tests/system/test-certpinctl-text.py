#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What strangers wrote, as certpinctl shows it: whatever the service, a server, a certificate, a
file or an argument says, no byte of it plays with the terminal, and no line of it is one of ours."""

import json
import os
import pathlib
import pty
import re
import unicodedata

from gi.repository import GLib

from lib import fake_service as fake
from lib.certpinctl import FAILED, OK, REFUSED, put, run_raw, start
from lib.fake_service import FakeWorld, Refusal
from lib.tap import equal, holds, run, test

HOSTILE = ('a\x1b[31mb\x07c\x08d\x7fe\x9b2Jf\x85g\u202eh\u2066i\u200bj\u2028k\nl\rm\tn\x1fo\U000e0041'
           '\ufeff"\\é漢')
PLAIN = 'plain'
NAME = b'n\x1b[31m\n\r\xff\xc2\x9b\xe2\x80\xae\x80.der'
# Those that can be read on a light background and on a dark one.
COLOURS = re.compile('\x1b\\[(0|1|31|32)m')
WRITERS = re.compile(r'\b(v?f?d?printf|f?puts|f?putc|putchar|f?write|perror|g_print(err)?) \(')


def is_neutral(text):
    return all(unicodedata.category(c) not in ('Cc', 'Cf', 'Zl', 'Zp') for c in text)


def check(raw, what):
    """Returns: the lines of what was printed, which is plain text"""
    text = raw.decode()  # which is an error itself where it is not UTF-8
    for line in text.split('\n'):
        holds(is_neutral(line), f'{what} printed {line!r}')
    return text.split('\n')


# What the service says

def everything(text):
    """Of each kind of value one in which every string is that."""
    values = {'reason': text, 'subject': text, 'issuer': text, 'note': text, 'created-by': text,
              'source': text, 'pause-reason': text, 'paused-by': text, 'warnings': [text, text],
              'paused-until': GLib.Variant('x', 1801396800), text + 'new': text}
    served = {'subject': GLib.Variant('s', text), 'issuer': GLib.Variant('s', text)}
    values['served'] = GLib.Variant('a{sv}', served)
    values['seen'] = GLib.Variant('a{s(xx)}', {text: (4102444800, 4102444800)})
    one = fake.pin(host=text, scope=text, state=text, match=text, mode=text, keys=[text, text],
                   **values)
    block = fake.pin(host=text, keys=[], **values)
    failure = fake.failure(**{name: text for name in ('message', 'reason', 'scope', 'host',
                                                      'subject', 'issuer', 'likely-cause',
                                                      'advice', 'ocsp')},
                           **{'offered-keys': [text], 'pinned-keys': [text]})
    info = fake.info(url=text, report=GLib.Variant('a{sv}', failure),
                     **{'http-version': text, 'tls-version': text, 'matched-key': text,
                        'path-keys': [text], 'ocsp': text, 'warnings': [text], text + 'new': text})
    return {
        'PinCertificate': fake.one(one), 'PinKeys': fake.one(one), 'GetPin': fake.one(one),
        'LastFailure': fake.one(failure),
        'ExplainHost': fake.one(fake.explanation(dict(one, why=GLib.Variant('s', text)), block,
                                                 host=text, policy=text)),
        'VerifyChain': fake.one(fake.verdict(reason=text, verdict=text,
                                             **{'offered-keys': [text], 'path-keys': [text],
                                                'matched-key': text})),
        'GetStatus': fake.one(fake.status(version=text, blocked=GLib.Variant('aa{sv}', [block]), problems=[text],
                                          warnings=[text], advice=[text])),
        'PausePin': fake.one(one), 'ResumePin': fake.one(one),
        'AddKeys': fake.one(one), 'RemoveKeys': fake.one(one),
        'FetchChain': fake.chain(fake.chain_info(fake.certificate(subject=text, issuer=text), host=text, detail=text,
                                                 reason=text, verdict=text)),
        'SecureRequest': fake.response(headers=[(text, text), ('Name', text)], body=b'hello',
                                       evidence=info),
        'ListPins': fake.several(one, block),
        'Unpin': GLib.Variant('()', ()), 'BlockHost': GLib.Variant('()', ()),
    }


def say(world, text):
    """The service says it wherever it says anything, with pins that it lists once."""
    replies = everything(text)
    world.answers(lambda method, arguments: fake.several()
                  if method == 'ListPins' and 'start-after' in arguments[0] else replies[method])


def verbs(world, text=HOSTILE):
    """Every verb, with the text where an argument may be anything."""
    certificate = put(world, 'good.der', b'der')
    return [('pin', text, certificate), ('pin', text, '--key', text), ('unpin', text),
            ('pause', '--for=1h', f'--reason={text}', text), ('resume', text), ('block', text, text), ('list',),
            ('show', text), ('explain', text),
            ('pin', '--add', text, fake.KEY), ('pin', '-n', '--add', text, fake.KEY), ('rotate', text),
            ('rotate', text, fake.KEY), ('rotate', '--finish', '--yes', text), ('key', '--chain', text),
            ('compare', text, text), ('verify', '--host', text, certificate), ('get', '-v', '-i', 'https://h.example/'),
            ('status',), ('request', '-v', '-i', 'PUT', 'https://h.example/')]


@test('whatever the service says is shown as plain text, on as many lines as if it were harmless')
def _(world):
    for hostile, harmless in zip(verbs(world), verbs(world, PLAIN)):
        counts = []
        for text, arguments in ((PLAIN, harmless), (HOSTILE, hostile)):
            say(world, text)
            code, output, errors = run_raw(world, *arguments)
            holds(code in (OK, REFUSED), f'{arguments} exits with {code}: {errors}')
            counts.append([len(check(output, arguments)), len(check(errors, arguments))])
        equal(counts[1], counts[0], f'the lines of {arguments[0]}')
        holds(b'\\x1b[31m' in output + errors, f'{arguments} does not spell out an escape')
        holds('é漢'.encode() in output + errors, f'{arguments} does not show letters')


@test('doctor shows plain text, too: of the service, its version, its hosts, and its verdicts')
def _(world):
    world.service.version = HOSTILE
    for policy in (fake.explanation(policy=HOSTILE), fake.explanation(fake.pin(applies=True))):
        replies = {**everything(HOSTILE), 'ExplainHost': fake.one(policy)}
        world.answers(lambda method, arguments, replies=replies: fake.several()
                      if method == 'ListPins' and 'start-after' in arguments[0] else replies[method])
        for arguments in (('doctor',), ('doctor', HOSTILE)):
            code, output, errors = run_raw(world, *arguments)
            equal((code, errors), (FAILED, b''), f'what comes of {arguments}')
            lines = check(output, arguments)
            for words in ('certpind is', 'host', 'a\\x1b[31m'):
                holds(any(words in line for line in lines), f'{arguments} does not show “{words}”: {lines}')
            _, output, _ = run_raw(world, '--json', *arguments)
            equal(len(check(output, arguments)), 2, f'the lines of {arguments}')
            holds(f'{HOSTILE!r}'[1:-1] in f'{json.loads(output)!r}', f'{arguments} does not hold the text')


@test('JSON is plain text, too, and means what the service says')
def _(world):
    say(world, HOSTILE)
    for arguments in verbs(world):
        code, output, errors = run_raw(world, '--json', *arguments)
        holds(code in (OK, REFUSED), f'{arguments} exits with {code}: {output}')
        equal(len(check(output, arguments)), 2, f'the lines of {arguments}')
        check(errors, arguments)
        holds(f'{HOSTILE!r}' in f'{json.loads(output)!r}', f'{arguments} does not hold the text')
        for escape in (b'\\u001b', b'\\u001f', b'\\u007f', b'\\u009b', b'\\u202e', b'\\udb40\\udc41'):
            holds(escape in output, f'{arguments} does not escape {escape}: {output}')


@test('an error of the service, and the evidence behind it, are plain text')
def _(world):
    def refuse(method, _arguments):
        if method == 'LastFailure':
            return everything(HOSTILE)[method]
        raise Refusal(name, HOSTILE)

    world.answers(refuse)
    for name in ('PinMismatch', 'Blocked', 'com.example.Unheard'):
        for arguments in verbs(world):
            _, output, errors = run_raw(world, *arguments)
            check(output, arguments)
            lines = check(errors, arguments)
            holds('\\x1b[31m' in lines[0] or arguments[0] == 'show', f'{arguments} said {lines}')
            _, output, errors = run_raw(world, '--json', *arguments)
            check(output, arguments)
            check(errors, arguments)
            json.loads(output)


# What is in files and on the command line

def odd_arguments(folder):
    """Names of files, and other arguments that may be bytes of any kind, in every place."""
    missing = folder + b'/' + NAME
    url = b'https://h.example/'
    return [(b'verify', missing), (b'verify', b'--trust-anchor', missing, missing),
            (b'pin', b'h.example', missing), (b'pin', b'h.example', missing, b'--backup', missing),
            (b'pin', b'h.example', b'--key', b'x', b'--trust-anchor', missing),
            (b'get', b'-o', missing + b'/page', url),
            (b'get', b'-o', folder + b'/link' + NAME, url),
            (b'request', b'PUT', url, b'--data-file', missing),
            (b'request', NAME, url), (b'get', NAME), (b'get', url + NAME),
            (b'get', b'-H', NAME, url), (b'get', b'--max-time', NAME, url),
            (b'get', b'--max-redirs', NAME, url), (b'get', b'--require-key', NAME, url),
            (b'pin', NAME, missing), (b'pin', b'h.example', b'--key', NAME),
            (b'pin', b'h.example', b'--key', b'x', b'--expires', NAME),
            (b'pin', b'h.example', b'--key', b'x', b'--note', NAME),
            (b'unpin', NAME), (b'block', NAME, NAME), (b'block', b'h.example', NAME),
            (b'show', NAME), (b'explain', NAME), (b'explain', b'--port', NAME, b'h.example'),
            (NAME,), (b'--' + NAME,), (b'list', NAME), (b'list', b'--' + NAME), (b'-' + NAME,)]


@test('names of files and arguments of any bytes come out as plain text, in messages and in JSON')
def _(world):
    def refuse(_method, _arguments):
        raise Refusal('InvalidArgument', 'no')

    world.answers(refuse)
    folder = os.fsencode(world.folder)
    os.symlink(b'link' + NAME, folder + b'/link' + NAME)
    for arguments in odd_arguments(folder):
        code, output, errors = run_raw(world, *arguments)
        holds(0 < code < 8, f'{arguments} exits with {code}: {errors}')
        equal(output, b'', 'the standard output')
        equal(len(check(errors, arguments)), 2, f'the lines of {arguments}')
        code, output, errors = run_raw(world, b'--json', *arguments)
        holds(0 < code < 8, f'{arguments} exits with {code}: {errors}')
        equal((errors, len(check(output, arguments))), (b'', 2), f'the lines of {arguments}')
        holds(json.loads(output)['error']['message'], 'there is no message')


@test('a byte that is no text is shown as what it is')
def _(world):
    _, _, errors = run_raw(world, b'verify', os.fsencode(world.folder) + b'/' + NAME)
    holds(rb'n\x1b[31m\x0a\x0d\xff\u009b\u202e\x80.der' in errors, f'it said {errors}')


@test('a file is read whatever the bytes of its name')
def _(world):
    say(world, PLAIN)
    path = os.fsencode(world.folder) + b'/' + NAME
    os.rename(put(world, 'good.der', b'der'), path)
    for arguments in ((b'verify', path), (b'verify', b'--trust-anchor', path, path),
                      (b'pin', b'h.example', path), (b'pin', b'h.example', path, b'--backup', path),
                      (b'request', b'PUT', b'https://h.example/', b'--data-file', path)):
        code, _, errors = run_raw(world, *arguments)
        holds(code in (OK, REFUSED), f'{arguments} said {errors}')


# Where it is shown

def on_a_terminal(world, *arguments):
    """Returns: what a terminal got, from both outputs"""
    ours, theirs = pty.openpty()
    process = start(world, *arguments, stdin=theirs, stdout=theirs, stderr=theirs,
                    more_environment={'TERM': 'xterm', 'NO_COLOR': '', 'PAGER': ''})
    os.close(theirs)
    got = b''
    try:
        while chunk := os.read(ours, 65536):
            got += chunk
    except OSError:  # the other side is gone
        pass
    os.close(ours)
    process.wait(30)
    return got


@test('a terminal gets no escape but the colours')
def _(world):
    for text in (HOSTILE, 'blocked', 'expired', 'report'):
        say(world, text)
        for arguments in verbs(world, text):
            got = on_a_terminal(world, *arguments).replace(b'\r\n', b'\n')
            check(COLOURS.sub('', got.decode()).encode(), arguments)
    holds(COLOURS.search(on_a_terminal(world, 'list').decode()), 'there are no colours')


@test('the body of an answer stays as it came')
def _(world):
    body = HOSTILE.encode() + NAME + bytes(range(256))
    world.answers(lambda method, arguments: fake.response(body=body))
    equal(run_raw(world, 'get', 'https://h.example/')[1], body, 'the standard output')
    path = put(world, 'page', b'')
    equal(run_raw(world, 'get', '-o', path, 'https://h.example/', uid=0)[0], OK, 'the exit code')
    equal(pathlib.Path(path).read_bytes(), body, 'the file')


@test('the tool writes nowhere but through its streams')
def _(_world):
    sources = sorted(pathlib.Path(__file__).parents[2].glob('cli/*.c'))
    holds(len(sources) > 10, 'the sources were not found')
    found = [f'{path.name}:{number}' for path in sources if path.name != 'certpinctl-stream.c'
             for number, line in enumerate(path.read_text(encoding='utf-8').split('\n'), 1)
             if WRITERS.search(line)]
    equal(found, [], 'the places that write by themselves')


run(FakeWorld)
