#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pins and warm channels as people see them with busctl: everybody his own, and nobody another's."""

import os
import subprocess
import time

from lib.caller import NAME, PATH, PINS, PROPERTIES
from lib.caller_process import become
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

PIN = NAME + '.Pin'
CHANNEL = NAME + '.Channel'
MY_PIN = f'{PATH}/pin/user/h_2elocalhost'
INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
UNKNOWN = 'org.freedesktop.DBus.Error.UnknownObject'
KEY = 'sha256/mjLZM/F4Hc2BGr1JKLMzsvmzzN4VpisdLNAPBEhqh5g='
EMPTY_TREE = ['/', '/org', '/org/certpin', PATH, PATH + '/channel', PATH + '/pin', PATH + '/pin/files',
              PATH + '/pin/system', PATH + '/pin/user']
MANY = 10000


class ObjectsWorld(World):
    def run_busctl(self, uid, *arguments):
        """Returns: exit code, and what it printed"""
        done = subprocess.run(['busctl', f'--address={self.shared.bus.address}', '--no-pager', *arguments],
                              preexec_fn=lambda: become(uid), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, timeout=120, env={'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'})
        return done.returncode, done.stdout.decode()

    def busctl(self, uid, *arguments):
        code, text = self.run_busctl(uid, *arguments)
        equal(code, 0, f'the exit code of busctl, which said {text}')
        return text

    def tree(self, uid):
        return sorted(self.busctl(uid, 'tree', '--list', NAME).split())

    def get_property(self, uid, path, interface, name):
        return self.busctl(uid, 'get-property', NAME, path, interface, name).strip()

    def add_file(self):
        """A pin file of the administrator's."""
        with open(os.path.join(self.daemon.pins_dir, 'a.pin'), 'w', encoding='utf-8') as file:
            file.write(f'[Pin File]\nVersion=1\n[a]\nHost={HOST}\nKeys={KEY}\n')
        self.root.call(PINS, 'Reload', '')


@test('busctl tree: everybody’s own pins and the system’s, and nobody else’s')
def _(world):
    for uid in (0, ALICE, BOB):
        equal(world.tree(uid), EMPTY_TREE, f'the tree of {uid} without pins')
    world.alice.pin(HOST, world.issue().der)
    world.alice.pin('*.h.localhost:8443', world.issue().der)
    equal(world.tree(ALICE), sorted([*EMPTY_TREE, MY_PIN, f'{PATH}/pin/user/_2a_2eh_2elocalhost_3a8443']),
          'Alice’s tree')
    for uid in (0, BOB):
        equal(world.tree(uid), EMPTY_TREE, f'the tree of {uid}')
    world.root.pin('s.localhost', world.issue().der, scope='system')
    world.add_file()
    of_all = sorted([*EMPTY_TREE, f'{PATH}/pin/system/s_2elocalhost', f'{PATH}/pin/files/h_2elocalhost'])
    for uid in (0, BOB):
        equal(world.tree(uid), of_all, f'the tree of {uid} with pins of the system')
    equal(len(world.tree(ALICE)), len(of_all) + 2, 'the size of Alice’s tree')


@test('busctl introspect and get-property read a pin like a form; each property that is listed can be read')
def _(world):
    identity = world.issue()
    world.alice.pin(HOST, identity.der, note='a note', expires=4000000000)
    text = world.busctl(ALICE, 'introspect', NAME, MY_PIN, PIN)
    lines = {line.split()[0]: line.split() for line in text.splitlines()[1:]}
    equal(lines['.Host'][1:], ['property', 's', '"h.localhost"', 'const'], 'the host')
    equal(lines['.Keys'][1:], ['property', 'as', '1', f'"{identity.pin}"', 'emits-invalidation'], 'the keys')
    equal(lines['.Expires'][3], '4000000000', 'the expiry')
    for name, (_, kind, signature, *_) in lines.items():
        equal(kind, 'property', f'the kind of {name}')
        value = world.get_property(ALICE, MY_PIN, PIN, name[1:])
        equal(value.split()[0], signature, f'the type of {name}')
    equal(world.get_property(ALICE, MY_PIN, PIN, 'Note'), 's "a note"', 'the note')
    equal(world.get_property(ALICE, MY_PIN, PIN, 'Reason'), 's ""', 'the reason of no block')
    world.alice.refused('WrongFormat', world.alice.pin, HOST, b'junk')
    equal(world.get_property(ALICE, MY_PIN, PIN, 'State'), 's "blocked"', 'the state after a block')
    equal(world.get_property(ALICE, MY_PIN, PIN, 'Keys'), 'as 0', 'the keys of a block')
    world.alice.unpin(HOST)
    code, text = world.run_busctl(ALICE, 'get-property', NAME, MY_PIN, PIN, 'State')
    holds(code != 0 and 'there is no object' in text, f'after Unpin, busctl ended with {code}: {text}')


@test('one host, three pins: of a file, of the system and of the user')
def _(world):
    world.add_file()
    world.root.pin(HOST, world.issue().der, scope='system')
    world.alice.pin(HOST, world.issue().der)
    for folder, scope, source in (('files', 'system', world.daemon.pins_dir), ('system', 'system', world.daemon.state_dir),
                                  ('user', 'user', world.daemon.state_dir)):
        path = f'{PATH}/pin/{folder}/h_2elocalhost'
        equal(world.get_property(ALICE, path, PIN, 'Scope'), f's "{scope}"', f'the scope in {folder}')
        said = world.get_property(ALICE, path, PIN, 'Source')
        holds(said == 's ""' or source in said, f'the source in {folder}: {said}')
    holds(world.daemon.pins_dir in world.get_property(BOB, f'{PATH}/pin/files/h_2elocalhost', PIN, 'Source'),
          'Bob does not see which file')


def ask(caller, path, interface, method, signature, *arguments):
    return caller.call(interface, method, signature, *arguments, path=path)


@test('another user’s pin and channel answer like what does not exist, byte for byte, root included')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    ask(world.alice, f'{PATH}/channel/1', PROPERTIES, 'GetAll', '(s)', CHANNEL)
    for caller in (world.bob, world.root):
        for real, none in ((MY_PIN, f'{PATH}/pin/user/x_2elocalhost'), (f'{PATH}/channel/1', f'{PATH}/channel/9')):
            for interface, method, signature, arguments in (
                    (PROPERTIES, 'GetAll', '(s)', ['']), (PROPERTIES, 'Get', '(ss)', [PIN, 'Host']),
                    (INTROSPECTABLE, 'Introspect', '', []), ('a.b', 'C', '', [])):
                errors = [caller.refused(UNKNOWN, ask, caller, path, interface, method, signature, *arguments)
                          for path in (real, none)]
                equal(errors[0].message.replace(real, 'X'), errors[1].message.replace(none, 'X'), 'what it says')


@test('a warm channel: host, connections, requests, bytes and key, for its user alone')
def _(world):
    server, identity = world.serve_pinned()
    for _ in range(3):
        world.arrives(server)
    equal([path for path in world.tree(ALICE) if '/channel/' in path], [f'{PATH}/channel/1'], 'Alice’s channels')
    for uid in (0, BOB):
        equal(world.tree(uid), EMPTY_TREE, f'the tree of {uid}')
    path = f'{PATH}/channel/1'
    host = f'{HOST}:{server.port}'
    for name, value in (('Host', f's "{host}"'), ('Proxy', 's "direct"'), ('Connections', 'u 1'), ('Requests', 't 3'),
                        ('MatchedKey', f's "{identity.pin}"'), ('BytesSent', f't {server.bytes}')):
        equal(world.get_property(ALICE, path, CHANNEL, name), value, name)
    received = int(world.get_property(ALICE, path, CHANNEL, 'BytesReceived').split()[1])
    holds(received > 3 * len('HTTP/1.1 200'), f'{received} bytes were received')
    since = int(world.get_property(ALICE, path, CHANNEL, 'Since').split()[1])
    holds(abs(time.time() - since) < 60, f'since {since}')
    world.busctl(ALICE, 'introspect', NAME, path)


@test('channels are counted for each user, and a number is never used again')
def _(world):
    server, identity = world.serve_pinned()
    world.bob.pin(HOST, identity.der)
    world.arrives(server)
    world.arrives(server, caller=world.bob)
    for uid in (ALICE, BOB):
        holds(f'{PATH}/channel/1' in world.tree(uid), f'the first channel of {uid}')
    world.alice.pin(HOST, world.impostor().der)
    server.wait(lambda: sum(connection.ended for connection in server.connections) == 1, 'an end')
    equal([path for path in world.tree(ALICE) if '/channel/' in path], [], 'Alice’s channels')
    world.alice.pin(HOST, identity.der)
    world.arrives(server)
    equal([path for path in world.tree(ALICE) if '/channel/' in path], [f'{PATH}/channel/2'], 'Alice’s channels')


@test('PropertiesChanged: to subscribers that may see the pin, and to no other connection')
def _(world):
    subscribed, silent, bob = world.new_caller(ALICE), world.new_caller(ALICE), world.new_caller(BOB)
    for caller in (subscribed, silent, bob):
        caller.listen_to_all()
    for caller in (subscribed, bob):
        caller.be_told()
    silent.list_pins()
    world.alice.pin(HOST, world.issue().der)
    subscribed.wait_for_signal('PinChanged')
    equal([name for name, _ in subscribed.signals], ['PropertiesChanged', 'PinChanged'], 'what the subscriber got')
    interface, changed, invalidated = subscribed.signals[0][1]
    equal((interface, changed), (PIN, {}), 'whose properties, with values')
    holds('Keys' in invalidated and 'Host' not in invalidated, f'the names are {invalidated}')
    world.root.pin('last.localhost', world.issue().der, scope='system')
    bob.wait_for_signal('PinChanged')
    equal([name for name, _ in bob.signals], ['PropertiesChanged', 'PinChanged'], 'what Bob got, all of the system’s')
    silent.list_pins()
    equal(silent.signals, [], 'what the silent one got')


@test(f'{MANY} pins: the tree is bounded, and one that is not named can be read')
def _(world):
    world.daemon.terminate()
    with open(os.path.join(world.daemon.pins_dir, 'many.pin'), 'w', encoding='utf-8') as file:
        file.write('[Pin File]\nVersion=1\n' + ''.join(
            f'[p{i}]\nHost=p{i:05}.many.localhost\nKeys={KEY}\n' for i in range(MANY)))
    world.daemon.start()
    xml, = ask(world.alice, f'{PATH}/pin/files', INTROSPECTABLE, 'Introspect', '')
    listed = xml.count('<node name=')
    equal(listed, 5000, 'how many are named')
    holds('ListPins' in xml, 'nothing says that there are more')
    began = time.monotonic()
    size = len(world.tree(ALICE))
    print(f'# {MANY} pins: busctl tree takes {time.monotonic() - began:.1f} s for {listed} of them')
    equal(size, len(EMPTY_TREE) + listed, 'the size of the tree')
    path = f'{PATH}/pin/files/p{MANY - 1:05}_2emany_2elocalhost'
    equal(world.get_property(ALICE, path, PIN, 'Host'), f's "p{MANY - 1:05}.many.localhost"', 'the last one')


run(ObjectsWorld)
