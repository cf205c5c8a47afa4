#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of docs/examples/client, which the pages of the reference quote: they are built as build.sh does it, and
run by a user against the right servers, wrong ones, and ones that cut what they send."""

import functools
import os
import pathlib
import re
import select
import signal
import subprocess

from lib import http, pki
from lib.daemon import program
from lib.public import certpinctl, copy_of, new_folder, put
from lib.server import echo
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


def install_library(folder):
    """Puts the library there, as its packages would put it below /usr."""
    build = pathlib.Path(program('CERTPIN_BUILD'))
    library = build / 'client-lib'
    kinds = {'lib': ('libcertpin.so*', '*.typelib'), 'share/vala/vapi': ('certpin-1.vapi', 'certpin-1.deps'),
             'include/certpin-1': ('certpin-version.h',)}
    for target, patterns in kinds.items():
        for path in (path for pattern in patterns for path in library.glob(pattern) if path.is_file()):
            put(path, folder / target / path.name)
    for path in (TOP / 'client-lib').glob('certpin*.h'):
        put(path, folder / 'include' / 'certpin-1' / path.name)
    text = (build / 'meson-private' / 'certpin-1.pc').read_text(encoding='utf-8')
    for name, value in (('prefix', folder), ('libdir', '${prefix}/lib'), ('includedir', '${prefix}/include')):
        text = re.sub(f'^{name}=.*', f'{name}={value}', text, flags=re.M)
    (folder / 'certpin-1.pc').write_text(text, encoding='utf-8')
    os.chmod(folder / 'certpin-1.pc', 0o644)


def find_library(folder):
    """Where compilers and programs look for it."""
    return {'PKG_CONFIG_PATH': str(folder), 'LD_LIBRARY_PATH': str(folder / 'lib'),
            'GI_TYPELIB_PATH': str(folder / 'lib'), 'XDG_DATA_DIRS': f'{folder}/share:/usr/local/share:/usr/share'}


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
        fails(call(world, *command, url),
              'This does not work now: ' if language == 'JavaScript' else 'The server does not answer: ')

    @test(f'errors in {language}: none')
    def _(world):
        server, _identity = world.serve_pinned()
        passes(call(world, *command, server.url(HOST)), '200\n')


for entry in (('C', ['./errors']), ('Python', ['/usr/bin/python3', '-B', 'errors.py']),
              ('JavaScript', ['gjs', '-m', 'errors.js'])):
    add_error_tests(*entry)


@test('errors in C: what helps')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    server = world.serve(world.impostor())
    done = call(world, './errors', server.url(HOST))
    advice = world.alice.last_failure(HOST)['advice']
    holds(advice and advice in done.stderr, f'it does not say ‘{advice}’, but: {done.stderr}')


def cut(connection, _request):
    connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n' + LARGE[:300000])


@test('stream in C: a file that is whole, or none')
def _(world):
    server, _identity = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(200, LARGE)
    folder = os.path.join(world.folder, 'alice')
    os.mkdir(folder)
    os.chown(folder, ALICE, ALICE)
    path = os.path.join(folder, 'body')
    done = call(world, './stream', server.url(HOST), path)
    equal(done.returncode, 0, f'the exit code; the errors are {done.stderr}')
    equal(pathlib.Path(path).read_bytes() == LARGE, True, 'whether the body is whole')
    holds(f'{len(LARGE)} of {len(LARGE)} bytes' in done.stderr, f'the progress is {done.stderr[-200:]}')

    server.respond = cut
    os.unlink(path)
    fails(call(world, './stream', server.url(HOST), path), 'did not send a complete response')
    holds(not os.path.exists(path), 'there is a file of a body that was cut')


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


def next_line(process):
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
    holds(ready, 'it prints nothing')
    return os.read(process.stdout.fileno(), 4096).decode()


@test('pins in C: pins once, and tells of changes and of the next key')
def _(world):
    now, later = world.issue(), world.issue()
    process = subprocess.Popen(**as_alice(world, ['stdbuf', '-oL', './pins', HOST, now.pin, later.pin]),
                               stdout=subprocess.PIPE)
    try:
        equal(next_line(process), f'{HOST}: active\n', 'what it tells of its own pin')
        equal(world.alice.get_pin(HOST)['keys'], [now.pin, later.pin], 'the pinned keys')
        world.arrives(world.serve(later))
        holds('has begun to use the next key' in next_line(process), 'it does not tell of the next key')
        process.send_signal(signal.SIGINT)
        equal(process.wait(DEADLINE_S), 0, 'the exit code')
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@test('pins in C: leaves a pin alone that is there')
def _(world):
    there, ours = world.issue(), world.issue()
    world.alice.pin(HOST, there.der)
    process = subprocess.Popen(**as_alice(world, ['stdbuf', '-oL', './pins', HOST, ours.pin]), stdout=subprocess.PIPE)
    try:
        world.alice.pin_keys('other.localhost', ours.pin)
        world.alice.unpin('other.localhost')
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)
        equal(world.alice.get_pin(HOST)['keys'], [there.pin], 'the pinned keys')
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


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
    world.alice.refused('NotPinned', world.alice.get_pin, HOST)


@test('the tutorial: what comes after the installation, word for word')
def _(world):
    folder = os.path.join(world.folder, 'alice')
    os.mkdir(folder)
    os.chown(folder, ALICE, ALICE)
    script = put(TUTORIAL, examples() / 'tutorial')
    page = put(DOCS / 'TUTORIAL.md', examples() / 'TUTORIAL.md')
    done = call(world, 'env', f'CERTPIND={copy_of(program("CERTPIND"))}', '/usr/bin/python3', '-B', script, page, folder,
                f'--examples={examples()}')
    equal((done.returncode, done.stdout.strip()), (0, ''), f'exit code and what is wrong; {done.stderr}')


run(World)
