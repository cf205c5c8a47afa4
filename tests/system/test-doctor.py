#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl doctor with each thing broken that it checks: the line that says so, and the command below it."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

from lib import fake_service as fake
from lib import pki
from lib.bus import Bus
from lib.certpinctl import FAILED, INTERRUPTED, OK, STORE, ctl, exits, start
from lib.own_clock import going_by
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import ALICE, HOST, World

RELEASE = '2026-11-01T00:00:00Z'
VERSION = re.search(r"version: '([\d.]+)'", pathlib.Path(__file__).parents[2].joinpath('meson.build').read_text('utf-8'))[1]
ALL_WELL = (('ok', 'clock', r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ'), ('ok', 'bus', 'the system bus answers'),
            ('ok', 'service', 'certpind runs'), ('ok', 'bus policy', 'you may call certpind'),
            ('ok', 'version', f'certpind and certpinctl are {VERSION}'),
            ('ok', 'files', 'certpind has read all of its files'),
            ('ok', 'trust store', '2 authorities from ‘.*/trust.pem’'),
            ('ok', 'state folder', 'pins can be stored in ‘.*/state’'),
            ('ok', 'rights', 'you may pin hosts for yourself'),
            ('-', 'system pins', 'only root pins hosts for all users on this bus: it has no polkit'))
LATER = ('service', 'bus policy', 'version', 'files', 'trust store', 'state folder', 'rights', 'system pins', 'pins', 'hosts', 'names', 'proxy')


def parse(shown):
    """Returns: of each check its mark, its name and all that is said of it, and the last line"""
    findings, width = [], 8 if shown.startswith(('ok', 'FAILED', '-')) else 2
    *lines, empty, last = shown.rstrip('\n').split('\n')
    equal(empty, '', 'the line before the last')
    for line in lines:
        if line[:width].strip():
            name = line[width:].split('  ')[0]
            findings.append([line[:width].strip(), name, line[width + len(name):].strip()])
        else:
            findings[-1][2] = f'{findings[-1][2]} {line.strip()}'.strip()
    return [tuple(finding) for finding in findings], last


def look(world, *arguments, code=FAILED, **keywords):
    """Returns: what doctor finds, in a pipe"""
    actual, output, errors = ctl(world, 'doctor', *arguments, **keywords)
    equal((actual, errors), (code, ''), f'what came of it, with {output.decode()},')
    return parse(output.decode())


def is_found(findings, mark, name, *parts):
    """There is one line of that name, with that mark and these words."""
    found = [finding for finding in findings if finding[1] == name]
    equal([finding[0] for finding in found], [mark], f'the marks of {name} in {findings}')
    for part in parts:
        holds(part in found[0][2], f'of {name}, it says “{found[0][2]}”, not “{part}”')


def at(server, host=HOST):
    return f'{host}:{server.port}'


def pin(world, host, *keys):
    exits(world, OK, 'pin', host, *(f'--key={key}' for key in keys))


# All is well

@test('all is well: a line for each check, exit status 0, and no byte for the server')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    pin(world, at(server), identity.pin)
    findings, last = look(world, code=OK)
    expected = (*ALL_WELL, ('ok', 'pins', '0 of the system, 1 of yours'),
                ('ok', at(server), f'passes; its certificate ends on {identity.certificate.not_valid_after:%Y-%m-%d}'),
                ('ok', 'names', '1 name resolves'), ('-', 'proxy', 'no host was tried through one'))
    equal(len(findings), len(expected), f'the number of lines in {findings}')
    for (mark, name, text), found in zip(expected, findings):
        equal(found[:2], (mark, name), 'a line')
        holds(re.fullmatch(text, found[2]), f'{name} says “{found[2]}”, not “{text}”')
    equal(last, 'All 12 checks pass.', 'the last line')
    is_found(look(world, code=OK, uid=0)[0], 'ok', 'system pins', 'you are root, and may pin hosts for all users')
    server.wait_until_idle()
    equal(server.bytes, 0, 'the number of bytes that the server got')


@test('--json has the same, and says whether all is well')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    pin(world, at(server), identity.pin)
    found = json.loads(exits(world, OK, 'doctor', '--json'))['doctor']
    equal((found['well'], [(one['check'], one['state']) for one in found['checks']]),
          (True, [(name, 'ok' if mark == 'ok' else 'skipped') for mark, name, _ in ALL_WELL]
           + [('pins', 'ok'), ('host', 'ok'), ('names', 'ok'), ('proxy', 'skipped')]), 'the checks')
    server.present(world.impostor())
    found = json.loads(exits(world, FAILED, 'doctor', '--json'))['doctor']
    equal((found['well'], [(one['host'], one['problem'], 'command' in one, 'meaning' in one)
                           for one in found['checks'] if one['state'] == 'failed']),
          (False, [(at(server), 'PinMismatch', True, True)]), 'the failed checks')


@test('on a terminal there are symbols if it shows UTF-8, and colours if it has any; in a pipe, neither')
def _(world):
    pin(world, HOST, world.issue().pin)
    exits(world, OK, 'block', HOST, 'why')
    for more, good, bad in (({'TERM': 'dumb'}, '✓', '✗'), ({'TERM': 'dumb', 'LC_ALL': 'C'}, 'ok', 'FAILED'),
                            ({'TERM': 'xterm'}, '\x1b[32m✓\x1b[0m', '\x1b[31m✗\x1b[0m'),
                            ({'TERM': 'xterm', 'NO_COLOR': '1'}, '✓', '✗')):
        code, shown = dialog(world, 'doctor', environment=more, columns=80)
        lines = shown.split('\n')
        equal([line for line in lines if len(re.sub('\x1b\\[\\d+m', '', line)) > 80], [], 'the long lines')
        equal((code, lines[0].startswith(good + ' '), [line for line in lines if line.startswith(bad + ' ')] != []),
              (FAILED, True, True), f'what {more} shows: {shown}')
        equal('\x1b' in shown, '\x1b' in good, f'whether there are colours in {shown!r}')
    holds(b'\x1b' not in exits(world, FAILED, 'doctor', more_environment={'TERM': 'xterm'}), 'colours in a pipe')


# The way to the service

def with_bus(world, address):
    return {'more_environment': {'DBUS_SYSTEM_BUS_ADDRESS': address}}


def are_skipped(findings, *names):
    for name in names:
        is_found(findings, '-', name, 'not checked, since')


@test('no bus, or one that does not answer')
def _(world):
    nowhere = f'unix:path={world.folder}/nowhere'
    findings, last = look(world, **with_bus(world, nowhere))
    is_found(findings, 'FAILED', 'bus', 'the system bus cannot be reached', 'DBUS_SYSTEM_BUS_ADDRESS is set',
             '$ env -u DBUS_SYSTEM_BUS_ADDRESS certpinctl doctor')
    are_skipped(findings, *LATER)
    equal(last, '1 of 2 checks failed.', 'the last line')
    silent = os.path.join(world.shared.folder, 'silent')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(silent)
        os.chmod(silent, 0o666)
        listener.listen()
        findings, _ = look(world, **with_bus(world, f'unix:path={silent}'))
    is_found(findings, 'FAILED', 'bus', 'the system bus does not answer within 10 seconds')


@test('no service, and no way to start it')
def _(world):
    world.daemon.terminate()
    findings, last = look(world)
    is_found(findings, 'FAILED', 'service', 'certpind does not run, and the bus cannot start it',
             '$ systemctl reload dbus && systemctl start certpind')
    are_skipped(findings, *LATER[1:])
    equal(last, '1 of 3 checks failed.', 'the last line')


def new_bus(world, more):
    """A bus of this test's own, with more in its configuration."""
    os.chmod(world.folder, 0o755)
    return world.track(Bus(world.folder, more))


def activating_bus(world, command):
    """A bus that starts the service with this command."""
    services = os.path.join(world.folder, 'services')
    os.makedirs(services, exist_ok=True)
    with open(os.path.join(services, 'org.certpin.Certpin1.service'), 'w', encoding='utf-8') as file:
        file.write(f'[D-BUS Service]\nName=org.certpin.Certpin1\nExec={command}\nUser=root\n')
    return new_bus(world, f'<servicedir>{services}</servicedir>')


@test('a service that is started when it is called, and one that cannot be')
def _(world):
    bus = activating_bus(world, '/bin/false')
    findings, _ = look(world, **with_bus(world, bus.address))
    is_found(findings, 'FAILED', 'service', 'certpind cannot be started: ', 'certpind --check shows faults in its files',
             '$ journalctl --boot --unit=certpind --lines=20')
    are_skipped(findings, *LATER[1:])
    world.daemon.terminate()  # one process has the state at a time
    world.daemon.bus = bus
    bus = activating_bus(world, ' '.join(world.daemon.arguments()).replace(bus.address, 'system'))
    findings, _ = look(world, code=OK, **with_bus(world, bus.address))
    is_found(findings, 'ok', 'service', 'certpind was started')


@test('a bus whose policy denies the call')
def _(world):
    bus = new_bus(world, f'<policy user="{ALICE}"><deny send_destination="org.certpin.Certpin1"/></policy>')
    world.daemon.terminate()
    world.daemon.bus, world.daemon.name = bus, ''
    world.daemon.start()
    findings, last = look(world, **with_bus(world, bus.address))
    is_found(findings, 'FAILED', 'bus policy', 'the bus does not let you call certpind: ', '/etc/dbus-1/system.d',
             '$ systemctl reload dbus')
    are_skipped(findings, *LATER[2:])
    equal(last, '1 of 4 checks failed.', 'the last line')
    look(world, code=OK, uid=0, **with_bus(world, bus.address))


@test('a service of another version, and one that does not answer as it should')
def _(world):
    strange = fake.FakeWorld()
    world.track(strange)
    strange.service.version = '9.9.9'
    strange.answers(lambda method, arguments: fake.several() if method == 'ListPins' else fake.one({}))
    findings, _ = look(strange)
    is_found(findings, 'FAILED', 'version', f'certpind is 9.9.9, but certpinctl is {VERSION}',
             '$ systemctl restart certpind')
    strange.answers(lambda method, arguments: fake.several({}))
    is_found(look(strange)[0], 'FAILED', 'files', 'certpind does not say how it is', 'is not valid')
    is_found(look(strange)[0], 'FAILED', 'pins', 'the pins cannot be listed', 'is not valid')


@test('files that the service cannot read, and which one')
def _(world):
    world.daemon.terminate()
    path = os.path.join(world.daemon.pins_dir, 'a.pin')
    with open(path, 'w', encoding='utf-8') as file:
        file.write('nonsense\n')
    world.daemon.start()
    is_found(look(world)[0], 'FAILED', 'files', path, '$ certpinctl status')
    os.unlink(path)
    exits(world, OK, 'reload', uid=0)
    is_found(look(world, code=OK)[0], 'ok', 'files')


@test('no trust anchor: an empty trust file, one that is not there, and one that is put right')
def _(world):
    path = os.path.join(world.folder, 'own.pem')
    world.daemon.trust_file = path
    for text in (None, b'', b'nonsense'):
        if text is not None:
            with open(path, 'wb') as file:
                file.write(text)
        world.daemon.restart()
        is_found(look(world)[0], 'FAILED', 'trust store', f'no authority from ‘{path}’', 'No server is trusted',
                 '$ man certpind.conf')
    with open(path, 'wb') as file:
        file.write(world.authority.pem)
    exits(world, OK, 'reload', uid=0)
    is_found(look(world, code=OK)[0], 'ok', 'trust store', f'1 authority from ‘{path}’')


def state_is_refused(world, why):
    folder = world.daemon.state_dir
    is_found(look(world)[0], 'FAILED', 'state folder', f'certpind cannot store pins in the folder ‘{folder}’: {why}',
             'No pin can be made', f'$ df {folder}')


@test('a state folder that is full or read-only, and a block that is only in memory')
def _(world):
    state = world.daemon.restart_on_small_disk()
    is_found(look(world, code=OK)[0], 'ok', 'state folder', world.daemon.state_dir)
    filler = os.path.join(state, 'filler')
    with open(filler, 'wb', buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    state_is_refused(world, 'No space left on device')
    os.unlink(filler)
    is_found(look(world, code=OK)[0], 'ok', 'state folder')
    with open(os.path.join(state, 'users'), 'wb'):
        pass  # where a folder would have to be
    exits(world, STORE, 'block', HOST, 'stolen')
    is_found(look(world)[0], 'FAILED', 'state folder', 'only in memory: 1', '$ certpinctl status')
    world.daemon.make_disk_read_only()
    state_is_refused(world, 'Read-only file system')


@test('no polkit: the service refuses, and it says why')
def _(world):
    arguments = world.daemon.arguments()
    world.daemon.arguments = lambda: [word.replace('--authority=uid', '--authority=polkit')
                                      .replace(world.shared.bus.address, 'system') for word in arguments]
    world.daemon.more_environment['DBUS_SYSTEM_BUS_ADDRESS'] = world.shared.bus.address
    world.daemon.restart()
    findings, _ = look(world)
    is_found(findings, 'FAILED', 'rights', 'you may not pin hosts: ', 'polkit, which decides what a user may do, is not',
             '$ apt install polkitd')


@test('a clock before the release: nothing can be checked, and the line of each host says so')
def _(world):
    identity = world.issue(start=pki.now() - 9999 * pki.DAY)
    server = world.serve(identity)
    pin(world, at(server), identity.pin)
    clock = going_by(FAKETIME='@2026-10-31 00:00:00', TZ='UTC')
    world.daemon.more_environment.update(clock)
    world.daemon.restart()
    findings, _ = look(world, more_environment=clock)
    is_found(findings, 'FAILED', 'clock', '2026-10-31T00:00:0', f'is before the release of this version, {RELEASE}',
             '$ timedatectl set-ntp true')
    is_found(findings, 'FAILED', at(server), 'clock', '$ timedatectl set-ntp true')
    server.wait_until_idle()
    equal(server.bytes, 0, 'the number of bytes that the server got')


# Hosts

def add_host_test(what, make_identity, words, command, state=lambda world, host, identity: None):
    @test(f'a host whose {what}: what that means, what helps, and no byte for its server')
    def _(world):
        identity = world.issue()
        server = world.serve(make_identity(world, identity))
        pin(world, at(server), identity.pin)
        state(world, at(server), identity)
        findings, last = look(world)
        presented = server.presented.pin
        is_found(findings, 'FAILED', at(server), *words,
                 '$ ' + command.replace('HOST', at(server)).replace('KEY', presented))
        holds(re.fullmatch('1 of 1[12] checks failed.', last), f'the last line: {last}')
        server.wait_until_idle()
        equal(server.bytes, 0, 'the number of bytes that the server got')


def same_key(world, identity, authority=None, name=HOST, **dates):
    return (authority or world.authority).issue(name, key=identity.key, **dates)


for row in (
        ('server has another key', lambda world, identity: world.impostor(),
         ('holds the key', 'Only the operator of the server can say'), 'certpinctl pin --add HOST KEY'),
        ('certificate has expired',
         lambda world, identity: same_key(world, identity, start=pki.now() - 9 * pki.DAY, end=pki.now() - pki.DAY),
         ('expired', 'Its operator has to renew the certificate'), 'timedatectl status'),
        ('certificate is not valid yet', lambda world, identity: same_key(world, identity, start=pki.now() + pki.DAY),
         ('valid only from', 'Is the clock of this machine right?'), 'timedatectl status'),
        ('certificate is of a stranger', lambda world, identity: same_key(world, identity, pki.Authority('Stranger')),
         ('No trust anchor of this machine issued the certificate',), 'certpinctl key --chain HOST'),
        ('certificate is for another host', lambda world, identity: same_key(world, identity, name='x.localhost'),
         ('The certificate is for another host',), 'certpinctl key --chain HOST'),
        ('pin is a block', lambda world, identity: identity, ('is blocked by your pin: stolen',), 'certpinctl explain HOST',
         lambda world, host, identity: exits(world, OK, 'block', host, 'stolen'))):
    add_host_test(*row)


@test('the key of the system’s pin is accepted by an administrator’s command, that of a file by none')
def _(world):
    identity = world.issue()
    server = world.serve(world.impostor())
    exits(world, OK, 'pin', '--system', '--yes', at(server), f'--key={identity.pin}', uid=0)
    is_found(look(world)[0], 'FAILED', at(server), f'$ certpinctl pin --add --system {at(server)} {server.presented.pin}')
    exits(world, OK, 'unpin', '--system', at(server), uid=0)
    with open(os.path.join(world.daemon.pins_dir, 'a.pin'), 'w', encoding='utf-8') as file:
        file.write(f'[Pin File]\nVersion=1\n\n[a]\nHost={at(server)}\nKeys={identity.pin}\n')
    world.daemon.restart()
    is_found(look(world)[0], 'FAILED', at(server), 'that file has to be changed', f'$ certpinctl explain {at(server)}')


@test('a pin file that is wrong blocks its host: no method helps, and doctor says who can')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    path = os.path.join(world.daemon.pins_dir, 'a.pin')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'[Pin File]\nVersion=1\n\n[a]\nHost={at(server)}\nKeys=none\n')
    world.daemon.restart()
    pin(world, at(server), identity.pin)
    is_found(look(world)[0], 'FAILED', at(server), f'is blocked by a pin file: {path}:6: Keys=: ',
             '; only the administrator can change that', 'If a pin file blocks it',
             f'$ certpinctl explain {at(server)}')
    equal(server.bytes, 0, 'the number of bytes that the server got')


@test('a pin that has expired: its server is not asked')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    end = int(time.time()) + 4
    exits(world, OK, 'pin', at(server), f'--key={identity.pin}', f'--expires={end}')
    look(world, code=OK)
    server.wait_until_idle()
    before = len(server.connections)
    world.wait_for_time(pki.datetime.datetime.utcfromtimestamp(end))
    is_found(look(world)[0], 'FAILED', at(server), 'Pin it again', f'$ certpinctl show {at(server)}')
    server.barrier()
    equal(len(server.connections), before, 'the number of connections')


@test('hosts that cannot be reached, or do not speak TLS, or not in time')
def _(world):
    gone, silent = world.serve(), world.serve(handshake=False)
    gone.close()
    plain = world.serve()

    def speak_plainly(connection):
        connection.send(b'220 ready\r\n')
        raise OSError

    plain.wrap = speak_plainly
    for host in (at(gone), 'nobody.invalid', at(silent), at(plain)):
        pin(world, host, world.issue().pin)
    findings, last = look(world, '--timeout=1')
    is_found(findings, 'FAILED', at(gone), 'cannot be reached', 'on this port', f'$ openssl s_client -connect {at(gone)}')
    is_found(findings, 'FAILED', 'nobody.invalid', 'this machine has no network', '$ ip route')
    is_found(findings, 'FAILED', at(silent), f'$ certpinctl doctor --timeout=60 {at(silent)}')
    is_found(findings, 'FAILED', at(plain), 'Something else than an HTTPS server answers there',
             f'$ openssl s_client -connect {at(plain)}')
    equal(last, '4 of 15 checks failed.', 'the last line')


@test('a host whose name has the words of the remedies in it gets the command for that name')
def _(world):
    gone = world.serve()
    gone.close()
    host = f'HOST.ADDRESS.localhost:{gone.port}'
    pin(world, host, world.issue().pin)
    said = next(text for _, name, text in look(world, host)[0] if name == host)
    holds(said.endswith(f'$ openssl s_client -connect {host}'), f'it says “{said}”')


@test('doctor HOST tries only these, pinned or not')
def _(world):
    identity = world.issue()
    server, other = world.serve(identity), world.serve(world.impostor())
    pin(world, at(server), identity.pin)
    pin(world, at(other), identity.pin)
    findings, last = look(world, at(server), code=OK)
    equal([name for _, name, _ in findings if 'localhost' in name], [at(server)], 'the hosts')
    findings, _ = look(world, 'x.localhost', at(server))
    is_found(findings, 'FAILED', 'x.localhost', 'is not pinned', '$ certpinctl pin --fetch x.localhost')
    is_found(look(world, '*.h.example')[0], 'FAILED', '*.h.example', 'is not a single host')
    equal(len(other.connections), 0, 'the number of connections to the other')


@test('patterns: of any depth is tried with its own name, of one label is not, and that is said')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    pin(world, at(server, f'**.{HOST}'), identity.pin)
    pin(world, at(server, f'*.{HOST}'), identity.pin)
    findings, _ = look(world, code=OK)
    is_found(findings, 'ok', at(server), 'passes')
    is_found(findings, 'ok', 'pins', '0 of the system, 2 of yours Patterns with one * name no host')


@test('three hosts are tried at a time, so that other programs are not kept waiting; their lines are in order')
def _(world):
    server = world.serve(handshake=False)
    hosts = [at(server, f'n{number:02}.localhost') for number in range(6)]
    for host in hosts:
        pin(world, host, world.issue().pin)
    process = start(world, 'doctor', '--timeout=2', stdout=-1)
    server.wait(lambda: len(server.connections) >= 3, 'three connections')
    identity = world.issue()
    other = world.serve(identity)
    world.alice.pin(at(other), identity.der)
    world.arrives(other)
    server.barrier()
    equal(len(server.connections), 3, 'the number of connections at first')
    output = process.communicate(timeout=DEADLINE_S)[0].decode()
    equal([name for _, name, _ in parse(output)[0] if name.startswith('n0')], hosts, 'the hosts')
    equal(len(server.connections), 6, 'the number of connections')


# Waiting for it

@test('on a terminal a line shows how far it is, and goes away; a pipe gets none')
def _(world):
    server = world.serve(handshake=False)
    pin(world, at(server), world.issue().pin)
    code, shown = dialog(world, 'doctor', '--timeout=2', columns=80)
    equal(code, FAILED, 'the exit status')
    holds('\rtried 0 of 1 hosts' in shown, f'there is no such line in {shown!r}')
    holds(re.search(r'\r {70,}\r✗ ', shown), f'it does not go away: {shown!r}')
    equal(ctl(world, 'doctor', '--timeout=1')[2], '', 'what a pipe gets')


@test('an interrupt ends it with status 130, and what was found stays')
def _(world):
    server = world.serve(handshake=False)
    pin(world, at(server), world.issue().pin)
    for more in ([], ['--json']):
        before = len(server.connections)
        process = start(world, 'doctor', *more, stdout=-1, stderr=-1)
        server.wait(lambda before=before: len(server.connections) > before, 'the trial')
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=DEADLINE_S)
        equal(process.returncode, INTERRUPTED, f'the exit status, with {errors.decode()},')
        if more:
            equal(json.loads(output)['error']['name'], 'Cancelled', 'the name of the error')
        else:
            holds(b'certpind runs' in output and b'interrupted' in errors, f'it said {output} and {errors}')


run(World)
