#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""PausePin and ResumePin: for a while, and never for longer than a day, a wrong key passes and is reported; then what
passed only because of that is cut, whatever else happens."""

import datetime
import os
import signal
import threading
import time

from lib.caller import PINS, CallError
from lib.own_clock import OwnClock
from lib.server import BEGUN, begin_and_wait, echo
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import HOST, World

DAY = 86400
RESUMED = 'ended the pause of the pin of'
OVER = 'the time is over for which'


def serve_wrong_key(world, caller=None, **options):
    """A server with another key than the pinned one, which is trusted. Returns: server and pinned identity"""
    pinned = world.issue()
    (caller or world.alice).pin(HOST, pinned.der, **options)
    server = world.serve(world.impostor())
    return server, pinned


def wait_until(world, moment):
    """Until a second of the clock has begun, by Unix time."""
    world.wait_for_time(datetime.datetime.utcfromtimestamp(moment - 1))


def wait_for_change(caller, state):
    """Until a subscriber is told that a pin has that state. Returns: what it is told"""
    return caller.wait_for_signal_where('PinChanged', lambda _host, details: details['state'] == state)


def is_reported(answer, until, scope='user'):
    info = answer.info
    equal(info['paused-until'], until, 'paused-until')
    report = info['report']
    equal((report['error'], report['mode'], report['scope']), ('PinMismatch', 'report', scope), 'the report')
    holds('the pin is paused' in report['advice'], f'the advice: {report["advice"]}')
    equal('matched-key' in info, False, 'whether a key matched')


@test('a wrong key is refused; paused, it passes and is reported; when the time is over, it is refused again')
def _(world):
    server, pinned = serve_wrong_key(world)
    world.nothing_arrives(server, 'PinMismatch')
    before = world.alice.get_pin(HOST)
    began = int(time.time())
    pin = world.alice.pause(HOST, 2, 'the key changed today')
    until = pin['paused-until']
    holds(began + 2 <= until <= int(time.time()) + 2, f'paused-until is {until}, and the call was at {began}')
    equal((pin['state'], pin['mode'], pin['pause-reason']), ('paused', 'enforce', 'the key changed today'), 'the pin')
    holds(f'(uid {world.alice.uid})' in pin['paused-by'], f'paused-by: {pin["paused-by"]}')
    equal((pin['created'], pin['created-by']), (before['created'], before['created-by']), 'who made the pin')
    is_reported(world.arrives(server), until)
    equal(world.alice.last_failure(HOST)['mode'], 'report', 'the mode of the last failure')
    wait_until(world, until)
    world.nothing_arrives(server, 'PinMismatch')
    equal(world.alice.last_failure(HOST)['mode'], 'enforce', 'the mode of the last failure')
    after = world.alice.get_pin(HOST)
    equal([name for name in after if 'pause' in name], [], 'what is left of the pause')
    equal(after['state'], 'active', 'the state')
    world.arrives(world.serve(world.issue(key=pinned.key)))


@test('a key that matches says that the pin is paused, and reports nothing')
def _(world):
    server, _ = world.serve_pinned()
    equal('paused-until' in world.arrives(server).info, False, 'whether an unpaused pin has paused-until')
    until = world.alice.pause(HOST, 100)['paused-until']
    info = world.arrives(server).info
    equal((info['paused-until'], 'report' in info, 'matched-key' in info), (until, False, True), 'the info')
    tunnel = world.alice.connect(HOST, server.port)
    equal((tunnel.info['paused-until'], 'report' in tunnel.info), (until, False), 'the info of a connection')
    tunnel.close()


def explain(caller):
    return caller.call(PINS, 'ExplainHost', '(sa{sv})', HOST, {})[0]


@test('ExplainHost and ListPins say that a pin is paused')
def _(world):
    serve_wrong_key(world)
    equal('paused-until' in explain(world.alice), False, 'whether an unpaused pin has paused-until')
    until = world.alice.pause(HOST, 100)['paused-until']
    explained = explain(world.alice)
    equal(explained['paused-until'], until, 'paused-until')
    holds('paused until' in explained['policy'], f'the policy: {explained["policy"]}')
    equal([pin['paused-until'] for pin in (*explained['pins'], *world.alice.list_pins())], [until] * 2, 'the pins')
    world.alice.resume(HOST)
    equal('paused-until' in explain(world.alice), False, 'whether a resumed pin has paused-until')


@test('validation, blocks, expiry and the pins of other scopes refuse as ever')
def _(world):
    server, _ = serve_wrong_key(world)
    world.alice.pause(HOST, 100)
    world.root.pin(HOST, world.issue().der, scope='system')
    error = world.nothing_arrives(server, 'PinMismatch')
    holds("the system's pin" in error.message, f'the message: {error.message}')
    world.root.unpin(HOST, scope='system')
    world.arrives(server)
    past = datetime.datetime.utcnow() - datetime.timedelta(days=1)
    world.nothing_arrives(world.serve(world.issue(end=past)), 'Untrusted')
    world.nothing_arrives(world.serve(world.issue('other.localhost')), 'Untrusted')
    world.nothing_arrives(server, 'PinMismatch', require_keys=[world.issue().pin])
    world.root.block(HOST, 'why', scope='system')
    world.no_connection(server, 'Blocked', server.url(HOST))
    world.root.unpin(HOST, scope='system')
    expires = int(time.time()) + 3
    world.alice.pin(HOST, world.issue().der, expires=expires)
    world.alice.pause(HOST, 100)
    wait_until(world, expires)
    world.no_connection(server, 'PinExpired', server.url(HOST))
    equal(world.alice.get_pin(HOST)['state'], 'expired', 'the state')


@test('a pause of the system’s pin is for everybody, and no other')
def _(world):
    server, _ = serve_wrong_key(world, world.root, scope='system')
    for caller in (world.alice, world.bob):
        world.nothing_arrives(server, 'PinMismatch', caller)
    until = world.root.pause(HOST, 100, scope='system')['paused-until']
    for caller in (world.alice, world.bob):
        is_reported(world.arrives(server, caller), until, 'system')
    world.alice.pin(HOST, world.issue().der)
    world.nothing_arrives(server, 'PinMismatch', others_stay=True)
    world.arrives(server, world.bob)


@test('ResumePin ends it at once; a pin that is not paused stays as it is')
def _(world):
    server, _ = serve_wrong_key(world)
    world.alice.pause(HOST, 100)
    world.arrives(server)
    pin = world.alice.resume(HOST)
    equal((pin['state'], 'paused-until' in pin), ('active', False), 'the pin')
    world.nothing_arrives(server, 'PinMismatch')
    equal(world.alice.resume(HOST)['state'], 'active', 'the state of a pin that was not paused')
    equal(world.daemon.log().count(RESUMED), 1, 'how often the journal has the end')


def open_everything(world, server, other):
    """Returns: a stream, a tunnel, and a request that waits for its answer"""
    server.respond, other.speak = begin_and_wait, echo
    stream = world.alice.stream(server.url(HOST))
    data = b''
    while len(data) < len(BEGUN):
        data += stream.read()
    tunnel = world.alice.connect(HOST, other.port)
    tunnel.send(b'ping')
    equal(tunnel.read(4), b'ping', 'what came back')
    request = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(2)
    return stream, tunnel, request


def all_are_cut(world, stream, tunnel, request):
    world.alice.refused('PinChanged', request.wait)
    equal(stream.read_all()[1], False, 'whether the stream ended in order')
    world.alice.refused('PinChanged', stream.finish)
    try:
        holds(tunnel.read_all() is None, 'the tunnel ended in order')
    except ConnectionResetError:
        pass
    world.alice.refused('PinChanged', tunnel.finish)


def add_cut_test(how, end, then='PinMismatch'):
    @test(f'a stream, a tunnel and a request that passed because of the pause are cut when {how}')
    def _(world):
        server, _ = serve_wrong_key(world)
        other, third = world.serve(), world.serve()
        until = world.alice.pause(HOST, 4)['paused-until']
        world.arrives(third)
        opened = open_everything(world, server, other)
        holds(time.time() < until, 'the machine is too slow for this test')
        end(world)
        all_are_cut(world, *opened)
        holds(time.time() < until + 3, f'they were cut {time.time() - until:.1f} s after the end')
        for one in (server, other, third):
            one.wait_until_idle()
        world.nothing_arrives(server, then)


add_cut_test('its time is over', lambda world: None)
add_cut_test('it is ended', lambda world: world.alice.resume(HOST))
add_cut_test('the host is pinned anew', lambda world: world.alice.pin(HOST, world.issue().der))
add_cut_test('the host is blocked', lambda world: world.alice.block(HOST, 'why'), 'Blocked')


@test('what the pin accepts goes on when the pause is over: a stream, and a tunnel')
def _(world):
    server, identity = world.serve_pinned()
    other = world.serve(identity)
    world.alice.be_told()
    world.alice.pause(HOST, 2)
    stream, tunnel, _ = open_everything(world, server, other)
    wait_for_change(world.alice, 'active')
    tunnel.send(b'ping')
    equal(tunnel.read(4), b'ping', 'what came back')
    server.connections[0].send(b'y' * 1000)
    equal(stream.read(1000), b'y' * 1000, 'the body')
    stream.cancel()
    tunnel.close()


@test('what the pin accepts goes on when the pause is over: a kept connection')
def _(world):
    # Alone: where others take long to be judged again, it is closed, as it costs only a new handshake.
    server, _ = world.serve_pinned()
    world.alice.be_told()
    world.alice.pause(HOST, 1)
    world.arrives(server)
    wait_for_change(world.alice, 'active')
    equal(world.arrives(server).info['connection-reused'], True, 'connection-reused')


@test('a kept connection is not used any more when the time is over')
def _(world):
    server, _ = serve_wrong_key(world)
    until = world.alice.pause(HOST, 2)['paused-until']
    world.arrives(server)
    equal(world.arrives(server).info['connection-reused'], True, 'connection-reused')
    wait_until(world, until)
    server.wait_until_idle()
    world.nothing_arrives(server, 'PinMismatch')


@test('a pause may be set again, and lasts for a day at most from its beginning')
def _(world):
    serve_wrong_key(world)
    for seconds in (0, DAY + 1, 2**32 - 1):
        world.alice.refused('InvalidArgument', world.alice.pause, HOST, seconds)
    first = world.alice.pause(HOST, DAY)['paused-until']
    shorter = world.alice.pause(HOST, 10, 'shorter')
    holds(shorter['paused-until'] <= first - DAY + 100, 'it was not shortened')
    equal(shorter['pause-reason'], 'shorter', 'the reason')
    wait_until(world, first - DAY + 1)
    error = world.alice.refused('InvalidArgument', world.alice.pause, HOST, DAY)
    left = int(error.message.split('at most ')[1].split()[0])
    holds(DAY - 60 < left < DAY, f'the message says that {left} seconds are left: {error.message}')
    equal(world.alice.get_pin(HOST)['paused-until'], shorter['paused-until'], 'paused-until')
    equal(world.alice.pause(HOST, left - 1)['paused-until'] <= first, True, 'whether it ends within a day')
    world.alice.resume(HOST)
    holds(world.alice.pause(HOST, DAY)['paused-until'] > first, 'a new one cannot begin')


@test('options that are missing, unknown, of the wrong type or out of range, and hosts that are none')
def _(world):
    serve_wrong_key(world)
    call = lambda options, host=HOST: world.alice.call(PINS, 'PausePin', '(sa{sv})', host, options)
    good = {'seconds': V('u', 60), 'reason': V('s', 'why')}
    for wrong in ({'seconds': good['seconds']}, {'reason': good['reason']}, {}, good | {'seconds': V('x', 60)},
                  good | {'reason': V('s', '')}, good | {'reason': V('s', 'a\nb')}, good | {'reason': V('s', '\u202e')},
                  good | {'reason': V('s', 'x' * 1025)}, good | {'scope': V('s', 'app')}, good | {'for': V('u', 60)}):
        world.alice.refused('InvalidArgument', call, wrong)
    world.alice.refused('InvalidHost', call, good, 'a..b')
    world.alice.refused('InvalidArgument', world.alice.resume, HOST, reason='why')
    world.alice.refused('InvalidHost', world.alice.resume, 'a..b')
    equal(world.alice.get_pin(HOST)['state'], 'active', 'the state')
    equal(world.alice.pause(HOST, DAY, 'x' * 1024)['pause-reason'], 'x' * 1024, 'the longest reason')


@test('a host without a pin of exactly this pattern, a blocked one, a report-only pin, a pin of a file')
def _(world):
    key = world.issue().pin
    world.alice.pin_keys(f'**.{HOST}', key)
    pause = lambda caller=world.alice, **options: caller.pause(HOST, 60, **options)
    resume = lambda caller=world.alice, **options: caller.resume(HOST, **options)
    for change in (pause, resume):
        world.alice.refused('NotPinned', change)
    world.alice.block(HOST, 'why')
    for change in (pause, resume):
        world.alice.refused('Blocked', change)
    world.alice.pin_keys(HOST, key, mode='report')
    world.alice.refused('InvalidArgument', pause)
    path = os.path.join(world.daemon.pins_dir, 'a.pin')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(f'[Pin File]\nVersion=1\n\n[one]\nHost={HOST}\nKeys={key};\n')
    world.root.call(PINS, 'Reload', '')
    for change in (pause, resume):
        error = world.root.refused('InvalidArgument', change, world.root, scope='system')
        holds(path in error.message, f'the message does not name the file: {error.message}')


@test('a user can pause and resume only own pins')
def _(world):
    server, _ = serve_wrong_key(world)
    world.root.pin(HOST, world.issue().der, scope='system')
    world.alice.refused('NotAuthorized', world.alice.pause, HOST, 60, scope='system')
    world.root.pause(HOST, 60, scope='system')
    world.alice.refused('NotAuthorized', world.alice.resume, HOST, scope='system')
    equal(world.alice.get_pin(HOST, scope='system')['state'], 'paused', 'the state')
    world.bob.refused('NotPinned', world.bob.pause, HOST, 60)
    world.nothing_arrives(server, 'PinMismatch')


@test('adding and removing keys leaves the pause; pinning anew ends it, which the journal has')
def _(world):
    server, pinned = serve_wrong_key(world)
    until = world.alice.pause(HOST, 100)['paused-until']
    equal(world.alice.add_keys(HOST, world.issue().pin)['paused-until'], until, 'paused-until after AddKeys')
    equal(world.alice.remove_keys(HOST, pinned.pin)['paused-until'], until, 'paused-until after RemoveKeys')
    world.arrives(server)
    equal(world.daemon.log().count(RESUMED), 0, 'how often the journal has the end')
    equal(world.alice.pin(HOST, pinned.der)['state'], 'active', 'the state after PinCertificate')
    world.nothing_arrives(server, 'PinMismatch')
    equal(world.daemon.log().count(RESUMED), 1, 'how often the journal has the end')
    world.alice.pause(HOST, 100)
    world.alice.unpin(HOST)
    equal(world.daemon.log().count(RESUMED), 2, 'how often the journal has the end')


@test('subscribers and the journal are told of the beginning and the end')
def _(world):
    server, _ = serve_wrong_key(world)
    who = f'(uid {world.alice.uid})'
    world.alice.be_told()
    world.alice.pause(HOST, 2, 'the reason')
    host, details = wait_for_change(world.alice, 'paused')
    equal((host, details['scope']), (HOST, 'user'), 'the signal of the beginning')
    world.arrives(server)
    host, details = world.alice.wait_for_signal('PinFailed')
    equal((details['mode'], details['reason']), ('report', 'wrong-key'), 'the signal of the mismatch')
    host, details = wait_for_change(world.alice, 'active')
    equal((host, details['scope']), (HOST, 'user'), 'the signal of the end')
    lines = world.daemon.log().splitlines()
    for told in (f'{who} paused the pin of', OVER):
        line, = (line for line in lines if told in line)
        for text in (HOST, who, 'user scope', 'the reason'):
            holds(text in line, f'the line of the journal does not say ‘{text}’: {line}')
    equal(sum('because the pin is paused' in line for line in lines), 1, 'the lines of what passed')


def pin_file(world):
    return os.path.join(world.daemon.state_dir, 'users', str(world.alice.uid), f'{HOST}.pin')


def read_file(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def read_uptime(world):
    """The boot in which a pause began, and the µs since the machine started"""
    text = read_file(pin_file(world))
    boot, uptime = (text.split(f'{key}=')[1].split()[0] for key in ('PausedBoot', 'PausedUptime'))
    return boot, int(uptime)


@test('a pause goes on after a restart and after kill -9, and ends as if nothing had happened')
def _(world):
    server, _ = serve_wrong_key(world)
    until = world.alice.pause(HOST, 6)['paused-until']
    world.daemon.kill()
    world.daemon.start()
    is_reported(world.arrives(server), until)
    world.daemon.restart()
    world.alice.be_told()
    tunnel = world.alice.connect(HOST, server.port)
    equal(tunnel.info['paused-until'], until, 'paused-until')
    holds(time.time() < until, 'the machine is too slow for this test')
    wait_for_change(world.alice, 'active')
    holds(until <= time.time() < until + 3, f'it ended {time.time() - until:.1f} s late')
    world.alice.refused('PinChanged', tunnel.finish)
    tunnel.close()
    world.nothing_arrives(server, 'PinMismatch')
    equal(world.daemon.log().count(OVER), 1, 'how often the journal has the end')
    world.daemon.restart()
    equal('Pause' in read_file(pin_file(world)), False, 'whether the file still has the pause')


@test('a pause that is over while the service does not run is over, and told of, at its start')
def _(world):
    server, _ = serve_wrong_key(world)
    until = world.alice.pause(HOST, 1)['paused-until']
    world.daemon.kill()
    wait_until(world, until)
    world.daemon.start()
    world.nothing_arrives(server, 'PinMismatch')
    equal(world.daemon.log().count(OVER), 1, 'how often the journal has the end')
    world.daemon.restart()
    equal(world.daemon.log().count(OVER), 1, 'how often the journal has the end')


@test('kill -9 while pins are paused and resumed: what was acknowledged holds, and nothing is half done')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    for wait_s in (0.001 * step for step in range(20)):
        acknowledged = None
        timer = threading.Timer(wait_s, world.daemon.process.send_signal, [signal.SIGKILL])
        timer.start()
        try:
            for step in range(10000):
                if step % 2 == 0:
                    world.alice.pause(HOST, 1000, f'{step}')
                    acknowledged = f'{step}'
                else:
                    world.alice.resume(HOST)
                    acknowledged = None
        except CallError:
            pass
        timer.join()
        world.daemon.process.wait()
        world.shared.bus.wait_for_no_owner()
        world.daemon.start()
        equal('are refused' in world.daemon.log(), False, 'whether a file was broken')
        found = world.alice.get_pin(HOST).get('pause-reason')
        under_way = None if acknowledged is not None else f'{step}'
        holds(found in (acknowledged, under_way),
              f'{acknowledged} was acknowledged and {under_way} under way, but {found} is in force')
        world.alice.resume(HOST)


@test('a clock that jumps: at every check, a pause is over after its end, and there is none before its beginning')
def _(world):
    clock = OwnClock(world.folder)
    world.daemon.more_environment.update(clock.environment)
    world.daemon.restart()
    server, _ = serve_wrong_key(world)
    began = world.alice.pause(HOST, DAY)['paused-until'] - DAY
    world.arrives(server)
    for jump, passes in ((1380, True), (1441, False), (-1, False), (1, True)):
        clock.set(datetime.timedelta(minutes=jump))
        if passes:
            world.arrives(server)
        else:
            world.nothing_arrives(server, 'PinMismatch')
    clock.set(datetime.timedelta(minutes=1439))
    error = world.alice.refused('InvalidArgument', world.alice.pause, HOST, 120)
    holds('at most' in error.message, f'the message: {error.message}')
    clock.set(datetime.timedelta(minutes=1441))
    equal(world.alice.pause(HOST, DAY)['paused-until'] >= began + 2 * DAY, True, 'whether a new one begins')


@test('a clock that is set back within a pause: it ends all the same, also if it is set again or the service restarts')
def _(world):
    clock = OwnClock(world.folder)
    world.daemon.more_environment.update(clock.environment)
    world.daemon.restart()
    serve_wrong_key(world)
    began = time.monotonic()
    until = world.alice.pause(HOST, 8)['paused-until']
    wait_until(world, until - 3)
    clock.set(datetime.timedelta(seconds=-4))
    error = world.alice.refused('InvalidArgument', world.alice.pause, HOST, DAY - 3)
    holds('at most' in error.message, f'the message: {error.message}')
    world.daemon.restart()
    world.alice.refused('InvalidArgument', world.alice.pause, HOST, DAY - 3)
    world.alice.be_told()
    wait_for_change(world.alice, 'active')
    holds(time.monotonic() < began + 11, f'it lasted {time.monotonic() - began:.1f} s')


@test('a pause from before the machine started is written anew, with how long ago it began')
def _(world):
    serve_wrong_key(world)
    until = world.alice.pause(HOST, DAY)['paused-until']
    world.daemon.terminate()
    path, (boot, uptime) = pin_file(world), read_uptime(world)
    text = read_file(path).replace(f'PausedBoot={boot}', 'PausedBoot=another')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text.replace(f'PausedUptime={uptime}', 'PausedUptime=1'))
    world.daemon.start()
    world.daemon.restart()
    new_boot, new_uptime = read_uptime(world)
    holds(new_boot == boot and abs(new_uptime - uptime) < 2000000, f'{new_boot}, {new_uptime}; was {boot}, {uptime}')
    equal(world.alice.get_pin(HOST)['paused-until'], until, 'paused-until')


@test('a pause in a file that is too long, or in a file of the administrator’s, blocks the host')
def _(world):
    server, _ = serve_wrong_key(world)
    world.alice.pause(HOST, DAY)
    world.daemon.terminate()
    path = pin_file(world)
    text = read_file(path)
    until = int(text.split('PausedUntil=')[1].split()[0])
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text.replace(f'PausedUntil={until}', f'PausedUntil={until + 1}'))
    world.daemon.start()
    world.no_connection(server, 'Blocked', server.url(HOST))
    world.daemon.terminate()
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    world.daemon.start()
    world.arrives(server)
    drop_in = os.path.join(world.daemon.pins_dir, 'a.pin')
    with open(drop_in, 'w', encoding='utf-8') as file:
        file.write(text)
    code, said = world.daemon.run('--check')
    holds(code == 1 and 'Mode=report' in said and 'a.pin' in said, f'--check: {code}, {said}')


run(World)
