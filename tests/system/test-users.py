#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Users and programs: what they share, what they never see of each other, and who may do what."""

from lib.caller import NAME, PATH, PINS
from lib.server import Gate
from lib.tap import equal, holds, run, test
from lib.variant import V
from lib.world import ALICE, BOB, HOST, World


@test('two users: neither sees the other’s pins')
def _(world):
    world.alice.pin('alice.localhost', world.issue().der)
    world.bob.pin('bob.localhost', world.issue().der)
    equal([pin['host'] for pin in world.alice.list_pins()], ['alice.localhost'], 'Alice’s list')
    equal([pin['host'] for pin in world.bob.list_pins()], ['bob.localhost'], 'Bob’s list')
    world.bob.refused('NotPinned', world.bob.get_pin, 'alice.localhost')
    equal([pin['host'] for pin in world.root.list_pins()], [], 'root’s list')


@test('two users: neither weakens, replaces or removes the other’s pins')
def _(world):
    server, identity = world.serve_pinned()
    world.bob.refused('NotPinned', world.bob.unpin, HOST)
    world.bob.pin(HOST, world.issue().der, mode='report')
    world.arrives(server)
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'Alice’s pin')
    server.present(world.impostor())
    world.daemon.restart()
    world.nothing_arrives(server, 'PinMismatch')
    world.arrives(server, caller=world.bob)


@test('a user without a pin is refused where another has one')
def _(world):
    server, _ = world.serve_pinned()
    world.arrives(server)
    world.no_connection(server, 'NotPinned', server.url(HOST), caller=world.bob)
    world.no_connection(server, 'NotPinned', server.url(HOST), caller=world.root)


@test('one user’s block does not block another')
def _(world):
    server, identity = world.serve_pinned()
    world.bob.refused('WrongFormat', world.bob.pin, HOST, b'junk')
    world.no_connection(server, 'Blocked', server.url(HOST), caller=world.bob)
    world.arrives(server)
    world.bob.pin(HOST, identity.der)
    world.arrives(server, caller=world.bob)


@test('a system pin binds every user, and makes the host pinned for all')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    world.root.pin(HOST, identity.der, scope='system')
    world.arrives(server, caller=world.alice)
    world.arrives(server, caller=world.bob)
    world.alice.pin(HOST, world.issue().der)
    world.nothing_arrives(server, 'PinMismatch', others_stay=True)
    world.alice.unpin(HOST)
    world.root.pin(HOST, world.issue().der, scope='system')
    for caller in (world.alice, world.bob):
        world.nothing_arrives(server, 'PinMismatch', caller=caller)


@test('only root sets, blocks, removes and reloads what is the system’s')
def _(world):
    der = world.issue().der
    world.root.pin(HOST, der, scope='system')
    for caller in (world.alice, world.bob):
        caller.refused('NotAuthorized', caller.pin, HOST, der, scope='system')
        caller.refused('NotAuthorized', caller.pin, HOST, b'junk', scope='system')
        caller.refused('NotAuthorized', caller.pin_keys, HOST, world.issue().pin, scope='system')
        caller.refused('NotAuthorized', caller.unpin, HOST, scope='system')
        caller.refused('NotAuthorized', caller.call, PINS, 'Reload', '')
        caller.refused('NotAuthorized', caller.call, PINS, 'BlockHost', '(ssa{sv})', HOST, 'no',
                       {'scope': V('s', 'system')})
    equal(world.root.get_pin(HOST)['state'], 'active', 'the state')
    world.root.unpin(HOST, scope='system')


@test('ListPins with uid: root sees another user’s pins, others do not')
def _(world):
    world.alice.pin('alice.localhost', world.issue().der)
    hosts = [pin['host'] for pin in world.root.list_pins(uid=ALICE)]
    equal(hosts, ['alice.localhost'], 'what root sees')
    world.bob.refused('NotAuthorized', world.bob.list_pins, uid=ALICE)
    world.alice.refused('NotAuthorized', world.alice.list_pins, uid=0)
    equal([pin['host'] for pin in world.alice.list_pins(uid=ALICE)], hosts, 'what Alice sees')


@test('ListPins with scope shows that scope alone, and every user the system’s')
def _(world):
    world.root.pin('system.localhost', world.issue().der, scope='system')
    world.alice.pin('alice.localhost', world.issue().der)
    for scope, hosts in ((None, ['alice.localhost', 'system.localhost']),
                         ('system', ['system.localhost']), ('user', ['alice.localhost'])):
        options = {'scope': scope} if scope else {}
        equal([pin['host'] for pin in world.alice.list_pins(**options)], hosts, f'scope {scope}')
    equal([pin['host'] for pin in world.bob.list_pins()], ['system.localhost'], 'Bob’s list')


@test('GetPin gives the narrowest scope’s pin, or the one that is asked for')
def _(world):
    system, own = world.issue(), world.issue()
    world.root.pin(HOST, system.der, scope='system')
    world.alice.pin(HOST, own.der)
    equal(world.alice.get_pin(HOST)['keys'], [own.pin], 'the narrowest')
    equal(world.alice.get_pin(HOST, scope='system')['keys'], [system.pin], 'the system’s')


@test('two programs of one user share the channel: the second’s first request reuses it')
def _(world):
    server, _ = world.serve_pinned()
    equal(world.arrives(server).info['connection-reused'], False, 'connection-reused of the first')
    second = world.new_caller(ALICE)
    equal(world.arrives(server, caller=second).info['connection-reused'], True,
          'connection-reused of the second')
    equal(len(server.connections), 1, 'the number of connections')


@test('two users never share a connection')
def _(world):
    server, identity = world.serve_pinned()
    world.bob.pin(HOST, identity.der)
    world.arrives(server)
    answer = world.arrives(server, caller=world.bob)
    equal(answer.info['connection-reused'], False, 'connection-reused')
    equal(len(server.connections), 2, 'the number of connections')
    world.root.pin(HOST, identity.der, scope='system')
    answer = world.arrives(server, caller=world.root)
    equal(answer.info['connection-reused'], False, 'connection-reused of the third')


@test('LastFailure tells each user only of its own requests')
def _(world):
    server, _ = world.serve_pinned()
    server.present(world.impostor())
    world.nothing_arrives(server, 'PinMismatch')
    equal(world.alice.last_failure(HOST)['error'], 'PinMismatch', 'Alice’s')
    world.bob.refused('NotPinned', world.bob.last_failure, HOST)
    world.root.refused('NotPinned', world.root.last_failure, HOST)


@test('signals go to the user concerned alone, though another has subscribed to all')
def _(world):
    world.bob.be_told()
    world.alice.be_told()
    second = world.new_caller(ALICE)
    second.subscribe()
    second.be_told()
    server, _ = world.serve_pinned()
    server.present(world.impostor())
    world.nothing_arrives(server, 'PinMismatch')
    for caller in (world.alice, second):
        host, details = caller.wait_for_signal('PinChanged')
        equal((host, details['state'], details['scope']), (HOST, 'active', 'user'), 'PinChanged')
        host, details = caller.wait_for_signal('PinFailed')
        equal((host, details['error']), (f'{HOST}:{server.port}', 'PinMismatch'), 'PinFailed')
    world.root.pin('last.localhost', world.issue().der, scope='system')
    world.bob.wait_for_signal_where('PinChanged', lambda host, _: host == 'last.localhost')
    equal([arguments[0] for _, arguments in world.bob.signals], ['last.localhost'],
          'the hosts of Bob’s signals')


@test('a program that did not subscribe gets no signals, though it has called')
def _(world):
    world.alice.be_told()
    silent = world.new_caller(ALICE)
    silent.subscribe()
    silent.list_pins()
    world.alice.pin(HOST, world.issue().der)
    world.alice.wait_for_signal('PinChanged')
    silent.be_told()
    world.alice.unpin(HOST)
    silent.wait_for_signal('PinChanged')
    equal([arguments[1]['state'] for _, arguments in silent.signals], ['removed'],
          'the states that it was told')


def cancel(caller, whose, token):
    path = f'{PATH}/request/{whose.unique_name[1:].replace(".", "_")}/{token}'
    caller.call(NAME + '.Request', 'Cancel', '', path=path)


@test('Cancel ends the request: Cancelled, and the server sees the connection end')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    pending = world.alice.begin_request(server.url(HOST), handle_token='one')
    server.wait_for_requests(1)
    cancel(world.alice, world.alice, 'one')
    world.alice.refused('Cancelled', pending.wait)
    server.wait_until_idle()


@test('Cancel right behind the request, before anything can have come of it: Cancelled')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    for number in range(10):
        pending = world.alice.begin_request(server.url(HOST), handle_token=f'n{number}')
        cancel(world.alice, world.alice, f'n{number}')
        world.alice.refused('Cancelled', pending.wait)


@test('another caller’s Cancel: NotAuthorized, of another user and of the same, and nothing ends')
def _(world):
    server, _ = world.serve_pinned()
    gate = Gate()
    server.respond = gate.respond
    pending = world.alice.begin_request(server.url(HOST), handle_token='one')
    server.wait_for_requests(1)
    second = world.new_caller(ALICE)
    for caller in (world.bob, world.root, second):
        caller.refused('NotAuthorized', cancel, caller, world.alice, 'one')
    gate.open()
    equal(pending.answer().status, 200, 'the status')


@test('a handle-token: in use twice is refused, free again afterwards, and checked')
def _(world):
    server, _ = world.serve_pinned()
    gate = Gate()
    server.respond = gate.respond
    pending = world.alice.begin_request(server.url(HOST), handle_token='one')
    server.wait_for_requests(1)
    world.alice.refuses('InvalidArgument', server.url(HOST), handle_token='one')
    gate.open()
    pending.answer()
    world.arrives(server, handle_token='one')
    for token in ('', 'a/b', 'a-b', 'ä', 'x' * 65):
        world.alice.refuses('InvalidArgument', server.url(HOST), handle_token=token)


@test('a caller that vanishes: the server sees its connection end')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: connection.drain()
    passing = world.new_caller(ALICE)
    passing.begin_request(server.url(HOST))
    server.wait_for_requests(1)
    passing.vanish()
    server.wait_until_idle()


@test('a caller that vanishes takes no other program’s request with it')
def _(world):
    server, _ = world.serve_pinned()
    gate = Gate()

    def respond(connection, request):
        return connection.drain() if request.path == '/drain' else gate.respond(connection, request)

    server.respond = respond
    passing = world.new_caller(ALICE)
    passing.begin_request(server.url(HOST, '/drain'))
    pending = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(2)
    passing.vanish()
    server.wait(lambda: any(connection.ended for connection in server.connections), 'an end')
    gate.open()
    equal(pending.answer().status, 200, 'the status')


def start_with_limits(world, text):
    world.daemon.terminate()
    world.daemon.configure('[Limits]\n' + text)
    world.daemon.start()


@test('requests past the limits: LimitExceeded at once, and only for that user')
def _(world):
    start_with_limits(world, 'RunningPerUser=2\nWaitingPerUser=1\n')
    server, identity = world.serve_pinned()
    gate = Gate()
    server.respond = gate.respond
    pending = [world.alice.begin_request(server.url(HOST)) for _ in range(3)]
    server.wait_for_requests(2)
    world.alice.refuses('LimitExceeded', server.url(HOST))
    world.bob.pin(HOST, identity.der)
    others = world.bob.begin_request(server.url(HOST))
    server.wait_for_requests(3)
    gate.open()
    for one in pending + [others]:
        equal(one.answer().status, 200, 'the status')
    equal(len(server.requests), 4, 'the number of requests')


@test('while one waits for its turn it can time out and be cancelled')
def _(world):
    start_with_limits(world, 'RunningPerUser=1\nWaitingPerUser=5\n')
    server, _ = world.serve_pinned()
    gate = Gate()
    server.respond = gate.respond
    running = world.alice.begin_request(server.url(HOST))
    server.wait_for_requests(1)
    world.alice.refuses('TimedOut', server.url(HOST), timeout_ms=100)
    waiting = world.alice.begin_request(server.url(HOST), handle_token='waits')
    world.alice.list_pins()
    cancel(world.alice, world.alice, 'waits')
    world.alice.refused('Cancelled', waiting.wait)
    gate.open()
    equal(running.answer().status, 200, 'the status')
    equal(len(server.requests), 1, 'the number of requests')


@test('pins past the limit: LimitExceeded, which blocks nothing; replacing one still works')
def _(world):
    start_with_limits(world, 'PinsPerUser=2\n')
    identity = world.issue()
    for number in range(2):
        world.alice.pin(f'h{number}.localhost', identity.der)
    world.alice.refused('LimitExceeded', world.alice.pin, 'h2.localhost', identity.der)
    world.alice.refused('LimitExceeded', world.alice.pin, 'h2.localhost', b'junk')
    world.alice.refused('NotPinned', world.alice.get_pin, 'h2.localhost')
    world.alice.pin('h1.localhost', world.issue().der)
    world.bob.pin('h2.localhost', identity.der)
    world.alice.unpin('h0.localhost')
    world.alice.pin('h2.localhost', identity.der)


@test('URL, headers and body past their limits: LimitExceeded, without a connection')
def _(world):
    start_with_limits(world, 'UrlBytes=256\nHeaders=2\nHeaderBytes=1024\nInlineBodyBytes=2048\n')
    server, _ = world.serve_pinned()
    url = server.url(HOST)
    world.no_connection(server, 'LimitExceeded', url + 'x' * 256)
    world.no_connection(server, 'LimitExceeded', url, headers=[('A', 'b')] * 3)
    world.no_connection(server, 'LimitExceeded', url, headers=[('A', 'b' * 1024)])
    world.no_connection(server, 'LimitExceeded', url, method='POST', body=b'x' * 2049)
    world.arrives(server, method='POST', body=b'x' * 2048, headers=[('A', 'b')] * 2)


@test('more requests at once than a channel has connections are all answered')
def _(world):
    server, _ = world.serve_pinned()
    pending = [world.alice.begin_request(server.url(HOST)) for _ in range(40)]
    for one in pending:
        equal(one.answer().status, 200, 'the status')
    holds(len(server.connections) <= 6, f'{len(server.connections)} connections')
    equal(len(server.requests), 40, 'the number of requests')


@test('uids are those of the bus, and a pin says who made it')
def _(world):
    for caller, uid in ((world.alice, ALICE), (world.bob, BOB)):
        holds(f'uid {uid}' in caller.pin(HOST, world.issue().der)['created-by'], 'created-by')


run(World)
