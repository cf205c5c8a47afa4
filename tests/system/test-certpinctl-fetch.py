#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl where it looks at a server: pin --fetch with its questions and its trial, pins of the
system that would shut a server out, and the keys of hosts."""

import datetime
import json
import signal
import threading

from lib import pki
from lib.certpinctl import BAD_INPUT, FAILED, OK, REFUSED, UNREACHABLE, UNTRUSTED, ctl, exits, put
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import HOST, World

DAY = datetime.timedelta(days=1)


def pins_of(world, **keywords):
    return json.loads(exits(world, OK, 'list', '--json', **keywords))['pins']


def at(server):
    return f'{HOST}:{server.port}'


def fails(world, code, text, *arguments, **keywords):
    actual, output, errors = ctl(world, *arguments, **keywords)
    equal((actual, output), (code, b''), f'what came of {arguments}, which said “{errors}”,')
    holds(text in errors, f'{arguments} said “{errors}”, not “{text}”')


def accepts(server, world):
    equal(exits(world, OK, 'get', server.url(HOST)), b'hello', 'the response')


# pin --fetch

@test('pin --fetch shows the chain and how long it lasts, asks, pins, and sends nothing')
def _(world):
    intermediate = pki.Authority('Some Intermediate', parent=world.authority)
    for days, words in ((90, 'valid for only 91 days'), (1000, 'valid for 1001 days')):
        identity = intermediate.issue(HOST, end=pki.now() + days * DAY)
        server = world.serve(identity)
        code, shown = dialog(world, 'pin', '--fetch', at(server), answers=['yes'], columns=80)
        equal(code, OK, f'the exit code, with {shown},')
        for part in (f'CN={HOST}', 'CN=Some Intermediate', identity.pin, 'passes', words,
                     'Somebody on the way could have presented this', '[y/N]'):
            holds(part in shown, f'it does not show “{part}”: {shown}')
        holds(all(len(line) <= 80 for line in shown.split('[y/N]')[0].split('\n')), f'its lines are long: {shown}')
        pin = [one for one in pins_of(world) if one['host'] == at(server)][0]
        equal((pin['keys'], pin['subject']), ([identity.pin], f'CN={HOST}'), 'the pin')
        server.wait_until_idle()
        equal(server.bytes, 0, 'the number of bytes that the server got')
        accepts(server, world)


@test('any answer but yes, and the end of the input, pin nothing')
def _(world):
    server = world.serve(world.issue())
    for answer in ('', 'n', 'no', 'maybe', 'ye', '\x04'):
        code, shown = dialog(world, 'pin', '--fetch', at(server), answers=[answer])
        equal((code, pins_of(world)), (FAILED, []), f'what came of ‘{answer}’')
        holds('nothing was changed' in shown, shown)
    for answer in ('y', 'Y', 'YES', ' yes '):
        equal(dialog(world, 'pin', '--fetch', at(server), answers=[answer])[0], OK, f'the exit code of ‘{answer}’')
        exits(world, OK, 'unpin', at(server))


@test('--key and --yes need no question, and pin no other key')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    exits(world, OK, 'pin', '--fetch', '--yes', '--key', world.issue().pin, '--key', identity.pin, at(server))
    accepts(server, world)
    exits(world, OK, 'unpin', at(server))
    fails(world, REFUSED, f'the server presents {identity.pin}, which is not the key that you gave',
          'pin', '--fetch', '--yes', '--key', world.issue().pin, at(server))
    fails(world, BAD_INPUT, 'x', 'pin', '--fetch', '--yes', '--key', 'x', at(server))
    equal(pins_of(world), [], 'the pins')
    pin = json.loads(exits(world, OK, 'pin', '--json', '--fetch', '--yes', '--key', identity.pin, at(server)))['pin']
    equal(pin['keys'], [identity.pin], 'the JSON')
    code, shown = dialog(world, 'pin', '--fetch', '--key', identity.pin, at(server), answers=['y'])
    holds(code == OK and 'This is the key that you gave' in shown, shown)


@test('--match=path pins the authority, whether the server presents it or not; --backup adds a key')
def _(world):
    intermediate = pki.Authority('Some Intermediate', parent=world.authority)
    backup = pki.Authority('Next Intermediate', parent=world.authority)
    path = put(world, 'backup.pem', backup.pem)
    for issuer in (intermediate, world.authority):
        server = world.serve(issuer.issue(HOST))
        code, shown = dialog(world, 'pin', '--fetch', '--match=path', '--backup', path, at(server), answers=['y'])
        equal(code, OK, f'the exit code, with {shown},')
        holds('Every certificate that this authority issues' in shown, shown)
        pin = [one for one in pins_of(world) if one['host'] == at(server)][0]
        equal((pin['keys'], pin['match']), ([issuer.pin, backup.pin], 'path'), 'the pin')
        server.present(issuer.issue(HOST))
        accepts(server, world)


@test('--dry-run shows what the server presents, and what would be pinned')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    shown = exits(world, OK, 'pin', '--fetch', '--dry-run', at(server)).decode()
    holds(identity.pin in shown and f'Would pin {at(server)} for you' in shown, shown)
    equal(pins_of(world), [], 'the pins')


@test('a server that would not pass even with the pin is not pinned, and it says why')
def _(world):
    wrong = {'expired': world.issue(start=pki.now() - 3 * DAY, end=pki.now() - DAY),
             'name': world.issue('other.localhost'),
             'trust': pki.Authority('Stranger').issue(HOST), 'self-signed': pki.self_signed(HOST)}
    for word, identity in wrong.items():
        server = world.serve(identity)
        code, shown = dialog(world, 'pin', '--fetch', at(server))
        equal((code, pins_of(world)), (UNTRUSTED, []), f'what came of {word}, with {shown},')
        holds('nothing was changed' in shown and word in shown, f'for {word}, it said {shown}')
    stranger = pki.Authority('Stranger')
    server = world.serve(stranger.issue(HOST))
    anchor = put(world, 'stranger.pem', stranger.pem)
    equal(dialog(world, 'pin', '--fetch', '--trust-anchor', anchor, at(server), answers=['y'])[0], OK, 'the exit code')
    accepts(server, world)


@test('a trial that fails leaves what is there: nothing, a pin or a block')
def _(world):
    identity, earlier = world.issue(), world.issue()
    server = world.serve(identity)

    def attempt():
        """The server changes its key between the look and the trial."""
        server.present(identity)
        before = pins_of(world)
        code, shown = dialog(world, 'pin', '--fetch', at(server), answers=['y'],
                             before=lambda process: server.present(world.issue()))
        equal((code, pins_of(world)), (UNTRUSTED, before), f'what came of it, with {shown},')
        holds('nothing was changed' in shown, shown)

    attempt()
    # All of what a pin says of itself stays, also its certificate and its trust anchors.
    exits(world, OK, 'pin', at(server), put(world, 'earlier.pem', earlier.pem), '--note', 'mine', '--match=path',
          '--expires', '2100-01-01', '--trust-anchor', put(world, 'ca.pem', world.authority.pem))
    attempt()
    exits(world, OK, 'block', at(server), 'stolen')
    attempt()


@test('what another program does between the look and the answer is not undone')
def _(world):
    identity, old, new = world.issue(), world.issue(), world.issue()
    server = world.serve(identity)
    world.alice.pin_keys(at(server), old.pin)

    def meanwhile(_process):
        world.alice.pin_keys(at(server), new.pin)
        server.present(world.issue())

    code, shown = dialog(world, 'pin', '--fetch', at(server), answers=['y'], before=meanwhile)
    equal((code, pins_of(world)[0]['keys']), (UNTRUSTED, [new.pin]), f'what came of a change, with {shown},')
    server.present(identity)
    code, shown = dialog(world, 'pin', '--fetch', at(server), answers=['y'],
                         before=lambda _: world.alice.unpin(at(server)) or server.present(world.issue()))
    equal((code, pins_of(world)), (UNTRUSTED, []), f'what came of a removal, with {shown},')


@test('an interrupt of the question or of the trial changes nothing')
def _(world):
    server = world.serve(world.issue())
    code, _ = dialog(world, 'pin', '--fetch', at(server), answers=['y'],
                     before=lambda process: process.send_signal(signal.SIGINT) or process.wait(DEADLINE_S))
    equal((code, pins_of(world)), (-signal.SIGINT, []), 'what came of the first')
    exits(world, OK, 'pin', at(server), '--key', world.issue().pin)
    earlier = pins_of(world)

    def interrupt_the_trial(process):
        server.handshake = False  # the trial waits for the server
        before = len(server.connections)

        def interrupt():
            server.wait(lambda: len(server.connections) > before, 'the trial')
            process.send_signal(signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()

    code, shown = dialog(world, 'pin', '--fetch', at(server), answers=['y'], before=interrupt_the_trial)
    equal((code, pins_of(world)), (-signal.SIGINT, earlier), f'what came of the second, with {shown},')
    holds('was not pinned' in shown, shown)


@test('a trial is by all pins: one of the system that refuses is not overruled')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    exits(world, OK, 'pin', '--system', '--yes', HOST, '--key', world.issue().pin, uid=0)
    code, shown = dialog(world, 'pin', '--fetch', at(server))
    equal((code, [pin['scope'] for pin in pins_of(world)]), (UNTRUSTED, ['system']), f'what came of it, with {shown},')
    holds("the system's pin" in shown and 'nothing was changed' in shown, shown)
    # One that comes while the question waits.
    exits(world, OK, 'unpin', '--system', HOST, uid=0)
    code, shown = dialog(world, 'pin', '--fetch', at(server), answers=['y'],
                         before=lambda _: world.root.pin_keys(HOST, world.issue().pin, scope='system'))
    equal((code, [pin['scope'] for pin in pins_of(world)]), (UNTRUSTED, ['system']), f'what came of it, with {shown},')


@test('a pin of the port that would apply instead is named')
def _(world):
    world.serve(world.issue(), port=443)
    world.alice.pin_keys(f'{HOST}:443', world.issue().pin)
    code, shown = dialog(world, 'pin', '--fetch', HOST)
    equal((code, len(pins_of(world))), (BAD_INPUT, 1), f'what came of it, with {shown},')
    holds(f'there is a pin of ‘{HOST}:443’' in shown, shown)
    equal(dialog(world, 'pin', '--fetch', f'{HOST}:443', answers=['y'])[0], OK, 'the exit code with the port')


@test('nobody listens: exit code 5, and nothing is pinned')
def _(world):
    server = world.serve(world.issue())
    server.close()
    code, shown = dialog(world, 'pin', '--fetch', at(server))
    equal((code, pins_of(world)), (UNREACHABLE, []), f'what came of it, with {shown},')


# pin --system

@test('a pin of the system that shuts out a server that works needs a yes, or --yes')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    path = put(world, 'other.pem', world.issue().pem)
    command = ['pin', '--system', at(server), path]
    fails(world, FAILED, 'nothing was changed; to pin it nonetheless, add --yes', *command, uid=0)
    fails_in_json = json.loads(exits(world, FAILED, *command, '--json', uid=0))
    holds('works now' in fails_in_json['error']['message'], fails_in_json)
    code, shown = dialog(world, *command, uid=0, answers=['n'])
    equal((code, pins_of(world)), (FAILED, []), f'what came of no, with {shown},')
    holds('works now, but this pin would refuse it for all users' in shown, shown)
    holds('works now' in exits(world, OK, *command, '-n', uid=0).decode(), 'what --dry-run says')
    equal(pins_of(world), [], 'the pins after --dry-run')
    equal(dialog(world, *command, uid=0, answers=['y'])[0], OK, 'the exit code of yes')
    exits(world, OK, 'unpin', '--system', at(server), uid=0)
    exits(world, OK, *command, '--yes', uid=0)


@test('a pin of the system that shuts nobody out asks nothing')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    other = world.issue().pin
    for arguments in ([put(world, 'server.pem', identity.pem)], ['--key', other, '--key', identity.pin],
                      ['--key', world.authority.pin, '--match=path'], ['--key', other, '--mode=report']):
        code, _, errors = ctl(world, 'pin', '--system', at(server), *arguments, uid=0)
        equal((code, 'works now' in errors), (OK, False), f'what came of it, with “{errors}”,')
    # One that does not work now, either.
    server.present(pki.Authority('Stranger').issue(HOST))
    exits(world, OK, 'pin', '--system', at(server), '--key', other, uid=0)
    # A user's own pin.
    server.present(identity)
    exits(world, OK, 'pin', at(server), '--key', other)


@test('a server that cannot be looked at is no reason not to pin, and that is said')
def _(world):
    server = world.serve(world.issue())
    server.close()
    key = world.issue().pin
    for host in (at(server), f'*.{HOST}'):
        code, _, errors = ctl(world, 'pin', '--system', host, '--key', key, uid=0)
        equal(code, OK, f'the exit code, with “{errors}”,')
        holds('that is not checked' in errors, errors)
    equal(len(pins_of(world)), 2, 'the number of pins')


@test('a pattern of any depth is tried with its own name')
def _(world):
    # The server of the name alone is at port 443, where nobody listens.
    errors = ctl(world, 'pin', '--system', f'**.{HOST}', '--key', world.issue().pin, uid=0)[2]
    holds(f'would shut out ‘{HOST}’' in errors, errors)


@test('--remove-key of a system’s pin asks if the server works only because of that key')
def _(world):
    identity, other = world.issue(), world.issue()
    server = world.serve(identity)
    exits(world, OK, 'pin', '--system', at(server), '--key', identity.pin, '--key', other.pin, uid=0)
    fails(world, FAILED, 'add --yes', 'pin', '--system', '--remove-key', at(server), identity.pin, uid=0)
    code, shown = dialog(world, 'pin', '--system', '--remove-key', at(server), identity.pin, uid=0, answers=['no'])
    equal((code, len(pins_of(world)[0]['keys'])), (FAILED, 2), f'what came of no, with {shown},')
    exits(world, OK, 'pin', '--system', '--remove-key', at(server), other.pin, uid=0)
    exits(world, OK, 'pin', '--system', '--add', at(server), other.pin, uid=0)
    exits(world, OK, 'pin', '--system', '--remove-key', '--yes', at(server), identity.pin, uid=0)
    equal(pins_of(world)[0]['keys'], [other.pin], 'the keys')


# Keys of hosts

@test('key and compare take hosts, and say that nobody has checked what they present')
def _(world):
    intermediate = pki.Authority('Some Intermediate', parent=world.authority)
    identity = intermediate.issue(HOST)
    server = world.serve(identity)
    code, output, errors = ctl(world, 'key', at(server))
    equal((code, output.decode()), (OK, identity.pin + '\n'), 'the key')
    holds('compare it with what the operator of the server says' in errors, errors)
    equal(exits(world, OK, 'key', '--chain', at(server)).decode(), f'{identity.pin}\n{intermediate.pin}\n', 'the keys')
    equal(json.loads(exits(world, OK, 'key', '--json', at(server)))['keys'][0]['subject'], f'CN={HOST}', 'the JSON')
    path = put(world, 'renewed.pem', world.issue(key=identity.key).pem)
    exits(world, OK, 'compare', at(server), path)
    server.present(world.issue())
    exits(world, FAILED, 'compare', path, at(server))
    server.present(pki.self_signed(HOST))
    holds('self-signed' in ctl(world, 'key', at(server))[2], 'the problem is not named')
    server.close()
    errors = ctl(world, 'key', at(server))[2]
    holds(f'there is no file ‘{at(server)}’, and as a host: ' in errors, errors)
    exits(world, UNREACHABLE, 'key', at(server))
    equal(server.bytes, 0, 'the number of bytes that the server got')


run(World)
