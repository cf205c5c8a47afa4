#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sandboxed apps: they have pins of their own, and never their user's rights; the pins of their user bind
them, and they learn no more of them than that."""

import json
import os
import re

from lib.apps import DEMO, MAPS, WEATHER, WITHOUT_NETWORK, AppsWorld, evidence
from lib.caller import NAME, PATH, PINS, PROPERTIES, CallError
from lib.certpinctl import NOT_AUTHORIZED, NOT_PINNED, OK, ctl, exits
from lib.pki import Authority
from lib.server import echo
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, BOB, HOST

CHANNEL = NAME + '.Channel'
INTROSPECTABLE = 'org.freedesktop.DBus.Introspectable'
UNKNOWN = 'org.freedesktop.DBus.Error.UnknownObject'
APP_PIN = f'{PATH}/pin/app/h_2elocalhost'
USER_PIN = f'{PATH}/pin/user/h_2elocalhost'


def hosts(caller, **options):
    return [(pin['scope'], pin['host']) for pin in caller.list_pins(**options)]


def exported(caller, **options):
    files = caller.call(PINS, 'ExportPins', '(a{sv})', {name: V('s', value) for name, value in options.items()})[0]
    return [(file['scope'], file['host']) for file in files]


def children(caller, path):
    return sorted(re.findall(r'<node name="([^"]+)"', caller.call(INTROSPECTABLE, 'Introspect', '', path=path)[0]))


def status(caller):
    return caller.call(PINS, 'GetStatus', '(a{sv})', {})[0]


def tells(text, *secrets):
    """Which of these a reply tells, wherever it does."""
    return [secret for secret in secrets if secret in repr(text)]


def app_files(world, uid=ALICE):
    """Returns: the stored pins of a user's apps, and what is in them"""
    top = os.path.join(world.daemon.state_dir, 'apps', str(uid))
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            with open(os.path.join(folder, name), encoding='utf-8') as file:
                found[os.path.relpath(os.path.join(folder, name), top)] = file.read()
    return found


@test('an app pins its host, in the scope app, and its requests pass')
def _(world):
    identity = world.issue()
    server, app = world.serve(identity), world.new_app(WEATHER)
    pin = app.pin(HOST, identity.der)
    equal((pin['scope'], pin['app'], pin['stored']), ('app', WEATHER, True), 'the pin')
    holds(pin['created-by'].endswith(f'({WEATHER} of uid {ALICE})'), pin['created-by'])
    answer = world.arrives(server, caller=app)
    equal(answer.info['matched-key'], identity.pin, 'the key in the evidence')
    equal(list(app_files(world)), ['flatpak/org.example.Weather/h.localhost.pin'], 'the files')
    world.no_connection(server, 'NotPinned', server.url(HOST), caller=world.alice)
    world.nothing_arrives(world.serve(world.impostor()), 'PinMismatch', caller=app)


@test('no app may name another scope, another user, or another app: nothing changes')
def _(world):
    der, app = world.issue().der, world.new_app(WEATHER)
    world.alice.pin(HOST, der, app=WEATHER)
    world.alice.pin(HOST, der, app=MAPS)
    world.alice.pin(HOST, der)
    world.root.pin(HOST, der, scope='system')
    before = app_files(world), world.alice.get_pin(HOST), world.root.get_pin(HOST, scope='system')
    for options in ({'scope': 'user'}, {'scope': 'system'}, {'app': MAPS}, {'scope': 'app', 'app': DEMO},
                    {'scope': 'user', 'app': WEATHER}):
        app.refused('NotAuthorized', app.pin, HOST, world.issue().der, **options)
        app.refused('NotAuthorized', app.pin, HOST, b'junk', **options)
        app.refused('NotAuthorized', app.pin_keys, HOST, world.issue().pin, **options)
        app.refused('NotAuthorized', app.add_keys, HOST, world.issue().pin, **options)
        app.refused('NotAuthorized', app.remove_keys, HOST, world.issue().pin, **options)
        app.refused('NotAuthorized', app.pause, HOST, 60, **options)
        app.refused('NotAuthorized', app.resume, HOST, **options)
        app.refused('NotAuthorized', app.unpin, HOST, **options)
        app.refused('NotAuthorized', app.block, HOST, **options)
        app.refused('NotAuthorized', app.call, PINS, 'ImportPins', '(sa{sv})', '[Pin File]\nVersion=1\n',
                    {name: V('s', value) for name, value in options.items()})
        if options != {'scope': 'system'}:
            app.refused('NotAuthorized', app.get_pin, HOST, **options)
            app.refused('NotAuthorized', app.list_pins, **options)
            app.refused('NotAuthorized', exported, app, **options)
    for uid in (ALICE, BOB, 0):
        app.refused('NotAuthorized', app.list_pins, uid=uid)
    after = app_files(world), world.alice.get_pin(HOST), world.root.get_pin(HOST, scope='system')
    equal(after, before, 'what is pinned')
    equal(app.get_pin(HOST, app=WEATHER)['app'], WEATHER, 'its own, by its name')


@test('an app of root’s has none of root’s rights')
def _(world):
    der, app = world.issue().der, world.new_app(WEATHER, uid=0)
    world.alice.pin(HOST, der)
    world.root.pin('secret.localhost', der)
    app.refused('NotAuthorized', app.call, PINS, 'ListUsers', '(a{sv})', {})
    app.refused('NotAuthorized', app.call, PINS, 'Reload', '')
    app.refused('NotAuthorized', app.list_pins, uid=ALICE)
    app.refused('NotAuthorized', app.list_pins, uid=0)
    app.refused('NotAuthorized', app.pin, HOST, der, scope='system')
    equal(app.pin(HOST, der)['scope'], 'app', 'the scope')
    equal(hosts(app), [('app', HOST)], 'the list of the app')
    equal(world.root.call(PINS, 'ListUsers', '(a{sv})', {})[0], [0, ALICE], 'the users that root sees')


@test('an app sees its own pins, the system’s and those of files; not its user’s, nor another app’s')
def _(world):
    der, weather, maps = world.issue().der, world.new_app(WEATHER), world.new_app(MAPS)
    world.alice.pin('secret.localhost', der)
    world.root.pin('system.localhost', der, scope='system')
    weather.pin(HOST, der)
    maps.pin('maps.localhost', der)
    own = [('app', HOST), ('system', 'system.localhost')]
    equal(hosts(weather), own, 'the list of the app')
    equal(hosts(weather, scope='app'), own[:1], 'its own')
    equal(hosts(weather, scope='system'), own[1:], 'the system’s')
    equal(exported(weather), own[:1], 'what it exports')
    equal(hosts(maps), [('app', 'maps.localhost'), ('system', 'system.localhost')], 'the list of the other app')
    for host in ('secret.localhost', 'maps.localhost'):
        weather.refused('NotPinned', weather.get_pin, host)
        weather.refused('NotPinned', weather.unpin, host)
        weather.refused('NotPinned', weather.add_keys, host, world.issue().pin)
        weather.refused('NotPinned', weather.last_failure, host)
    equal(status(weather)['pins']['app']['active'], 1, 'how many pins it has')
    holds('user' not in status(weather)['pins'], status(weather)['pins'])
    equal(weather.call(PINS, 'ListApps', '(a{sv})', {})[0], [WEATHER], 'the apps that it sees')
    error = weather.refused('NotAuthorized', weather.list_pins, scope='user')
    holds('may see only its own pins' in error.message, error.message)
    explained = weather.call(PINS, 'ExplainHost', '(sa{sv})', 'secret.localhost', {})[0]
    equal((explained['pins'], tells(explained, 'your pin', 'user')), ([], []), 'what is explained of a host of its user')


@test('the objects of pins and channels: those of the app alone')
def _(world):
    identity = world.issue()
    server, weather, maps = world.serve(identity), world.new_app(WEATHER), world.new_app(MAPS)
    world.alice.pin(HOST, identity.der)
    weather.pin(HOST, identity.der)
    world.arrives(server, caller=weather)
    for caller, scopes, pins in ((weather, ['app', 'files', 'system'], ['h_2elocalhost']),
                                 (maps, ['app', 'files', 'system'], [])):
        equal(children(caller, PATH + '/pin'), scopes, 'the scopes')
        equal(children(caller, PATH + '/pin/app'), pins, 'the pins')
        caller.refused(UNKNOWN, caller.call, PROPERTIES, 'GetAll', '(s)', NAME + '.Pin', path=USER_PIN)
    equal(weather.call(PROPERTIES, 'Get', '(ss)', NAME + '.Pin', 'Scope', path=APP_PIN)[0], 'app', 'the scope')
    maps.refused(UNKNOWN, maps.call, PROPERTIES, 'GetAll', '(s)', NAME + '.Pin', path=APP_PIN)
    channels = children(weather, PATH + '/channel')
    equal(len(channels), 1, 'how many channels the app has')
    for caller in (maps, world.alice):
        equal(children(caller, PATH + '/channel'), [], 'the channels of others')
        caller.refused(UNKNOWN, caller.call, PROPERTIES, 'GetAll', '(s)', CHANNEL, path=f'{PATH}/channel/{channels[0]}')


@test('the user’s program sees the pins of an app by its name, and changes them')
def _(world):
    identity, app = world.issue(), world.new_app(WEATHER)
    app.pin(HOST, identity.der)
    equal(hosts(world.alice), [], 'the list without a name')
    equal(hosts(world.alice, app=WEATHER), [('app', HOST)], 'the list of the app')
    equal(exported(world.alice, app=WEATHER), [('app', HOST)], 'what is exported of it')
    equal(world.alice.get_pin(HOST, app=WEATHER)['keys'], [identity.pin], 'the keys')
    equal(world.alice.call(PINS, 'ListApps', '(a{sv})', {})[0], [WEATHER], 'the apps')
    other = world.issue()
    equal(world.alice.add_keys(HOST, other.pin, app=WEATHER)['keys'], [identity.pin, other.pin], 'the keys')
    equal(app.get_pin(HOST)['keys'], [identity.pin, other.pin], 'what the app sees of it')
    world.alice.unpin(HOST, app=WEATHER, scope='app')
    app.refused('NotPinned', app.get_pin, HOST)
    equal(app_files(world), {}, 'the files')
    world.bob.refused('NotPinned', world.bob.unpin, HOST, app=WEATHER)
    for name in ('flatpak:org.example', 'flatpak:..', 'org.example.Weather', 'snap:../x', 'flatpak:a.b.c/d'):
        world.alice.refused('InvalidArgument', world.alice.pin, HOST, identity.der, app=name)
    world.alice.refused('InvalidArgument', world.alice.pin, HOST, identity.der, scope='app')
    equal(app_files(world), {}, 'the files')


@test('a change by the user’s program refuses the app’s next request, on its warm channel')
def _(world):
    identity = world.issue()
    server, app = world.serve(identity), world.new_app(WEATHER)
    world.alice.pin(HOST, identity.der, app=WEATHER)
    world.arrives(server, caller=app)
    world.alice.pin(HOST, world.issue().der, app=WEATHER)
    world.nothing_arrives(server, 'PinMismatch', caller=app)
    world.alice.pin(HOST, identity.der, app=WEATHER)
    world.arrives(server, caller=app)
    world.alice.block(HOST, app=WEATHER)
    world.nothing_arrives(server, 'Blocked', caller=app)


def works(tunnel):
    tunnel.send(b'hello')
    return tunnel.read(5) == b'hello'


@test('a change by the user cuts the open connections of that user’s apps, one for an app only that app’s')
def _(world):
    identity = world.issue()
    server, weather, maps, other = (world.serve(identity), world.new_app(WEATHER), world.new_app(MAPS),
                                    world.new_app(WEATHER, uid=BOB))
    server.speak = echo
    tunnels = []
    for app in (weather, maps, other):
        app.pin(HOST, identity.der)
        tunnels.append(app.connect(HOST, server.port))
        holds(works(tunnels[-1]), 'the connection does not echo')
    for change, cut, stay in ((lambda: world.alice.block(HOST, app=MAPS), tunnels[1], (tunnels[0], tunnels[2])),
                              (lambda: world.alice.block(HOST), tunnels[0], (tunnels[2],))):
        change()
        try:
            cut.read_all()
            raise AssertionError('the connection ended without an error')
        except ConnectionResetError:
            pass
        for tunnel in stay:
            holds(works(tunnel), 'another’s connection ended, too')


@test('two apps share no channel, and an app none with its user')
def _(world):
    identity = world.issue()
    server, weather, maps = world.serve(identity), world.new_app(WEATHER), world.new_app(MAPS)
    world.root.pin(HOST, identity.der, scope='system')
    for caller in (weather, maps, world.alice):
        equal(world.arrives(server, caller=caller).info['connection-reused'], False, 'the first request')
        equal(world.arrives(server, caller=caller).info['connection-reused'], True, 'the second')
    second = world.new_app(WEATHER)
    equal(world.arrives(server, caller=second).info['connection-reused'], True, 'that of the app’s second program')


@test('the pin of its user binds an app, which learns only that the user’s settings refuse')
def _(world):
    identity, wrong = world.issue(), world.issue()
    server, app = world.serve(identity), world.new_app(WEATHER)
    app.pin(HOST, identity.der)
    world.arrives(server, caller=app)
    world.alice.pin(HOST, wrong.der)
    error = world.nothing_arrives(server, 'Blocked', caller=app)
    equal(error.message, f'host ‘{HOST}’ is refused by the user\'s settings', 'the message')
    failure = app.last_failure(HOST)
    equal((failure['reason'], failure['scope']), ('user-settings', 'app'), 'what the app is told')
    equal(tells(failure, wrong.pin, identity.pin, 'sha256'), [], 'the keys in what the app is told')
    full = world.alice.last_failure(HOST)
    equal((full['scope'], full['pinned-keys'], full['offered-keys'][0]), ('user', [wrong.pin], identity.pin),
          'what the user is told')
    holds(full['requested-by'].endswith(f'({WEATHER} of uid {ALICE})'), full['requested-by'])
    world.bob.refused('NotPinned', world.bob.last_failure, HOST)
    world.alice.block(HOST, 'a secret reason')
    error = world.nothing_arrives(server, 'Blocked', caller=app)
    equal(tells((error.message, app.last_failure(HOST)), 'secret'), [], 'what the app is told of the block')
    world.alice.unpin(HOST)
    world.arrives(server, caller=app)
    holds(WEATHER in world.daemon.log(), 'the log does not name the app')


@test('the pin of its user alone does not permit anything, and is not told')
def _(world):
    server, identity = world.serve_pinned()
    app = world.new_app(WEATHER)
    for host in (HOST, 'other.localhost'):
        error = app.refuses('NotPinned', server.url(host))
        equal(error.message.replace(host, 'H'), 'host ‘H’ is not pinned; pin its certificate first', 'the message')
    world.no_connection(server, 'NotPinned', server.url(HOST), caller=app)
    app.refused('NotPinned', app.connect, HOST, server.port)
    world.root.pin(HOST, identity.der, scope='system')
    world.arrives(server, caller=app)


@test('what its user is told of a refusal does not depend on the pins of the app')
def _(world):
    own, right = Authority('Evil Root'), world.issue()
    forged = own.issue(HOST)
    server, app = world.serve(forged), world.new_app(WEATHER)
    world.alice.pin_keys(HOST, right.pin)
    told = []
    for keys in ([right.pin], [forged.pin]):
        app.call(PINS, 'PinKeys', '(sasa{sv})', HOST, keys, {'trust-anchors': V('aay', [own.der])})
        world.nothing_arrives(server, 'Blocked', caller=app)
        failure = world.alice.last_failure(HOST)
        told.append([failure[name] for name in ('reason', 'likely-cause', 'advice')])
    equal(told[1], told[0], 'what the user is told once the app has pinned the forged key')
    holds('pinned key' not in told[1][1], told[1])


@test('signals: an app is told of its own pins and the system’s, its user is not told of the app’s')
def _(world):
    identity, app, maps = world.issue(), world.new_app(WEATHER), world.new_app(MAPS)
    for caller in (app, maps, world.alice):
        caller.signals.clear()
        caller.be_told()
    world.alice.pin('secret.localhost', identity.der)
    app.pin(HOST, identity.der)
    maps.pin('maps.localhost', identity.der)
    world.root.pin('last.localhost', identity.der, scope='system')
    for caller, own in ((app, HOST), (maps, 'maps.localhost'), (world.alice, 'secret.localhost')):
        caller.wait_for_signal_where('PinChanged', lambda host, *_: host == 'last.localhost')
        changed = [arguments[0] for name, arguments in caller.signals if name == 'PinChanged']
        equal(changed, [own, 'last.localhost'], 'the hosts that were told of')


@test('signals of refusals: the app’s has no keys, the user’s has all; report-only likewise')
def _(world):
    identity, wrong = world.issue(), world.issue()
    server, app, maps = world.serve(identity), world.new_app(WEATHER), world.new_app(MAPS)
    app.pin(HOST, identity.der)
    world.alice.pin(HOST, wrong.der)
    for caller in (app, maps, world.alice):
        caller.signals.clear()
        caller.be_told()
    world.nothing_arrives(server, 'Blocked', caller=app)
    equal(tells(app.wait_for_signal('PinFailed'), 'sha256'), [], 'the keys that the app is told of')
    holds(tells(world.alice.wait_for_signal('PinFailed'), wrong.pin), 'the user is not told of the keys')
    world.alice.pin(HOST, wrong.der, mode='report')
    world.alice.signals.clear()
    app.signals.clear()
    answer = world.arrives(server, caller=app)
    equal(tells(answer.info, wrong.pin), [], 'what a report-only pin of the user tells the app')
    holds(tells(world.alice.wait_for_signal('PinFailed'), wrong.pin), 'the user is not told of the report')
    world.root.pin('last.localhost', identity.der, scope='system')
    for caller in (app, maps):
        caller.wait_for_signal_where('PinChanged', lambda host, *_: host == 'last.localhost')
        equal([what for what, _ in caller.signals if what == 'PinFailed' and caller is maps], [], 'the other app')
    equal([what for what, _ in app.signals if what == 'PinFailed'], [], 'what the app is told of the report')


@test('an app without network makes no requests: 0 bytes; but it may pin')
def _(world):
    identity = world.issue()
    server, app = world.serve(identity), world.new_app(WEATHER, wrapper=WITHOUT_NETWORK)
    app.pin(HOST, identity.der)
    error = world.no_connection(server, 'NotAuthorized', server.url(HOST), caller=app)
    holds('--share=network' in error.message, error.message)
    app.refused('NotAuthorized', app.connect, HOST, server.port)
    app.refused('NotAuthorized', app.fetch_chain, HOST, port=server.port)
    outside = world.new_app(WEATHER, wrapper=())  # as its proxy, without a program that has a network
    world.no_connection(server, 'NotAuthorized', server.url(HOST), caller=outside)
    equal(len(server.connections), 0, 'the number of connections')
    world.arrives(server, caller=world.new_app(WEATHER))


@test('an app has the network of the processes in its group, and of none that has got the number of one: 0 bytes')
def _(world):
    identity = world.issue()
    server, inside, other = world.serve(identity), world.new_app(WEATHER), world.new_app(MAPS)
    inside.pin(HOST, identity.der)
    for others in (other.inside(), [os.getpid()], [4194305]):  # the last is no process's: numbers end before
        world.list_in_group(*others)
        proxy = world.new_app(WEATHER, wrapper=())  # which is outside of the sandbox, as Flatpak's
        world.no_connection(server, 'NotAuthorized', server.url(HOST), caller=proxy)
    equal(len(server.connections), 0, 'the number of connections')
    world.list_in_group(*other.inside(), *inside.inside())
    world.arrives(server, caller=world.new_app(WEATHER, wrapper=()))


@test('an app with many processes makes its connections no dearer: the oldest 63 are looked at')
def _(world):
    identity = world.issue()
    server, inside = world.serve(identity), world.new_app(WEATHER)
    inside.pin(HOST, identity.der)
    world.list_in_group(*[os.getpid()] * 63, *inside.inside())
    world.no_connection(server, 'NotAuthorized', server.url(HOST), caller=world.new_app(WEATHER, wrapper=()))
    world.list_in_group(*[os.getpid()] * 62, *inside.inside())
    world.arrives(server, caller=world.new_app(WEATHER, wrapper=()))


def ctl_inside(world, code, *arguments):
    """certpinctl as a program of the app. Returns: its JSON"""
    output = exits(world, code, *arguments, '--json', more_environment=evidence(WEATHER, ALICE))
    return json.loads(output) if code == OK else None


def scopes_and_keys(pins):
    return [(pin['scope'], *pin.get('keys', [])) for pin in pins]


@test('certpinctl in a sandbox is about the app’s own pins, and never about its user’s')
def _(world):
    users, systems, old, new = (world.issue().pin for _ in range(4))
    world.alice.pin_keys(HOST, users)
    world.alice.pin_keys('secret.localhost', users)
    ctl_inside(world, NOT_PINNED, 'show', HOST)
    equal(ctl_inside(world, OK, 'pin', '-n', HOST, f'--key={old}')['dry-run']['pin']['scope'], 'app', 'where there is no pin')
    ctl_inside(world, OK, 'pin', HOST, f'--key={old}')
    world.root.pin_keys(HOST, systems, scope='system')
    equal(scopes_and_keys(ctl_inside(world, OK, 'show', HOST)['pins']), [('system', systems), ('app', old)], 'show')
    ctl_inside(world, NOT_PINNED, 'show', 'secret.localhost')
    would = ctl_inside(world, OK, 'pin', '--dry-run', HOST, f'--key={new}')['dry-run']
    equal(scopes_and_keys((would['pin'], would['replaced'])), [('app', new), ('app', old)], 'what would be pinned')
    equal(list(ctl_inside(world, OK, 'pin', '-n', 'secret.localhost', f'--key={new}')['dry-run']), ['pin'], 'the other plan')
    text = exits(world, OK, 'pin', '--dry-run', HOST, f'--key={new}', more_environment=evidence(WEATHER, ALICE)).decode()
    holds(f"Would replace the app's pin of {HOST} by:\n" in text, text)
    files = ctl_inside(world, OK, 'export')['files']
    equal([(file['scope'], file['host']) for file in files], [('app', HOST)], 'the export')
    equal(scopes_and_keys([ctl_inside(world, OK, 'pin', '--add', HOST, new)['pin']]), [('app', old, new)], 'a second key')
    equal(scopes_and_keys([ctl_inside(world, OK, 'pin', '--remove-key', HOST, new)['pin']]), [('app', old)], 'one again')
    equal(ctl_inside(world, OK, 'unpin', HOST)['pin'], {'host': HOST, 'scope': 'app', 'state': 'removed'}, 'the end of it')
    equal(scopes_and_keys([world.alice.get_pin(HOST)]), [('user', users)], 'what its user has')


def says_inside(world, code, text, *arguments):
    """What certpinctl prints of an error, as a program of the app."""
    actual, _, errors = ctl(world, *arguments, more_environment=evidence(WEATHER, ALICE))
    equal((actual, errors), (code, f'certpinctl: {text}\n'), f'what came of {arguments}')


@test('certpinctl list and export in a sandbox have the words of the scope app, and say what they may not show')
def _(world):
    key = world.issue().pin
    for host, options in (('secret.localhost', {}), ('maps.localhost', {'app': MAPS}), ('own.localhost', {'app': WEATHER})):
        world.alice.pin_keys(host, key, **options)
    own, everything = [('app', key)], [('app', key), ('system', key)]
    equal(scopes_and_keys(ctl_inside(world, OK, 'list', '--user')['pins']), own, 'list --user')
    equal(scopes_and_keys(ctl_inside(world, OK, 'list', '--app')['pins']), own, 'list --app')
    equal(scopes_and_keys(ctl_inside(world, OK, 'list', f'--app={WEATHER}')['pins']), own, 'list --app of itself')
    equal(ctl_inside(world, OK, 'list', '--system')['pins'], [], 'list --system')
    world.root.pin_keys('system.localhost', key, scope='system')
    equal(scopes_and_keys(ctl_inside(world, OK, 'list')['pins']), everything, 'list')
    says_inside(world, NOT_AUTHORIZED, f'the app ‘{WEATHER}’ may see only its own pins, in the scopes ‘app’ and ‘transient’, '
                'and the system\'s', 'list', f'--app={MAPS}')
    for options in ((f'--uid={BOB}',), (f'--uid={BOB}', '--user'), ('--all-users',)):
        says_inside(world, NOT_AUTHORIZED, f'‘{WEATHER}’ is a sandboxed app, which has no right to ‘org.certpin.inspect-all’; '
                    'one of its user\'s own programs has to ask for that', 'list', *options)
    absent = 'there is no pin of exactly ‘secret.localhost’ in the scope'
    see = '; to see what is pinned: certpinctl list'
    says_inside(world, NOT_PINNED, f'{absent} app{see}', 'export', 'secret.localhost')
    says_inside(world, NOT_PINNED, f'{absent} app{see}', 'export', '--scope=user', 'secret.localhost')
    says_inside(world, NOT_PINNED, f'{absent} system{see}', 'export', '--scope=system', 'secret.localhost')
    says_inside(world, NOT_PINNED, f'{absent} app or system{see}', 'export', '--scope=all', '-o', '/tmp/never', 'secret.localhost')


@test('a snap may pin, but makes no requests')
def _(world):
    identity = world.issue()
    server, app = world.serve(identity), world.new_app(DEMO)
    equal(app.pin(HOST, identity.der)['app'], DEMO, 'whose pin it is')
    error = world.no_connection(server, 'NotAuthorized', server.url(HOST), caller=app)
    holds('snap' in error.message, error.message)
    equal(list(app_files(world)), ['snap/demo/h.localhost.pin'], 'the files')


@test('a sandbox whose name cannot be told is refused everything')
def _(world):
    for name in ('flatpak:org.example', 'flatpak:..', 'snap:Demo'):
        app = world.new_app(name)
        app.refused('NotAuthorized', app.pin, HOST, world.issue().der)
        app.refused('NotAuthorized', app.list_pins)
    equal(os.listdir(world.daemon.state_dir), [], 'the state folder')


@test('the pins of apps are there after a restart, and after a crash')
def _(world):
    identity, other = world.issue(), world.issue()
    server = world.serve(identity)
    world.new_app(WEATHER).pin(HOST, identity.der)
    world.new_app(MAPS).pin(HOST, other.der)
    world.new_app(WEATHER, uid=BOB).block(HOST)
    for end in (world.daemon.terminate, world.daemon.kill):
        end()
        world.daemon.start()
        world.arrives(server, caller=world.new_app(WEATHER))
        world.nothing_arrives(server, 'PinMismatch', caller=world.new_app(MAPS), others_stay=True)
        world.nothing_arrives(server, 'Blocked', caller=world.new_app(WEATHER, uid=BOB), others_stay=True)
        equal(hosts(world.alice), [], 'the user’s own list')
        equal(world.alice.call(PINS, 'ListApps', '(a{sv})', {})[0], [MAPS, WEATHER], 'the apps')


@test('what an app may have in a folder that cannot be read is not left out in silence')
def _(world):
    key = world.issue().pin
    for user in (world.alice, world.bob):
        user.pin_keys(HOST, key, app=WEATHER)
        user.pin_keys('*.other.localhost', key, app=WEATHER)
    world.alice.pin_keys(HOST, key)
    world.root.pin_keys(HOST, key, scope='system')
    for folder, hidden in (('flatpak', (WEATHER, MAPS)), ('flatpak/org.example.Weather', (WEATHER,))):
        world.daemon.terminate()
        path = os.path.join(world.daemon.state_dir, 'apps', str(ALICE), folder)
        os.rename(path, path + '.away')
        os.symlink(os.path.basename(path) + '.away', path)
        world.daemon.start()
        for name in hidden:
            silent_about_nothing(world, world.alice, app=name)
            silent_about_nothing(world, world.new_app(name))
            equal(hosts(world.new_app(name), scope='system'), [('system', HOST)], 'what an app sees of the system’s pins')
        if MAPS in hidden:
            # Nobody knows which apps the user has: so the user's own requests, and lists, fail as well.
            world.alice.refused('StoreFailed', world.alice.list_pins)
            equal(world.alice.get_pin(HOST)['state'], 'blocked', 'the pin of the user')
            equal(hosts(world.alice, scope='system'), [('system', HOST)], 'what the user sees of the system’s pins')
        else:
            equal(hosts(world.alice, app=MAPS), [], 'the list of another app, whose folder can be read')
            equal(hosts(world.alice), [('system', HOST), ('user', HOST)], 'the list of the user')
        equal(hosts(world.bob, app=WEATHER), [('app', '*.other.localhost'), ('app', HOST)], 'the list of another user')
        world.daemon.terminate()
        os.remove(path)
        os.rename(path + '.away', path)
        world.daemon.start()
        equal(len(hosts(world.alice, app=WEATHER)), 2, 'how many pins are there when it can be read again')


def silent_about_nothing(world, caller, **options):
    """What asks for pins of a folder that is a symbolic link says so."""
    other, key = '*.other.localhost', world.issue().pin
    for ask in (lambda: exported(caller, **options), lambda: caller.list_pins(**options),
                lambda: caller.get_pin(other, **options), lambda: caller.unpin(other, **options),
                lambda: caller.add_keys(other, key, **options), lambda: caller.remove_keys(other, key, **options),
                lambda: caller.pause(other, 60, **options), lambda: caller.resume(other, **options),
                lambda: caller.call(PINS, 'ImportPins', '(sa{sv})', f'[Pin File]\nVersion=1\n[Pin]\nHost={HOST}\nKeys={key}\n',
                                    {'dry-run': V('b', True), **{name: V('s', value) for name, value in options.items()}})):
        error = caller.refused('StoreFailed', ask)
        holds('symbolic link' in error.message, error.message)


@test('kill -9 while an app pins: what was acknowledged is there')
def _(world):
    keys = [world.issue().pin for _ in range(2)]
    acknowledged = 0
    app = world.new_app(WEATHER)
    pending = [app.begin(PINS, 'PinKeys', '(sasa{sv})', f'h{number}.localhost', keys, {}) for number in range(60)]
    pending[20].wait()
    world.daemon.kill()
    for one in pending:
        try:
            one.wait()
            acknowledged += 1
        except CallError:
            pass
    world.daemon.start()
    holds(acknowledged > 20, f'{acknowledged} changes were acknowledged')
    stored = {pin['host'] for pin in world.alice.list_pins(app=WEATHER)}
    holds({f'h{number}.localhost' for number in range(acknowledged)} <= stored, f'{len(stored)} of {acknowledged}')
    equal(status(world.root)['problems'], [], 'the problems')


@test('an app multiplies no share of its user’s: 129 apps, and the first that has nothing makes room')
def _(world):
    der = world.issue().der
    for number in range(128):
        world.alice.pin(HOST, der, app=f'snap:app{number}')
    world.alice.refused('LimitExceeded', world.alice.pin, HOST, der, app=WEATHER)
    app = world.new_app(WEATHER)
    app.refused('NotAuthorized', app.pin, HOST, der)
    world.bob.pin(HOST, der, app=WEATHER)
    # What is about pins that are there takes no room: it only finds that there are none.
    user, key = world.alice, world.issue().pin
    user.refused('NotPinned', user.unpin, HOST, app=WEATHER)
    user.refused('NotPinned', user.add_keys, HOST, key, app=WEATHER)
    user.refused('NotPinned', user.remove_keys, HOST, key, app=WEATHER)
    user.refused('NotPinned', user.pause, HOST, 60, app=WEATHER)
    user.refused('NotPinned', user.resume, HOST, app=WEATHER)
    user.call(PINS, 'ImportPins', '(sa{sv})', '[Pin File]\nVersion=1\n', {'app': V('s', WEATHER), 'dry-run': V('b', True)})
    server = world.serve(world.issue())
    look = user.fetch_chain(HOST, port=server.port, keys=[key], app=V('s', WEATHER))[1]
    equal(look['verdict'], 'PinMismatch', 'what is told of a request of an app that is not known')
    equal(user.call(PINS, 'ListApps', '(a{sv})', {})[0].count(WEATHER), 0, 'the app among those with pins')
    world.alice.unpin(HOST, app='snap:app5')
    world.alice.pin(HOST, der, app=WEATHER)


if __name__ == '__main__':
    run(AppsWorld)
