#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pin files and the trust file count soon after they have changed, however they change: in their
place, with their folder, or where there was nothing before."""

import os
import shutil
import signal
import threading
import time

from lib.caller import PINS
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import HOST, World


CONSTANT = 'constant.localhost'

# Changes settle within two; who looks for them now and then is later.
SOON_S = 4


def write(path, text, mode='w'):
    with open(path, mode, encoding=None if 'b' in mode else 'utf-8') as file:
        file.write(text)


def pin_file(key):
    return f'[Pin File]\nVersion=1\n\n[one]\nHost={HOST}\nKeys={key};\n'


def make_folder(path, key=None):
    os.makedirs(path, 0o755)
    if key is not None:
        write(os.path.join(path, 'site.pin'), pin_file(key))
    return path


class Told:
    """What a program is told of reloads from now on."""

    def __init__(self, world):
        world.alice.be_told()
        world.alice.signals.clear()
        self.world = world
        self.began = time.monotonic()

    def seen(self):
        return any(name == 'PinChanged' and arguments[1]['state'] == 'reloaded'
                   for name, arguments in list(self.world.alice.signals))

    def wait(self):
        self.world.alice.wait(self.seen, 'a reload', SOON_S)
        return time.monotonic() - self.began


def in_force(world):
    return [key for pin in world.alice.list_pins() for key in pin['keys']]


@test('a file that is touched again and again does not put off the reload')
def _(world):
    key = world.issue().pin
    path = os.path.join(world.daemon.pins_dir, 'site.pin')
    told = Told(world)
    write(path, pin_file(key))
    while not told.seen():
        holds(time.monotonic() - told.began < 4, 'no reload in 4 s')
        os.utime(path)
        threading.Event().wait(0.3)
    holds(time.monotonic() - told.began > 1.5, 'the reload did not wait for the file to settle')
    equal(in_force(world), [key], 'the keys')


def add_swap_test(name, swap):
    @test(f'a folder of pin files that {name} is watched on')
    def _(world):
        keys = [world.issue().pin for _ in range(3)]
        path = world.daemon.pins_dir
        write(os.path.join(path, 'site.pin'), pin_file(keys[0]))
        world.daemon.restart()
        told = Told(world)
        swap(world, path, keys[1])
        told.wait()
        equal(in_force(world), [keys[1]], 'the keys after the swap')
        told = Told(world)
        write(os.path.join(path, 'site.pin'), pin_file(keys[2]))
        told.wait()
        equal(in_force(world), [keys[2]], 'the keys after a change in the new folder')


def swap_by_rename(world, path, key):
    new = make_folder(os.path.join(world.folder, 'new'), key)
    os.rename(path, path + '.old')
    os.rename(new, path)


def swap_by_removal(_world, path, key):
    shutil.rmtree(path)
    make_folder(path, key)


def swap_a_while_later(world, path, key):
    told = Told(world)
    shutil.rmtree(path)
    told.wait()
    equal(in_force(world), [], 'the keys without the folder')
    world.alice.signals.clear()
    make_folder(path, key)


add_swap_test('is replaced by a rename', swap_by_rename)
add_swap_test('is removed and made again', swap_by_removal)
add_swap_test('is removed and made again a while later', swap_a_while_later)


@test('folders on the way that are replaced: what is below is watched on')
def _(world):
    keys = [world.issue().pin for _ in range(3)]
    above = os.path.join(world.folder, 'above')
    world.daemon.pins_dir = make_folder(os.path.join(above, 'middle', 'pins.d'), keys[0])
    world.daemon.restart()
    make_folder(os.path.join(world.folder, 'new', 'middle', 'pins.d'), keys[1])
    told = Told(world)
    os.rename(above, above + '.old')
    os.rename(os.path.join(world.folder, 'new'), above)
    told.wait()
    equal(in_force(world), [keys[1]], 'the keys')
    told = Told(world)
    write(os.path.join(world.daemon.pins_dir, 'site.pin'), pin_file(keys[2]))
    told.wait()
    equal(in_force(world), [keys[2]], 'the keys after a change in the new folder')


@test('a folder of pin files that comes after the start, with all above it, is watched')
def _(world):
    keys = [world.issue().pin for _ in range(2)]
    world.daemon.pins_dir = os.path.join(world.folder, 'later', 'still', 'pins.d')
    world.daemon.restart()
    told = Told(world)
    make_folder(world.daemon.pins_dir, keys[0])
    told.wait()
    equal(in_force(world), [keys[0]], 'the keys')
    told = Told(world)
    write(os.path.join(world.daemon.pins_dir, 'site.pin'), pin_file(keys[1]))
    told.wait()
    equal(in_force(world), [keys[1]], 'the keys after a change in the folder')


def trust(world, authority):
    """Puts another trust file in the place of the one there, and waits until it counts."""
    write(world.daemon.trust_file + '.new', authority.pem, 'wb')
    told = Told(world)
    os.rename(world.daemon.trust_file + '.new', os.path.realpath(world.daemon.trust_file))
    told.wait()


def add_trust_test(name, place):
    @test(f'{name}: the new authorities count')
    def _(world):
        world.daemon.trust_file = place(world)
        world.daemon.restart()
        server, identity = world.serve_pinned()
        world.arrives(server)
        for authority in (world.other_authority, world.authority, world.other_authority):
            trust(world, authority)
            if authority is world.authority:
                world.arrives(server)
            else:
                world.nothing_arrives(server, 'Untrusted')
        equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the pin')


def plain_trust_file(world):
    path = os.path.join(world.folder, 'trust.pem')
    write(path, world.authority.pem, 'wb')
    return path


def linked_trust_file(world):
    folder = make_folder(os.path.join(world.folder, 'elsewhere'))
    write(os.path.join(folder, 'bundle.pem'), world.authority.pem, 'wb')
    path = os.path.join(world.folder, 'trust.pem')
    os.symlink(os.path.join(folder, 'bundle.pem'), path)
    return path


add_trust_test('a trust file that is replaced by a rename', plain_trust_file)
add_trust_test('a trust file behind a link, replaced by a rename', linked_trust_file)


def add_late_trust_test(name, place):
    @test(f'{name} counts')
    def _(world):
        comes_at = os.path.join(world.folder, 'later', 'trust.pem')
        world.daemon.trust_file = place(world, comes_at)
        world.daemon.restart()
        server, _ = world.serve_pinned()
        world.nothing_arrives(server, 'Untrusted')
        told = Told(world)
        os.mkdir(os.path.dirname(comes_at))
        write(comes_at, world.authority.pem, 'wb')
        told.wait()
        world.arrives(server)


def link_to(world, path):
    os.symlink(os.path.join('..', os.path.basename(world.folder), 'second'),
               os.path.join(world.folder, 'first'))
    os.symlink(os.path.dirname(path), os.path.join(world.folder, 'second'))
    return os.path.join(world.folder, 'first', os.path.basename(path))


add_late_trust_test('a trust file that is missing at the start and comes later', lambda _, path: path)
add_late_trust_test('a trust file that comes later where links lead', link_to)


def many_pins(changing, constant):
    """All of the changing pins have one key: whoever sees two of them at once sees a part of a reload."""
    groups = [(f'p{number:05}.many.test', changing) for number in range(10000)]
    return '[Pin File]\nVersion=1\n' + ''.join(
        f'[{host}]\nHost={host}\nKeys={key};\n' for host, key in [(HOST, changing), *groups, constant])


@test('thousands of pins are reloaded over and over: at every moment all of them are old, or all of them are new')
def _(world):
    wrong_keys = [world.issue().pin for _ in range(2)]
    identity = world.issue(CONSTANT)
    refused, passed = world.serve(world.issue()), world.serve(identity)
    path = os.path.join(world.daemon.pins_dir, 'many.pin')
    write(path, many_pins(wrong_keys[0], (CONSTANT, identity.pin)))
    world.daemon.restart()

    def reload_over_and_over():
        root = world.new_caller(0)
        for round_ in range(6):
            write(path + '.new', many_pins(wrong_keys[1 - round_ % 2], (CONSTANT, identity.pin)))
            os.rename(path + '.new', path)
            root.begin(PINS, 'Reload', '').wait(60)
            done.append(round_)
    done = []
    reloads = threading.Thread(target=reload_over_and_over)
    reloads.start()
    rounds, seen = 0, set()
    while reloads.is_alive() or rounds == 0:
        world.nothing_arrives(refused, 'PinMismatch', others_stay=True)
        world.arrives(passed, host=CONSTANT)
        number = rounds * 97 % 9900
        slice_ = world.alice.list_slice(scope='system', start_after=f'p{number:05}.many.test')
        keys = {pin['keys'][0] for pin in slice_ if pin['host'] != CONSTANT}
        holds(len(slice_) > 20 and len(keys) == 1 and keys <= set(wrong_keys),
              f'a slice of {len(slice_)} has the keys {keys}')
        seen |= keys
        rounds += 1
    reloads.join()
    equal(done, list(range(6)), 'the reloads')
    equal(seen, set(wrong_keys), 'the keys that were seen')
    equal(refused.bytes, 0, 'the bytes that the refused server got')
    print(f'# {rounds} rounds of questions')


@test('what changes while the state is read, or waited for, is not missed')
def _(world):
    key = world.issue().pin
    world.alice.list_pins()  # from here on it can be replaced
    first = world.daemon.process
    first.send_signal(signal.SIGSTOP)
    world.daemon.start('--replace')
    write(os.path.join(world.daemon.pins_dir, 'site.pin'), pin_file(key))
    first.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + DEADLINE_S
    while in_force(world) != [key]:
        holds(time.monotonic() < deadline, 'the file is not in force')
    equal(first.wait(10), 0, 'the exit code of the first')


run(World)
