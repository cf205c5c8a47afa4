#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/json/certpinctl.schema.json is what certpinctl --json prints: each verb is run against the real service, in its
outcomes, and each line is held against the schema; and the schema accepts nothing else."""

import base64
import collections
import copy
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import jsonschema

from lib import http
from lib.certpinctl import (BAD_INPUT, FAILED, HTTP_STATUS, NO_SERVICE, NOT_AUTHORIZED, NOT_PINNED, OK, REFUSED,
                            STORE, USAGE, exits, put, run_raw, start)
from lib.fake_journal import Journal, entry
from lib.pki import key_text, new_key
from lib.public import new_folder
from lib.server import echo
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, HOST, World

SOURCE = pathlib.Path(__file__).parents[2]
SCHEMA = json.loads((SOURCE / 'docs/json/certpinctl.schema.json').read_text(encoding='utf-8'))
DEFS = SCHEMA['$defs']
# Bytes of a body that comes as a stream.
LARGE = 100_000
# What was printed and is valid, by verb. The last tests are about all of it.
documents = collections.defaultdict(list)


def validator_of(verb):
    return jsonschema.Draft202012Validator({'$ref': f'#/$defs/verb-{verb}', '$defs': DEFS})


def fault_of(verb, document):
    """Returns: why the schema refuses it; None if it does not"""
    error = jsonschema.exceptions.best_match(validator_of(verb).iter_errors(document))
    return error and f'{error.json_path}: {error.message}'


def note(verb, line):
    """Returns: the document on the line, which is valid"""
    document = json.loads(line)
    fault = fault_of(verb, document)
    holds(fault is None, f'the schema of {verb} refuses {line.decode()}: {fault}')
    documents[verb].append(document)
    return document


def says(world, code, verb, *words, **keywords):
    """Runs the verb. Returns: its documents, without the name that they have in common"""
    actual, output, errors = run_raw(world, verb, '--json', *words, **keywords)
    equal(actual, code, f'the exit status of {verb} {words}, which printed {output} and {errors},')
    holds(output == b'' or output.endswith(b'\n'), f'the last line of {output}')
    return [note(verb, line) for line in output.split(b'\n')[:-1]]


def ask(world, code, verb, *words, **keywords):
    """Returns: the only document, whose only members are those"""
    found = says(world, code, verb, *words, **keywords)
    equal(len(found), 1, f'the number of documents of {verb} {words}')
    return found[0]


def fails(world, code, name, verb, *words, **keywords):
    error = ask(world, code, verb, *words, **keywords)['error']
    equal(error['name'], name, f'the error of {verb} {words}, which says “{error["message"]}”,')
    return error


def verbs(world):
    """Those that --help lists."""
    text = exits(world, OK, '--help').decode().split('\nVerbs\n')[1].split('\n\n')[0]
    return [verb for row in re.findall(r'^  ([a-z-]+(?:, [a-z-]+)*) ', text, re.M) for verb in row.split(', ')]


@test('each verb has a schema, and no other has one; a wrong command line is an error in each')
def _(world):
    found = verbs(world)
    holds(len(found) > 20, f'only these verbs were found: {found}')
    equal(sorted(name[5:] for name in DEFS if name.startswith('verb-')), sorted(found), 'the verbs with a schema')
    equal([part['$ref'] for part in SCHEMA['anyOf']], [f'#/$defs/verb-{verb}' for verb in found], 'the documents')
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for verb in found:
        fails(world, USAGE, 'Usage', verb, '--no-such-option')


def new_folder_of_alice():
    folder = new_folder('certpin-json-')
    os.chown(folder, ALICE, ALICE)
    return folder


def swap(server, identity):
    """The server has another key from now on, also for those that are connected."""
    server.present(identity)
    for connection in server.connections:
        if not connection.ended:
            connection.cut()
    server.wait_until_idle()


@test('pins: set, tried, refused, changed, paused, listed, taken along, and removed')
def _(world):
    identity, other, authority = world.issue(), key_text(new_key().public_key()), world.authority
    file, chain = put(world, 'one.pem', identity.pem), put(world, 'two.pem', identity.pem + authority.pem)
    equal((ask(world, OK, 'list'), ask(world, OK, 'export')), ({'pins': []}, {'files': []}), 'what there is')
    ask(world, OK, 'explain', HOST)
    for verb in ('show', 'unpin', 'resume', 'rotate'):
        fails(world, NOT_PINNED, 'NotPinned', verb, HOST)
    fails(world, NOT_PINNED, 'NotPinned', 'pause', '--for=1h', '--reason=why', HOST)
    fails(world, NOT_PINNED, 'NotPinned', 'export', HOST)
    ask(world, OK, 'pin', '-n', HOST, file)
    ask(world, OK, 'pin', HOST, file, '--note=a note')
    ask(world, OK, 'pin', '-n', HOST, '--key', other, '--expires=2100-01-01', '--note=new', '--trust-anchor',
        put(world, 'anchor.pem', authority.pem))
    ask(world, OK, 'pin', 'anchored.example', '--key', other, '--trust-anchor', put(world, 'anchor.pem', authority.pem))
    ask(world, OK, 'pin', '-n', '--add', HOST, other)
    ask(world, OK, 'pin', '-n', HOST, '--key', other, '--key', identity.pin)  # there is nothing to warn of
    error = fails(world, BAD_INPUT, 'WrongFormat', 'pin', 'new.example', chain)
    equal(len(error['certificates']), 2, 'the number of certificates')
    broken = identity.pem + b'-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'
    fails(world, BAD_INPUT, 'WrongFormat', 'pin', 'new.example', put(world, 'broken.pem', broken))
    fails(world, BAD_INPUT, 'InvalidHost', 'pin', 'not a host', file)
    ask(world, OK, 'rotate', HOST)
    ask(world, OK, 'rotate', '-n', HOST, other)
    ask(world, OK, 'rotate', HOST, other)
    ask(world, OK, 'pause', '--for=1h', '--reason=why', HOST)
    equal(ask(world, OK, 'explain', HOST)['explanation']['pins'][0]['state'], 'paused', 'the state')
    ask(world, OK, 'resume', HOST)
    equal(ask(world, OK, 'explain', HOST)['explanation']['pins'][0]['state'], 'active', 'the state')
    ask(world, OK, 'explain', 'anchored.example')
    ask(world, OK, 'block', 'blocked.example', 'why')
    fails(world, BAD_INPUT, 'InvalidHost', 'block', 'not a host', 'why')
    equal(len(ask(world, OK, 'list')['pins']), 3, 'the number of pins')
    text = ask(world, OK, 'export', HOST)['files'][0]['text'].encode()
    equal(ask(world, OK, 'import', '-', stdin=text)['changes'][0]['change'], 'same', 'the change')
    changed_text = text.replace(b'note', b'word')
    equal(ask(world, OK, 'import', '-n', '-', stdin=changed_text)['changes'][0]['change'], 'replaced', 'the change')
    fails(world, BAD_INPUT, 'InvalidArgument', 'import', '-', stdin=b'nonsense')
    ask(world, OK, 'unpin', HOST)
    equal(ask(world, OK, 'import', '-', stdin=text)['changes'][0]['change'], 'new', 'the change')


@test('pins of an app: listed, shown, changed, taken along, removed, and forgotten')
def _(world):
    app, key = '--app=flatpak:org.example.App', key_text(new_key().public_key())
    for verb in ('forget', 'show', 'unpin'):
        fails(world, NOT_PINNED, 'NotPinned', verb, app, *([] if verb == 'forget' else [HOST]))
    ask(world, OK, 'pin', app, '-n', HOST, '--key', key)
    for host in (HOST, 'other.example', 'third.example'):
        ask(world, OK, 'pin', app, host, '--key', key)
    ask(world, OK, 'pause', app, '--for=1h', '--reason=why', HOST)
    ask(world, OK, 'show', app, HOST)
    text = ask(world, OK, 'export', app)['files'][0]['text'].encode()
    ask(world, OK, 'import', '--app=snap:demo', '-', stdin=text)
    ask(world, OK, 'block', app, 'other.example', 'why')
    ask(world, OK, 'unpin', app, 'third.example')
    equal(sorted({pin['app'] for pin in ask(world, OK, 'list', '--app')['pins']}), ['flatpak:org.example.App', 'snap:demo'],
          'the apps')
    equal([pin['host'] for pin in ask(world, OK, 'forget', app)['pins']], [HOST, 'other.example'], 'what is forgotten')
    fails(world, USAGE, 'Usage', 'forget')


@test('a rotation to its end, and an import for all users that would shut out a server')
def _(world):
    server, old = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(200, b'hello', close=True)
    new = world.issue()
    world.arrives(server)
    exits(world, OK, 'rotate', HOST, new.pin)
    server.present(new)
    world.wait_for_time(datetime.datetime.utcnow())
    since = f'--not-seen-since={int(time.time())}'
    world.arrives(server)
    ask(world, OK, 'rotate', '-n', '--finish', since, HOST)
    fails(world, FAILED, 'Failed', 'rotate', '--finish', since, HOST)
    equal(ask(world, OK, 'rotate', '--finish', '--yes', since, HOST)['removed'], [old.pin], 'the removed keys')
    text = f'[Pin File]\nVersion=1\n[site]\nHost={HOST}:{server.port}\nKeys={old.pin}\n'.encode()
    change = ask(world, OK, 'import', '--system', '-n', '-', stdin=text, uid=0)['changes'][0]
    holds('outage' in change, f'it shuts out nobody: {change}')


@test('certificates: keys, comparisons and verdicts')
def _(world):
    identity, other = world.issue(), world.issue()
    paths = [put(world, name, one.pem) for name, one in (('old.pem', identity), ('new.pem', other))]
    server = world.serve(identity)
    at = f'{HOST}:{server.port}'
    for form in ('sha256', 'curl', 'hpkp', 'base64', 'hex', 'openssl'):
        ask(world, OK, 'key', f'--format={form}', paths[0])
    equal(ask(world, OK, 'key', '--chain', at)['keys'][0]['key'], identity.pin, 'the key')
    fails(world, BAD_INPUT, 'FileNotFound', 'key', '/no/such/file')
    equal(ask(world, OK, 'compare', paths[0], at)['comparison']['same'], True, 'what compare says')
    equal(ask(world, FAILED, 'compare', *paths)['comparison']['same'], False, 'what compare says')
    fails(world, BAD_INPUT, 'FileNotFound', 'compare', paths[0], '/no/such/file')
    ask(world, REFUSED, 'verify', '--host', HOST, paths[0])
    ask(world, OK, 'pin', HOST, paths[0])
    equal(ask(world, OK, 'verify', '--host', HOST, paths[0])['verdict']['matched-key'], identity.pin, 'the verdict')
    ask(world, REFUSED, 'verify', '--host', HOST, paths[1])
    fails(world, BAD_INPUT, 'WrongFormat', 'verify', '--host', HOST, put(world, 'empty', b'nothing'))


@test('requests: passed, to a file, as a stream, reported, and refused with the evidence')
def _(world):
    server, identity = world.serve_pinned()
    url = server.url(HOST)
    equal(ask(world, OK, 'get', url)['response']['status'], 200, 'the status')
    for verb, words in (('head', []), ('delete', []), ('post', ['-d', 'data']), ('put', ['-d', 'data']),
                        ('request', ['PATCH', '-d', 'data'])):
        ask(world, OK, verb, *words, url)
    equal(len(says(world, OK, 'get', url, url)), 2, 'the number of documents of two URLs')
    page = os.path.join(new_folder_of_alice(), 'page')
    holds('body' not in ask(world, OK, 'get', '-o', page, url)['response'], 'the body is in the document as well')
    server.respond = lambda connection, request: http.reply(404, b'x' * LARGE)
    body = ask(world, HTTP_STATUS, 'get', '--fail', url)['response']['body']
    equal(len(base64.b64decode(body)), LARGE, 'the length of the body')
    fails(world, NOT_PINNED, 'NotPinned', 'get', 'https://other.example/')
    holds('offered-keys' not in ask(world, OK, 'show', 'other.example')['failure'], 'there was a server')
    swap(server, world.impostor())
    for verb, words in (('get', [url]), ('head', [url]), ('delete', [url]), ('post', ['-d', 'x', url]),
                        ('put', ['-d', 'x', url]), ('request', ['PATCH', '-d', 'x', url])):
        error = fails(world, REFUSED, 'PinMismatch', verb, *words)
        holds('failure' in error and 'accept' in error, f'there is no evidence in {error}')
    holds('failure' in ask(world, OK, 'show', HOST), 'there is no failure')
    ask(world, OK, 'pause', '--for=1h', '--reason=why', HOST)
    holds('report' in ask(world, OK, 'get', url)['response']['info'], 'there is no report')


class Running:
    """A verb that prints documents until it is interrupted."""

    def __init__(self, world, verb, *words, **keywords):
        self.verb = verb
        self.process = start(world, verb, '--json', *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)
        world.track(self)

    def next(self):
        return note(self.verb, self.process.stdout.readline())

    def close(self):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=DEADLINE_S)


@test('tunnels: where connect listens, and why it does not')
def _(world):
    server, _ = world.serve_pinned()
    server.speak = echo
    listening = Running(world, 'connect', '--listen-loopback=0', f'{HOST}:{server.port}')
    holds(listening.next()['address'].startswith('127.0.0.1:'), 'it does not listen')
    folder = new_folder_of_alice()
    named = Running(world, 'connect', b'--listen-unix=' + os.fsencode(folder) + b'/\xff', f'{HOST}:{server.port}')
    equal(named.next()['address'], f'{folder}/\ufffd', 'the path, with a byte that is not UTF-8')
    fails(world, NOT_PINNED, 'NotPinned', 'connect', 'other.example:1')


@test('monitor: a pin that changes, a key that is seen, a request that is refused, what was missed')
def _(world):
    monitor = Running(world, 'monitor')
    holds(b'watching' in monitor.process.stderr.readline(), 'it does not watch')
    server, identity = world.serve_pinned()
    equal(monitor.next()['event'], 'pin-changed', 'the first event')
    world.alice.request(server.url(HOST))
    equal(monitor.next()['details']['key'], identity.pin, 'the key')
    exits(world, OK, 'pause', '--for=1h', '--reason=why', HOST)
    holds('paused-by' in monitor.next()['details'], 'nobody paused it')
    exits(world, OK, 'unpin', HOST)
    equal(monitor.next()['details']['state'], 'removed', 'the state')
    exits(world, NOT_PINNED, 'get', server.url(HOST))
    equal(monitor.next()['details']['error'], 'NotPinned', 'the error')
    world.daemon.restart()
    equal(monitor.next()['details'], {'state': 'missed', 'change': 'missed'}, 'the last event')


@test('log: entries with all that they may have, none, and no journal')
def _(world):
    key = key_text(new_key().public_key())
    words = ('EVENT', 'HOST', 'SCOPE', 'UID', 'APP', 'PROGRAM', 'OWNER', 'VERDICT', 'REASON', 'ACTION', 'FILE', 'LINE', 'KEY',
             'LEFT_OUT')
    fields = {f'CERTPIN_{word}': word for word in words}
    journal = Journal(world, entry(MESSAGE='ready')
                      + entry(MESSAGE='x', CERTPIN_OLD_KEYS=key, CERTPIN_NEW_KEYS=f'{key} {key}', **fields))
    equal(len(says(world, OK, 'log', **journal.keywords)), 2, 'the number of entries')
    equal(says(world, OK, 'log', **Journal(world).keywords), [], 'what an empty journal has')
    refusing = Journal(world, errors=b'No journal files were opened due to insufficient permissions.\n', status=1)
    fails(world, NOT_AUTHORIZED, 'NotAuthorized', 'log', **refusing.keywords)


@test('the service: its state, a diagnosis, and its files read again, whole and broken')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    world.alice.pin(f'{HOST}:{server.port}', identity.der)
    equal(ask(world, OK, 'status')['status']['problems'], [], 'the problems')
    holds(ask(world, OK, 'doctor')['doctor']['well'], 'it is not well')
    swap(server, world.impostor())
    exits(world, OK, 'block', 'blocked.example', 'why')
    holds(not ask(world, FAILED, 'doctor')['doctor']['well'], 'it is well')
    fails(world, NOT_AUTHORIZED, 'NotAuthorized', 'reload')
    file = os.path.join(world.daemon.pins_dir, 'site.pin')
    with open(file, 'w', encoding='utf-8') as to:
        to.write(f'[Pin File]\nVersion=1\n[site]\nHost=site.example\nKeys={identity.pin}\n')
    ask(world, OK, 'reload', uid=0)
    ask(world, OK, 'explain', 'site.example')
    equal(ask(world, OK, 'show', 'site.example')['pins'][0]['source'], file, 'the source')
    with open(file, 'a', encoding='utf-8') as to:
        to.write('nonsense')
    fails(world, STORE, 'StoreFailed', 'reload', uid=0)
    status = ask(world, REFUSED, 'status')['status']
    holds('reload-error' in status and len(status['blocked']) == 1, f'the state is {status}')


@test('the service without a disk: a block that is only in memory, and why nothing can be stored')
def _(world):
    state = world.daemon.restart_on_small_disk()
    ask(world, OK, 'list')  # has the service read the folder while it is whole
    with open(os.path.join(state, 'users'), 'wb'):
        pass  # where a folder would have to be
    fails(world, STORE, 'StoreFailed', 'block', HOST, 'why')
    equal(ask(world, OK, 'explain', HOST)['explanation']['pins'][0]['stored'], False, 'whether it is stored')
    world.daemon.make_disk_read_only()
    holds('state-problem' in ask(world, REFUSED, 'status')['status'], 'there is no problem')


@test('without the service, each verb that needs it says so')
def _(world):
    world.daemon.terminate()
    path, text = put(world, 'one.pem', world.issue().pem), b'[Pin File]\nVersion=1\n'
    words = {'pin': [HOST, path], 'unpin': [HOST], 'block': [HOST, 'why'], 'pause': ['--for=1h', '--reason=why', HOST],
             'resume': [HOST], 'rotate': [HOST], 'list': [], 'forget': ['--app=snap:demo'], 'show': [HOST], 'explain': [HOST], 'export': [],
             'import': ['-'], 'key': [HOST], 'compare': [HOST, path], 'verify': [path], 'get': ['https://h.example/'],
             'head': ['https://h.example/'], 'delete': ['https://h.example/'], 'post': ['https://h.example/'],
             'put': ['https://h.example/'], 'request': ['GET', 'https://h.example/'], 'connect': [f'{HOST}:1'], 'status': [], 'monitor': [],
             'reload': []}
    for verb, arguments in words.items():
        fails(world, NO_SERVICE, 'ServiceUnavailable', verb, *arguments, stdin=text)
    holds(not ask(world, FAILED, 'doctor')['doctor']['well'], 'it is well without a service')


# The schema itself, and all documents of the tests before

# Objects of the same kind, by the members that lead to them.
KINDS = {'pins': 'pin', 'dry-run.replaced': 'pin', 'changes.pin': 'pin', 'changes.old': 'pin', 'status.blocked': 'pin',
         'explanation.pins': 'pin', 'error.failure': 'failure', 'response.info.report': 'failure',
         'comparison.new': 'comparison.old'}


def names_in(value):
    """Returns: the names of an object's members, or the places of an array's elements"""
    return value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()


def parts_of(value, path=()):
    """Yields the path to each member and element."""
    for name in names_in(value):
        yield (*path, name)
        yield from parts_of(value[name], (*path, name))


def objects_of(value, path=()):
    """Yields each object, with the path to it."""
    if isinstance(value, dict):
        yield path, value
    for name in names_in(value):
        yield from objects_of(value[name], (*path, name))


def kind_of(verb, path):
    names = '.'.join(name for name in path if isinstance(name, str))
    own = verb in ('unpin', 'block', 'forget', 'monitor', 'log') and not names.startswith('error')
    return f'{verb} {names}' if own else KINDS.get(names, names)


def changed(document, path, change):
    """Returns: a copy in which that was done to the member of that name, or the element"""
    new = copy.deepcopy(document)
    holder = new
    for name in path[:-1]:
        holder = holder[name]
    change(holder, path[-1])
    return new


def of_another_type(holder, name):
    holder[name] = ['another', 'type', {}] if not isinstance(holder[name], list) else 'another type'


def without(holder, name):
    del holder[name]


def with_one_more(holder, name):
    holder[name]['one-more'] = True


def schemas_of(schema):
    """Yields each schema in one, and itself."""
    if isinstance(schema, dict):
        yield schema
    for name in names_in(schema):
        yield from schemas_of(schema[name])


def distinct():
    """Yields verb and document, without those that have the same members."""
    for verb, all_of_it in documents.items():
        shapes = {tuple(name for name in parts_of(one)): one for one in all_of_it}
        for document in shapes.values():
            yield verb, document


@test('the words for errors, reasons and OCSP are those of the interface')
def _(_world):
    interface = (SOURCE / 'dbus/org.certpin.Certpin1.xml').read_text(encoding='utf-8')
    reasons = interface.split('The reason is one of these words:')[1].split('Errors:')[0]
    equal(set(DEFS['failure']['properties']['reason']['enum']), set(re.findall('`([a-z-]+)`', reasons)), 'the reasons')
    ocsp = interface.split('`ocsp` is what the OCSP response says')[1].split('is refused.')[0]
    equal(set(DEFS['failure']['properties']['ocsp']['enum']), set(re.findall('`([a-z]+)`', ocsp)), 'the words for OCSP')
    names = re.findall(r'CODE \(\w+, "(\w+)", "', (SOURCE / 'client-lib/certpin-error.c').read_text(encoding='utf-8'))
    equal(DEFS['error-document']['properties']['error']['properties']['name']['enum'], ['Usage', *names], 'the errors')
    equal(DEFS['failure']['properties']['error']['enum'], names, 'the errors of a failure')


@test('each verb was seen to succeed and to fail')
def _(world):
    for verb in verbs(world):
        equal({'error' in document for document in documents[verb]}, {True, False}, f'what was seen of {verb}')


@test('the schema refuses a member of another type, or one more, anywhere in what was printed')
def _(_world):
    for verb, document in distinct():
        for path in parts_of(document):
            wrong = changed(document, path, of_another_type)
            holds(fault_of(verb, wrong), f'the schema of {verb} accepts another type at {path} in {document}')
        for path, _ in objects_of({'': document}):
            if path:
                wrong = changed({'': document}, path, with_one_more)['']
                holds(fault_of(verb, wrong), f'the schema of {verb} accepts one more member at {path} in {document}')


@test('what the schema lets be absent is absent in a document, and all else is required')
def _(_world):
    seen, loose = collections.defaultdict(list), set()
    for verb, document in distinct():
        for path, value in objects_of(document):
            seen[kind_of(verb, path)].append(set(value))
        for path in parts_of(document):
            # The members of `seen` are keys, of which there may be any number.
            may_lack = isinstance(path[-1], str) and path[-2:-1] != ('seen',)
            if may_lack and fault_of(verb, changed(document, path, without)) is None:
                loose.add((kind_of(verb, path[:-1]), path[-1]))
    never = {(kind, name) for kind, name in loose if all(name in members for members in seen[kind])}
    equal(never, set(), 'what the schema lets be absent, but never is')
    holds(len(loose) > 20, f'only these may be absent: {loose}')


@test('each member is described in a sentence and was printed')
def _(_world):
    printed = {name for _, document in distinct() for path in parts_of(document) for name in path}
    described = {}
    for schema in schemas_of(SCHEMA):
        for name, member in schema.get('properties', {}).items() if 'properties' in schema else ():
            described[name] = member
            meant = DEFS.get(member.get('$ref', '').rpartition('/')[2], {})
            text = member.get('description', meant.get('description', ''))
            holds(re.search(r'\w.*\.$', text), f'‘{name}’ is described as “{text}”')
        if schema.get('type') == 'object' and 'properties' in schema:
            holds('additionalProperties' in schema or schema is DEFS['pin-members'], f'{schema} is open')
    equal(set(described) - printed, set(), 'the members that were never printed')


run(World)
