#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-mistakes.py [--write]: what certpinctl says when something is wrong, with a real service and real servers, is
what mistakes.txt has. Each of its blocks is a mistake: who makes it and what it is, the command as it is typed, all that
is said, and the exit status. --write writes anew what is said."""

import dataclasses
import datetime
import difflib
import os
import pathlib
import re
import socket
import subprocess
import sys
import threading

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lib import pki
from lib.certpinctl import BLOCKED, OK, USAGE, ctl, environment, exits
from lib.network import enter_namespace
from lib.own_clock import going_by
from lib.public import certpinctl
from lib.server import Server
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import ALICE, World

TABLE = pathlib.Path(__file__).with_name('mistakes.txt')
# It stands still, after the release of any version that this test is for.
NOW = datetime.datetime(2030, 3, 1, 10, 0, 0)
CLOCK = going_by(FAKETIME=f'{NOW:%Y-%m-%d %H:%M:%S}', TZ='UTC')
# Each has a server of its own on port 443, and a pin of the user's, unless it is said to have none.
HOSTS = ('shop.example', 'changed.example', 'expired.example', 'renamed.example', 'own.example', 'silent.example',
         'plain.example', 'closed.example', 'blocked.example', 'foreign.example', 'unpinned.example')
ODD = ('silent.example', 'plain.example', 'closed.example')
# Of these, the service does not run for the last.
USERS = {'user': ALICE, 'root': 0, 'stopped': ALICE}
# A refusal means that nothing was sent.
REFUSED_HOSTS = ('changed.example', 'expired.example', 'renamed.example', 'own.example', 'foreign.example',
                 'blocked.example', 'unpinned.example')
# How a message names what it is about: in quotes, as an option, or as what there is only one of.
VALUE = re.compile(r'‘[^’]*’|(^| )--?[a-z]|no verb|standard output|the bus|the certpin service')
# What comes behind the semicolon, or the question, says what to do.
REMEDY = re.compile(r'; .+|\?$|, as in ‘')
# An option of certpinctl begins with two hyphens, and a method of the service is not a verb.
OF_THE_BUS = re.compile(r'option ‘[^-]|\b(call|with) [A-Z][a-z]+[A-Z]|\bcall Reload')
UNTRANSLATED = re.compile(r'Unknown option|Missing argument|Cannot parse|Error parsing')


def key(number):
    """Always the same one."""
    return ec.derive_private_key(number, ec.SECP256R1())


FILED = f'[Pin File]\nVersion=1\n\n[filed]\nHost=filed.example\nKeys={pki.key_text(key(3).public_key())}\n'


class PlainServer:
    """A server that knows no TLS: whatever comes, it answers in plain HTTP."""

    def __init__(self, address):
        self._listener = socket.create_server((address, 443))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:  # it is closed
                return
            with connected:
                connected.recv(65536)
                connected.sendall(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Shop(World):
    """The servers of some hosts, a user who has pinned them, and the files in the user's folder."""

    def __init__(self):
        super().__init__()
        self.issuer = pki.Authority('Example Root', key=key(1), start=NOW - 1000 * pki.DAY, end=NOW + 3000 * pki.DAY)
        self.stranger = pki.Authority('Another Root', key=key(2), start=NOW - 1000 * pki.DAY, end=NOW + 3000 * pki.DAY)
        self.daemon.trust_file = os.path.join(self.folder, 'own-trust.pem')
        pathlib.Path(self.daemon.trust_file).write_bytes(self.issuer.pem)
        self.daemon.more_environment.update(CLOCK)
        put_in(self.daemon.pins_dir, 'filed.pin', FILED.encode())
        self.daemon.restart()
        self.addresses = dict(ADDRESSES)
        self.identities = {host: self.issue_at(host, 10 + number) for number, host in enumerate(HOSTS)}
        self.servers = {host: self.start_server(host) for host in HOSTS if host not in ODD}
        self.track(PlainServer(self.addresses['plain.example']))
        self.misbehave()
        self.home = os.path.join(self.folder, 'home')
        self.fill_home()
        self.pin_all()

    def issue_at(self, host, number, issuer=None, names=None, end=NOW + 60 * pki.DAY):
        return (issuer or self.issuer).issue(*(names or [host]), key=key(number), start=NOW - 90 * pki.DAY, end=end)

    def start_server(self, host, **keywords):
        return self.track(Server(self.folder, self.identities[host], self.addresses[host], port=443, **keywords))

    def misbehave(self):
        """Nothing is wrong with the pins: it is the servers."""
        self.servers['silent.example'] = self.start_server('silent.example', handshake=False)
        self.servers['changed.example'].present(self.issue_at('changed.example', 50))
        self.servers['expired.example'].present(
            self.issue_at('expired.example', 10 + HOSTS.index('expired.example'), end=NOW - pki.DAY))
        self.servers['renamed.example'].present(
            self.issue_at('renamed.example', 10 + HOSTS.index('renamed.example'), names=['other.example']))
        self.servers['foreign.example'].present(
            self.issue_at('foreign.example', 10 + HOSTS.index('foreign.example'), issuer=self.stranger))
        own = key(10 + HOSTS.index('own.example'))
        self.servers['own.example'].present(pki.Identity(
            pki.make('own.example', 'own.example', own.public_key(), own, ['own.example'], start=NOW - pki.DAY,
                     end=NOW + 60 * pki.DAY), own, []))

    def fill_home(self):
        os.mkdir(self.home)
        os.chmod(self.folder, 0o755)
        shop = self.identities['shop.example']
        files = {'server.pem': shop.pem, 'server.der': shop.der, 'private.key': shop.key_pem, 'empty.pem': b'',
                 'half.pem': shop.pem[:-30], 'two.pem': shop.pem + self.identities['changed.example'].pem,
                 'root.pem': self.issuer.pem, 'notes.txt': b'call the operator\n', 'secret.pem': shop.pem,
                 'request.csr': b'-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----\n',
                 'large.bin': bytes(2 << 20), 'next.pem': self.issue_at('shop.example', 60).pem,
                 'bad.pin': b'[Pin File]\nVersion=1\n\n[shop]\nHost=shop.example\nKey=sha256/x\n',
                 'own.pem': self.servers['own.example'].presented.pem,
                 'public.pem': public_pem(shop),
                 'paused.pin': f'[Pin File]\nVersion=1\n\n[shop]\nHost=shop.example\nKeys={shop.pin}\nPausedUntil=1\n'.encode()}
        for name, content in files.items():
            put_in(self.home, name, content)
        os.chmod(os.path.join(self.home, 'secret.pem'), 0o600)
        os.mkdir(os.path.join(self.home, 'certificates'))
        os.chown(self.home, ALICE, ALICE)
        os.symlink(certpinctl(), os.path.join(self.folder, 'certpinctl'))

    def certpinctl(self, *words, uid=ALICE):
        return exits(self, OK, *words, uid=uid, more_environment=CLOCK)

    def pin_all(self):
        for host in HOSTS:
            if host not in ('unpinned.example', 'blocked.example'):
                self.certpinctl('pin', host, f'--key={self.identities[host].pin}')
        self.certpinctl('block', 'blocked.example', 'its key was stolen')
        self.certpinctl('block', '--system', 'site.example', 'nobody needs it', uid=0)

    def type(self, mistake):
        """Returns: the exit status, standard output, and standard error"""
        path = os.pathsep.join([self.folder, os.environ['PATH']])
        uid = USERS[mistake.user]
        if mistake.user == 'stopped' and self.daemon.process.poll() is None:
            self.daemon.terminate()
        done = subprocess.run(['bash', '-c', mistake.command], check=False, timeout=DEADLINE_S, cwd=self.home,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=uid,
                              group=uid, extra_groups=[], env=environment(self, PATH=path, HOME=self.home, **CLOCK))
        said = done.stderr.decode().replace(self.daemon.pins_dir, '/etc/certpin/pins.d')
        return done.returncode, done.stdout.decode(), said


def public_pem(identity):
    return identity.key.public_key().public_bytes(serialization.Encoding.PEM,
                                                  serialization.PublicFormat.SubjectPublicKeyInfo)


def put_in(folder, name, content):
    path = os.path.join(folder, name)
    with open(path, 'wb') as file:
        file.write(content)
    os.chmod(path, 0o644)


@dataclasses.dataclass
class Mistake:
    user: str
    what: str
    command: str
    said: str = ''
    status: int = 0

    def block(self):
        return f'[{self.user}] {self.what}\n$ {self.command}\n{self.said}= {self.status}\n'


def read_table():
    """Returns: the headings and the mistakes, in their order"""
    parts = []
    for block in TABLE.read_text(encoding='utf-8').strip().split('\n\n'):
        if block.startswith('#'):
            parts.append(block + '\n')
            continue
        first, command, *said, status = block.split('\n')
        user, what = re.fullmatch(r'\[(\w+)\] (.+)', first).groups()
        parts.append(Mistake(user, what, command.removeprefix('$ '), ''.join(f'{line}\n' for line in said),
                             int(status.removeprefix('= '))))
    return parts


def mistakes():
    return [part for part in read_table() if isinstance(part, Mistake)]


def text_of(parts):
    return '\n'.join(part if isinstance(part, str) else part.block() for part in parts)


@test('each mistake is told as mistakes.txt has it, on standard error, and no server gets a byte that it must not get')
def _(world):
    found = read_table()
    for part in found:
        if isinstance(part, Mistake):
            part.status, output, part.said = world.type(part)
            equal(output, '', f'the standard output of {part.command}')
    if WRITES:
        TABLE.write_text(text_of(found), encoding='utf-8')
    changes = '\n'.join(difflib.unified_diff(text_of(read_table()).split('\n'), text_of(found).split('\n'),
                                             'mistakes.txt', 'what is said', lineterm=''))
    holds(not changes, f'if this is meant, write it with {sys.argv[0]} --write:\n{changes}')
    for host in REFUSED_HOSTS:
        equal(world.servers[host].bytes, 0, f'the bytes that {host} got')


def faults(mistake):
    """What is wrong with a message for somebody who sees nothing else."""
    lines = [line for line in mistake.said.splitlines() if not line.startswith('certpinctl: note: ')]
    if mistake.status == 0 or '--json' in mistake.command:
        if bool(lines) != bool(mistake.status):
            yield 'what means what was meant is told, or an error is not'
        return
    if not lines or not lines[0].startswith('certpinctl: '):
        yield 'it does not begin with the name of the program'
        return
    if any(line.startswith('certpinctl: ') for line in lines[1:]):
        yield 'it is more than one sentence'
    if lines[0].endswith('.') or '. ' in lines[0]:
        yield 'it has a period'
    if not VALUE.search(lines[0]):
        yield 'it names no value'
    if not (REMEDY.search(lines[0]) or any(line.startswith('  advice ') for line in lines)):
        yield 'it does not say what to do'
    if UNTRANSLATED.search(lines[0]):
        yield 'it is a message of GLib'
    if OF_THE_BUS.search(lines[0]):
        yield 'it names what only callers of the bus know'


@test('each message is one sentence, names the value, and says what to do next; there are a hundred')
def _(world):
    table = mistakes()
    equal([f'{mistake.command}: {fault}' for mistake in table for fault in faults(mistake)], [], 'the faults')
    holds(sum(mistake.status != 0 for mistake in table) >= 100, f'only {len(table)} mistakes')
    equal(len({mistake.command for mistake in table if mistake.user == 'user'}),
          sum(mistake.user == 'user' for mistake in table), 'the number of different commands')
    holds({mistake.status for mistake in table} >= set(range(8)), 'an exit status of certpinctl(1) is in no row')


@test('a refusal is red on a terminal, any other error only in its name, and nothing is with NO_COLOR or in a pipe')
def _(world):
    refused, unknown = ('get', 'https://blocked.example/'), ('pni',)
    terminal = {'TERM': 'xterm', **CLOCK}
    for words, code, red in ((refused, BLOCKED, True), (unknown, USAGE, False)):
        status, shown = dialog(world, *words, environment=terminal)
        equal((status, shown.startswith('\x1b[1;31mcertpinctl:\x1b[0m ')), (code, True), f'what {shown!r} begins with')
        equal('\x1b[31m' in shown, red, f'whether {shown!r} is red')
        for environment_of_it in ({**terminal, 'NO_COLOR': '1'}, {**terminal, 'TERM': 'dumb'}):
            holds('\x1b' not in dialog(world, *words, environment=environment_of_it)[1], 'it is coloured')
        holds('\x1b' not in ctl(world, *words, more_environment=terminal)[2], 'a pipe gets colours')


@test('an empty list says so on a terminal, and how to pin; a pipe gets nothing')
def _(world):
    said = 'certpinctl: nothing is pinned; to pin a host: certpinctl pin --fetch HOST\n'
    equal(dialog(world, 'list', '--user', uid=0, environment=CLOCK), (OK, said), 'what is shown')
    equal(ctl(world, 'list', '--user', uid=0, more_environment=CLOCK), (OK, b'', ''), 'what a pipe gets')


WRITES = '--write' in sys.argv
ADDRESSES = {host: f'127.0.0.{number}' for number, host in enumerate(HOSTS, 2)}
if __name__ == '__main__':
    enter_namespace({'hosts': '127.0.0.1 localhost\n' + ''.join(f'{address} {host}\n'
                                                                for host, address in ADDRESSES.items()),
                     'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n'})
    if WRITES:
        sys.argv.remove('--write')
    run(Shop)
