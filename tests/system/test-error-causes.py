#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the resolver, the system or TLS said, as the cause of an error: on the bus in a second line, for those who want
it; in the library as a GError. Runs in a network and a mount namespace of its own."""

import json
import os
import pathlib
import socket
import subprocess
import threading

from attacks.resolver import FILES, Resolver
from lib.network import enter_namespace
from lib.public import library, new_folder
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.uplink import Uplink
from lib.world import ALICE, HOST, World

NOWHERE = 'nowhere.test'
# Prints, of each URL, which cause its error has, and whether the message says the same in one line.
PROGRAM = '''
import Certpin from 'gi://Certpin?version=1';
import Gio from 'gi://Gio';

const causes = {
    'not found': [Gio.ResolverError, Gio.ResolverError.NOT_FOUND],
    'refused': [Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_REFUSED],
    'no TLS': [Gio.TlsError, Gio.TlsError.NOT_TLS],
};
const client = Certpin.Client.new();

for (const url of ARGV) {
    try {
        client.secure_request(Certpin.Request.new('GET', url, null, null), null, null);
    } catch (error) {
        const cause = Certpin.Error.get_cause(error);
        const found = Object.keys(causes).filter(name => cause?.matches(...causes[name]));
        print(JSON.stringify([found, error.message.includes('\\n'), error.message.includes(cause?.message)]));
    }
}
'''


def no_tls(world):
    """A server that answers in plaintext. Returns: its URL"""
    server = world.track(socket.create_server(('127.0.0.1', 0)))

    def answer():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1024)
                connection.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')

    threading.Thread(target=answer, daemon=True).start()
    return f'https://{HOST}:{server.getsockname()[1]}/'


def refused_port():
    with socket.create_server(('127.0.0.1', 0)) as gone:
        return f'https://{HOST}:{gone.getsockname()[1]}/'


def failures(world):
    """Pins the hosts. Returns: what fails: a URL, the error, and how the line of its cause begins"""
    for host in HOST, NOWHERE:
        world.alice.pin_keys(host, world.issue().pin)
    return ((f'https://{NOWHERE}/', 'Unreachable', 'resolver not-found: '),
            (refused_port(), 'Unreachable', 'io connection-refused: '),
            (no_tls(world), 'TlsFailed', 'tls not-tls: what it sent is not TLS'))


@test('a name that leads nowhere, a port that is closed, a server without TLS: a second line, if it is wanted')
def _(world):
    for url, name, line in failures(world):
        plain = world.alice.refused(name, world.alice.request, url).message
        equal((plain.count('\n'), plain[-1] == '.'), (0, False), f'the line feeds, and the period, in {plain!r}')
        equal(world.alice.refused(name, world.alice.request, url, error_cause=False).message, plain, 'the message')
        first, second = world.alice.refused(name, world.alice.request, url, error_cause=True).message.split('\n')
        equal(first, plain, 'the first line')
        holds(second.startswith(line), f'the second line is {second!r}')
        holds(second[len(line):] in first, f'{second!r} is not said in {first!r}')


@test('likewise, of OpenConnection and FetchChain')
def _(world):
    for url, name, line in failures(world):
        host, port = url[len('https://'):-1].partition(':')[::2]
        for begin in (lambda: world.alice.begin_connect(host, int(port or 443), error_cause=True),
                      lambda: world.alice.begin_fetch_chain(host, port=int(port or 443), error_cause=True)):
            message = world.alice.refused(name, lambda: begin().wait()).message
            holds(message.split('\n')[1].startswith(line), f'the message is {message!r}')


@test('a server that was refused, and a host that is not pinned, have no other cause')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    server = world.serve(world.impostor())
    for url, name in ((server.url(HOST), 'PinMismatch'), ('https://other.test/', 'NotPinned')):
        message = world.alice.refused(name, world.alice.request, url, error_cause=True).message
        equal(message.count('\n'), 0, f'the line feeds in {message!r}')


@test('a body that ends in what is not TLS: Finish says it like the call')
def _(world):
    server, _ = world.serve_pinned()
    for wanted in False, True:
        begun = threading.Event()

        def respond(connection, _request, begun=begun):
            connection.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhello')
            begun.wait(DEADLINE_S)
            connection.write_raw(b'this is no record of TLS')
            connection.cut()

        server.respond = respond
        stream = world.alice.stream(server.url(HOST), error_cause=wanted)
        begun.set()
        holds(not stream.read_all()[1], 'it ended like a whole one')
        message = world.alice.refused('ProtocolError', stream.finish).message
        equal(message.count('\n'), int(wanted), f'the line feeds in {message!r}')
        holds(not wanted or message.split('\n')[1].startswith('tls not-tls: '), f'the message is {message!r}')
        stream.close()


@test('the library: a GError of GIO’s domains')
def _(world):
    path = pathlib.Path(new_folder('certpin-causes-')) / 'causes.js'
    path.write_text(PROGRAM, encoding='utf-8')
    path.chmod(0o644)
    urls = [url for url, _, _ in failures(world)] + ['https://other.test/']
    environment = {**os.environ, 'LD_LIBRARY_PATH': library(), 'GI_TYPELIB_PATH': library(),
                   'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address}
    done = subprocess.run(['gjs', '-m', path, *urls], env=environment, user=ALICE, group=ALICE, extra_groups=[],
                          check=False, capture_output=True, text=True, timeout=60)
    equal(done.stderr, '', 'the errors')
    equal([json.loads(line) for line in done.stdout.splitlines()],
          [[['not found'], False, True], [['refused'], False, True], [['no TLS'], False, True], [[], False, False]],
          'what it tells')


enter_namespace(FILES)
Uplink()
resolver = Resolver()
resolver.lead(NOWHERE, ())
run(World)
