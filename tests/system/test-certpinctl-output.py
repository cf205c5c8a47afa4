#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What certpinctl does where nobody takes what it prints: a full disk, a closed descriptor, a
reader that has seen enough."""

import errno
import json
import os
import resource
import signal
import subprocess
import tempfile

from gi.repository import GLib

from lib import fake_service as fake
from lib.certpinctl import FAILED, OK, environment, interposed, put, run_raw
from lib.daemon import program
from lib.fake_service import FakeWorld, Refusal
from lib.tap import equal, holds, run, test

URL = 'https://h.example/'
MANY = 3000  # pins, whose list is larger than a pipe's buffer

NO_SPACE = 'No space left on device; make room there, or write elsewhere'
TOO_LARGE = 'File too large; make room there, or write elsewhere'


def answer(method, arguments):
    if method == 'ListPins' and 'start-after' in arguments[0]:
        return fake.several()
    return {'ListPins': lambda: fake.several(*(fake.pin(f'h{i:05}.example') for i in range(MANY))),
            # Without keys, of which ‘block’ would say that they are lost.
            'GetPin': lambda: fake.one(fake.pin(keys=GLib.Variant('as', []))),
            'LastFailure': lambda: fake.one(fake.failure()),
            'ExplainHost': lambda: fake.one(fake.explanation(fake.pin())),
            'VerifyChain': lambda: fake.one(fake.verdict()),
            'SecureRequest': lambda: fake.response(body=bytes(1 << 20)),
            'GetStatus': lambda: fake.one(fake.status()),
            'Unpin': lambda: GLib.Variant('()', ()), 'BlockHost': lambda: GLib.Variant('()', ()),
            }.get(method, lambda: fake.one(fake.pin()))()


def refuse(_method, _arguments):
    raise Refusal('Blocked', 'the host is blocked')


def verbs(world):
    certificate = put(world, 'good.der', b'der')
    return [('pin', 'h', certificate), ('unpin', 'h'), ('block', 'h', 'why'), ('list',),
            ('show', 'h'), ('explain', 'h'), ('verify', certificate), ('get', URL),
            ('request', 'PUT', URL), ('--help',), ('--version',), ('get', '--help')]


def fails(world, output, reason, *arguments, **keywords):
    code, _, errors = run_raw(world, *arguments, stdout=output, **keywords)
    equal(code, FAILED, f'the exit code of {arguments}, which said {errors},')
    equal(errors.decode(), f'certpinctl: cannot write to standard output: {reason}\n',
          f'what {arguments} said')


@test('a standard output that is full is an error')
def _(world):
    world.answers(answer)
    with open('/dev/full', 'wb') as full:
        for arguments in verbs(world):
            fails(world, full, NO_SPACE, *arguments)
            fails(world, full, NO_SPACE, '--json', *arguments)


@test('a standard output that is full in the middle is an error')
def _(world):
    world.answers(answer)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
    for arguments in (('list',), ('get', URL), ('get', '-i', URL), ('--json', 'list')):
        with tempfile.TemporaryFile() as output:
            fails(world, output, TOO_LARGE, *arguments, preexec_fn=limit)
            equal(output.tell(), 100000, 'the length of what was written')


@test('what comes after a failure is not written: nothing is missing in the middle')
def _(world):
    world.answers(answer)
    for arguments in (('list',), ('get', '-i', URL)):
        code, output, errors = run_raw(world, *arguments,
                                       more_environment=interposed('write', errno=errno.ENOSPC))
        equal((code, output), (FAILED, b''), f'what {arguments} came to')
        holds(NO_SPACE.encode() in errors, f'{errors}')


@test('a standard output that is closed is an error, where there is something to write')
def _(world):
    world.answers(answer)
    for arguments in verbs(world):
        fails(world, None, 'Bad file descriptor', *arguments, preexec_fn=lambda: os.close(1))
    path = put(world, 'page', b'')
    code, _, errors = run_raw(world, 'get', '-o', path, URL, stdout=None, uid=0,
                              preexec_fn=lambda: os.close(1))
    equal((code, errors, os.path.getsize(path)), (OK, b'', 1 << 20), 'the exit code')


@test('all descriptors closed: the exit code says it, and no file takes their place')
def _(world):
    world.answers(answer)
    path = put(world, 'page', b'')
    close = lambda: os.closerange(0, 3)
    equal(run_raw(world, 'list', stdout=None, stderr=None, preexec_fn=close)[0], FAILED, 'the code')
    code = run_raw(world, 'get', '-v', '-o', path, URL, stdout=None, stderr=None, uid=0,
                   preexec_fn=close)[0]
    equal(code, OK, 'the exit code')
    with open(path, 'rb') as file:
        holds(file.read() == bytes(1 << 20), 'the file holds something else')


@test('an error that cannot be written as JSON is told on the standard error')
def _(world):
    world.answers(refuse)
    with open('/dev/full', 'wb') as full:
        code, _, errors = run_raw(world, '--json', 'get', URL, stdout=full)
    equal(code, FAILED, 'the exit code')
    equal(errors.decode().split('\n')[0], 'certpinctl: the host is blocked', 'the first line')
    holds(NO_SPACE in errors.decode().split('\n')[1], f'{errors}')


@test('a standard error that takes nothing is not in the way')
def _(world):
    world.answers(answer)
    with open('/dev/full', 'wb') as full:
        code, output, _ = run_raw(world, 'get', '-v', URL, stderr=full)
        equal((code, len(output)), (OK, 1 << 20), 'the exit code and the length')


# Readers that go

def without_reader():
    """Returns: the end of a pipe that nobody reads"""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@test('a reader that is gone ends the program quietly')
def _(world):
    world.answers(answer)
    for arguments in verbs(world):
        writer = without_reader()
        code, _, errors = run_raw(world, *arguments, stdout=writer)
        os.close(writer)
        equal((code, errors), (-signal.SIGPIPE, b''), f'how {arguments} ended, and what it said')


@test('a reader that is gone is an error for whoever ignores the signal')
def _(world):
    world.answers(answer)
    writer = without_reader()
    fails(world, writer, 'Broken pipe', 'list', restore_signals=False,
          preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
    os.close(writer)


@test('list | head -n 1 shows the first line, and nothing else')
def _(world):
    world.answers(answer)
    done = subprocess.run(['bash', '-c', '"$0" list | head -n 1; echo "${PIPESTATUS[0]}"',
                           program('CERTPINCTL')], env=environment(world), check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    lines = done.stdout.decode().split('\n')
    holds(lines[0].startswith('HOST '), f'the first line is {lines[0]}')
    equal((lines[1], done.stderr), ('141', b''), 'the exit code and the errors')


@test('a pipe that does not block, and is full for a moment, gets everything')
def _(world):
    world.answers(answer)
    for number in (errno.EAGAIN, errno.EINTR):
        code, output, errors = run_raw(world, 'list', '--json',
                                       more_environment=interposed('write', errno=number))
        equal((code, errors, len(json.loads(output)['pins'])), (OK, b'', MANY), 'what came')


run(FakeWorld)
