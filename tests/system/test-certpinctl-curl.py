#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What users of curl expect, row by row: each is done with curl and with certpinctl, against the same server.
docs/FROM-CURL.md has the rows; `--write` writes it anew."""

import base64
import email.utils
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field

from lib import http
from lib.certpinctl import (BAD_INPUT, HTTP_STATUS, NOT_PINNED, OFFLINE, OK, REDIRECTS, TIMED_OUT, TRUNCATED, UNREACHABLE,
                            USAGE, ctl, put)
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import ALICE, HOST, World

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PAGE = SOURCE / 'docs/FROM-CURL.md'
TEXT = b'hello, this is text\n'
RAW = bytes(range(256)) * 8
# What both send, and what a user would see a difference in.
COMPARED = ('content-type', 'x-one', 'x-two', 'accept-language', 'content-length')


def respond(_connection, request):
    """What the server has, by path."""
    path = request.path.split('?')[0]
    if request.method in ('POST', 'PUT', 'PATCH', 'DELETE'):
        return http.reply(200, b'got ' + request.body)
    if path.startswith('/to/'):  # so many redirects
        left = int(path[4:])
        return http.redirect(302, f'/to/{left - 1}' if left > 1 else '/page')
    if path == '/missing':
        return http.reply(404, b'not here\n')
    if path == '/raw':
        return http.reply(200, RAW, [('Content-Type', 'application/octet-stream')])
    if path == '/cut':
        return b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf'
    if path == '/cut-late':
        return b'HTTP/1.1 200 OK\r\nContent-Length: 999999\r\nContent-Type: text/x-cut\r\nConnection: close\r\n\r\n' + b'x' * 500000
    if request.method == 'HEAD':
        return b'HTTP/1.1 200 Status\r\nContent-Length: 20\r\nContent-Type: text/plain\r\n\r\n'
    return http.reply(200, TEXT, [('Content-Type', 'text/plain')])


@dataclass
class Outcome:
    """What came of one command."""

    code: int
    output: bytes
    errors: str
    files: dict
    requests: list = field(default_factory=list)

    def what_counts(self):
        seen = [(request.method, request.path, request.body,
                 {name: request.headers[name] for name in COMPARED if request.headers.get(name)})
                for request in self.requests]
        return self.code, self.output, self.files, seen


class Both:
    """curl and certpinctl, a server that both trust, and a folder for each command."""

    def __init__(self, world):
        self.world = world
        self.server, _ = world.serve_pinned()
        self.respond = respond
        self.seen = []  # requests, in their order
        self.server.respond = self._respond
        self.count = 0

    def _respond(self, connection, request):
        self.seen.append(request)
        return self.respond(connection, request)

    def url(self, path='/page'):
        return self.server.url(HOST, path)

    def words(self, words):
        return [self.url(word) if word.startswith('/') and not os.path.exists(word) else word for word in words]

    def _new_folder(self):
        self.count += 1
        folder = os.path.join(self.world.folder, f'run-{self.count}')
        os.chmod(self.world.folder, 0o755)
        os.mkdir(folder)
        os.chown(folder, ALICE, ALICE)
        return folder

    def _outcome(self, do):
        folder, before = self._new_folder(), len(self.seen)
        code, output, errors = do(folder)
        files = {name: pathlib.Path(folder, name).read_bytes() for name in sorted(os.listdir(folder))}
        return Outcome(code, output, errors, files, self.seen[before:])

    def curl_command(self, words):
        return ['curl', '-q', '--noproxy', '*', '--cacert', self.world.shared.trust_file, *self.words(words)]

    def curl(self, *words, stdin=b''):
        """Without its meter, which certpinctl shows only on a terminal."""
        def do(folder):
            done = subprocess.run(self.curl_command(['--no-progress-meter', *words]), cwd=folder, input=stdin,
                                  capture_output=True, check=False, timeout=DEADLINE_S * 2)
            return done.returncode, done.stdout, done.stderr.decode()
        return self._outcome(do)

    def ctl(self, *words, stdin=b''):
        return self._outcome(lambda folder: ctl(self.world, *self.words(words), cwd=folder, stdin=stdin))

    def same(self, ours, curls, stdin=b''):
        """Both have the same exit status, output and files, and the server gets the same. Returns: that of
        certpinctl"""
        mine, its = self.ctl(*ours, stdin=stdin), self.curl(*curls, stdin=stdin)
        equal(mine.what_counts(), its.what_counts(),
              f'what came of certpinctl {ours}, which said “{mine.errors}”, as curl said “{its.errors}”,')
        return mine


@dataclass
class Row:
    """A line of a table: commands as they are typed, and what is to be said of them."""

    curl: str
    ours: str
    says: str
    check: object


TABLES = {'same': [], 'different': [], 'missing': []}


def row(table, curl, ours, says=''):
    def register(check):
        TABLES[table].append(Row(curl, ours, says, check))
        what = f'{ours or curl}: {says}' if says else ours

        @test(f'{curl} → {what}')
        def _(world):
            check(Both(world))
    return register


def same(curl, ours, says=''):
    """A command that does the same with the options of curl, whatever its verb is."""
    return row('same', curl, ours, says)


# What is the same

@same('curl URL', 'certpinctl get URL')
def _(both):
    equal(both.same(['get', '/page'], ['/page']).output, TEXT, 'the output')
    both.same(['get', '/raw'], ['/raw'])
    both.same(['get', '/missing'], ['/missing'])


@same('curl URL URL', 'certpinctl get URL URL', 'one after the other')
def _(both):
    equal(both.same(['get', '/page', '/missing'], ['/page', '/missing']).output, TEXT + b'not here\n', 'the output')


@test('of several URLs, each message says which one it is about')
def _(world):
    both = Both(world)
    urls = [both.url(path) for path in ('/missing', '/cut', '/page')]
    for more in ([], ['-Z', '-O'], ['-w', '%{http_code}']):
        errors = both.ctl('get', '-f', *more, *urls).errors.replace('\n  ', ' ')
        for url, text in zip(urls, ('the server answered with HTTP status 404', f'host ‘{HOST}’ did not send a complete')):
            holds(f'certpinctl: {url}: {text}' in errors, f'with {more}, it said “{errors}”')
    holds(f'note: {urls[1]}: host' in both.ctl('get', '--retry', '1', '-O', *urls[1:]).errors, 'the note does not say it')
    for url, text in zip(urls, ('certpinctl: the server answered', 'certpinctl: host ‘')):
        holds(both.ctl('get', '-f', url).errors.startswith(text), 'the message of one URL')


@same('-o FILE, -oFILE', '-o FILE, -oFILE', 'one for each URL, in their order; further ones go to standard output')
def _(both):
    both.same(['get', '-o', 'one', '/page'], ['-o', 'one', '/page'])
    both.same(['get', '-oone', '/page'], ['-oone', '/page'])
    files = both.same(['get', '-oone', '-otwo', '/page', '/raw', '/missing'],
                      ['-oone', '-otwo', '/page', '/raw', '/missing']).files
    equal(files, {'one': TEXT, 'two': RAW}, 'the files')


@same('-O', '-O', 'the last part of the URL, without its query')
def _(both):
    equal(both.same(['get', '-O', '/a/page?x=1'], ['-O', '/a/page?x=1']).files, {'page': TEXT}, 'the files')


@same('-f', '-f', 'exit status 22 and no body, from status 400 on')
def _(both):
    equal(both.same(['get', '-f', '/missing'], ['-f', '/missing']).code, HTTP_STATUS, 'the exit status')
    both.same(['get', '-f', '-oone', '/missing'], ['-f', '-oone', '/missing'])
    both.same(['get', '-f', '/page'], ['-f', '/page'])


@same('-s, -S, -sS, -fsSL', '-s, -S, -sS, -fsSL', '-s is silent about errors, too; -S shows them')
def _(both):
    for options, speaks in ((['-f'], True), (['-fs'], False), (['-f', '-s', '-S'], True), (['-fsSL'], True)):
        mine = both.same(['get', *options, '/missing'], [*options, '/missing'])
        equal(bool(mine.errors), speaks, f'whether {options} says something')


@same('-A TEXT, -A \'\'', '-A TEXT, -A \'\'', 'an empty one is not sent')
def _(both):
    for text, sent in (('mine/1', 'mine/1'), ('', None)):
        for outcome in (both.ctl('get', '-A', text, '/page'), both.curl('-A', text, '/page')):
            equal(outcome.requests[0].headers.get('user-agent'), sent, 'the User-Agent')


@same('no -A', 'no -A', 'the program’s name and version')
def _(both):
    for outcome, name in ((both.ctl('get', '/page'), 'certpinctl'), (both.curl('/page'), 'curl')):
        holds(re.fullmatch(name + r'/[\d.]+', outcome.requests[0].headers['user-agent']), f'{outcome.requests}')


@same('-H \'Name: value\', -H Name:, -H \'Name;\', -H @FILE', 'the same', 'one to send, one not to send, an empty one, a file of them')
def _(both):
    path = put(both.world, 'headers', b'X-One: 1\r\nX-Two: 2\nUser-Agent: mine\n')
    for outcome in (both.ctl('get', '-v', '-H', f'@{path}', '/page'), both.curl('-v', '-H', f'@{path}', '/page')):
        equal(outcome.errors.count('> User-Agent: '), 1, 'how often it is sent')
    both.same(['get', '-H', f'@{path}', '/page'], ['-H', f'@{path}', '/page'])
    both.same(['get', '-H', 'X-One: 1', '-HX-Two:2', '/page'], ['-H', 'X-One: 1', '-HX-Two:2', '/page'])
    for outcome in (both.ctl('get', '-H', 'User-Agent:', '-H', 'X-One;', '/page'),
                    both.curl('-H', 'User-Agent:', '-H', 'X-One;', '/page')):
        equal([outcome.requests[0].headers.get(name) for name in ('user-agent', 'x-one')], [None, ''], 'the headers')
    both.same(['post', '-d', 'a', '-H', 'content-type: text/plain', '/page'],
              ['-d', 'a', '-H', 'content-type: text/plain', '/page'])


@test('a file of headers may be empty; one that is not text is refused, and nothing is sent')
def _(world):
    both = Both(world)
    both.same(['get', '-H', f'@{put(world, "empty", b"")}', '/page'], ['/page'])
    for content in (b'X-One: caf\xe9\nX-Two: 2\n', b'X-One: 1\0\nX-Two: 2\n'):
        outcome = both.ctl('get', '-H', f'@{put(world, "headers", content)}', '/page')
        equal((outcome.code, outcome.requests), (BAD_INPUT, []), f'what came of {content}')
        holds('headers’ is not text; write one header on each line' in outcome.errors, f'it said “{outcome.errors}”')


@same('-L, --max-redirs N', '-L, --max-redirs N', 'without -L, the redirect is the answer; one too many is status 47')
def _(both):
    equal(both.same(['get', '/to/2'], ['/to/2']).output, b'elsewhere', 'the output')
    equal(len(both.same(['get', '-L', '/to/2'], ['-L', '/to/2']).requests), 3, 'the number of requests')
    both.same(['get', '-L', '--max-redirs', '2', '/to/2'], ['-L', '--max-redirs', '2', '/to/2'])
    for most in ('1', '0'):
        mine = both.ctl('get', '-L', '--max-redirs', most, '/to/2')
        its = both.curl('-L', '--max-redirs', most, '/to/2')
        equal((mine.code, its.code, len(mine.requests)), (REDIRECTS, REDIRECTS, len(its.requests)), 'what came of it')
        holds(f'too many redirects: the limit is {most};' in mine.errors, f'it says only “{mine.errors}”')


@same('-d DATA, several -d, -d @FILE, -d @-', 'certpinctl post, with the same', 'joined with &; a form’s Content-Type')
def _(both):
    lines = put(both.world, 'lines', b'a=1\r\nb=2\n')
    for options in (['-d', 'a=1'], ['-da=1', '-d', 'b=2', '--data=c'], ['-d', f'@{lines}'], ['-d', f'@{lines}', '-dx'],
                    ['-d', '']):
        curls = ['-dc' if word == '--data=c' else word for word in options]
        both.same(['post', *options, '/page'], [*curls, '/page'])
    both.same(['post', '-d', '@-', '/page'], ['-d', '@-', '/page'], stdin=b'x\ny')


@same('--data-raw, --data-binary', 'the same', '@ means nothing; a file with its line ends')
def _(both):
    lines = put(both.world, 'lines', b'a=1\r\nb=2\n')
    both.same(['post', '--data-raw', f'@{lines}', '/page'], ['--data-raw', f'@{lines}', '/page'])
    both.same(['post', '--data-binary', f'@{lines}', '/page'], ['--data-binary', f'@{lines}', '/page'])


@same('--data-urlencode FIELD', 'the same', 'all five forms, and mixed with -d in the order of the command line')
def _(both):
    path = put(both.world, 'value', b'a b\n\xc3\xa9&=')
    for given in ('a b&c', '=a=b', 'name=v w/ü~.-_', f'@{path}', f'name@{path}'):
        both.same(['post', '--data-urlencode', given, '/page'], ['--data-urlencode', given, '/page'])
    both.same(['post', '-d', 'a', '--data-urlencode', 'b=c d', '-d', 'e', '/page'],
              ['-d', 'a', '--data-urlencode', 'b=c d', '-d', 'e', '/page'])


@same('--json DATA', '--json-body DATA', '--json is what certpinctl prints; here it is what it sends')
def _(both):
    path = put(both.world, 'item', b'{\n"a": 1}\n')
    for given in ('{"a":1}', '[1]', f'@{path}'):
        outcome = both.ctl('post', '--json', given, '/page')
        holds(outcome.code == BAD_INPUT and outcome.requests == [], f'what came of {given} is {outcome}')
        holds(json.loads(outcome.output)['error']['message'].endswith('; to send JSON: --json-body'), outcome.output)
    for given in (['{"a": 1}'], [f'@{path}'], ['{"a":', '1}']):
        ours = [word for one in given for word in ('--json-body', one)]
        curls = [word for one in given for word in ('--json', one)]
        mine, its = both.ctl('post', *ours, '/page'), both.curl(*curls, '/page')
        equal(mine.what_counts(), its.what_counts(), 'what came of it')
        equal(*[outcome.requests[0].headers['accept'] for outcome in (mine, its)], 'Accept')


@same('-T FILE', 'certpinctl put -T FILE')
def _(both):
    path = put(both.world, 'body', RAW)
    equal(both.same(['put', '-T', path, '/page'], ['-T', path, '/page']).requests[0].body, RAW, 'the body')


@same('-T FILE -T FILE URL URL', 'certpinctl put, with the same', 'each file to its URL; one -T is for all URLs')
def _(both):
    paths = [put(both.world, f'body-{number}', b'body %d' % number) for number in range(2)]
    words = ['-T', paths[0], '-T', paths[1], '/page', '/raw']
    equal([request.body for request in both.same(['put', *words], words).requests], [b'body 0', b'body 1'], 'the bodies')
    bodies = [request.body for request in both.ctl('put', *words[:2], '/page', '/raw').requests]
    equal(bodies, [b'body 0'] * 2, 'the bodies with one -T')
    for wrong in (words[:5], [*words, '/page'], ['--data-file', paths[0], '--data-file', paths[1], '/page']):
        outcome = both.ctl('put', *wrong)
        equal((outcome.code, outcome.requests), (USAGE, []), f'what came of {wrong}')


@same('-T FILE https://h.example/up/', 'certpinctl put, with the same', 'a URL that ends with / gets the name of the file')
def _(both):
    path = put(both.world, 'shop &1.pem', TEXT)
    # With a query, curl's versions differ.
    for url in ('/up/', '/up'):
        both.same(['put', '-T', path, url], ['-T', path, url])
    bare = both.url('')
    equal(both.same(['put', '-T', path, bare], ['-T', path, bare]).requests[0].path, '/shop%20%261.pem', 'the path')


@same('-X METHOD', 'certpinctl request -X METHOD, or request METHOD', 'also: certpinctl delete')
def _(both):
    both.same(['request', '-XPATCH', '-d', 'a', '/page'], ['-XPATCH', '-d', 'a', '/page'])
    both.same(['request', 'OPTIONS', '/page', '/raw'], ['-X', 'OPTIONS', '/page', '/raw'])
    both.same(['delete', '/page'], ['-X', 'DELETE', '/page'])
    equal(both.ctl('request', '/page').code, USAGE, 'the exit status without a method')


@same('-m SECONDS', '-m SECONDS', 'exit status 28')
def _(both):
    both.respond = lambda connection, _request: connection.drain()
    equal((both.ctl('get', '-m', '0.5', '/page').code, both.curl('-m', '0.5', '/page').code), (TIMED_OUT, TIMED_OUT),
          'the exit status')


@same('a body that is cut', 'the same', 'exit status 18')
def _(both):
    equal((both.ctl('get', '/cut').code, both.curl('/cut').code), (TRUNCATED, TRUNCATED), 'the exit status')


FACTS = ('http_code', 'response_code', 'size_download', 'size_upload', 'num_redirects', 'content_type', 'url_effective',
         'redirect_url', 'method', 'exitcode', 'errormsg', 'filename_effective', 'url', 'http_version', 'num_retries')


@same('-w FORMAT', '-w FORMAT', 'the common variables, %header{}, %{json}, %{stderr}, and \\n \\r \\t %%')
def _(both):
    known = [name for name in FACTS if name != 'num_retries']  # which this curl does not have
    line = '|'.join(f'{name} %{{{name}}}' for name in known) + r'\t%%\r%header{content-type}\n'
    both.same(['get', '-w', line, '/page'], ['-w', line, '/page'])
    both.same(['get', '-oone', '-w', line, '/raw'], ['-oone', '-w', line, '/raw'])
    both.same(['get', '-w', line, '/to/1'], ['-w', line, '/to/1'])
    both.same(['get', '-L', '-w', line, '/to/2'], ['-L', '-w', line, '/to/2'])
    both.same(['post', '-d', 'abc', '-w', line, '/page'], ['-d', 'abc', '-w', line, '/page'])
    line = put(both.world, 'format', b'%{http_code}\n|%{method}')
    both.same(['get', '-w', f'@{line}', '/page', '/missing'], ['-w', f'@{line}', '/page', '/missing'])
    code = '%{http_code} %{exitcode}'
    both.same(['get', '-f', '-w', code, '/missing'], ['-f', '-w', code, '/missing'])
    for more in ([], ['-C', '-']):
        facts = '%{http_code} %{size_download} %{content_type} %{url_effective} %header{content-length}'
        mine, its = [program(*words, *more, '-oone', '-w', facts, '/cut-late')
                     for program, words in ((both.ctl, ['get']), (both.curl, []))]
        equal((mine.output, mine.code, its.code), (its.output, TRUNCATED, 18), f'what -w says of a cut body with {more}')
    mine, its = both.ctl('get', '-oone', '-w', '%{json}', '/page'), both.curl('-oone', '-w', '%{json}', '/page')
    times = re.findall(rb'"time_\w+":([^,}]+)', mine.output)
    holds(len(times) == 5 and all(re.fullmatch(rb'\d+\.\d{6}', each) for each in times), f'the times are {times}')
    mine, its = json.loads(mine.output), json.loads(its.output)
    equal({name: mine[name] for name in mine if name in its and not re.match('time|speed|num_connects', name)},
          {name: its[name] for name in mine if name in its and not re.match('time|speed|num_connects', name)}, '%{json}')
    mine = both.ctl('get', '-w', '%{time_namelookup} %{time_connect} %{time_appconnect} %{time_starttransfer} '
                    '%{time_total}', '-oone', '/page')
    times = [float(word) for word in mine.output.split()]
    holds(times == sorted(times) and times[-1] > 0, f'the times are {times}')
    outcome = both.ctl('get', '-oone', '-w', '%{stderr}%{http_code}%{stdout}out', '/page')
    equal((outcome.output, outcome.errors), (b'out', '200'), 'what goes where')


def fails_at_first(status, *headers):
    """A server that answers with that status once, and then as ever."""
    begun = []

    def answer(connection, request):
        begun.append(time.monotonic())
        return respond(connection, request) if len(begun) > 1 else http.reply(status, b'busy', headers)
    return begun, answer


@same('--retry N', '--retry N', 'after 1, 2, 4… seconds, or what Retry-After says; also if a file is cut')
def _(both):
    for status, headers, least in ((503, (), 0.9), (429, (('Retry-After', '2'),), 1.9)):
        for program in (lambda: both.ctl('get', '-fs', '--retry', '2', '/page'),
                        lambda: both.curl('-fs', '--retry', '2', '/page')):
            begun, both.respond = fails_at_first(status, *headers)
            outcome = program()
            equal((outcome.code, outcome.output, len(begun)), (OK, TEXT, 2), 'what came of it')
            holds(least < begun[1] - begun[0] < least + 5, f'it waited {begun[1] - begun[0]} s')
    for program in (both.ctl, both.curl):
        begun, both.respond = fails_at_first(503)
        verb = ['get'] if program == both.ctl else []
        outcome = program(*verb, '-fs', '-C', '-', '-oone', '--retry', '1', '/page')
        equal((outcome.code, outcome.files, len(begun)), (OK, {'one': TEXT}, 2), 'what came of -C -')
    for status, verb, count in ((404, 'get', 1), (503, 'post', 1), (500, 'put', 2)):
        begun, both.respond = fails_at_first(status)
        both.ctl(verb, '-s', '--retry', '1', '/page')
        equal(len(begun), count, f'how often {verb} was sent after {status}')
    begun, both.respond = fails_at_first(503, ('Retry-After', email.utils.formatdate(time.time() + 700, usegmt=True)))
    equal((both.ctl('get', '-f', '--retry', '1', '/page').code, len(begun)), (HTTP_STATUS, 1), 'a date that is far away')
    begun, both.respond = fails_at_first(503, ('Retry-After', '601'))
    equal((both.ctl('get', '-f', '--retry', '1', '/page').code, len(begun)), (HTTP_STATUS, 1), 'a server that wants too much')
    cut = []

    def cut_once(connection, request):
        """Once, a body is cut after more than what comes in one message."""
        if cut:
            return respond(connection, request)
        cut.append(request)
        connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n' + b'x' * 500000)
        connection.cut()
        return None
    both.respond = cut_once
    outcome = both.ctl('get', '-oone', '--retry', '1', '/page')
    equal((outcome.code, outcome.files), (OK, {'one': TEXT}), f'what came of a file, with {outcome.errors},')
    cut.clear()
    outcome = both.ctl('get', '-i', '--retry', '1', '/page')
    equal((outcome.code, outcome.output.count(b'HTTP/1.1'), len(outcome.requests)), (TRUNCATED, 1, 1),
          'what came of what was printed already')
    cut.clear()
    outcome = both.ctl('get', '-o', '/dev/stdout', '--retry', '1', '/page')
    equal((outcome.code, len(outcome.requests)), (TRUNCATED, 1), 'what came of what a pipe has got')
    cut.clear()
    document = json.loads(both.ctl('--json', 'get', '--retry', '1', '/page').output)
    equal(document['response']['body'], base64.b64encode(TEXT).decode(), 'what came of what was only kept')


@same('-Z', '-Z, with a file for each URL', 'up to 16 at a time')
def _(both):
    gate = [0, 0]

    def together(connection, request):
        with both.server.changed:
            gate[0] += 1
            both.server.changed.notify_all()
            both.server.changed.wait_for(lambda: gate[0] >= 3, DEADLINE_S)
        return respond(connection, request)

    both.respond = together
    outcome = both.ctl('get', '-Z', '-oa', '-ob', '-oc', '/page', '/raw', '/missing')
    equal((outcome.code, outcome.files), (OK, {'a': TEXT, 'b': RAW, 'c': b'not here\n'}), 'what came of three')
    gate[0] = 0
    equal(both.curl('-Z', '-oa', '-ob', '-oc', '/page', '/raw', '/missing').files, outcome.files, 'what curl does')
    for files in ([], ['-oa'], ['-oa', '-o', '-']):
        equal(both.ctl('get', '-Z', *files, '/page', '/raw').code, USAGE, f'the exit status with {files}')
    documents = both.ctl('--json', 'get', '-Z', '/page', '/raw', '/missing').output.splitlines()
    equal(sorted(json.loads(line)['response']['status'] for line in documents), [200, 200, 404], 'the documents')


def on_terminal(command, cwd):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b''
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the end of a terminal
        pass
    os.close(ours)
    return process.wait(DEADLINE_S), shown


@same('a binary body on a terminal', 'the same', 'is not written, but with -o -')
def _(both):
    code, shown = dialog(both.world, 'get', both.url('/raw'))
    its = on_terminal(both.curl_command(['/raw']), both.world.folder)
    holds(code != OK and its[0] != OK, f'the exit statuses are {code} and {its[0]}')
    equal(dialog(both.world, 'get', '-si', both.url('/raw'))[0], code, 'the exit status with -i')
    holds('\0' not in shown and b'\0' not in its[1] and '-o -' in shown, f'it shows {shown!r}')
    equal(both.same(['get', '-o', '-', '/raw'], ['-o', '-', '/raw']).output, RAW, 'the output')


@same('-v', '-v', '> what was sent, < what came, * the server’s certificate, on standard error')
def _(both):
    mine = both.ctl('post', '-v', '-d', 'abc', '-H', 'X-One: 1', '/page?q')
    lines = mine.errors.split('\n')
    request = mine.requests[0]
    sent = dict(line[2:].split(': ', 1) for line in lines if line.startswith('> ') and ': ' in line)
    equal({name.lower(): value for name, value in sent.items()}, request.headers, 'the headers that it shows')
    equal(lines[0], f'> POST {request.path} HTTP/1.1', 'the first line')
    holds('< HTTP/1.1 200' in lines and '< Content-Length: 7' in lines, f'it shows {lines}')
    holds(any(line.startswith('* server certificate: CN=') and HOST in line for line in lines), f'it shows {lines}')
    holds(f'* server key: {both.server.presented.pin}' in lines, f'it shows {lines}')
    holds('> POST /page?q HTTP/1.1' in both.curl('-v', '-d', 'abc', '/page?q').errors.replace('\r', ''), 'so does curl')


# What is different

def different(curl, ours, says):
    return row('different', curl, ours, says)


@different('a host without a pin', 'exit status 10', 'nothing is sent to a host whose key is not known')
def _(both):
    before = len(both.server.connections)
    equal(ctl(both.world, 'get', both.server.url('other.localhost'))[0], NOT_PINNED, 'the exit status')
    both.server.barrier()
    equal(len(both.server.connections), before, 'the number of connections')


@different('several URLs: the exit status of the last one', 'of the first one that failed',
           'no failure is lost')
def _(both):
    equal((both.ctl('get', '-f', '/missing', '/page').code, both.curl('-f', '/missing', '/page').code),
          (HTTP_STATUS, OK), 'the exit statuses')


@different('-O for one URL', '-O for all URLs', 'as --remote-name-all')
def _(both):
    equal(both.ctl('get', '-O', '/page', '/raw').files, {'page': TEXT, 'raw': RAW}, 'the files')
    equal(both.curl('-O', '/page', '/raw').output, RAW, 'what curl prints')


@different('-o FILE: a part stays if it is cut', 'the old file stays', 'a file is whole, or not touched')
def _(both):
    equal((both.ctl('get', '-oone', '/cut').files, both.curl('-oone', '/cut').files), ({}, {'one': b'half'}), 'the files')


@different('-i, -I: lines as they came', 'without the reason phrase, and ending with \\n',
           'also: certpinctl head')
def _(both):
    for words, option in ((['get', '-I'], '-I'), (['head'], '-I'), (['get', '-i'], '-i')):
        mine, its = both.ctl(*words, '/page'), both.curl(option, '/page')
        equal(mine.output, its.output.replace(b'\r\n', b'\n').replace(b'200 Status', b'200'), f'what {words} prints')
        equal(mine.requests[0].method, its.requests[0].method, 'the method')
    for option in ('-fi', '-fI', '-fsi'):
        mine, its = both.ctl('get', option, '/missing'), both.curl(option, '/missing')
        equal(mine.output, its.output.replace(b'\r\n', b'\n').replace(b'404 Status', b'404'), f'what {option} prints')
        equal((mine.code, its.code), (HTTP_STATUS, HTTP_STATUS), f'the exit statuses with {option}')
    words = ['-iL', '--max-redirs', '0', '/to/1']
    mine, its = both.ctl('get', *words), both.curl(*words)
    equal(mine.output, its.output.replace(b'\r\n', b'\n').replace(b'302 Status', b'302'), 'what a redirect too many prints')


@different('-i -L: the headers of each response', 'of the last one', 'the service follows redirects; -v says how many')
def _(both):
    counts = [outcome.output.count(b'HTTP/1.1 ') for outcome in (both.ctl('get', '-iL', '/to/2'), both.curl('-iL', '/to/2'))]
    equal(counts, [1, 3], 'how many heads there are')
    holds('* 2 redirects, to ' in both.ctl('get', '-viL', '/to/2').errors, '-v does not say it')


@different('a text on a terminal, as it comes', 'escape sequences are spelled out, and the last line is ended',
           'with -o - it is written as it comes')
def _(both):
    both.respond = lambda *_: http.reply(200, b'red \x1b[31m\xe2\x80\xae\xff\r\nend')
    shown = dialog(both.world, 'get', '-s', both.url())[1]
    equal(shown, 'red \\x1b[31m\\u202e\\xff\nend\n', 'what it shows')
    holds(b'\x1b[31m' in on_terminal(both.curl_command(['-s', '/page']), both.world.folder)[1], 'curl does')
    both.respond = lambda connection, _: connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n'
                                                         + b'cut\n' * 50000 + b'off') or connection.cut()
    lines = dialog(both.world, 'get', both.url())[1].split('\n')
    at = lines.index('off')
    holds(lines[at + 1].startswith('certpinctl: ') and lines[at + 2:] == [''], f'it ends with {lines[at:]}')
    both.respond = lambda *_: http.reply(200, b'red \x1b[31m')
    equal(dialog(both.world, 'get', '-s', '-o', '-', both.url())[1], 'red \x1b[31m', 'what -o - shows')


@different('exit statuses 6 and 7', '9 and 5, and 8 without a network', 'certpinctl(1) has all numbers; 18, 22, 28, 35, 47, 60 and 63 are curl’s')
def _(both):
    both.world.alice.pin_keys('nowhere.example', both.server.presented.pin)
    nowhere = ('https://nowhere.example/',)
    # There is no network here beyond loopback; test-doctor-network.py has one, and names that lead nowhere.
    equal((ctl(both.world, 'get', *nowhere)[0], both.curl(*nowhere).code), (OFFLINE, 6), 'without a network')
    both.server.close()
    equal((both.ctl('get', '/page').code, both.curl('/page').code), (UNREACHABLE, 7), 'the exit statuses')


@different('--retry sends a POST again', 'only if no server has got it', 'a POST is never done twice')
def _(both):
    answers = []
    for program in (lambda: both.ctl('post', '-s', '--retry', '1', '-d', 'a', '/page'),
                    lambda: both.curl('-s', '--retry', '1', '-d', 'a', '/page')):
        begun, both.respond = fails_at_first(503)
        program()
        answers.append(len(begun))
    equal(answers, [1, 2], 'how often the servers got it')


@different('--retry: not after a connection that is refused', 'also then', 'no server has got the request')
def _(both):
    both.server.close()
    mine, its = both.ctl('get', '--retry', '1', '/page'), both.curl('--retry', '1', '/page')
    equal((mine.code, its.code), (UNREACHABLE, 7), 'the exit statuses')
    equal([mine.errors.count('trying again in 1 s'), its.errors.count('Will retry')], [1, 0], 'how often they try again')


@different('-L: 50 redirects, to any host', '10 redirects, to pinned hosts', 'each redirect is checked like a request')
def _(both):
    both.respond = lambda *_: http.redirect(302, both.server.url('other.localhost'))
    equal(both.ctl('get', '-L', '/page').code, NOT_PINNED, 'the exit status')
    both.respond = respond
    equal((both.ctl('get', '-L', '/to/10').code, both.ctl('get', '-L', '/to/11').code), (OK, REDIRECTS), 'the statuses')


@different('-C OFFSET', '-C - only', 'it continues only the same version from the same key')
def _(both):
    equal(both.ctl('get', '-C', '5', '-oone', '/page').code, USAGE, 'the exit status')


@different('-C - for a file that is whole: nothing is loaded', 'it is loaded again, and replaced',
           'only a part that certpinctl kept is continued: any other file may be of another version')
def _(both):
    def ranged(_connection, request):
        if request.headers.get('range'):
            return http.reply(416, b'', [('Content-Range', f'bytes */{len(TEXT)}')])
        return respond(_connection, request)

    both.respond = ranged
    folder = os.path.join(both.world.folder, 'kept')
    os.mkdir(folder)
    os.chown(folder, ALICE, ALICE)
    whole = put(both.world, 'kept/whole', TEXT)
    os.chown(whole, ALICE, ALICE)
    mine, its = [program('-C', '-', '-o', whole, '/page') for program in (lambda *words: both.ctl('get', *words), both.curl)]
    ranges = [[request.headers.get('range') for request in outcome.requests] for outcome in (mine, its)]
    equal((mine.code, its.code, ranges), (OK, OK, [[None], [f'bytes={len(TEXT)}-']]), 'what came of both')


@different('-w after a body that is cut: its status and size', '000 and 0, if it has up to 64 KiB',
           'the service passes on a small response whole, or not at all')
def _(both):
    for more in ([], ['-C', '-']):
        mine = both.ctl('get', *more, '-oone', '-w', '%{http_code} %{size_download}', '/cut')
        equal((mine.code, mine.output), (TRUNCATED, b'000 0'), f'what -w says with {more}')
    its = both.curl('-oone', '-w', '%{http_code} %{size_download}', '/cut')
    equal((its.code, its.output), (18, b'200 4'), 'what -w of curl says')


@different('-x ANY', '-x URL of certpind.conf', 'which proxies there are is the administrator’s to say')
def _(both):
    outcome = both.ctl('get', '-x', 'http://127.0.0.1:9', '/page')
    equal((outcome.code != OK, len(outcome.requests)), (True, 0), 'what came of it')


# What is missing

def missing(option, why, *words, own_error=False):
    """An option of curl that is a usage error here, without a connection, and with a hint. `own_error`: it is one of
    ours, with another value"""
    @row('missing', option, '', why)
    def _(both):
        before = len(both.server.connections)
        outcome = both.ctl('get', *(words or (option,)), '/page')
        equal((outcome.code, outcome.output, bool(outcome.errors)), (USAGE, b'', True), 'what came of it')
        equal(len(both.server.connections), before, 'the number of connections')
        hint = re.fullmatch(r'certpinctl: ‘get’ has no option ‘[^’]+’; (.+)\n', outcome.errors)
        holds(own_error or (hint and not re.match('did you mean|see ‘', hint[1])), f'it says only “{outcome.errors}”')


missing('-k, --insecure', 'there is no request that is not checked; for an authority of your own: pin --trust-anchor', '-k')
missing('--connect-timeout', 'the service has one limit for all up to the response: -m', '--connect-timeout', '5')
missing('-u USER:PASSWORD, -n', 'others could see it in the list of processes: put the header Authorization into a file, -H @FILE', '-u', 'a:b')
missing('-b, -c', 'cookies: the service keeps no state between requests; -H Cookie: sends one', '-b', 'a=b')
missing('-F', 'forms of several parts: make the body with another program, and send it with -T', '-F', 'a=b')
missing('-G', 'write the query into the URL', '-G')
missing('--compressed', 'a body stays as the server sent it, and none is asked to be compressed', '--compressed')
missing('-r RANGE', '-H \'Range: bytes=0-99\' does it; -C - continues a file', '-r', '0-9')
missing('-J', 'the server would choose the name of a file here', '-J')
missing('-K FILE', 'there is no ~/.curlrc either: a command does what it says', '-K', 'x')
missing('--http2', 'the service speaks HTTP/1.1', '--http2')
missing('--resolve, --connect-to', 'a pin is for a name; where that is, only the resolver says', '--resolve', 'a:1:b')
missing('-E, --cert', 'the service has no client certificates', '-E', 'x')
missing('-D FILE', '-i writes the headers before the body, and -w %header{NAME} one of them', '-D', 'x')
missing('--output-dir, --create-dirs', 'name the folder, which must exist, with -o', '--output-dir', 'x')
missing('--fail-with-body', 'without -f, the body is written; -w %{http_code} tells the status', '--fail-with-body')
missing('--max-filesize', 'the shell limits the size of files: ulimit -f', '--max-filesize', '5')
missing('--retry-delay', '--retry waits 1, 2, 4… seconds, or as long as the server says', '--retry-delay', '1')
missing('-4, -6', 'the service chooses among the addresses of a host', '-4')
missing('-#', 'a terminal shows how far it is anyway', '-#')
missing('-N', 'a body is written as it comes anyway', '-N')
missing('-q', 'there is no ~/.curlrc to leave out', '-q')
missing('--tlsv1.2, --tlsv1.3', 'the service speaks TLS 1.2 and 1.3, and nothing older', '--tlsv1.2')
missing('--url', 'an argument is a URL', '--url')
missing('-z TIME', '-H \'If-Modified-Since: …\' asks whether it has changed', '-z', 'now')
missing('-m 0', 'without -m, there is no limit for a body that goes on', '-m', '0', own_error=True)


@row('missing', '-T of a pipe', '', '--data-file - sends up to 64 MiB of it')
def _(both):
    outcome = both.ctl('put', '-T', '-', '/page', stdin=TEXT)
    equal((outcome.code, outcome.requests), (BAD_INPUT, []), 'what came of it')
    holds('send it with --data-file' in outcome.errors, f'it says “{outcome.errors}”')
    equal(both.ctl('put', '--data-file', '-', '/page', stdin=TEXT).requests[0].body, TEXT, 'the body')


@row('missing', '-v -L, -v -T', '', 'of several requests, -v shows the first and the last response; and no Expect: 100-continue')
def _(both):
    outcome = both.ctl('get', '-v', '-L', '/to/2')
    lines = [line for line in outcome.errors.split('\n') if re.match('[<>*] .*(HTTP/|redirects)', line)]
    equal((lines, len(outcome.requests)),
          (['> GET /to/2 HTTP/1.1', f'* 2 redirects, to {both.url()}', '< HTTP/1.1 200'], 3), 'what it shows')


@row('missing', 'http://, ftp://, file://', '', 'exit status 15: a URL that is not https is refused')
def _(both):
    for scheme in ('http', 'ftp', 'file'):
        holds(ctl(both.world, 'get', f'{scheme}://{HOST}/page')[0] != OK, f'{scheme} passes')


@row('missing', 'URLs with {a,b} and [1-9]', '', 'let the shell expand them: https://h.example/{a,b}')
def _(both):
    outcome = both.ctl('get', '/{a,b}')
    equal([request.path for request in outcome.requests], ['/%7Ba,b%7D'], 'the path that the server gets')


# The page

INTRODUCTION = '''# Coming from curl

`certpinctl get`, `head`, `post`, `put`, `delete` and `request` take the options of curl by the same names. They send
nothing to a server that does not hold a pinned key: pin it once, with `certpinctl pin --fetch HOST`.
`tests/system/test-certpinctl-curl.py` runs each row of these tables, and curl beside it, and makes this page.

'''
HEADINGS = {
    'same': ('## What is the same\n\n| curl | certpinctl | |\n| --- | --- | --- |\n', True),
    'different': ('\n## What is different on purpose\n\n| curl | certpinctl | why |\n| --- | --- | --- |\n', True),
    'missing': ('\n## What is left out on purpose\n\n| curl | why, or what to do instead |\n| --- | --- |\n', False),
}

def cell(text):
    return text.replace('|', '\\|')


def make_page():
    text = INTRODUCTION
    for table, (heading, three) in HEADINGS.items():
        text += heading
        for one in TABLES[table]:
            cells = [one.curl, one.ours, one.says] if three else [one.curl, one.says]
            text += '| ' + ' | '.join(cell(each) for each in cells).replace('|  |', '| |') + ' |\n'
    return text


@test('docs/FROM-CURL.md has these rows')
def _(_world):
    equal(PAGE.read_text(encoding='utf-8'), make_page(), 'the page, which --write writes anew,')


if '--write' in sys.argv:
    PAGE.write_text(make_page(), encoding='utf-8')
    sys.exit(0)
run(World)
