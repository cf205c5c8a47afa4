#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What certpinctl makes of a service that answers something else than its interface says: an error
of one sentence, never a success, an empty line or a crash."""

import base64
import json
import os
import queue
import signal
import subprocess
import time

from gi.repository import GLib

from lib import fake_service as fake
from lib import pki
from lib.certpinctl import FAILED, INTERRUPTED, OK, TIMED_OUT, ctl, exits, put, run_raw, start
from lib.fake_service import FakeWorld
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import ALICE

HUGE = (16 * 1024 + 1) * 1024
PIN = {'host': 's', 'scope': 's', 'keys': 'as', 'match': 's', 'mode': 's', 'expires': 'x',
       'state': 's', 'generation': 't', 'created': 'x'}
NEXT_KEY = 'sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='
# What is always in the dictionary that a method answers with, and what may be.
ALWAYS = {'PinCertificate': PIN, 'PinKeys': PIN, 'GetPin': PIN, 'ListPins': PIN, 'AddKeys': PIN, 'RemoveKeys': PIN,
          'PausePin': PIN, 'ResumePin': PIN,
          'FetchChain': {'host': 's', 'certificates': 'aa{sv}', 'trusted': 'b', 'verdict': 's', 'reason': 's',
                         'path-keys': 'as'},
          'GetStatus': {'version': 's', 'started': 'x', 'pins': 'a{sa{su}}', 'blocked': 'aa{sv}', 'problems': 'as',
                        'last-reload': 'x', 'requests-today': 't', 'refusals-today': 't', 'warnings': 'as',
                        'advice': 'as', 'trust-anchors': 'u', 'trust-file': 's',
                        'state-folder': 's', 'unstored': 'u'},
          'LastFailure': {'error': 's', 'message': 's', 'time': 'x'},
          'ExplainHost': {'host': 's', 'policy': 's', 'pins': 'aa{sv}'},
          'VerifyChain': {'trusted': 'b', 'verdict': 's', 'reason': 's', 'offered-keys': 'as',
                          'path-keys': 'as'},
          'SecureRequest': {'url': 's', 'http-version': 's', 'tls-version': 's', 'path-keys': 'as',
                            'connection-reused': 'b'}}
SOMETIMES = {'GetPin': {'reason': 's', 'subject': 's', 'issuer': 's', 'not-after': 'x',
                        'warnings': 'as', 'note': 's', 'created-by': 's', 'source': 's',
                        'trust-anchors': 'u', 'stored': 'b', 'applies': 'b', 'why': 's', 'seen': 'a{s(xx)}',
                        'last-seen': 'x', 'served': 'a{sv}', 'paused-until': 'x', 'pause-reason': 's',
                        'paused-by': 's'},
             'ExplainHost': {'paused-until': 'x'},
             'GetStatus': {'reload-error': 's'},
             'LastFailure': {'host': 's', 'reason': 's', 'scope': 's', 'mode': 's', 'subject': 's',
                             'likely-cause': 's', 'advice': 's', 'offered-keys': 'as',
                             'pinned-keys': 'as', 'issuer': 's', 'ocsp': 's'},
             'VerifyChain': {'matched-key': 's', 'matched-position': 'u'},
             'FetchChain': {'problem': 's', 'detail': 's', 'matched-key': 's', 'matched-position': 'u',
                            'handshake-error': 's', 'tls-version': 's', 'proxy': 's'},
             'SecureRequest': {'matched-key': 's', 'matched-position': 'u', 'timings': 'a{st}',
                               'report': 'a{sv}', 'ocsp': 's', 'warnings': 'as', 'paused-until': 'x'}}
WRONG = (GLib.Variant('d', 1.5), GLib.Variant('s', 'h.example'), GLib.Variant('av', []),
         GLib.Variant('v', GLib.Variant('s', 'h.example')))


def verb_of(world, method):
    """The command line that comes to call it."""
    certificate = put(world, 'good.der', b'der')
    return {'PinCertificate': ('pin', 'h.example', certificate),
            'PinKeys': ('pin', 'h.example', '--key', 'x'), 'AddKeys': ('pin', '--add', 'h.example', NEXT_KEY),
            'RemoveKeys': ('pin', '--remove-key', 'h.example', fake.KEY), 'FetchChain': ('key', 'h.example'),
            'PausePin': ('pause', '--for=1h', '--reason=why', 'h.example'), 'ResumePin': ('resume', 'h.example'),
            'Unpin': ('unpin', 'h.example'), 'GetStatus': ('status',),
            'BlockHost': ('block', 'h.example', 'why'), 'ListPins': ('list',),
            'GetPin': ('show', 'h.example'), 'LastFailure': ('show', 'h.example'),
            'ExplainHost': ('explain', 'h.example'), 'VerifyChain': ('verify', certificate),
            'SecureRequest': ('get', '-v', '-i', 'https://h.example/')}[method]


def dictionary(method, **entries):
    """A good one, but for those entries."""
    make = {'LastFailure': fake.failure, 'ExplainHost': fake.explanation,
            'VerifyChain': fake.verdict, 'SecureRequest': fake.info,
            'FetchChain': fake.chain_info, 'GetStatus': fake.status}.get(method, fake.pin)
    return make(**entries)


def reply_of(method, values):
    """The method's reply with that dictionary in it."""
    if method == 'SecureRequest':
        return fake.response(evidence=values)
    if method == 'FetchChain':
        return fake.chain(values)
    return fake.several(values) if method == 'ListPins' else fake.one(values)


def good(method):
    return reply_of(method, dictionary(method)) if method in ALWAYS else GLib.Variant('()', ())


def answer(world, method, reply):
    """That method is answered with that, and others as they should be."""
    def answer_one(called, arguments):
        if called == 'ListPins' and 'start-after' in arguments[0]:
            return fake.several()
        return reply if called == method else good(called)

    world.answers(answer_one)


def shown(reply):
    return reply.print_(True) if reply.get_size() < 1000 else f'{reply.get_size()} bytes'


def fails(world, method, reply, *words):
    """The reply is an error, in text and in JSON, and says these words. The library and the tool, which both check
    replies, say it alike."""
    answer(world, method, reply)
    code, output, errors = run_raw(world, *verb_of(world, method))
    what = f'{method}, answered with {shown(reply)}, which said {output} and {errors},'
    equal(code, FAILED, f'the exit code of {what}')
    equal((output, errors.count(b'\n')), (b'', 1), f'what was printed, and the lines, of {what}')
    for word in ('the reply of the certpin service is not valid', *words):
        holds(word in errors.decode(), f'“{word}” is not said by {what}')
    code, output, errors = run_raw(world, '--json', *verb_of(world, method))
    equal((code, errors), (FAILED, b''), f'the exit code of {what} in JSON')
    equal(json.loads(output)['error']['name'], 'Failed', 'the name of the error')


def entries(*tables):
    """Each entry of each method, and its type."""
    return [(method, name, kind) for table in tables for method, names in table.items()
            for name, kind in names.items()]


@test('the replies that the others are made from are good ones')
def _(world):
    for method in (*ALWAYS, 'Unpin', 'BlockHost'):
        answer(world, method, good(method))
        exits(world, OK, *verb_of(world, method))


def named(method, name):
    """What the error says, unless the library needs it itself: to ask for the next slice."""
    return () if (method, name) == ('ListPins', 'host') else (f'‘{name}’',)


@test('a reply that lacks something is an error that names it')
def _(world):
    for method, name, _ in entries(ALWAYS):
        fails(world, method, reply_of(method, dictionary(method, **{name: None})),
              *named(method, name))
    for method in ALWAYS:
        fails(world, method, reply_of(method, {}))


@test('a value of a wrong type is an error that names it')
def _(world):
    for method, name, kind in entries(ALWAYS, SOMETIMES):
        for value in WRONG:
            if value.get_type_string() != kind:
                fails(world, method, reply_of(method, dictionary(method, **{name: value})),
                      *named(method, name))


@test('a thing that is said twice is an error')
def _(world):
    for method, name, kind in entries(ALWAYS):
        builder = GLib.VariantBuilder(GLib.VariantType('a{sv}'))
        for key, value in (*dictionary(method).items(), (name, dictionary(method)[name])):
            builder.add_value(GLib.Variant.new_dict_entry(GLib.Variant('s', key),
                                                          GLib.Variant('v', value)))
        twice = builder.end()
        reply = {'ListPins': GLib.Variant.new_tuple(GLib.Variant.new_array(None, [twice])),
                 'SecureRequest': GLib.Variant.new_tuple(
                     *[fake.response().get_child_value(i) for i in range(3)], twice),
                 'FetchChain': GLib.Variant.new_tuple(GLib.Variant('aay', [b'der']), twice)}
        fails(world, method, reply.get(method, GLib.Variant.new_tuple(twice)), f'‘{name}’')
        equal(twice.n_children(), len(dictionary(method)) + 1, f'how often there is a {kind}')


@test('a reply of another signature is an error')
def _(world):
    wrong = [GLib.Variant('(s)', ('h.example',)), GLib.Variant('(v)', (GLib.Variant('s', 'x'),)),
             GLib.Variant('(a{ss})', ({},)), GLib.Variant('(aa{sv}s)', ([], 'x')),
             GLib.Variant('(a{sv}a{sv})', ({}, {})), GLib.Variant('(u)', (200,)),
             GLib.Variant('()', ())]
    for method in (*ALWAYS, 'Unpin', 'BlockHost'):
        for reply in wrong:
            if reply.get_type_string() != good(method).get_type_string():
                fails(world, method, reply)


@test('what is inside of a reply is looked at, too')
def _(world):
    bad = dict(fake.pin(), keys=GLib.Variant('s', 'sha256/AA='))
    fails(world, 'ListPins', fake.several(fake.pin(), bad), '‘keys’')
    fails(world, 'ExplainHost', fake.one(fake.explanation(fake.pin(), bad)), '‘keys’')
    for one in (fake.certificate(key=None), fake.certificate(key=GLib.Variant('u', 1)), {}):
        fails(world, 'FetchChain', fake.chain(fake.chain_info(fake.certificate(), one)), '‘key’')
    none = fake.chain_info(certificates=GLib.Variant('aa{sv}', []))
    fails(world, 'FetchChain', fake.chain(none), 'no certificate')
    report = GLib.Variant('a{sv}', fake.failure(message=None))
    fails(world, 'SecureRequest', fake.response(evidence=fake.info(report=report)), '‘message’')
    for status in (0, 100, 199, 600, 1 << 31):
        fails(world, 'SecureRequest', fake.response(status=status), f'{status} is not an HTTP status code')


@test('a reply larger than any of the service’s is an error')
def _(world):
    for method in ALWAYS:
        fails(world, method, reply_of(method, dictionary(method, more='x' * HUGE)), 'larger')
    fails(world, 'SecureRequest', fake.response(headers=[('Name', 'x' * HUGE)]), 'larger')


@test('what a later service may say is not in the way')
def _(world):
    more = {'new': GLib.Variant('(dv)', (1.5, GLib.Variant('s', 'x'))),
            'older': GLib.Variant('a{ss}', {})}
    for method in ALWAYS:
        answer(world, method, reply_of(method, dictionary(method, **more)))
        exits(world, OK, *verb_of(world, method))
        output = json.loads(exits(world, OK, '--json', *verb_of(world, method)))
        # `key` shows only what it is asked for.
        holds(method == 'FetchChain' or '[1.5,"x"]' in json.dumps(output, separators=(',', ':')), f'{output}')


@test('in JSON, each type has its form: integers are exact, bytes base64, and what is no number is null')
def _(world):
    forms = {
        'most': (GLib.Variant('x', 2**63 - 1), 2**63 - 1), 'least': (GLib.Variant('x', -2**63), -2**63),
        'most-of-json-glib': (GLib.Variant('t', 2**63 - 1), 2**63 - 1),
        'more': (GLib.Variant('t', 2**63), str(2**63)), 'unsigned': (GLib.Variant('t', 2**64 - 1), str(2**64 - 1)),
        'small': (GLib.Variant('(ynqiub)', (255, -2, 65535, -4, 2**32 - 1, True)), [255, -2, 65535, -4, 2**32 - 1, True]),
        'real': (GLib.Variant('d', 0.1), 0.1), 'whole': (GLib.Variant('d', 2), 2), 'huge': (GLib.Variant('d', 1e300), 1e300),
        'not': (GLib.Variant('ad', [float('inf'), float('-inf'), float('nan')]), [None] * 3),
        'bytes': (GLib.Variant('ay', b'\0\xff\n'), base64.b64encode(b'\0\xff\n').decode()),
        'no-bytes': (GLib.Variant('ay', b''), ''), 'several': (GLib.Variant('aay', [b'a', b'']), ['YQ==', '']),
        'nothing': (GLib.Variant('av', []), []), 'none': (GLib.Variant('a{sv}', {}), {}),
        'numbered': (GLib.Variant('a{ib}', {-1: False}), {'-1': False}),
        'nested': (GLib.Variant('v', GLib.Variant('v', GLib.Variant('a(sv)', [('a', GLib.Variant('u', 1))]))), [['a', 1]]),
        'path': (GLib.Variant('o', '/a'), '/a'), 'signature': (GLib.Variant('g', 'as'), 'as'),
    }
    answer(world, 'GetPin', fake.one(fake.pin(**{name: value for name, (value, _) in forms.items()})))
    output = exits(world, OK, '--json', *verb_of(world, 'GetPin'))
    pin = json.loads(output)['pins'][0]
    for name, (_, form) in forms.items():
        equal((pin[name], type(pin[name])), (form, type(form) if name != 'whole' else float), f'‘{name}’ in {output}')
    equal(list(pin)[:3], ['host', 'scope', 'keys'], 'the order')
    equal((output.count(b'\n'), output[-1:]), (1, b'\n'), 'the lines')


def is_caught(process, number):
    """Whether the program would still handle the signal."""
    with open(f'/proc/{process.pid}/status', encoding='utf-8') as file:
        handled = next(line for line in file if line.startswith('SigCgt:'))
    return bool(int(handled.split()[1], 16) >> (number - 1) & 1)


def interrupt_pinning(world, reply, signals=1):
    """Interrupts pin --fetch while the service makes the pin. Returns: exit code, and what is shown"""
    identity = pki.Authority('Root').issue('h.example')
    one = GLib.Variant.new_tuple(GLib.Variant('aay', [identity.der]), GLib.Variant('a{sv}', fake.chain_info(
        fake.certificate(key=identity.pin), verdict='Pass')))
    programs = []

    def make(_arguments):
        for _ in range(signals):
            programs[0].send_signal(signal.SIGINT)
            deadline = time.monotonic() + DEADLINE_S
            while programs[0].poll() is None and is_caught(programs[0], signal.SIGINT):
                holds(time.monotonic() < deadline, 'the signal does not arrive')
        return reply()

    replies = {'FetchChain': lambda _: one, 'PinCertificate': make,
               'GetPin': lambda _: refuse('NotPinned', 'nothing is pinned')}
    world.answers(lambda method, arguments: replies[method](arguments))
    return dialog(world, 'pin', '--fetch', 'h.example', answers=['y'], before=programs.append)


def refuse(name, message):
    raise fake.Refusal(name, message)


@test('an interrupt while pin --fetch makes the pin waits for what comes of it, and tells')
def _(world):
    code, shown = interrupt_pinning(world, lambda: fake.one(fake.pin()))
    equal(code, INTERRUPTED, f'the exit code, with {shown},')
    holds('‘h.example’ was already being pinned, and is pinned now' in shown, shown)
    code, shown = interrupt_pinning(world, lambda: refuse('StoreFailed', 'the disk is full; nothing was changed'))
    equal(code, INTERRUPTED, f'the exit code, with {shown},')
    holds('the disk is full' in shown and 'is pinned' not in shown, shown)


@test('a second interrupt ends pin --fetch at once')
def _(world):
    code, shown = interrupt_pinning(world, lambda: fake.one(fake.pin()), signals=2)
    equal((code, 'is pinned' in shown), (INTERRUPTED, False), f'what came of it, with {shown},')


CHANGES = ('PinCertificate', 'PinKeys', 'AddKeys', 'RemoveKeys', 'PausePin', 'ResumePin', 'Unpin', 'BlockHost')


def interrupt_change(world, method):
    """Interrupts the program while the service makes a change, which then never answers. Returns: exit code, and what
    was said"""
    programs = queue.Queue()

    def wait_for_the_end(called, _arguments):
        if called == method:
            process = programs.get(timeout=DEADLINE_S)
            process.send_signal(signal.SIGINT)
            process.wait(DEADLINE_S)
        return fake.one(fake.pin(keys=GLib.Variant('as', [fake.KEY])))

    world.answers(wait_for_the_end)
    process = start(world, *verb_of(world, method), stdout=-1, stderr=-1)
    programs.put(process)
    output, errors = process.communicate(timeout=DEADLINE_S)
    equal(output, b'', f'the output of {method}')
    return process.returncode, errors.decode()


@test('an interrupt of a change ends the program at once, with what may have happened and how to see it')
def _(world):
    files = os.listdir(world.folder)
    for method in CHANGES:
        code, errors = interrupt_change(world, method)
        equal(code, INTERRUPTED, f'the exit status of {method}, which said “{errors}”,')
        for text in ('interrupted; the change of ‘h.example’ may have been made', ': certpinctl show h.example'):
            holds(text in errors, f'{method} said “{errors}”, not “{text}”')
    equal(set(os.listdir(world.folder)) - set(files), {'good.der'}, 'the new files')


@test('an interrupt of an import ends it in the same way, with what shows what is missing')
def _(world):
    path, programs = put(world, 'a.pin', b'[Pin File]\n'), queue.Queue()

    def wait_for_the_end(called, arguments):
        if called == 'ImportPins' and not arguments[1]['dry-run']:
            process = programs.get(timeout=DEADLINE_S)
            process.send_signal(signal.SIGINT)
            process.wait(DEADLINE_S)
        return GLib.Variant('(aa{sv})', ([],))

    world.answers(wait_for_the_end)
    process = start(world, 'import', path, stdout=-1, stderr=-1)
    programs.put(process)
    _, errors = process.communicate(timeout=DEADLINE_S)
    equal(process.returncode, INTERRUPTED, f'the exit status, with “{errors.decode()}”,')
    for text in 'interrupted; its pins, or some of them, may have been set', f': certpinctl import --dry-run {path}':
        holds(text in errors.decode(), f'it said “{errors.decode()}”, not “{text}”')


def interrupt_wait(world, words, answers, folder):
    """Interrupts the program at the first call that `answers` has nothing for, which is never answered. Returns: exit
    code, and what was written and said"""
    programs = queue.Queue()

    def answer(method, _arguments):
        if method in answers:
            return answers[method]()
        process = programs.get(timeout=DEADLINE_S)
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE_S)
        return GLib.Variant('()', ())

    world.answers(answer)
    process = start(world, *words, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, cwd=folder)
    programs.put(process)
    output, errors = process.communicate(timeout=DEADLINE_S)
    holds(programs.empty(), f'{words} asked for nothing, and said “{errors.decode()}”')
    return process.returncode, output, errors.decode()


@test('an interrupt of any other verb that waits ends it at once, and leaves nothing behind')
def _(world):
    certificate, url = put(world, 'good.der', b'der'), 'https://h.example/page'
    folder = os.path.join(world.folder, 'home')
    os.mkdir(folder)
    os.chown(folder, ALICE, ALICE)
    unpinned = {'GetPin': lambda: refuse('NotPinned', 'nothing is pinned'),
                'Unpin': lambda: refuse('NotPinned', 'nothing is pinned'),
                'SecureRequest': lambda: refuse('NotPinned', 'nothing is pinned')}
    for words, answers in (
            (['list'], {}), (['list', '--json'], {}), (['show', 'h.example'], {}), (['explain', 'h.example'], {}),
            (['status'], {}), (['key', 'h.example'], {}), (['compare', 'h.example', certificate], {}),
            (['verify', certificate], {}), (['get', url], {}), (['get', '-o', 'page.html', url], {}),
            (['get', '-O', url], {}), (['request', 'POST', '-d', 'x', url], {}), (['rotate', 'h.example'], {}),
            (['pin', '--add', 'h.example', fake.KEY], {}), (['pin', '--fetch', '--yes', '--key', fake.KEY, 'h.example'], {}),
            (['doctor'], {}),
            # While it looks for a host that may be meant.
            (['unpin', 'h.example'], unpinned), (['get', url], unpinned)):
        code, output, errors = interrupt_wait(world, words, answers, folder)
        equal(code, INTERRUPTED, f'the exit status of {words}, which said “{errors}”,')
        holds(b'hello' not in output, f'{words} wrote {output!r}')
        equal(os.listdir(folder), [], f'the files that {words} leaves')


@test('if the service does not answer a change in time, it is not known either whether it was made')
def _(world):
    pin = fake.one(fake.pin(keys=GLib.Variant('as', [fake.KEY])))
    for method in CHANGES:
        world.answers(lambda called, _, method=method: refuse('TimedOut', 'no answer') if called == method else pin)
        code, _, errors = run_raw(world, *verb_of(world, method))
        equal(code, TIMED_OUT, f'the exit status of {method}')
        holds('no answer; the change of ‘h.example’ may have been made' in errors.decode(), f'{method} said “{errors}”')


@test('a dry run that the service does not answer with one pin is an error')
def _(world):
    for hosts in ([], ['h.example', 'i.example']):
        changes = [fake.members({'host': host, 'change': 'new', 'pin': GLib.Variant('a{sv}', fake.pin(host))}) for host in hosts]
        answers = {'ImportPins': fake.several(*changes)}
        world.answers(lambda method, arguments: answers.get(method) or (_ for _ in ()).throw(fake.Refusal('NotPinned', 'none')))
        code, output, errors = ctl(world, 'pin', '-n', 'h.example', '--key', fake.KEY)
        equal((code, output), (FAILED, b''), f'what comes of {hosts}, with {errors},')
        holds('did not say what would change' in errors, errors)


run(FakeWorld)
