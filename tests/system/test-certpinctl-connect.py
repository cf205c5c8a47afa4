#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl connect: on standard input and output, and for programs that know nothing of certpin."""

import os
import signal
import socket
import stat
import subprocess

from lib.certpinctl import FAILED, OK, PIN_CHANGED, REFUSED, TLS_FAILED, TRUNCATED, USAGE, ctl, exits, run_raw, start
from lib.public import new_folder
from lib.server import echo
from lib.starttls import DIALOGUES, hold_dialogue
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

MIB = 1 << 20


def shout(connection):
    """Answers in capitals when the other side has ended its direction."""
    data = b''
    while more := connection.read():
        data += more
    connection.send(data.upper())
    return False


def serve(world, speak):
    server, _ = world.serve_pinned()
    server.speak = speak
    return server, f'{HOST}:{server.port}'


class Listening:
    """certpinctl that listens."""

    def __init__(self, world, *arguments, **keywords):
        self.process = start(world, 'connect', *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                             **keywords)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise AssertionError(f'it does not listen: {self.process.stderr.read()}')
        world.track(self)

    def connect_as_user(self):
        os.seteuid(ALICE)
        try:
            return self.connect()
        finally:
            os.seteuid(0)

    def connect(self):
        if self.address.startswith('/'):
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.address)
        else:
            host, port = self.address.split(':')
            client = socket.create_connection((host, int(port)))
        client.settimeout(DEADLINE_S)
        return client

    def close(self):
        self.process.kill()
        self.process.wait()


def read_all(client):
    data = b''
    while more := client.recv(65536):
        data += more
    return data


def as_user(uid, function):
    """Runs it in a process of that user. Returns: whether it returned something true"""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(uid, uid, uid)
            os._exit(0 if function() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@test('what comes on standard input goes to the server, and its answer to standard output')
def _(world):
    _, target = serve(world, shout)
    equal(exits(world, OK, 'connect', target, stdin=b'hello'), b'HELLO', 'the answer')
    data = os.urandom(4 * MIB).lower()
    equal(len(exits(world, OK, 'connect', target, stdin=data)), len(data), 'how much came back')


@test('a reader that is gone ends it quietly, as it does every verb')
def _(world):
    _, target = serve(world, shout)
    ours, theirs = os.pipe()
    os.close(ours)
    code, _, errors = ctl(world, 'connect', target, stdin=b'hello', stdout=theirs)
    os.close(theirs)
    equal((code, errors), (-signal.SIGPIPE, ''), 'the end')
    with open('/dev/full', 'wb') as full:
        code, _, errors = ctl(world, 'connect', target, stdin=b'hello', stdout=full)
    equal((code, errors), (FAILED, 'certpinctl: cannot write what the server sent: No space left on device\n'), 'the end')


@test('a wrong key gets nothing, and the evidence is shown')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    server = world.serve(world.impostor())
    server.speak = shout
    code, output, errors = ctl(world, 'connect', f'{HOST}:{server.port}', stdin=b'secret')
    equal((code, output), (REFUSED, b''), 'the end')
    holds('offered' in errors.lower(), errors)
    server.wait_until_idle()
    equal(server.bytes, 0, 'the bytes that arrived')


@test('a connection that passes because of a pause warns before the first byte, on both kinds of ends')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    server = world.serve(world.impostor())
    server.speak = echo
    target = f'{HOST}:{server.port}'
    world.alice.pause(HOST, 100, 'the key changed')
    with start(world, 'connect', target, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
               stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        holds(line.startswith('certpinctl: warning: a pin of this host is paused until '), f'it said “{line}”')
        holds('holds the key' in process.stderr.readline(), 'the mismatch is not reported')
        process.kill()
    listening = Listening(world, target, '--listen-loopback=0')
    client = listening.connect_as_user()
    line = listening.process.stderr.readline()
    holds('is paused until' in line, f'it said “{line}”')
    client.close()
    world.alice.resume(HOST)
    server.present(world.issue())
    world.alice.pin(HOST, server.presented.der)
    equal(ctl(world, 'connect', target, stdin=b'x')[::2], (OK, ''), 'what it says of one that is not paused')


@test('a cut connection is an error')
def _(world):
    def cut(connection):
        connection.send(b'half')
        connection.cut()
        return False
    _, target = serve(world, cut)
    code, output, errors = ctl(world, 'connect', target)
    equal((code, output), (TRUNCATED, b'half'), f'the end, with “{errors}”,')
    holds('did not end the connection in order' in errors, errors)


@test('a connection that a change of pins cuts is refused, and says why')
def _(world):
    server, target = serve(world, echo)
    with start(world, 'connect', target, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
               stderr=subprocess.PIPE) as process:
        process.stdin.write(b'hello')
        process.stdin.flush()
        equal(process.stdout.read(5), b'hello', 'the answer')
        world.alice.unpin(HOST)
        equal(process.wait(DEADLINE_S), PIN_CHANGED, 'the exit status')
        errors = process.stderr.read().decode()
    holds('no longer passes' in errors, errors)
    server.wait_until_idle()
    equal(server.bytes, 5, 'the bytes that arrived')


@test('arguments that mean nothing are refused')
def _(world):
    for arguments in (('h.localhost',), ('h.localhost:',), (':993',), ('h.localhost:0',), ('h.localhost:65536',),
                      ('--starttls=gopher', 'h.localhost:1'), ('--timeout=x', 'h.localhost:1'), (),
                      ('--listen-unix=/a', '--listen-loopback=0', 'h.localhost:1'),
                      ('--listen-loopback=x', 'h.localhost:1')):
        exits(world, USAGE, 'connect', *arguments)
    exits(world, FAILED, 'connect', '--listen-unix=/nowhere/at/all', 'h.localhost:1')


def add_listen_test(name, make_options):
    @test(f'programs of the user share {name}, each with a connection of its own')
    def _(world):
        server, target = serve(world, shout)
        listening = Listening(world, *make_options(world), target)
        clients = [listening.connect_as_user() for _ in range(5)]
        for i, client in enumerate(clients):
            client.sendall(f'client {i}'.encode())
            client.shutdown(socket.SHUT_WR)
        for i, client in enumerate(clients):
            equal(read_all(client), f'CLIENT {i}'.encode(), 'the answer')
        equal(len(server.connections), 5, 'the connections')

    @test(f'other users, and even root, are refused at {name}')
    def _(world):
        server, target = serve(world, shout)
        listening = Listening(world, *make_options(world), target)

        def knock():
            try:
                with listening.connect() as client:
                    client.sendall(b'hello')
                    client.shutdown(socket.SHUT_WR)
                    return read_all(client) == b'HELLO'
            except OSError:
                return False

        for uid in (0, BOB):
            holds(not as_user(uid, knock), f'uid {uid} is let in')
        equal(len(server.connections), 0, 'the connections')
        holds(as_user(ALICE, knock), 'the user itself is refused')

    @test(f'a change of pins cuts the clients of {name}')
    def _(world):
        _, target = serve(world, echo)
        listening = Listening(world, *make_options(world), target)
        client = listening.connect_as_user()
        client.sendall(b'hello')
        equal(client.recv(5), b'hello', 'the answer')
        world.alice.unpin(HOST)
        try:
            ended = client.recv(1) == b'' and listening.address.startswith('/')
        except ConnectionResetError:
            ended = True
        holds(ended, 'it goes on')


def unix_options(_world):
    folder = new_folder('certpin-connect-')
    os.chown(folder, ALICE, ALICE)
    os.chmod(folder, 0o755)
    return (f'--listen-unix={folder}/socket',)


add_listen_test('a socket of the file system', unix_options)
add_listen_test('a port of loopback', lambda world: ('--listen-loopback=0',))


@test('the socket is the user’s alone, replaces a stale one, and goes away with the program')
def _(world):
    _, target = serve(world, shout)
    options = unix_options(world)
    listening = Listening(world, *options, target)
    equal(stat.S_IMODE(os.stat(listening.address).st_mode), 0o600, 'the mode')
    exits(world, FAILED, 'connect', *options, target)
    listening.close()
    listening = Listening(world, *options, target)
    listening.process.send_signal(signal.SIGTERM)
    equal(listening.process.wait(DEADLINE_S), -signal.SIGTERM, 'the end')
    holds(not os.path.exists(listening.address), 'the socket is left')


@test('nohup keeps it listening after its terminal is gone')
def _(world):
    _, target = serve(world, shout)
    for number in (signal.SIGHUP, signal.SIGINT):
        listening = Listening(world, '--listen-loopback=0', target,
                              preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
        listening.process.send_signal(number)
        with listening.connect_as_user() as client:
            client.sendall(b'hello')
            client.shutdown(socket.SHUT_WR)
            equal(read_all(client), b'HELLO', 'the answer')
        listening.process.send_signal(signal.SIGTERM)
        equal(listening.process.wait(DEADLINE_S), -signal.SIGTERM, 'the end')


def add_starttls_test(protocol, steps, greeting):
    @test(f'STARTTLS of {protocol}')
    def _(world):
        server, target = serve(world, shout)
        hold_dialogue(server, steps)
        equal(exits(world, OK, 'connect', f'--starttls={protocol}', target, stdin=b'hello'), greeting + b'HELLO',
              'what is written')

    @test(f'data behind the consent to STARTTLS of {protocol} is not taken for an answer over TLS')
    def _(world):
        server, target = serve(world, shout)
        hold_dialogue(server, steps[:-1] + [(steps[-1][0] + b'injected', b'')])
        code, output, _ = ctl(world, 'connect', f'--starttls={protocol}', target, stdin=b'hello')
        equal((code, output), (TLS_FAILED, b''), 'the end')
        server.wait_until_idle()
        equal(server.bytes, 0, 'the bytes that arrived')

    @test(f'a server that refuses STARTTLS of {protocol} gets nothing')
    def _(world):
        server, target = serve(world, shout)
        hold_dialogue(server, steps[:-1] + [(b'a NO\r\n' * 40, b'never')])
        code, output, errors = ctl(world, 'connect', f'--starttls={protocol}', target, stdin=b'hello')
        equal((code, output), (TLS_FAILED, b''), f'the end, with “{errors}”,')
        holds('does not begin TLS' in errors, errors)
        server.wait_until_idle()
        equal(server.bytes, 0, 'the bytes that arrived')


for entry in DIALOGUES.items():
    add_starttls_test(entry[0], *entry[1])


run(World)
