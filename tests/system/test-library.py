#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library in other languages: what its calls return, of a real service and server."""

import json
import os
import subprocess
import sys

from lib.caller_process import become
from lib.public import library
from lib.tap import equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

PROGRAM = '''
import gc, json, sys
import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

client = Certpin.Client.new()
told = {}

def tell_chain(name, chain):
    told[name] = [chain.props.verdict, chain.props.trusted, chain.props.offered_keys, chain.props.matched_key,
                  [[c.props.subject, c.props.key, c.props.not_after.to_unix()] for c in chain.dup_certificates()]]

host, url = sys.argv[1:]
chain = client.fetch_chain(host, None, None)
tell_chain('fetched', chain)
tell_chain('verified', client.verify_chain(host, chain.get_der(), None, None))
told['der'] = [der.get_data().hex() for der in chain.get_der()]
pin = client.get_pin(host, None, None)
told['pin'] = [pin.props.host, pin.props.scope.value_nick, pin.props.state.value_nick, pin.props.match.value_nick,
               pin.props.mode.value_nick, pin.props.keys, pin.props.stored, pin.props.expires]
told['pins'] = [[pin.props.host, pin.props.keys] for pin in client.list_pins(None, None)]
try:
    evidence = client.secure_request(Certpin.RequestBuilder.new(url).build(), None, None).get_evidence()
    told['evidence'] = [evidence.props.url, evidence.props.tls_version, evidence.props.matched_key,
                        evidence.props.path_keys[0], evidence.props.ocsp, evidence.get_timing_us('total') > 0]
except GLib.Error as error:
    failure = client.last_failure(host, None)
    told['failure'] = [error.matches(Certpin.error_quark(), Certpin.Error.PIN_MISMATCH),
                       failure.get_code() == Certpin.Error.PIN_MISMATCH, failure.props.pinned_keys,
                       failure.props.offered_keys, failure.props.scope.value_nick, failure.props.advice != '',
                       failure.props.time is not None]
del chain
gc.collect()
print(json.dumps(told))
'''


EXCHANGE = '''
import json
import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin

client = Certpin.Client.new()
files = client.export_pins(None, None)
client.unpin('b.example', None, None)
told = [[file.props.host, file.props.scope.value_nick, file.props.name, type(file.props.text).__name__]
        for file in files]
for change in client.import_pins(files[1].props.text, None, None) + client.import_pins(files[0].props.text, None, None):
    told.append([change.props.host, change.props.change.value_nick, change.props.pin.props.note,
                 change.props.old and change.props.old.props.host])
print(json.dumps(told))
'''

USERS = {
    'Python': [sys.executable, '-B', '-c', '''
import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin
print(list(Certpin.Client.new().list_users(None, None)))
'''],
    'JavaScript': ['gjs', '-c', '''
imports.gi.versions.Certpin = '1';
print(JSON.stringify(Array.from(imports.gi.Certpin.Client.new().list_users(null, null))));
''']}


def run_as(world, uid, command):
    """Returns: what it tells, as JSON"""
    environment = {'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8', 'LD_LIBRARY_PATH': library(),
                   'GI_TYPELIB_PATH': library(), 'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address}
    done = subprocess.run(command, env=environment, cwd='/', preexec_fn=lambda: become(uid), capture_output=True,
                          timeout=60, check=False)
    equal((done.returncode, done.stderr.decode()), (0, ''), 'the exit code and the errors')
    return json.loads(done.stdout)


def run_python(world, program, *arguments):
    return run_as(world, ALICE, [sys.executable, '-B', '-c', program, *arguments])


def tell(world, server):
    return run_python(world, PROGRAM, f'{HOST}:{server.port}', server.url(HOST))


@test('what a server proves, and its chain')
def _(world):
    server, identity = world.serve_pinned()
    told = tell(world, server)
    key = told['pin'][5][0]
    equal(told['pin'], [HOST, 'user', 'active', 'leaf', 'enforce', [key], True, None], 'the pin')
    equal(told['pins'], [[HOST, [key]]], 'the pins that are listed')
    equal(told['evidence'], [server.url(HOST), '1.3', key, key, 'none', True], 'the evidence')
    equal(told['der'], [identity.der.hex()], 'the chain')
    holds(told['fetched'][4][0][2] > 0, 'the certificate has no end')
    equal(told['fetched'][:4], ['Pass', True, [key], key], 'what is said of the chain')
    equal(told['fetched'][4][0][:2], [f'CN={HOST}', key], 'what is in the certificate')
    equal(told['verified'], told['fetched'][:4] + [[]], 'what is said of the same chain, without a connection')


@test('why a request was refused')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    told = tell(world, world.serve(world.impostor()))
    equal(told['failure'], [True, True, told['pin'][5], told['fetched'][2], 'user', True, True], 'the failure')
    holds(told['pin'][5] != told['fetched'][2], 'the impostor has the pinned key')
    equal(told['fetched'][0], 'PinMismatch', 'the verdict')


@test('pins as texts, and what an import of them changes')
def _(world):
    for host in 'a.example', 'b.example':
        world.alice.pin_keys(host, world.issue().pin, note=f'of {host}')
    equal(run_python(world, EXCHANGE),
          [['a.example', 'user', 'a.example.pin', 'str'], ['b.example', 'user', 'b.example.pin', 'str'],
           ['b.example', 'new', 'of b.example', None], ['a.example', 'same', 'of a.example', None]], 'what it tells')


@test('the users that have pins, for root')
def _(world):
    world.alice.pin(HOST, world.issue().der)
    world.bob.pin(HOST, world.issue().der)
    for language, command in USERS.items():
        equal(run_as(world, 0, command), [ALICE, BOB], f'the users, in {language},')


run(World)
