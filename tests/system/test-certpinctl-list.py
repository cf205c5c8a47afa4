#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl with many pins, in whatever order they come, and with pins that are not on disk."""

import json
import random

from lib import fake_service as fake
from lib.certpinctl import OK, exits
from lib.fake_service import FakeWorld
from lib.tap import equal, holds, run, test

def everywhere(host):
    """The host's pins in the order in which they apply: the files', the system's, the user's."""
    return [fake.pin(host, scope='system', source='/etc/certpin/pins.d/a.pin'),
            fake.pin(host, scope='system'), fake.pin(host)]


def lists(world, pins):
    """The service has these, and says so at once, in this order."""
    world.answers(lambda method, arguments: fake.several()
                  if 'start-after' in arguments[0] else fake.several(*pins))


def shown(world):
    """Returns: hosts and scopes, and whether it is a file's pin, as JSON lists them"""
    pins = json.loads(exits(world, OK, 'list', '--json'))['pins']
    return [(pin['host'], pin['scope'], 'source' in pin) for pin in pins]


@test('pins are listed by host, and of one host the files’, the system’s and the user’s')
def _(world):
    hosts = sorted(['*.h.example', '**.h.example', 'h.example', 'h.example:8443', '[::1]', 'a.b'])
    pins = [pin for host in hosts for pin in everywhere(host)]
    expected = [(host, scope, file) for host in hosts
                for scope, file in (('system', True), ('system', False), ('user', False))]
    for seed in range(5):
        mixed = pins[:]
        random.Random(seed).shuffle(mixed)
        lists(world, mixed)
        equal(shown(world), expected, 'the order in JSON')
        rows = exits(world, OK, 'list').decode().split('\n')[1:-1]
        equal([tuple(row.split()[:2]) for row in rows], [entry[:2] for entry in expected],
              'the order of the table')


@test('a block that is not on disk says so, in list, show and explain')
def _(world):
    for stored, state, words in ((False, 'blocked', b'not yet on disk'),
                                 (False, 'active', b'in memory only'), (True, 'blocked', None)):
        pin = fake.pin(state=state, stored=stored, keys=[], reason='stolen')
        world.answers(lambda method, arguments, pin=pin: {
            'ListPins': lambda: fake.several(*([] if 'start-after' in arguments[0] else [pin])),
            'GetPin': lambda: fake.one(pin),
            'ExplainHost': lambda: fake.one(fake.explanation(pin)),
            'LastFailure': lambda: fake.one(fake.failure())}[method]())
        for arguments in (('list',), ('show', 'h.example'), ('explain', 'h.example')):
            output = exits(world, OK, *arguments)
            holds(b'stolen' in output, f'{arguments} does not say why: {output}')
            equal([word in output for word in (b'not yet on disk', b'in memory only', b'stored')],
                  [word == words for word in (b'not yet on disk', b'in memory only')]
                  + [words is not None and arguments != ('list',)], f'what {arguments} says')
        equal(json.loads(exits(world, OK, 'list', '--json'))['pins'][0]['stored'], stored, 'JSON')


run(FakeWorld)
