#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What certpinctl does with responses of any size: it passes them on as they come, in little memory; what is cut is an
error, whatever cut it, and stays only where -C can continue it."""

import base64
import json
import os
import pty
import re
import signal
import subprocess
import threading

from lib import http
from lib.certpinctl import (BAD_INPUT, FAILED, HTTP_STATUS, INTERRUPTED, NO_SERVICE, OK, PIN_CHANGED, REFUSED,
                            TIMED_OUT, TOO_LARGE, TRUNCATED, USAGE, ctl, environment, exits, put, run_raw, start)
from lib.public import certpinctl
from lib.server import Gate
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import ALICE, HOST, World

MIB = 1 << 20
LARGE = bytes(range(256)) * (3 * MIB // 256)
HUGE = bytes(range(250)) * (30_000_000 // 250)
MANY = 100
# A sanitizer's shadow is part of it.
MEMORY_MAX_KIB = 160 * 1024
TAG = '"one"'
OLD = b'what was there\n'


def head(length, extra=''):
    return f'HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{extra}\r\n'.encode()


class Folder:
    """A folder of the caller's, and the file in it that is written."""

    def __init__(self, world, size='64m'):
        self.world = world
        os.chmod(world.folder, 0o755)
        self.path = os.path.join(world.folder, 'out')
        os.mkdir(self.path)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size},mode=0755,uid={ALICE}', 'tmpfs', self.path], check=True)
        world.track(self)
        self.file = os.path.join(self.path, 'page')
        self.part = self.file + '.certpin-part'

    def put_old(self):
        with open(self.file, 'wb') as file:
            file.write(OLD)
        os.chown(self.file, ALICE, ALICE)

    def holds(self, content, *others):
        with open(self.file, 'rb') as file:
            holds(file.read() == content, 'the file has other contents')
        equal(sorted(os.listdir(self.path)), ['page', *others], 'what is in the folder')

    def close(self):
        subprocess.run(['umount', self.path], check=True)


class Broken:
    """A server that sends half of a body, and then waits until the test lets it die."""

    def __init__(self, world, extra=''):
        self.world = world
        self.half = threading.Event()
        self.dies = threading.Event()
        self.extra = extra
        self.server, _ = world.serve_pinned()
        self.server.respond = self._respond
        self.url = self.server.url(HOST)

    def _respond(self, connection, _request):
        connection.send(head(2 * len(LARGE), self.extra) + LARGE)
        self.half.set()
        self.dies.wait(DEADLINE_S)
        connection.cut()

    def wait(self):
        holds(self.half.wait(DEADLINE_S), 'the server was not asked')

    def dies_now(self):
        self.dies.set()

    def changes_pin(self):
        self.world.alice.pin(HOST, self.world.impostor().der)

    def kills_service(self):
        self.world.daemon.kill()


def cuts(world):
    """Yields what cuts a body, and the exit code of that."""
    for cut, code in ((Broken.dies_now, TRUNCATED), (Broken.changes_pin, PIN_CHANGED), (Broken.kills_service, NO_SERVICE)):
        broken = Broken(world)
        yield broken, lambda cut=cut, broken=broken: cut(broken), code
        broken.dies.set()
        if cut is Broken.kills_service:
            world.daemon.start()


def is_one_sentence(errors):
    equal(errors.count('\n'), 1, f'the number of lines of “{errors}”')
    holds(errors.startswith('certpinctl: '), f'“{errors}” is no message')


@test('a large response goes through in little memory')
def _(world):
    server, _ = world.serve_pinned()
    def respond(connection, _request):
        connection.send(head(MANY * len(LARGE)))
        for _ in range(MANY):
            connection.send(LARGE)
    server.respond = respond
    process = start(world, 'get', server.url(HOST), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    count = 0
    while piece := process.stdout.read(MIB):
        count += len(piece)
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    equal((process.returncode, count), (OK, MANY * len(LARGE)), 'the exit code and the number of bytes')
    holds(usage.ru_maxrss < MEMORY_MAX_KIB, f'it took {usage.ru_maxrss} KiB')


@test('what is cut is an error on standard output, behind what came')
def _(world):
    for broken, cut, code in cuts(world):
        process = start(world, 'get', broken.url, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        data = process.stdout.read(len(LARGE))
        cut()
        rest, errors = process.communicate(timeout=DEADLINE_S)
        holds(LARGE == data and rest == b'', 'other bytes came than the server sent')
        equal(process.returncode, code, f'the exit code, with {errors},')
        is_one_sentence(errors.decode())


@test('what is cut leaves the old file, and nothing beside it')
def _(world):
    folder = Folder(world)
    folder.put_old()
    for broken, cut, code in cuts(world):
        process = start(world, 'get', '-o', folder.file, broken.url, stderr=subprocess.PIPE)
        broken.wait()
        cut()
        _, errors = process.communicate(timeout=DEADLINE_S)
        equal(process.returncode, code, f'the exit code, with {errors},')
        is_one_sentence(errors.decode())
        folder.holds(OLD)


def rest_of(first, last=len(LARGE) - 1, total=len(LARGE)):
    body = LARGE[first:last + 1]
    return (f'HTTP/1.1 206 Partial\r\nContent-Length: {len(body)}\r\nETag: {TAG}\r\n'
            f'Content-Range: bytes {first}-{last}/{total}\r\n\r\n').encode() + body


class Resumable:
    """A server that sends a part of LARGE the first time, and what is missing afterwards, or what `rest` makes."""

    def __init__(self, world, first=MIB, rest=rest_of):
        self.first = first
        self.rest = rest
        self.whole = False
        self.begun = threading.Event()
        self.dies = threading.Event()
        self.ranges = []
        self.server, _ = world.serve_pinned()
        self.server.respond = self._respond
        self.url = self.server.url(HOST, '/page')

    def _respond(self, connection, request):
        asked = request.headers.get('range')
        self.ranges.append((asked, request.headers.get('if-range')))
        if asked is not None:
            return self.rest(int(asked.removeprefix('bytes=').removesuffix('-')))
        if self.whole:
            return head(len(LARGE), f'ETag: {TAG}\r\n') + LARGE
        connection.send(head(len(LARGE), f'ETag: {TAG}\r\n') + LARGE[:self.first])
        self.begun.set()
        self.dies.wait(DEADLINE_S)
        connection.cut()
        return None


@test('-C - keeps what came, and continues it: one range, one whole file')
def _(world):
    folder = Folder(world)
    folder.put_old()
    server = Resumable(world)
    server.dies.set()
    code, _, errors = ctl(world, 'get', '-C', '-', '-o', folder.file, server.url)
    equal(code, TRUNCATED, f'the exit code, with “{errors}”,')
    is_one_sentence(errors)
    holds(errors.rstrip().endswith('; what came is kept: the same command continues it'), errors)
    folder.holds(OLD, 'page.certpin-part')
    exits(world, OK, 'get', '-C', '-', '-o', folder.file, server.url)
    folder.holds(LARGE)
    equal(server.ranges, [(None, None), (f'bytes={MIB}-', TAG)], 'the ranges')


def cut_first(world, folder):
    """Returns: the server of a file of which the first part is there"""
    server = Resumable(world)
    server.dies.set()
    exits(world, TRUNCATED, 'get', '-C', '-', '-o', folder.file, server.url)
    return server


@test('of a file that is continued, -w, -v and --json tell what came')
def _(world):
    folder, rest = Folder(world), len(LARGE) - MIB
    words = ['get', '-C', '-', '-o', folder.file]
    server = cut_first(world, folder)
    facts = exits(world, OK, *words, '-w', '%{size_download} %{speed_download} %{time_total} %{http_code}', server.url).split()
    equal((int(facts[0]), facts[3]), (rest, b'206'), 'the size and the status')
    holds(abs(int(facts[1]) * float(facts[2]) - rest) < rest / 10, f'the speed is not that of {facts}')
    server = cut_first(world, folder)
    code, _, errors = ctl(world, *words, '-v', server.url)
    lines = errors.split('\n')
    equal(code, OK, f'the exit code, with {lines},')
    for line in ('> GET /page HTTP/1.1', f'> Range: bytes={MIB}-', f'> If-Range: {TAG}', '< HTTP/1.1 206',
                 f'< Content-Length: {rest}'):
        equal(lines.count(line), 1, f'how often {lines} has {line}')
    server = cut_first(world, folder)
    info = json.loads(exits(world, OK, *words, '--json', server.url))['response']['info']
    equal(info['body-bytes'], rest, 'the length in JSON')


@test('the total time of a body that goes to a file or a pipe is that of all of it')
def _(world):
    folder = Folder(world)
    server, _ = world.serve_pinned()

    def respond(connection, _request):
        connection.send(head(len(LARGE)))
        for at in range(0, len(LARGE), len(LARGE) // 4):
            threading.Event().wait(0.1)  # a slow server
            connection.send(LARGE[at:at + len(LARGE) // 4])

    server.respond = respond
    for words in (['-o', folder.file], ['-C', '-', '-o', folder.file], []):
        _, _, errors = ctl(world, 'get', '-v', *words, server.url(HOST, '/page'))
        total = float(re.search(r', total ([\d.]+) ms', errors)[1])
        holds(total >= 400, f'with {words}, the total is {total} ms')
        info = json.loads(exits(world, OK, 'get', '--json', *words, server.url(HOST, '/page')))['response']['info']
        timings = info['timings']
        holds(timings['total'] >= 400000 > timings['first-byte'], f'with {words}, the timings are {timings}')
        equal(info['body-bytes'], len(LARGE), f'the length of the body with {words}')


@test('-C - begins anew where what continues it may not be all: a part is never the whole')
def _(world):
    folder = Folder(world)
    for rest in (lambda first: rest_of(first, first + 9, '*'), lambda first: rest_of(first, total='*'),
                 lambda first: rest_of(first, first + 9)):
        folder.put_old()
        server = Resumable(world, rest=rest)
        server.dies.set()
        equal(ctl(world, 'get', '-C', '-', '-o', folder.file, server.url)[0], TRUNCATED, 'the exit code')
        folder.holds(OLD, 'page.certpin-part')
        server.whole = True
        exits(world, OK, 'get', '-C', '-', '-o', folder.file, server.url)
        folder.holds(LARGE)
        equal(server.ranges, [(None, None), (f'bytes={MIB}-', TAG), (None, None)], 'the ranges')


@test('-C - keeps what came when a signal ends it; without -C, nothing stays')
def _(world):
    folder = Folder(world)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        for continues in (True, False):
            folder.put_old()
            server = Resumable(world)
            process = start(world, 'get', *(['-C', '-'] if continues else []), '-o', folder.file, server.url,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            wait_for_bytes(folder, server)
            process.send_signal(number)
            equal(process.wait(DEADLINE_S), -number, 'the exit code')
            server.dies.set()
            folder.holds(OLD, *(['page.certpin-part'] if continues else []))
            if continues:
                exits(world, OK, 'get', '-C', '-', '-o', folder.file, server.url)
                folder.holds(LARGE)
                equal(server.ranges[1], (f'bytes={MIB}-', TAG), 'the range')


def wait_for_bytes(folder, server):
    """Until the temporary file has all that the server sent: nothing announces that."""
    holds(server.begun.wait(DEADLINE_S), 'the server was not asked')
    for _ in range(DEADLINE_S * 100):
        sizes = [entry.stat().st_size for entry in os.scandir(folder.path) if entry.name.startswith('.certpin')]
        if sizes == [server.first]:
            return
        threading.Event().wait(0.01)
    raise AssertionError(f'the temporary files have {sizes} bytes')


@test('a full disk: one sentence, the old file, and nothing beside it')
def _(world):
    folder = Folder(world, size='2m')
    folder.put_old()
    server, _ = world.serve_pinned()
    server.respond = lambda *_: head(len(LARGE), f'ETag: {TAG}\r\n') + LARGE
    for more in ([], ['-C', '-']):
        code, _, errors = ctl(world, 'get', *more, '-o', folder.file, server.url(HOST))
        equal(code, FAILED, f'the exit code, with “{errors}”,')
        is_one_sentence(errors)
        holds('No space left' in errors, f'“{errors}” does not say why')
        folder.holds(OLD)


@test('-C - leaves the file when the status is not that of a success, and exits with 22')
def _(world):
    folder = Folder(world)
    folder.put_old()
    server, _ = world.serve_pinned()
    server.respond = lambda *_: http.reply(404, b'not here')
    code, output, errors = ctl(world, 'get', '-C', '-', '-o', folder.file, server.url(HOST))
    equal((code, output), (HTTP_STATUS, b''), 'the exit code and the output')
    is_one_sentence(errors)
    folder.holds(OLD)


@test('-O names the file after the URL')
def _(world):
    folder = Folder(world)
    server, _ = world.serve_pinned()
    server.respond = lambda *_: http.reply(200, LARGE)
    exits(world, OK, 'get', '-O', server.url(HOST, '/a/page?b=/c'), cwd=folder.path)
    folder.holds(LARGE)
    for path in ('/', '/a/', '/a/..', '/.'):
        exits(world, USAGE, 'get', '-O', server.url(HOST, path), cwd=folder.path)
    folder.holds(LARGE)


@test('options that make no sense are usage errors, and nothing is sent')
def _(world):
    server, _ = world.serve_pinned()
    url = server.url(HOST, '/page')
    for arguments in (['-C', '5', '-o', 'x'], ['-C', '-'], ['-C', '-', '-o', '-'], ['-C', '-', '-i', '-O'],
                      ['-O', '-o', 'x'], ['-o', '']):
        exits(world, USAGE, 'get', *arguments, url, cwd='/')
    equal(len(server.connections), 0, 'the number of connections')


def on_terminal(world, *arguments):
    """Returns: what certpinctl shows on a terminal while it downloads slowly"""
    ours, theirs = pty.openpty()
    process = start(world, *arguments, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b''
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # the end of a terminal
        pass
    os.close(ours)
    equal(process.wait(DEADLINE_S), OK, f'the exit code, with {shown},')
    return shown.decode()


@test('progress is shown on a terminal, and only there')
def _(world):
    folder = Folder(world)
    server, _ = world.serve_pinned()
    def respond(connection, _request):
        connection.send(head(len(LARGE)))
        for at in range(0, len(LARGE), len(LARGE) // 12):
            connection.send(LARGE[at:at + len(LARGE) // 12])
            threading.Event().wait(0.1)
    server.respond = respond
    for more in ([], ['-C', '-']):
        command = ['get', *more, '-o', folder.file, server.url(HOST)]
        shown = on_terminal(world, *command)
        for word in ('%', 'MiB of 3.0', 'MiB/s', 'left', '#'):
            holds(word in shown, f'{shown!r} does not have “{word}”')
        holds('%' not in on_terminal(world, *command, '--silent'), 'progress is shown although it must not be')
        equal(run_raw(world, *command), (OK, b'', b''), 'the exit code and what was printed')
        folder.holds(LARGE)


@test('-Z shows a line for each URL on a terminal, and removes all of them')
def _(world):
    folder = Folder(world)
    server, _ = world.serve_pinned()

    def respond(connection, request):
        if request.path == '/missing':
            return http.reply(404, b'')
        connection.send(head(len(LARGE)))
        for at in range(0, len(LARGE), len(LARGE) // 8):
            connection.send(LARGE[at:at + len(LARGE) // 8])
            threading.Event().wait(0.1)
        return None

    server.respond = respond
    urls = [server.url(HOST, path) for path in ('/one', '/two', '/missing')]
    code, shown = dialog(world, 'get', '-fZO', *urls, cwd=folder.path, environment={'TERM': 'xterm'})
    equal(code, HTTP_STATUS, f'the exit code, with {shown!r},')
    last = shown.split('\x1b[J')[-1]
    holds(re.search(r'\none +\[#+\.*\] [^\n]*\x1b\[K\ntwo +\[', shown), f'there are no two lines in {shown!r}')
    holds('\x1b[2A\x1b[J' in shown and 'one ' not in last, f'they are not removed: {last!r}')
    holds('the server answered with HTTP status 404' in shown, f'it does not say what failed: {shown!r}')
    equal(sorted(os.listdir(folder.path)), ['one', 'two'], 'the files')
    code, shown = dialog(world, 'get', '-sZO', *urls[:2], cwd=folder.path, environment={'TERM': 'xterm'})
    equal((code, shown), (OK, ''), 'what -s shows')


@test('progress fits into a narrow terminal, and keeps the percentage and the rate')
def _(world):
    folder = Folder(world)
    server, _ = world.serve_pinned()

    def respond(connection, _request):
        connection.send(head(len(LARGE)))
        for at in range(0, len(LARGE), len(LARGE) // 12):
            connection.send(LARGE[at:at + len(LARGE) // 12])
            threading.Event().wait(0.1)

    server.respond = respond
    urls = [server.url(HOST, path) for path in ('/one', '/two')]
    for columns, bar in ((40, r''), (62, r'\[#*\.*\] '), (100, r'\[[#.]{20}\] ')):
        _, shown = dialog(world, 'get', '-O', urls[0], cwd=folder.path, columns=columns)
        lines = [line for line in re.split(r'[\r\n]+', shown) if '%' in line]
        holds(lines and all(len(line) < columns for line in lines), f'at {columns}, the lines are {lines}')
        holds(all(re.match(bar + r' *\d+% .*(bytes|[KM]iB)/s', line) for line in lines), f'at {columns}, the lines are {lines}')
        environment = {'TERM': 'xterm'}
        _, shown = dialog(world, 'get', '-ZO', *urls, cwd=folder.path, columns=columns, environment=environment)
        lines = re.findall(r'((?:one|two) [^\n]*)\x1b\[K\n', shown)
        holds(lines and all(len(line) < columns for line in lines), f'at {columns}, the lines are {lines}')
        holds(all(re.match(r'\w+ +(\[#*\.*\] )? *\d+% .*(bytes|[KM]iB)/s', line) for line in lines), f'at {columns}, the lines are {lines}')


@test('an interrupt ends several transfers at once, leaves no file behind, and begins no further one')
def _(world):
    folder = Folder(world)
    broken = Broken(world)
    server = broken.server
    process = start(world, 'get', '-Z', '-oone', '-otwo', server.url(HOST, '/1'), server.url(HOST, '/2'),
                    cwd=folder.path, stderr=subprocess.PIPE)
    server.wait_for_requests(2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)
    equal((process.returncode, os.listdir(folder.path)), (INTERRUPTED, []), 'what came of it')
    server.respond = lambda connection, _request: connection.drain()
    before = len(server.requests)
    process = start(world, 'get', server.url(HOST, '/1'), server.url(HOST, '/2'), stderr=subprocess.PIPE)
    server.wait_for_requests(before + 1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)
    equal((process.returncode, len(server.requests)), (INTERRUPTED, before + 1), 'what came of two after another')
    broken.dies.set()


@test('an interrupt ends the wait for another attempt')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda *_: http.reply(503, b'', [('Retry-After', '60')])
    process = start(world, 'get', '--retry', '3', server.url(HOST), stderr=subprocess.PIPE)
    holds(b'trying again in 60 s' in process.stderr.readline(), 'it does not say that it waits')
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=DEADLINE_S)
    equal((process.returncode, len(server.requests)), (INTERRUPTED, 1), 'what came of it')


@test('whoever started it ignores an interrupt, as a shell does for what it starts in the background: so does it')
def _(world):
    server, _ = world.serve_pinned()
    gate = Gate()
    server.respond = gate.respond
    process = start(world, 'get', server.url(HOST), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    server.wait_for_requests(1)
    process.send_signal(signal.SIGINT)
    gate.open()
    output, errors = process.communicate(timeout=DEADLINE_S)
    equal((process.returncode, output), (OK, b'hello'), f'what came of it, with {errors},')


@test('an interrupt ends a loop of the shell as well')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, _request: connection.drain()
    for verb in ('get', 'head'):
        before = len(server.requests)
        shell = subprocess.Popen(
            ['bash', '-c', f'for each in 1 2; do "$0" {verb} "$1"; done; echo "went on"', certpinctl(), server.url(HOST)],
            env=environment(world), user=ALICE, group=ALICE, extra_groups=[], start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        server.wait_for_requests(before + 1)
        os.killpg(shell.pid, signal.SIGINT)
        output, _ = shell.communicate(timeout=DEADLINE_S)
        equal((output, shell.returncode, len(server.requests)), (b'', INTERRUPTED, before + 1), f'what came of {verb}')


def count_body(connection, request):
    """Answers with the size of the body, and keeps nothing of it."""
    http.want(connection, request)
    length = int(request.headers['content-length'])
    count = len(request.body)
    while count < length and (piece := connection.read()):
        count += len(piece)
    connection.send(http.reply(200, b'%d' % count, close=True))
    return False


@test('-T sends a file of any size, in little memory, and nothing of it to a server with another key')
def _(world):
    folder = Folder(world, size='512m')
    with open(folder.file, 'wb') as file:
        for _ in range(MANY):
            file.write(LARGE)
    server, _ = world.serve_pinned()
    server.on_head = count_body
    for source in ('file', 'input'):
        with open(folder.file, 'rb') as file:
            process = start(world, 'request', 'PUT', '-T', folder.file if source == 'file' else '-', server.url(HOST),
                            stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            output = process.stdout.read()
            process.stdout.close()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        equal((process.returncode, output), (OK, b'%d' % (MANY * len(LARGE))), 'the exit code and the output')
        holds(usage.ru_maxrss < MEMORY_MAX_KIB, f'it took {usage.ru_maxrss} KiB')
    world.alice.pin(HOST, world.impostor().der)
    before = server.bytes
    exits(world, REFUSED, 'request', 'PUT', '-T', folder.file, server.url(HOST))
    equal(server.bytes, before, 'the bytes at the server')


@test('-T of what cannot be sent is an error before anything is sent')
def _(world):
    server, _ = world.serve_pinned()
    for arguments, code in ((['-T', '/nowhere/file'], BAD_INPUT), (['-T', '/'], BAD_INPUT), (['-T', '/dev/null'], BAD_INPUT),
                            (['-T', '-'], BAD_INPUT), (['-T', '/proc/self/stat', '-d', 'x'], USAGE),
                            (['-T', '/proc/self/stat', '-C', '-', '-o', '/tmp/x'], USAGE)):
        exits(world, code, 'request', 'PUT', *arguments, server.url(HOST))
    equal(len(server.connections), 0, 'the number of connections')


@test('--max-time is the limit of the whole response')
def _(world):
    broken = Broken(world)
    code, _, errors = ctl(world, 'get', '--max-time=1', broken.url, stdout=subprocess.DEVNULL)
    equal(code, TIMED_OUT, f'the exit code, with “{errors}”,')
    is_one_sentence(errors)
    broken.dies.set()


# The last one, since the memory of a process that has just been forked counts as that of what it runs.

@test('bodies of 30 MB, each way, need no option, and there is a limit for those in memory alone')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda _connection, request: http.reply(200, request.body[::-1])
    path = put(world, 'huge', HUGE)
    for arguments in (['--data-file', path], ['-T', path], ['-d', f'@{path}']):
        body = HUGE if arguments[0] != '-d' else bytes(byte for byte in HUGE[:250] if byte not in b'\r\n\0') * (len(HUGE) // 250)
        holds(exits(world, OK, 'request', 'POST', server.url(HOST), *arguments) == body[::-1], f'with {arguments}')
        holds(server.requests[-1].body == body, f'the server got something else with {arguments}')
    document = json.loads(exits(world, OK, 'request', 'POST', server.url(HOST), '--data-file', path, '--json'))
    holds(base64.b64decode(document['response']['body']) == HUGE[::-1], 'the body in JSON')
    server.respond = lambda *_: http.reply(200, bytes(64 * MIB + 1))
    equal(len(exits(world, OK, 'get', server.url(HOST))), 64 * MIB + 1, 'the size')
    exits(world, TOO_LARGE, 'get', '--json', server.url(HOST))
    with open(path, 'wb') as file:
        file.truncate(64 * MIB + 1)
    for arguments in (['--data-file', path], ['--data-binary', f'@{path}']):
        code, _, errors = ctl(world, 'request', 'POST', server.url(HOST), *arguments)
        holds(code == BAD_INPUT and errors.endswith('; send it from a file with -T\n'), f'with {arguments}, it said “{errors}”')


run(World)
