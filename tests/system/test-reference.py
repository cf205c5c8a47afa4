#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of docs/examples/client, which the pages of the reference quote: they are built as build.sh does it, and
run by a user against the right servers, wrong ones, and ones that cut what they send."""

import functools
import os
import pathlib
import select
import signal
import subprocess

from lib import http, pki
from lib.daemon import program
from lib.installed import find_library, install_library
from lib.public import certpinctl, copy_of, new_folder, put
from lib.server import begin_and_wait, echo
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, HOST, World

TOP = pathlib.Path(__file__).parents[2]
DOCS = TOP / 'docs'
EXAMPLES = DOCS / 'examples' / 'client'
TUTORIAL = TOP / 'tests' / 'package' / 'tutorial'
LARGE = bytes(range(256)) * 4096
# How each example is run; its name without an ending is what build.sh makes.
PROGRAMS = {'C': ['./request'], 'C++': ['./request-cc'], 'Vala': ['./request-vala'],
            'Python': ['/usr/bin/python3', '-B', 'request.py'], 'JavaScript': ['gjs', '-m', 'request.js'],
            'shell': ['./request.sh']}


@functools.cache
def examples():
    """A folder with the examples, built, and with the library, that every user can read."""
    folder = pathlib.Path(new_folder('certpin-examples-'))
    for path in EXAMPLES.iterdir():
        put(path, folder / path.name)
    install_library(folder)
    done = subprocess.run(['./build.sh'], cwd=folder, env={**os.environ, **find_library(folder)}, check=False,
                          capture_output=True, text=True)
    equal(done.returncode, 0, f'the status of build.sh, which said {done.stderr}')
    return folder


def environment(world):
    return {**os.environ, **find_library(examples()), 'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address,
            'LC_ALL': 'C.UTF-8', 'HOME': world.folder, 'PATH': f'{os.path.dirname(certpinctl())}:{os.environ["PATH"]}'}


def as_alice(world, command):
    """Where and as whom it is run."""
    os.chmod(world.folder, 0o755)
    return {'args': command, 'env': environment(world), 'cwd': examples(), 'user': ALICE, 'group': ALICE,
            'extra_groups': [], 'stdin': subprocess.DEVNULL, 'text': True}


def call(world, *command):
    return subprocess.run(**as_alice(world, command), capture_output=True, check=False, timeout=60)


def passes(done, output):
    equal((done.returncode, done.stdout), (0, output), f'exit code and output; the errors are {done.stderr!r}')


def fails(done, text):
    """It says so in words for people: not with the name that the error has on the bus."""
    equal(done.returncode, 1, f'the exit code; the errors are {done.stderr!r}')
    holds(text in done.stderr, f'it does not say ‘{text}’, but: {done.stderr}')
    holds('GDBus' not in done.stderr and 'org.certpin' not in done.stderr, f'it shows a name: {done.stderr}')


def certificate_file(world, identity):
    path = os.path.join(world.folder, 'server.der')
    pathlib.Path(path).write_bytes(identity.der)
    os.chmod(path, 0o644)
    return path


def add_request_tests(language, command):
    @test(f'request in {language}: pins, asks, and shows the answer')
    def _(world):
        identity = world.issue()
        server = world.serve(identity)
        done = call(world, *command, certificate_file(world, identity), server.url(HOST))
        passes(done, 'hello' if language == 'shell' else '200 hello\n')

    @test(f'request in {language}: tells of an impostor, which is not sent a byte')
    def _(world):
        server = world.serve(world.impostor())
        done = call(world, *command, certificate_file(world, world.issue()), server.url(HOST))
        server.wait_until_idle()
        equal(server.bytes, 0, 'the number of bytes that reached the server')
        if language == 'shell':
            equal(done.returncode, 3, 'the exit code')
            holds('Refused' in done.stderr, f'it says {done.stderr}')
        else:
            fails(done, 'holds the key')

    @test(f'request in {language}: tells of a file that is not a certificate')
    def _(world):
        server = world.serve()
        done = call(world, *command, '/etc/hostname', server.url(HOST))
        holds(done.returncode != 0 and 'certificate' in done.stderr, f'{done.returncode}: {done.stderr}')
        equal(len(server.connections), 0, 'the number of connections')


for entry in PROGRAMS.items():
    add_request_tests(*entry)


def add_error_tests(language, command):
    @test(f'errors in {language}: a refusal')
    def _(world):
        world.alice.pin(HOST, world.issue().der)
        server = world.serve(world.impostor())
        fails(call(world, *command, server.url(HOST)), 'This server cannot be trusted now: ')
        server.wait_until_idle()
        equal(server.bytes, 0, 'the number of bytes that reached the server')

    @test(f'errors in {language}: a server that does not answer')
    def _(world):
        server, _identity = world.serve_pinned()
        url = server.url(HOST)
        server.close()
        fails(call(world, *command, url), 'The server does not answer as it should: ')

    @test(f'errors in {language}: a mistake of the program')
    def _(world):
        fails(call(world, *command, 'https://h..localhost/'), 'This program made a mistake: ')
        fails(call(world, *command, 'https://[/'), 'This program made a mistake: ')

    @test(f'errors in {language}: what to look at first')
    def _(world):
        server, _identity = world.serve_pinned()
        url = server.url(HOST)
        server.close()
        fails(call(world, *command, url), 'nothing answers at that port')

    @test(f'errors in {language}: what helps')
    def _(world):
        world.alice.pin(HOST, world.issue().der)
        server = world.serve(world.impostor())
        done = call(world, *command, server.url(HOST))
        advice = world.alice.last_failure(HOST)['advice']
        holds(advice and advice in done.stderr, f'it does not say ‘{advice}’, but: {done.stderr}')

    @test(f'errors in {language}: none')
    def _(world):
        server, _identity = world.serve_pinned()
        passes(call(world, *command, server.url(HOST)), '200\n')


for entry in (('C', ['./errors']), ('Python', ['/usr/bin/python3', '-B', 'errors.py']),
              ('JavaScript', ['gjs', '-m', 'errors.js'])):
    add_error_tests(*entry)


def cut(connection, _request):
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n' + LARGE[:300000])


def folder_of_alice(world):
    folder = pathlib.Path(world.folder, 'alice')
    folder.mkdir()
    os.chown(folder, ALICE, ALICE)
    return folder


@test('stream in C: a file that is whole, or none')
def _(world):
    server, _identity = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(200, LARGE)
    path = str(folder_of_alice(world) / 'body')
    done = call(world, './stream', server.url(HOST), path)
    equal(done.returncode, 0, f'the exit code; the errors are {done.stderr}')
    equal(pathlib.Path(path).read_bytes() == LARGE, True, 'whether the body is whole')
    holds(f'{len(LARGE)} of {len(LARGE)} bytes' in done.stderr, f'the progress is {done.stderr[-200:]}')

    server.respond = cut
    os.unlink(path)
    fails(call(world, './stream', server.url(HOST), path), 'did not send a complete response')
    holds(not os.path.exists(path), 'there is a file of a body that was cut')


@test('upload in C: all bytes of a file, or none')
def _(world):
    server, _identity = world.serve_pinned()
    received = []
    server.respond = lambda connection, request: received.append(request.body) or http.reply(201, b'')
    path = os.path.join(world.folder, 'body')
    pathlib.Path(path).write_bytes(LARGE)
    os.chmod(path, 0o644)
    passes(call(world, './upload', server.url(HOST), path), '201\n')
    equal(received == [LARGE], True, 'whether the server got the whole body, once')
    os.unlink(path)
    fails(call(world, './upload', server.url(HOST), path), 'No such file')
    equal(len(received), 1, 'the number of requests')


def interrupt_at_progress(process):
    """Presses Ctrl+C once it has shown how far it is. Returns: what it said"""
    said = ''
    while 'bytes' not in said:
        ready, _, _ = select.select([process.stderr], [], [], DEADLINE_S)
        holds(ready and process.poll() is None, f'it shows no progress, but {said!r}')
        said += os.read(process.stderr.fileno(), 4096).decode()
    process.send_signal(signal.SIGINT)
    output, rest = process.communicate(timeout=DEADLINE_S)
    return output + said + rest


def add_download_tests(language, command, advice=''):
    @test(f'download in {language}: shows how far it is, and has the file when it is whole')
    def _(world):
        server, _identity = world.serve_pinned()
        server.respond = lambda connection, request: http.reply(200, LARGE)
        path = folder_of_alice(world) / 'body'
        done = call(world, *command, server.url(HOST), str(path))
        passes(done, '200\n')
        equal(path.read_bytes() == LARGE, True, 'whether the body is whole')
        holds(f'{len(LARGE)} of {len(LARGE)} bytes' in done.stderr, f'the progress is {done.stderr[-200:]}')

    @test(f'download in {language}: ends in silence when it is cancelled')
    def _(world):
        server, _identity = world.serve_pinned()
        server.respond = begin_and_wait
        path = folder_of_alice(world) / 'body'
        process = subprocess.Popen(**as_alice(world, [*command, server.url(HOST), str(path)]),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            said = interrupt_at_progress(process)
        finally:
            process.kill()
            process.wait()
        equal(process.returncode, 130, f'the exit code; it said {said!r}')
        holds('cancel' not in said.lower() and 'This ' not in said, f'it tells of what somebody wanted: {said!r}')
        holds(not path.exists(), 'there is a file of a body that did not come')
        server.wait_until_idle()

    @test(f'download in {language}: tells of an impostor, of a cut, and of its own mistakes')
    def _(world):
        server, _identity = world.serve_pinned()
        path = folder_of_alice(world) / 'body'
        server.respond = cut
        fails(call(world, *command, server.url(HOST), str(path)), advice and 'The server does not answer as it should: ')
        fails(call(world, *command, 'https://h..localhost/', str(path)), advice and 'This program made a mistake: ')
        world.alice.pin(HOST, world.issue().der)
        wrong = world.serve(world.impostor())
        done = call(world, *command, wrong.url(HOST), str(path))
        fails(done, 'holds the key')
        holds(advice in done.stderr, f'it does not say ‘{advice}’, but: {done.stderr}')
        wrong.wait_until_idle()
        equal(wrong.bytes, 0, 'the number of bytes that reached the server')
        holds(not path.exists(), 'there is a file')


# Those in C and C++ show no titles: errors.c has them.
add_download_tests('C', ['./download'])
add_download_tests('C++', ['./download-cc'])
for entry in (('Vala', ['./download-vala']), ('Python', ['/usr/bin/python3', '-B', 'download.py']),
              ('JavaScript', ['gjs', '-m', 'download.js'])):
    add_download_tests(*entry, 'This server cannot be trusted now: ')


SUNNY = b'{"city": "Ulm", "temperature": 21.44, "hours": [' + b'0, ' * 5000 + b'0]}'


def add_weather_tests(language, command, advice=''):
    @test(f'weather in {language}: shows how much has come, and the temperature')
    def _(world):
        server, _identity = world.serve_pinned()
        asked = []
        server.respond = lambda connection, request: asked.append(request.path) or http.reply(200, SUNNY)
        done = call(world, *command, server.url(HOST, '/now'), 'Ulm & more')
        passes(done, 'Ulm & more: 21.4 °C\n')
        equal(asked, ['/now?city=Ulm%20%26%20more'], 'what the server was asked')
        holds(f'{len(SUNNY)} of {len(SUNNY)} bytes' in done.stderr, f'the progress is {done.stderr[-200:]}')

    @test(f'weather in {language}: ends in silence when it is cancelled')
    def _(world):
        server, _identity = world.serve_pinned()
        server.respond = begin_and_wait
        process = subprocess.Popen(**as_alice(world, [*command, server.url(HOST), 'Ulm']),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            said = interrupt_at_progress(process)
        finally:
            process.kill()
            process.wait()
        equal(process.returncode, 130, f'the exit code; it said {said!r}')
        holds('cancel' not in said.lower() and 'This ' not in said, f'it tells of what somebody wanted: {said!r}')
        server.wait_until_idle()

    @test(f'weather in {language}: tells of all that an answer may be instead')
    def _(world):
        server, _identity = world.serve_pinned()
        for answer, says in ((http.reply(404, SUNNY), 'answered with status 404'),
                             (http.reply(200, b'{"temperature": '), 'not what a weather service sends'),
                             (http.reply(200, b''), 'not what a weather service sends'),
                             (http.reply(200, b'[21]'), 'not what a weather service sends'),
                             (http.reply(200, b'{"temperature": "hot"}'), 'not what a weather service sends'),
                             (http.reply(200, b'{}' + b' ' * 1100000), 'too long')):
            server.respond = lambda connection, request, answer=answer: answer
            done = call(world, *command, server.url(HOST), 'Ulm')
            fails(done, says)
            equal(done.stdout, '', 'the output')
        server.respond = cut
        fails(call(world, *command, server.url(HOST), 'Ulm'), 'did not send a complete response')

    @test(f'weather in {language}: tells of an impostor, of nobody, and of its own mistakes')
    def _(world):
        fails(call(world, *command, 'https://h..localhost/', 'Ulm'), advice and 'This program made a mistake: ')
        server, _identity = world.serve_pinned()
        url = server.url(HOST)
        server.close()
        fails(call(world, *command, url, 'Ulm'), advice and 'The server does not answer as it should: ')
        world.alice.pin(HOST, world.issue().der)
        wrong = world.serve(world.impostor())
        done = call(world, *command, wrong.url(HOST), 'Ulm')
        fails(done, 'holds the key')
        holds(advice in done.stderr, f'it does not say ‘{advice}’, but: {done.stderr}')
        wrong.wait_until_idle()
        equal(wrong.bytes, 0, 'the number of bytes that reached the server')


add_weather_tests('C', ['./weather'])
for entry in (('Python', ['/usr/bin/python3', '-B', 'weather.py']), ('JavaScript', ['gjs', '-m', 'weather.js'])):
    add_weather_tests(*entry, 'This server cannot be trusted now: ')


@test('stream in Python: all bytes, or an error')
def _(world):
    server, _identity = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(200, LARGE)
    command = ['/usr/bin/python3', '-B', 'stream.py', server.url(HOST)]
    passes(call(world, *command), f'200 {len(LARGE)}\n')
    server.respond = cut
    fails(call(world, *command), 'did not send a complete response')


def add_tunnel_test(language, command, says):
    @test(f'tunnel in {language}: a talk, a cut and a refusal')
    def _(world):
        server, _identity = world.serve_pinned()
        server.speak = echo
        passes(call(world, *command, HOST, str(server.port), 'hello\n'), 'hello\n')
        server.speak = lambda connection: connection.read() and connection.cut()
        fails(call(world, *command, HOST, str(server.port), 'hello\n'), says)
        wrong = world.serve(world.impostor())
        fails(call(world, *command, HOST, str(wrong.port), 'hello\n'), 'holds the key')
        wrong.wait_until_idle()
        equal(wrong.bytes, 0, 'the number of bytes that reached the server')


# The one asks how it ended; the other shows what a socket says.
add_tunnel_test('C', ['./tunnel'], 'did not end the connection in order')
add_tunnel_test('Python', ['/usr/bin/python3', '-B', 'tunnel.py'], 'reset')


def wait_for_line(process, start):
    """The program may tell of other things before, as when the service reads its files again. Some programs write a line
    and its end separately."""
    said = b''
    while not any(line.startswith(start) for line in said.decode().splitlines()):
        ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
        piece = os.read(process.stdout.fileno(), 4096) if ready else b''
        holds(piece, f'it prints no line that begins with {start!r}, but {said!r}')
        said += piece


def wait_until_it_listens(world, process, identity):
    """Changes another pin until the program tells of it: by then, it has done what comes before."""
    for _ in range(DEADLINE_S * 10):
        world.alice.pin_keys('other.localhost', identity.pin)
        world.alice.unpin('other.localhost')
        if select.select([process.stdout], [], [], 0.1)[0]:
            return
    holds(False, 'it prints nothing')


def add_pins_tests(language, command):
    @test(f'pins in {language}: pins once, and tells of changes and of the next key')
    def _(world):
        now, later = world.issue(), world.issue()
        process = subprocess.Popen(**as_alice(world, ['stdbuf', '-oL', *command, HOST, now.pin, later.pin]),
                                   stdout=subprocess.PIPE)
        try:
            wait_for_line(process, f'{HOST}: pinned by ')
            equal(world.alice.get_pin(HOST)['keys'], [now.pin, later.pin], 'the pinned keys')
            world.arrives(world.serve(later))
            wait_for_line(process, f'{HOST} has begun to use the next key')
            process.send_signal(signal.SIGINT)
            equal(process.wait(DEADLINE_S), 0, 'the exit code')
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    @test(f'pins in {language}: leaves a pin alone that is there')
    def _(world):
        there, ours = world.issue(), world.issue()
        world.alice.pin(HOST, there.der)
        process = subprocess.Popen(**as_alice(world, ['stdbuf', '-oL', *command, HOST, ours.pin]), stdout=subprocess.PIPE)
        try:
            wait_until_it_listens(world, process, ours)
            process.send_signal(signal.SIGINT)
            equal(process.wait(DEADLINE_S), 0, 'the exit code')
            equal(world.alice.get_pin(HOST)['keys'], [there.pin], 'the pinned keys')
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


for entry in (('C', ['./pins']), ('Python', ['/usr/bin/python3', '-B', 'pins.py']), ('JavaScript', ['gjs', '-m', 'pins.js'])):
    add_pins_tests(*entry)


@test('thread in C: an answer in a thread of its own')
def _(world):
    server, _identity = world.serve_pinned()
    passes(call(world, './thread', server.url(HOST)), '200\n')
    world.alice.unpin(HOST)
    fails(call(world, './thread', server.url(HOST)), 'not pinned')


@test('private-certpind.sh: a certpind that trusts one authority, has no pins and leaves nothing')
def _(world):
    authority = pki.Authority('Private Root')
    identity = authority.issue(HOST)
    server = world.serve(identity)
    trust = os.path.join(world.folder, 'private.pem')
    pathlib.Path(trust).write_bytes(authority.pem)
    os.chmod(trust, 0o644)
    command = ['env', f'CERTPIND={copy_of(program("CERTPIND"))}', 'sh', './private-certpind.sh', trust]
    passes(call(world, *command, './request', certificate_file(world, identity), server.url(HOST)), '200 hello\n')
    holds('not pinned' in call(world, *command, 'certpinctl', 'get', server.url(HOST)).stderr, 'it has pins')
    command[1] = 'CERTPIND=/nonexistent/certpind'
    holds('there is no certpind at /nonexistent' in call(world, *command, 'true').stderr, 'it does not say what is missing')
    world.alice.refused('NotPinned', world.alice.get_pin, HOST)


@test('the tutorial: what comes after the installation, word for word')
def _(world):
    folder = folder_of_alice(world)
    script = put(TUTORIAL, examples() / 'tutorial')
    page = put(DOCS / 'TUTORIAL.md', examples() / 'TUTORIAL.md')
    done = call(world, 'env', f'CERTPIND={copy_of(program("CERTPIND"))}', '/usr/bin/python3', '-B', script, page, folder,
                f'--examples={examples()}')
    equal((done.returncode, done.stdout.strip()), (0, ''), f'exit code and what is wrong; {done.stderr}')


run(World)
