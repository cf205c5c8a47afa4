#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pins outlive the service: its end, its crash, its replacement; and files of administrators count
from the moment they are read."""

import os
import signal
import threading

from lib import http
from lib.caller import PINS, CallError
from lib.tap import equal, holds, run, test
from lib.world import ALICE, HOST, World


def put_file(world, name, text, mode=0o644):
    path = os.path.join(world.daemon.pins_dir, name)
    with open(path + '.new', 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(path + '.new', mode)
    os.rename(path + '.new', path)
    return path


def pin_file(host, *keys):
    return f'[Pin File]\nVersion=1\n\n[one]\nHost={host}\nKeys={";".join(keys)};\n'


def reload(world):
    world.root.call(PINS, 'Reload', '')


def add_survival_test(what, restart):
    @test(f'pins and blocks survive {what}')
    def _(world):
        server, identity = world.serve_pinned()
        world.alice.refused('WrongFormat', world.alice.pin, 'blocked.localhost', b'junk')
        world.root.pin('system.localhost', identity.der, scope='system')
        world.alice.pin('options.localhost', identity.der, mode='report', note='why', match='path',
                        expires=4000000000, trust_anchors=[world.authority.der],
                        backup_certificates=[world.issue().der])
        before = world.alice.list_pins()
        restart(world)
        after = world.alice.list_pins()
        for pin in before + after:
            pin.pop('generation')
            pin.pop('source', None)
        equal(after, before, 'the pins')
        world.arrives(server)
        server.present(world.issue())
        world.daemon.restart()
        world.nothing_arrives(server, 'PinMismatch')
        world.no_connection(server, 'Blocked', server.url('blocked.localhost'))


def kill_and_start(world):
    world.daemon.kill()
    world.daemon.start()


add_survival_test('an orderly restart', lambda world: world.daemon.restart())
add_survival_test('kill -9', kill_and_start)


@test('a pin describes itself after a restart as it did before')
def _(world):
    world.serve_pinned()
    before = world.alice.get_pin(HOST)
    world.daemon.restart()
    after = world.alice.get_pin(HOST)
    equal(sorted(after), sorted(before), 'what the pin says of itself')


def write_until_killed(world, certificates, kill_after):
    """Pins hosts in turn with all of the certificates, and kills the service in the middle.
    Returns: for each host the keys that it may have"""
    hosts = [f'h{number}.localhost' for number in range(8)]
    calls = [(host, identity, world.alice.begin_pin(host, identity.der))
             for identity in certificates for host in hosts]
    calls[kill_after][2].wait()
    world.daemon.kill()
    possible = {}
    for host, identity, call in calls:
        try:
            call.wait()
            possible[host] = {identity.pin}
        except CallError:
            possible.setdefault(host, set()).add(identity.pin)
    return possible


@test('kill -9 in the middle of many writes: each pin is the old or a newer one, never broken')
def _(world):
    certificates = [world.issue() for _ in range(4)]
    for kill_after in (0, 3, 9, 14, 20, 27):
        possible = write_until_killed(world, certificates, kill_after)
        equal(world.daemon.run('--check')[0], 0, 'the exit code of --check')
        world.daemon.start()
        for pin in world.alice.list_pins():
            equal(pin['state'], 'active', f'the state of {pin["host"]}')
            holds(pin['keys'][0] in possible[pin['host']], f'{pin["host"]} has another key')
        world.arrives_with_key(world.alice.list_pins()[0], certificates)


@test('a restart between two requests: the second opens a connection of its own, and passes')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.daemon.restart()
    equal(world.arrives(server).info['connection-reused'], False, 'connection-reused')


@test('a broken state file blocks its host, and is kept as it is')
def _(world):
    server, _ = world.serve_pinned()
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    path = os.path.join(folder, os.listdir(folder)[0])
    world.daemon.terminate()
    with open(path, 'r+', encoding='utf-8') as file:
        text = file.read()
        file.truncate(len(text) - 20)
    equal(world.daemon.run('--check')[0], 1, 'the exit code of --check')
    world.daemon.start()
    world.no_connection(server, 'Blocked', server.url(HOST))
    holds(os.path.exists(path), 'the broken file is gone')


@test('state files are readable by the service alone')
def _(world):
    world.serve_pinned()
    modes = [(path, oct(os.stat(os.path.join(path, name)).st_mode & 0o777))
             for path, _, names in os.walk(world.daemon.state_dir) for name in names]
    equal([mode for _, mode in modes], ['0o600'], f'the modes of {modes}')


@test('SIGTERM ends it within two seconds, with exit code 0')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    code, seconds = world.daemon.terminate()
    equal(code, 0, 'the exit code')
    holds(seconds < 2, f'it took {seconds} s')


@test('SIGTERM with a request under way: as fast, and the caller is told')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    pending = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(1)
    code, seconds = world.daemon.terminate()
    equal(code, 0, 'the exit code')
    holds(seconds < 2, f'it took {seconds} s')
    try:
        pending.wait()
    except CallError:
        pass
    server.wait_until_idle()


@test('SIGTERM in the middle of many writes: what was answered is on disk')
def _(world):
    identities = [world.issue() for _ in range(30)]
    calls = [world.alice.begin_pin(f'h{number}.localhost', identity.der)
             for number, identity in enumerate(identities)]
    calls[3].wait()
    code, seconds = world.daemon.terminate()
    equal(code, 0, 'the exit code')
    holds(seconds < 2, f'it took {seconds} s')
    answered = []
    for number, call in enumerate(calls):
        try:
            call.wait()
            answered.append(f'h{number}.localhost')
        except CallError:
            pass
    world.daemon.start()
    pins = [pin['host'] for pin in world.alice.list_pins()]
    equal([host for host in answered if host not in pins], [], 'the pins that are lost')


@test('SIGTERM before a few writes: all are made, and their callers told')
def _(world):
    identities = [world.issue() for _ in range(8)]
    world.alice.list_pins()  # so that it is known who she is
    calls = [world.alice.begin_pin(f'h{number}.localhost', identity.der)
             for number, identity in enumerate(identities)]
    world.alice.call('org.freedesktop.DBus.Peer', 'Ping', '')  # those before it have arrived
    equal(world.daemon.terminate()[0], 0, 'the exit code')
    pinned = [call.wait()[0]['host'] for call in calls]
    world.daemon.start()
    equal([pin['host'] for pin in world.alice.list_pins()], pinned, 'the pins')


@test('no core is dumped, however the service is started')
def _(world):
    world.daemon.wrapper = ['prlimit', '--core=unlimited']
    world.daemon.restart()
    with open(f'/proc/{world.daemon.process.pid}/limits', encoding='utf-8') as file:
        limit = next(line for line in file if line.startswith('Max core file size'))
    equal(limit.split()[4:6], ['0', '0'], 'the limits')


@test('--replace takes the name over, and the pins with it')
def _(world):
    server, _ = world.serve_pinned()
    first = world.daemon.process
    world.daemon.start('--replace')
    equal(first.wait(10), 0, 'the exit code of the first')
    world.arrives(server)


@test('without --replace a second one gives up, and the first goes on')
def _(world):
    server, _ = world.serve_pinned()
    second = world.daemon.spawn()
    equal(second.wait(10), 1, 'the exit code of the second')
    world.arrives(server)


@test('--check tells good files from bad ones, and needs no bus')
def _(world):
    put_file(world, 'good.pin', pin_file(HOST, world.issue().pin))
    code, output = world.daemon.run('--check', '--bus=unix:path=/nowhere')
    equal((code, output.split('\n')[-2]), (0, '0 problems'), 'what a good file comes to')
    put_file(world, 'bad.pin', pin_file('bad.localhost', 'sha256/short'))
    code, output = world.daemon.run('--check')
    equal((code, output.split('\n')[-2]), (1, '1 problem'), 'what a bad file comes to')
    put_file(world, 'worse.pin', pin_file('worse.localhost', 'sha256/shorter'))
    code, output = world.daemon.run('--check')
    equal((code, output.split('\n')[-2]), (1, '2 problems'), 'what two bad files come to')


@test('what a file that is wrong blocks cannot be changed here: in the scope of the system, the error names the file')
def _(world):
    key = world.issue().pin
    wrong = put_file(world, 'wrong.pin', pin_file('wrong.localhost', 'sha256/short'))
    for name in 'once.pin', 'twice.pin':
        put_file(world, name, pin_file('twice.localhost', key))
    world.daemon.restart()
    for host, path in (('wrong.localhost', wrong), ('twice.localhost', os.path.join(world.daemon.pins_dir, 'twice.pin'))):
        changes = ((lambda caller, **options: caller.unpin(host, **options)),
                   (lambda caller, **options: caller.add_keys(host, key, **options)),
                   (lambda caller, **options: caller.remove_keys(host, key, **options)),
                   (lambda caller, **options: caller.pause(host, 60, **options)),
                   (lambda caller, **options: caller.resume(host, **options)))
        for change in changes:
            world.alice.refused('NotPinned', change, world.alice)
            error = world.root.refused('InvalidArgument', change, world.root, scope='system')
            holds(f'is from the file ‘{path}’' in error.message, f'the message: {error.message}')
    equal(world.daemon.process.poll(), None, 'the exit code of the service')


@test('--check tells everything that is wrong with the files, line by line')
def _(world):
    good = pin_file(HOST, world.issue().pin).rstrip('\n')
    put_file(world, 'one.pin', f'{good}\nMode=off\nnonsense\nExpires=soon\n')
    put_file(world, 'two.pin', pin_file('a..b', 'sha256/short'))
    code, output = world.daemon.run('--check')
    equal(code, 1, 'the exit code')
    first = good.count('\n') + 2  # behind the good lines
    for line, word in ((first, 'Mode=: ‘off’'), (first + 1, '‘nonsense’'), (first + 2, 'Expires=: ‘soon’')):
        holds(any(f'/one.pin:{line}: ' in told and word in told
                  for told in output.splitlines()), f'line {line} is not told of: {output}')
    holds('a..b' in output and 'sha256/short' in output, output)
    holds(output.endswith('5 problems\n'), output)


@test('--check refuses a bad configuration, which also keeps the service from starting')
def _(world):
    world.daemon.terminate()
    bad = put_file(world, 'bad.pin', pin_file('bad.localhost', 'sha256/short'))
    world.daemon.configure('[Limits]\nRunning=many\nHeaders=5\nUrlBytes=1\n')
    for arguments, exit_code in ((['--check'], 1), ([], 2)):
        code, output = world.daemon.run(*arguments)
        equal(code, exit_code, f'the exit code with {arguments}')
        for line, word in ((2, 'Running=: [Limits] ‘many’'), (4, 'UrlBytes=: [Limits] ‘1’')):
            holds(any(f'certpind.conf:{line}: ' in told and word in told for told in output.splitlines()),
                  f'line {line} is not told of: {output}')
    holds(world.daemon.run('--check')[1].endswith('3 problems\n'), 'the pin files are not checked as well')
    os.unlink(bad)
    world.daemon.configure('[Limits]\nRunning=10\n')
    equal(world.daemon.run('--check')[0], 0, 'the exit code of --check')


@test('unknown and wrong arguments: exit code 2')
def _(world):
    for argument in ('--nonsense', 'extra', '--authority=nobody'):
        equal(world.daemon.run(argument)[0], 2, f'the exit code of {argument}')
    equal(world.daemon.run('--version')[0], 0, 'the exit code of --version')


@test('a pin file binds every user from the Reload on, on kept connections too')
def _(world):
    server, identity = world.serve_pinned()
    world.arrives(server)
    put_file(world, 'site.pin', pin_file(HOST, world.issue().pin))
    reload(world)
    world.nothing_arrives(server, 'PinMismatch')
    put_file(world, 'site.pin', pin_file(HOST, identity.pin))
    reload(world)
    world.arrives(server)
    pins = {pin.get('source', ''): pin for pin in world.alice.list_pins()}
    holds(os.path.join(world.daemon.pins_dir, 'site.pin') in pins, f'the sources are {list(pins)}')


@test('a pin file that appears, changes or goes is noticed without being told of')
def _(world):
    server, identity = world.serve_pinned()
    world.alice.be_told()
    for text in (pin_file(HOST, world.issue().pin), pin_file(HOST, identity.pin)):
        world.alice.signals.clear()
        put_file(world, 'site.pin', text)
        world.alice.wait_for_signal_where('PinChanged',
                                          lambda _, details: details['state'] == 'reloaded')
    world.arrives(server)


@test('SIGHUP reads the pin files anew')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.alice.be_told()
    put_file(world, 'site.pin', pin_file(HOST, world.issue().pin))
    world.daemon.process.send_signal(signal.SIGHUP)
    host, details = world.alice.wait_for_signal_where(
        'PinChanged', lambda _host, details: details['state'] == 'reloaded')
    equal((host, details['scope']), ('', 'system'), 'the signal')
    world.nothing_arrives(server, 'PinMismatch')


@test('a broken pin file blocks its host at the start, and is refused at a Reload')
def _(world):
    server, _ = world.serve_pinned()
    put_file(world, 'site.pin', pin_file(HOST, 'sha256/short'))
    world.root.refused('StoreFailed', reload, world)
    world.arrives(server)
    world.daemon.restart()
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('a pin file that others may write blocks')
def _(world):
    server, identity = world.serve_pinned()
    put_file(world, 'site.pin', pin_file(HOST, identity.pin), mode=0o666)
    world.daemon.restart()
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('a host that two pin files name is blocked')
def _(world):
    server, identity = world.serve_pinned()
    put_file(world, 'a.pin', pin_file(HOST, identity.pin))
    put_file(world, 'b.pin', pin_file(HOST, identity.pin))
    world.daemon.restart()
    world.no_connection(server, 'Blocked', server.url(HOST))


@test('a file’s pin cannot be unpinned over the bus')
def _(world):
    put_file(world, 'site.pin', pin_file(HOST, world.issue().pin))
    reload(world)
    error = world.root.refused('InvalidArgument', world.root.unpin, HOST, scope='system')
    holds('site.pin' in error.message, f'the message: {error.message}')


@test('without a trust file nothing is trusted')
def _(world):
    world.daemon.trust_file = os.path.join(world.folder, 'missing.pem')
    world.daemon.restart()
    server, _ = world.serve_pinned()
    world.nothing_arrives(server, 'Untrusted')


@test('a state folder that cannot be written: StoreFailed, and the old pin stays in force')
def _(world):
    server, identity = world.serve_pinned()
    folder = os.path.join(world.daemon.state_dir, 'users', str(ALICE))
    os.rename(folder, folder + '.away')
    with open(folder, 'w', encoding='utf-8'):
        pass
    world.alice.refused('StoreFailed', world.alice.pin, HOST, identity.der)
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the pin')
    world.arrives(server)
    world.alice.refused('WrongFormat', world.alice.pin, HOST, b'junk')
    world.alice.refuses('Blocked', server.url(HOST))


@test('changes of one user are carried out in the order in which they were asked for')
def _(world):
    identities = [world.issue() for _ in range(20)]
    for call in [world.alice.begin_pin(HOST, identity.der) for identity in identities]:
        call.wait()
    equal(world.alice.get_pin(HOST)['keys'], [identities[-1].pin], 'the pin')
    world.daemon.restart()
    equal(world.alice.get_pin(HOST)['keys'], [identities[-1].pin], 'the pin after a restart')


@test('the first calls of a program are carried out in their order, though it is yet unknown')
def _(world):
    identities = [world.issue() for _ in range(30)]
    for number in range(60):
        unknown = world.new_caller(ALICE)
        # What is halted finds all calls at once afterwards, as on a busy machine.
        halted = (world.daemon.process, world.shared.bus.process)[number % 2]
        halted.send_signal(signal.SIGSTOP)
        calls = [unknown.begin_pin(HOST, identity.der) for identity in identities]
        unknown.flush()
        halted.send_signal(signal.SIGCONT)
        for call in calls:
            call.wait()
        equal(world.alice.get_pin(HOST)['keys'], [identities[-1].pin], 'the pin')
        unknown.close()


@test('a caller that leaves does not stop its pinning')
def _(world):
    server, _ = world.serve_pinned()
    passing = world.new_caller(ALICE)
    passing.get_pin(HOST)
    world.alice.be_told()
    identity = world.issue()
    pinned = threading.Event()
    passing.begin_pin('left.localhost', identity.der)
    world.alice.wait_for_signal_where('PinChanged', lambda host, _: host == 'left.localhost'
                                      and (passing.vanish() or pinned.set() or True))
    world.daemon.restart()
    equal(world.alice.get_pin('left.localhost')['keys'], [identity.pin], 'the pin')
    world.arrives(server)
    server.respond = lambda connection, request: http.reply(200)


run(World)
