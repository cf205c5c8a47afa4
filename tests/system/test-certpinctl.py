#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl as its users run it: by hand, and in scripts that go by what it prints and by its exit
code."""

import datetime
import json
import os
import time

from lib import http
from lib.certpinctl import (BAD_INPUT, BLOCKED, HTTP_STATUS, NOT_AUTHORIZED, NOT_PINNED, NOT_SECURE, NO_SERVICE, OK,
                            REFUSED, UNREACHABLE, USAGE, ctl, exits, put)
from lib.tap import equal, holds, run, test
from lib.world import HOST, World


@test('pin a file, get a page, and see both in list and show')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    exits(world, OK, 'pin', HOST, put(world, 'server.der', identity.der))
    equal(exits(world, OK, 'get', server.url(HOST)), b'hello', 'the page')
    holds(HOST.encode() in exits(world, OK, 'list'), 'the host is not listed')
    holds(identity.pin.encode() in exits(world, OK, 'show', HOST), 'the key is not shown')
    pins = json.loads(exits(world, OK, 'list', '--json'))['pins']
    equal([pin['host'] for pin in pins], [HOST], 'the hosts in JSON')


@test('verify judges a chain in PEM or DER, explain names the pin that applies')
def _(world):
    identity = world.issue()
    der = put(world, 'server.der', identity.der)
    chain = put(world, 'chain.pem', identity.pem + world.authority.pem)
    anchor = put(world, 'anchor.pem', world.other_authority.pem)
    exits(world, OK, 'verify', chain)
    exits(world, REFUSED, 'verify', '--trust-anchor', anchor, der)
    exits(world, REFUSED, 'verify', '--host', HOST, der)
    exits(world, OK, 'verify', '--host', HOST, '--key', identity.pin, der)
    exits(world, OK, 'pin', HOST, der)
    exits(world, BAD_INPUT, 'verify', '--host', HOST, put(world, 'server.key', identity.key_pem))
    verdict = json.loads(exits(world, OK, 'verify', '--json', '--host', HOST, chain))['verdict']
    equal((verdict['verdict'], verdict['matched-key']), ('Pass', identity.pin), 'the verdict')
    holds(b'most specific' in exits(world, OK, 'explain', HOST), 'explain says why')


@test('verify of PEM without a certificate, or with half of one: exit code 4, and the file is named')
def _(world):
    identity = world.issue()
    good = put(world, 'good.der', identity.der)
    other = world.authority.pem
    halves = (identity.pem[:-30], identity.pem[:-30] + other, identity.pem + other[:-30])
    for content in (identity.key_pem, *halves):
        reason = 'is PEM, but has no complete certificate' if content in halves else 'is a private key'
        bad = put(world, 'bad.file', content)
        for arguments in (['--host', HOST, bad], [bad], [bad, good], [good, bad],
                          ['--trust-anchor', bad, good]):
            errors = ctl(world, 'verify', *arguments)[2]
            holds(f'‘{bad}’' in errors and reason in errors, f'it said “{errors}”, not “{reason}”')
            error = json.loads(exits(world, BAD_INPUT, 'verify', '--json', *arguments))['error']
            equal(error['name'], 'WrongFormat', 'the error')


@test('another key: exit code 3, nothing on the standard output, no byte sent')
def _(world):
    server, _ = world.serve_pinned()
    server.present(world.impostor())
    equal(exits(world, REFUSED, 'get', server.url(HOST)), b'', 'the standard output')
    server.wait_until_idle()
    equal(server.bytes, 0, 'the number of bytes that reached the server')


@test('a mismatch that is only reported: the advice says that the request was sent')
def _(world):
    server = world.serve(world.issue())
    exits(world, OK, 'pin', '--mode=report', HOST, put(world, 'other.der', world.issue().der))
    code, output, errors = ctl(world, 'get', '-v', server.url(HOST))
    equal((code, output, len(server.requests)), (OK, b'hello', 1), 'what came of the request')
    response = json.loads(exits(world, OK, 'get', '--json', server.url(HOST)))['response']
    for text in (errors, exits(world, OK, 'show', HOST).decode(),
                 response['info']['report']['advice']):
        holds('the request was sent' in text and 'nothing was sent' not in text, text)


@test('unpinned and http: exit codes 10 and 15, without a connection')
def _(world):
    server, _ = world.serve_pinned()
    exits(world, NOT_PINNED, 'get', server.url('other.localhost'))
    exits(world, NOT_SECURE, 'get', server.url(HOST, scheme='http'))
    server.barrier()
    equal(len(server.connections), 0, 'the number of connections')


@test('hints name the port of a URL, unless it is that of HTTPS')
def _(world):
    server, _ = world.serve_pinned()
    for host, port in (('other.localhost', f':{server.port}'), ('other.localhost', ''), ('h.localhos', f':{server.port}')):
        _, _, said = ctl(world, 'get', f'https://{host}{port}/page')
        hint = f': certpinctl pin --fetch {host}{port}\n' if host != 'h.localhos' else f'; did you mean ‘{HOST}’?\n'
        holds(said.endswith(hint), f'it said “{said}”')
    server.close()
    code, _, said = ctl(world, 'get', server.url(HOST))
    equal(code, UNREACHABLE, 'the exit code')
    holds(said.endswith(f' (port {server.port}); to see what helps: certpinctl doctor {HOST}:{server.port}\n'), said)
    world.alice.pin_keys('::1', server.presented.pin)
    _, _, said = ctl(world, 'get', f'https://[::1]:{server.port}/')
    holds(said.endswith(f" certpinctl doctor '[::1]:{server.port}'\n"), f'it said “{said}”')


@test('a missing file and a self-signed one with --block-on-failure: exit code 4, and the host is blocked')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    good = put(world, 'good.der', identity.der)
    for path in (os.path.join(world.folder, 'missing.der'), put(world, 'root.der', world.authority.der)):
        exits(world, BAD_INPUT, 'pin', '--block-on-failure', HOST, path)
        exits(world, BLOCKED, 'get', server.url(HOST))
        equal(len(server.connections), 0, 'the number of connections')
    exits(world, OK, 'pin', HOST, good)
    exits(world, OK, 'get', server.url(HOST))


@test('pin HOST - takes the certificate from the standard input, whatever file is called so')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    put(world, '-', world.issue().der)
    exits(world, OK, 'pin', HOST, '-', stdin=identity.der, cwd=world.folder)
    exits(world, OK, 'get', server.url(HOST))
    exits(world, OK, 'pin', HOST, './-', cwd=world.folder)
    exits(world, REFUSED, 'get', server.url(HOST))


@test('a standard input that holds no certificate, or cannot be read: the host is blocked if that is asked for')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    for words, content, keywords in (
            ('is empty', b'', {}), ('truncated', identity.der[:-1], {}), ('64 KiB', bytes(1 << 20), {}),
            ('Bad file descriptor', b'', {'preexec_fn': lambda: os.close(0)})):
        exits(world, OK, 'pin', HOST, '-', stdin=identity.der)
        exits(world, OK, 'get', server.url(HOST))
        code, _, errors = ctl(world, 'pin', '--block-on-failure', HOST, '-', stdin=content, **keywords)
        equal(code, BAD_INPUT, f'the exit code, with “{errors}”,')
        holds(words in errors, f'it said “{errors}”')
        holds('blocked' in ctl(world, 'get', server.url(HOST))[2], 'the host is not blocked')
    equal(len(server.requests), 4, 'the number of requests')


@test('request sends what it is given')
def _(world):
    server, _ = world.serve_pinned()
    exits(world, OK, 'request', 'PUT', server.url(HOST, '/x'), '--data-file', '-', '-H', 'A: b',
          stdin=b'body')
    request = server.requests[0]
    equal((request.method, request.path, request.body, request.headers['a']),
          ('PUT', '/x', b'body', 'b'), 'the request')


def bodies(world, server, *ways, **keywords):
    """Returns: what the server got, of a request with each of these options"""
    server.respond = lambda connection, request: http.reply(200, request.body)
    return [exits(world, OK, 'request', 'POST', *options, server.url(HOST), **keywords)
            for options in ways]


@test('-d is what curl makes of it: parts are joined, and @ names a file')
def _(world):
    server, _ = world.serve_pinned()
    lines = put(world, 'lines', b'\nb=2\r\n\0&c=3\n')
    equal(bodies(world, server, ['-d', 'a=1', '-d', 'b=2', '--data=c'], ['-d', f'@{lines}'],
                 ['-d', 'a=1', '-d', f'@{lines}', '-d', ''], ['-d', 'a@b']),
          [b'a=1&b=2&c', b'b=2&c=3', b'a=1&b=2&c=3&', b'a@b'], 'the bodies')
    equal(bodies(world, server, ['-d', '@-'], stdin=b'a\nb'), [b'ab'], 'the standard input')
    equal(bodies(world, server, ['--data-raw', f'@{lines}', '--data-raw=b'],
                 ['--data-file', lines]),
          [f'@{lines}&b'.encode(), b'\nb=2\r\n\0&c=3\n'], 'what is sent as it is')


@test('a body that cannot be read or is said twice: nothing is sent')
def _(world):
    server, _ = world.serve_pinned()
    large = put(world, 'large', bytes(64 << 20).replace(b'\0', b'x'))
    for code, options in ((BAD_INPUT, ['-d', '@' + large + '-missing']),
                          (BAD_INPUT, ['-d', '@' + large, '-d', 'x']),
                          (USAGE, ['-d', 'a', '--json-body', 'b']),
                          (USAGE, ['-d', 'a', '--data-file', large]),
                          (USAGE, ['--data-raw', 'a', '--data-file', large])):
        exits(world, code, 'request', 'POST', *options, server.url(HOST))
    equal(len(server.requests), 0, 'the number of requests')


@test('keys, unpin and block')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    exits(world, OK, 'pin', HOST, '--key', identity.pin)
    exits(world, OK, 'get', server.url(HOST))
    exits(world, OK, 'block', HOST, 'not today')
    exits(world, BLOCKED, 'get', server.url(HOST))
    exits(world, OK, 'unpin', HOST)
    exits(world, NOT_PINNED, 'get', server.url(HOST))
    exits(world, BAD_INPUT, 'pin', HOST, '--key', 'sha1/xyz')


@test('pause and resume: get warns once, list, show and explain say until when and why')
def _(world):
    pinned, other = world.issue(), world.serve()
    exits(world, OK, 'pin', HOST, '--key', pinned.pin)
    exits(world, REFUSED, 'get', other.url(HOST))
    said = exits(world, OK, 'pause', '--for=30m', '--reason=the operator changed the key', HOST).decode()
    until = world.alice.get_pin(HOST)['paused-until']
    moment = datetime.datetime.utcfromtimestamp(until).strftime('%Y-%m-%dT%H:%M:%SZ')
    holds(moment in said, f'it said “{said}”, not {moment}')
    code, output, errors = ctl(world, 'get', other.url(HOST))
    equal((code, output, errors.count('is paused until')), (OK, b'hello', 1), 'what get says')
    holds(moment in errors and 'holds the key' in errors, f'it said “{errors}”')
    for arguments in (['list'], ['show', HOST], ['explain', HOST]):
        said = exits(world, OK, *arguments).decode()
        for text in (moment, 'the operator changed the key', 'paused'):
            holds(text in said, f'{arguments} does not say ‘{text}’: {said}')
    pin = json.loads(exits(world, OK, 'resume', '--json', HOST))['pin']
    equal((pin['state'], 'paused-until' in pin), ('active', False), 'the pin')
    exits(world, REFUSED, 'get', other.url(HOST))
    holds('paused' not in exits(world, OK, 'list').decode(), 'a resumed pin is listed as paused')
    equal(exits(world, OK, 'resume', HOST).decode(), f'Your pin of {HOST} was not paused, so nothing was changed\n',
          'what is said of a pin that is not paused')
    exits(world, OK, 'pause', '--for=1h', '--reason=x', HOST)
    equal(exits(world, OK, 'resume', HOST).decode(), f'Resumed your pin of {HOST}: other keys are refused\n',
          'what is said of one that is')


@test('how long a pause lasts, and why: what is missing or wrong is bad usage')
def _(world):
    identity = world.issue()
    exits(world, OK, 'pin', HOST, '--key', identity.pin)
    for given in ('', '1', 'h', '0s', '-1s', '1.5h', '25h', '86401s', '1441m', '2d', '1h30m', '1 h', '1H', '٣h',
                  '99999999999999999999s'):
        errors = ctl(world, 'pause', f'--for={given}', '--reason=x', HOST)[2]
        holds(f'‘{given}’ is not a time' in errors, f'--for={given}: it said “{errors}”')
        exits(world, USAGE, 'pause', f'--for={given}', '--reason=x', HOST)
    exits(world, USAGE, 'pause', '--for=1h', HOST)
    exits(world, USAGE, 'pause', '--reason=x', HOST)
    equal(world.alice.get_pin(HOST)['state'], 'active', 'the state')
    for given, seconds in (('1s', 1), ('90s', 90), ('30m', 1800), ('24h', 86400), ('1d', 86400)):
        before = int(time.time())
        exits(world, OK, 'pause', f'--for={given}', '--reason=x', HOST)
        until = world.alice.get_pin(HOST)['paused-until'] - seconds
        holds(before <= until <= time.time(), f'--for={given} lasts {until - before} s more')
        exits(world, OK, 'resume', HOST)
    exits(world, NOT_AUTHORIZED, 'pause', '--system', '--for=1h', '--reason=x', HOST)
    exits(world, NOT_PINNED, 'pause', '--for=1h', '--reason=x', 'other.localhost')
    exits(world, BAD_INPUT, 'pause', '--for=1h', '--reason=', HOST)


@test('pins of the system are root’s to set: exit code 6')
def _(world):
    path = put(world, 'server.der', world.issue().der)
    exits(world, NOT_AUTHORIZED, 'pin', '--system', HOST, path)
    exits(world, OK, 'pin', '--system', HOST, path, uid=0)


@test('nobody listens: exit code 5; a bad status with --fail: exit code 22')
def _(world):
    server, _ = world.serve_pinned()
    server.respond = lambda connection, request: b'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n'
    exits(world, OK, 'get', server.url(HOST))
    exits(world, HTTP_STATUS, 'get', '--fail', server.url(HOST))
    server.close()
    exits(world, UNREACHABLE, 'get', server.url(HOST))


@test('list --system and list --user show the pins of that scope; both together are bad usage')
def _(world):
    path = put(world, 'server.der', world.issue().der)
    exits(world, OK, 'pin', HOST, path)
    exits(world, OK, 'pin', '--system', HOST, path, uid=0)
    for options, scopes in (([], ['system', 'user']), (['--system'], ['system']),
                            (['--user'], ['user'])):
        pins = json.loads(exits(world, OK, 'list', '--json', *options))['pins']
        equal([pin['scope'] for pin in pins], scopes, f'the scopes of {options}')
    equal(exits(world, USAGE, 'list', '--system', '--user'), b'', 'the standard output')


@test('no service: exit code 7; bad usage: exit code 2')
def _(world):
    exits(world, USAGE, 'nonsense')
    exits(world, USAGE, 'pin')
    world.daemon.terminate()
    exits(world, NO_SERVICE, 'list')
    equal(json.loads(exits(world, NO_SERVICE, 'list', '--json'))['error'] is not None, True, 'JSON')


run(World)
