# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where a flood takes place: a bus, the service, another service, two programs that time their
calls, and servers. Servers and pins are made once; everything else is new for each flood."""

import contextlib
import json
import os
import pathlib
import resource
import select
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time

from gi.repository import Gio, GLib

from buses import USERS, Daemon
from lib import pki
from lib.caller import NAME, PINS, CallError, Caller
from lib.turns import Turns

DEADLINE_S = 15
MANY_PINS = 9000
PINNED_AT_A_TIME = 100
CHAIN_LENGTH = 60
LARGEST_ANSWERS = (16 << 20, 4 << 20)


def run_as(user, command, **keywords):
    """Starts a program of another user, with pipes as its input and output."""
    return subprocess.Popen(command, user=USERS[user], group=USERS[user], extra_groups=[],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **keywords)


def read_line(process, seconds=DEADLINE_S):
    """Returns: the next line of its output; nothing where it ended"""
    if not select.select([process.stdout], [], [], seconds)[0]:
        raise TimeoutError(f'no word from {process.args[0]} in {seconds} s')
    return process.stdout.readline()


def wait_until(condition, seconds):
    """For what nothing announces. Returns: whether it came about"""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.02)
    return True


class Service:
    """certpind, as its own user."""

    def __init__(self, programs, bus, state, targets):
        self.turns = Turns(os.path.join(bus.folder, 'turns'), programs.turns)
        self.log = os.path.join(bus.folder, 'certpind.log')
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                [programs.certpind, f'--bus={bus.address}', '--authority=uid', f'--state-dir={state}',
                 f'--config={bus.folder}/none', f'--pins-dir={bus.folder}/none',
                 f'--trust-file={targets.trust_file}'],
                user=USERS['certpin'], group=USERS['certpin'], extra_groups=[], stderr=log,
                env={**os.environ, **self.turns.environment}, preexec_fn=self._allow_files)
        self._wait_for_name(bus)

    @staticmethod
    def _allow_files():
        """As many as its unit has, or as there can be."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), min(most, 65536)))

    def _wait_for_name(self, bus):
        found = []
        context = GLib.MainContext.default()
        connection = Gio.DBusConnection.new_for_address_sync(
            bus.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        connection.set_exit_on_close(False)
        Gio.bus_watch_name_on_connection(connection, NAME, Gio.BusNameWatcherFlags.NONE,
                                         lambda *_: found.append(True), None)
        GLib.timeout_add_seconds(DEADLINE_S, lambda: found.append(False))
        while not found:
            context.iteration(True)
        connection.close_sync(None)
        if not found[0]:
            raise TimeoutError(f'{NAME} has no owner: {self.tail()}')

    @property
    def proc(self):
        return pathlib.Path('/proc', str(self.process.pid))

    def reset_peak(self):
        (self.proc / 'clear_refs').write_text('5', encoding='ascii')

    def memory(self, field='VmRSS'):
        """In MiB; the peak is VmHWM."""
        for line in (self.proc / 'status').read_text(encoding='ascii').splitlines():
            if line.startswith(field + ':'):
                return int(line.split()[1]) / 1024
        return 0  # a zombie's

    def descriptors(self):
        try:
            return len(os.listdir(self.proc / 'fd'))
        except OSError:
            return 0  # a zombie's

    def tail(self):
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()[-2000:]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.turns.close()


def measure(probes, seconds, wait):
    """Returns: their figures, of the same time"""
    for probe in probes:
        probe.command('begin')
    (wait or threading.Event().wait)(seconds)
    for probe in probes:
        probe.command('end')
    return [probe.figures() for probe in probes]


def start_flood(world, name):
    targets = world.targets
    return run_as('flooder', [
        os.path.join(world.tools, 'flooder'), world.bus.socket, name, f'--most={world.bus.calls_in_flight}',
        f'--url={targets.url("f.localhost")}', f'--hang={targets.hanging_url}',
        f'--own={targets.own_url}', f'--large={targets.url("f.localhost", targets.largest)}', f'--chain={targets.chain_file}'])


class Sink:
    """What answers every call at once with nothing, in the place of certpind."""

    def __init__(self, bus, tools):
        self.process = run_as('certpin', [os.path.join(tools, 'flood-sink'), bus.socket])
        if read_line(self.process) != 'ready\n':
            raise AssertionError('the sink does not run')

    def close(self):
        self.process.kill()
        self.process.wait()


class Probe:
    """A program that takes the time of its calls."""

    def __init__(self, user, tools, *arguments):
        self.process = run_as(user, [os.path.join(tools, 'flood-probe'), *arguments])

    def command(self, word):
        self.process.stdin.write(word + '\n')
        self.process.stdin.flush()

    def figures(self):
        return json.loads(read_line(self.process))

    def close(self):
        self.process.kill()
        self.process.wait()


class Targets:
    """What requests are made to, and the chain that costs most to judge."""

    def __init__(self, tools):
        self.folder = tempfile.mkdtemp(prefix='certpin-floods-')
        os.chmod(self.folder, 0o755)
        authority = pki.Authority('Floods')
        self.identity = authority.issue('a.localhost', 'f.localhost')
        self.trust_file = self._write('trust.pem', authority.pem)
        self.chain_file = self._write('chain', b''.join(
            struct.pack('>I', len(der)) + der for der in self._costly_chain()))
        files = self._write('leaf.pem', self.identity.pem), self._write('leaf.key', self.identity.key_pem)
        self._servers = [subprocess.Popen([os.path.join(tools, 'flood-server'), *files], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, text=True) for _ in range(2)]
        self.port, self._own_port = (int(read_line(server)) for server in self._servers)
        self._mute = socket.create_server(('127.0.0.1', 0), backlog=4096)
        self._name_server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._name_server.bind(('127.0.0.1', 53))  # and is never read
        self.largest = 0

    def _write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(data)
        return path

    @staticmethod
    def _costly_chain():
        """Cross-signs between two names, with keys of the curve that takes longest: more paths than
        anybody could walk, none of which leads to an authority."""
        from cryptography.hazmat.primitives.asymmetric import ec
        keys = {name: ec.generate_private_key(ec.SECP521R1()) for name in 'AB'}
        leaf = pki.make('a.localhost', 'A', pki.new_key().public_key(), keys['A'], ['a.localhost'])
        crossed = [pki.make(subject, issuer, keys[subject].public_key(), keys[issuer], ca=True)
                   for subject, issuer in ('AB', 'BA') * (CHAIN_LENGTH // 2)]
        return [one.public_bytes(pki.DER) for one in [leaf, *crossed]]

    def url(self, host, path=''):
        return f'https://{host}:{self.port}/{path}'

    @property
    def own_url(self):
        """The flooder's: what a server loses is not to be taken for what the service does."""
        return f'https://f.localhost:{self._own_port}/'

    @property
    def hanging_url(self):
        return f'https://hang.localhost:{self._mute.getsockname()[1]}/'

    def close(self):
        for server in self._servers:
            server.kill()
            server.wait()
        self._mute.close()
        self._name_server.close()
        shutil.rmtree(self.folder)


class States:
    """Folders of pins, made by the service itself: what each user needs, and many more of the
    flooder's."""

    def __init__(self, programs, targets):
        self.few = os.path.join(targets.folder, 'few')
        self.many = os.path.join(targets.folder, 'many')
        with tempfile.TemporaryDirectory(dir='/mnt') as folder:  # in memory: no disk is waited for
            os.chmod(folder, 0o755)
            made = os.path.join(folder, 'state')
            os.mkdir(made, 0o700)
            os.chown(made, USERS['certpin'], USERS['certpin'])
            bus = Daemon(folder)
            service = Service(programs, bus, made, targets)
            flooder = Caller(bus.address, USERS['flooder'])
            self._make_few(bus, flooder, targets)
            targets.largest = self._find_largest(flooder, targets)
            shutil.copytree(made, self.few)
            self._make_many(flooder, targets.identity.pin)
            shutil.copytree(made, self.many)
            for one in (flooder, service, bus):
                one.close()

    @staticmethod
    def _make_few(bus, flooder, targets):
        bystander = Caller(bus.address, USERS['bystander'])
        bystander.pin_keys('a.localhost', targets.identity.pin)
        bystander.close()
        for host in ('f.localhost', 'hang.localhost', '**.slow.test'):
            flooder.pin_keys(host, targets.identity.pin)

    @staticmethod
    def _find_largest(flooder, targets):
        for size in LARGEST_ANSWERS:
            try:
                flooder.request(targets.url('f.localhost', size))
                return size
            except CallError as error:
                if error.name != 'BodyTooLarge':
                    raise
        raise AssertionError('no large answer passes')

    @staticmethod
    def _make_many(flooder, key):
        for first in range(0, MANY_PINS, PINNED_AT_A_TIME):
            calls = [flooder.begin(PINS, 'PinKeys', '(sasa{sv})', f'p{number}.many.localhost',
                                   [key], {})
                     for number in range(first, first + PINNED_AT_A_TIME)]
            for call in calls:
                call.wait()

    @staticmethod
    def copy(source, target):
        shutil.copytree(source, target)
        for folder, _, files in os.walk(target):
            for path in [folder, *(os.path.join(folder, name) for name in files)]:
                os.chown(path, USERS['certpin'], USERS['certpin'])


class SinkWorld:
    """One flood's, with a sink in the service's place."""

    def __init__(self, make_bus, programs, targets):
        self.folder = tempfile.mkdtemp(dir=targets.folder)
        os.chmod(self.folder, 0o755)
        self.tools, self.targets = programs.tools, targets
        with contextlib.ExitStack() as closing:
            closing.callback(shutil.rmtree, self.folder)
            self.bus = closing.enter_context(contextlib.closing(make_bus(self.folder)))
            closing.enter_context(contextlib.closing(Sink(self.bus, self.tools)))
            self.probe = closing.enter_context(contextlib.closing(
                Probe('bystander', self.tools, self.bus.address, 'sink')))
            self._closing = closing.pop_all()

    def measure(self, seconds, wait=None):
        return measure([self.probe], seconds, wait)[0]

    def start_flood(self, name):
        return start_flood(self, name)

    def close(self):
        self._closing.close()


class World:
    """One flood's. `state`: a folder of States."""

    def __init__(self, make_bus, programs, targets, state):
        self.folder = tempfile.mkdtemp(dir=targets.folder)
        os.chmod(self.folder, 0o755)
        self.tools = programs.tools
        self.targets = targets
        with contextlib.ExitStack() as closing:
            closing.callback(shutil.rmtree, self.folder)
            self._start(make_bus, programs, state, closing)
            self._closing = closing.pop_all()

    def _start(self, make_bus, programs, state, closing):
        states = os.path.join(self.folder, 'state')
        States.copy(state, states)
        self.bus = closing.enter_context(contextlib.closing(make_bus(self.folder)))
        self._start_echo(closing)
        self.service = closing.enter_context(contextlib.closing(
            Service(programs, self.bus, states, self.targets)))
        self._probes = [
            closing.enter_context(contextlib.closing(Probe(user, self.tools, self.bus.address, target)))
            for user, target in (('bystander', self.targets.url('a.localhost')), ('control', 'echo'),
                                 ('newcomer', 'new'))]

    def _start_echo(self, closing):
        echo = run_as('echo', [self._tool('flood-echo'), self.bus.address])
        closing.callback(lambda: (echo.kill(), echo.wait()))
        if read_line(echo) != 'ready\n':
            raise AssertionError('the echo does not run')

    def _tool(self, name):
        return os.path.join(self.tools, name)

    def measure(self, seconds, wait=None):
        """Returns: the figures of the bystander, of the control and of the newcomer, of the same time"""
        return measure(self._probes, seconds, wait)

    def start_flood(self, name):
        return start_flood(self, name)

    def close(self):
        self._closing.close()
