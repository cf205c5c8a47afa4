#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Proves that each guard matters: builds the service without it, in a copy of the tree, and expects
tests to fail. Run it by hand; words choose the proofs whose names hold one of them. With --attacks
the whole attack laboratory is run as well, up to the first failure of each attack, and says which
attacks then succeed. With --dry-run nothing is built: it only finds the places of all guards.

Some guards stand behind others. Taken away alone they are noticed, but not one byte of a request
gets out; the proofs that end in "alone" say so. Only together with the other do bytes arrive."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
GUARDS = os.path.join(HERE, 'guards')
PYTHON = '/usr/bin/python3'  # Debian's, which has what the tests import; another one may be in front of it


class Proof(NamedTuple):
    name: str
    guards: list  # that are taken away: names of diffs
    tests: dict  # test file → words in the names of tests that must fail
    bytes_arrive: bool  # whether requests then reach a server that they must not reach
    attacked: bool = True  # whether the attack laboratory turns red, too


# What lib/bus.py says of a service that does not get its name.
NO_START = re.compile(r'the service ended before it had|waited in vain for an owner of')

# One failure is a proof: without a guard, each cell of a row may take as long as a request may.
FASTER = {'attacks': ['--first']}

KEPT = 'the old key is refused on a kept connection'
RESUMED = 'never used again: TLS 1.3'
FIRST = 'a certificate of another trusted authority'

PROOFS = (
    Proof('the verdict on the handshake, alone', ['no-handshake-verdict'],
          {'validation': ['that speaks at once']}, False, False),
    Proof('both verdicts on a new connection', ['no-handshake-verdict', 'no-request-verdict'],
          {'pinning': [FIRST], 'validation': ['expired', 'appended', 'self-signed server']}, True),
    Proof('the verdict before each request, alone', ['no-request-verdict'],
          {'pinning': ['require-keys must'], 'validation': ['while its connection is kept']}, True),
    Proof('the close of channels that no longer pass, alone', ['no-channel-close'],
          {'attacks': ['overridden while a request waits for its first', 'overridden while a body drips']}, False),
    Proof('both checks of kept connections', ['no-channel-close', 'no-request-verdict'],
          {'key-change': [KEPT]}, True),
    Proof('no resumption, alone', ['session-resumption'],
          {'key-change': [RESUMED], 'attacks': ['another key, by another trusted']}, False),
    Proof('no resumption, and both verdicts',
          ['session-resumption', 'no-handshake-verdict', 'no-request-verdict'],
          {'key-change': [RESUMED]}, True),
    Proof('no answer before the request', ['speaks-unasked'],
          {'answers': ['in one go with its handshake']}, False, False),
    Proof('no second handshake', ['second-handshake'],
          {'abuse': ['another handshake and leave it']}, False),
    Proof('keys from validated paths only', ['keys-from-presented-chain'],
          {'validation': ['a forged']}, True),
    Proof('the dates of a recorded validation', ['no-recorded-dates'],
          {'validation': ['while its connection is kept'],
           'attacks': ['past the end of the certificate before']}, True),
    Proof('the verdict before a tunnel opens, alone', ['no-tunnel-verdict'],
          {'tunnels': ['that the caller requires']}, False, False),
    Proof('both verdicts before a tunnel opens', ['no-handshake-verdict', 'no-tunnel-verdict'],
          {'tunnels': ['a server that does not pass'], 'attacks': ['a tunnel to another key, by another']}, False),
    Proof('the cut of tunnels that no longer pass', ['no-tunnel-changes'],
          {'tunnels': ['cut when its host is'], 'attacks': ['while a tunnel is idle']}, True),
    Proof('the dates of an open tunnel', ['no-tunnel-dates'], {'tunnels': ['whose pin expires']}, False, False),
    Proof('the stapled OCSP response', ['unread-staple'],
          {'revocation': ['revoked by', 'nothing where one is demanded', 'becomes stale'],
           'attacks': ['was revoked and demands']}, True),
    Proof('the block after a failed pinning', ['no-block-on-failure'],
          {'attacks': ['a pinning fails before'], 'certificate-input': ['PEM: ', 'nothing: '],
           'pinning': ['self-signed leaf is']}, True),
    Proof('the refusal of unpinned hosts', ['unpinned-passes'],
          {'pinning': ['an unpinned host']}, True),
    Proof('channels of one user only', ['shared-channels'],
          {'users': ['never share']}, False),
    Proof('connections of one proxy only', ['shared-proxies'],
          {'proxy': ['never shared across']}, False, False),
    Proof('the verdict on an https proxy before each request', ['no-proxy-verdict'],
          {'proxy': ['validated again', 'expires while', 'is cut when that'],
           'attacks': ['https proxy’s authority is not trusted any more']}, True),
    Proof('no link-local addresses', ['link-local-passes'], {'hosts': ['is link-local']}, True),
    Proof('no denied addresses, for kept connections, alone', ['denied-kept-connections'],
          {'denied': ['a kept connection to a denied address']}, True, False),
    Proof('no denied addresses, for open tunnels', ['denied-tunnels'],
          {'denied': ['a connection to a denied address is cut']}, False, False),
    Proof('no denied addresses, for sockets of callers', ['denied-sockets'],
          {'denied': ['on the caller’s socket to a denied address is not opened']}, False, False),
    Proof('headers that stay within an origin', ['headers-cross-origins'],
          {'redirects': ['never cross origins; the'], 'attacks': ['take secrets along']}, False),
)


def copy_tree(target):
    """The sources as they are now, without what others have built."""
    shutil.copytree(TOP, target, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns('build*', '.git', '__pycache__'))


def build(tree, name):
    """Builds the service alone. Returns: a copy of it"""
    subprocess.run(['ninja', '-C', 'build', 'daemon/certpind'], cwd=tree, check=True,
                   stdout=subprocess.DEVNULL)
    return shutil.copy2(os.path.join(tree, 'build/daemon/certpind'),
                        os.path.join(tree, 'certpind-' + name))


def patch(tree, guard, *options, steps=(['--dry-run'], ['--no-backup-if-mismatch'])):
    for more in steps:  # all of it or nothing
        with open(os.path.join(GUARDS, guard + '.diff'), 'rb') as diff:
            subprocess.run(['patch', '-p1', '--batch', '--fuzz=0', '--silent', *more, *options],
                           cwd=tree, stdin=diff, check=True)


def build_without(tree, number, guards):
    applied = []
    try:
        for guard in guards:
            patch(tree, guard)
            applied.append(guard)
        return build(tree, str(number))
    finally:
        for guard in reversed(applied):
            patch(tree, guard, '--reverse')


def run_tests(certpind, tests):
    """Returns: the names of those that passed and of those that failed, and what they printed"""
    output = ''
    for file, words in tests.items():
        output += subprocess.run(
            [PYTHON, '-B', os.path.join(HERE, f'test-{file}.py'), *words, *FASTER.get(file, [])], check=False,
            env=dict(os.environ, CERTPIND=certpind), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL).stdout.decode()
    passed = re.findall(r'^ok \d+ - (.*) \([0-9.]+ s\)$', output, re.MULTILINE)
    failed = re.findall(r'^not ok \d+ - (.*) \([0-9.]+ s\)$', output, re.MULTILINE)
    return passed, failed, output


def find_unmatched(proof, names):
    """Returns: the words that choose no test, for example since that has another name now"""
    return [word for words in proof.tests.values() for word in words
            if not any(word in name for name in names)]


def find_flaws(proof, intact, without):
    """Returns: what keeps the proof from being one"""
    passed, failed, output = run_tests(intact, proof.tests)
    if failed:
        reasons = re.findall(r'^# (\w*(?:Error|Exception)\b.*)$', output, re.MULTILINE)
        return [f'not green with the guard: {failed}', *reasons[-1:]]
    unmatched = find_unmatched(proof, passed)
    if unmatched:
        return [f'no test has a name with these words: {unmatched}']
    passed, failed, output = run_tests(without, proof.tests)
    if NO_START.search(output):
        return ['the service does not start without the guard, so that its tests prove nothing']
    arrived = re.search(r'[1-9]\d* (bytes reached the server|a wrong one)', output) is not None
    for name in failed:
        print(f'    red: {name}')
    flaws = [f'green without the guard: {name}' for name in passed]
    if arrived != proof.bytes_arrive:
        flaws.append(f'bytes {"did" if arrived else "did not"} arrive')
    return flaws


def run_attacks(certpind):
    """Prints which attacks are noticed by the laboratory, and how many bytes they get."""
    output = subprocess.run(
        [PYTHON, '-B', os.path.join(HERE, 'test-attacks.py'), '--table', '--first'], check=False,
        env=dict(os.environ, CERTPIND=certpind), stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL).stdout.decode()
    rows = re.findall(r'^(ok|FAIL) +\d+ +\d+ +\d+ +(\d+)  (.*)$', output, re.MULTILINE)
    red = [(int(count), name) for state, count, name in rows if state == 'FAIL']
    for count, name in red:
        print(f'    red attack, {count:>4} bytes: {name}')
    print(f'    attacks: {len(red)} of {len(rows)} red, {sum(count for count, _ in red)} bytes '
          f'reached a wrong key', flush=True)
    return bool(red)


def prove(tree, intact, number, proof, with_attacks):
    print(f'{proof.name}\n    without: {", ".join(proof.guards)}', flush=True)
    try:
        without = build_without(tree, number, proof.guards)
    except subprocess.CalledProcessError as error:
        flaws = [f'cannot be built: {error}']
    else:
        flaws = find_flaws(proof, intact, without)
        if with_attacks and run_attacks(without) != proof.attacked:
            flaws.append(f'the laboratory is {"green" if proof.attacked else "red"}')
    for flaw in flaws:
        print(f'    NOT PROVED: {flaw}')
    if not flaws:
        print(f'    proved; bytes arrived: {"yes" if proof.bytes_arrive else "no"}', flush=True)
    return not flaws


def find_places():
    """Returns: whether each guard is still where its diff looks for it"""
    guards = {guard for proof in PROOFS for guard in proof.guards}
    unused = {name.removesuffix('.diff') for name in os.listdir(GUARDS)} - guards
    lost = []
    for guard in sorted(guards):
        try:
            patch(TOP, guard, steps=(['--dry-run'],))
        except (OSError, subprocess.CalledProcessError) as error:
            lost.append(guard)
            print(f'{guard}.diff: {error}')
    for guard in sorted(unused):
        print(f'{guard}.diff: no proof takes it away')
    return not lost and not unused


def main():
    if sys.argv[1:] == ['--dry-run']:
        sys.exit(0 if find_places() else 1)
    words = [word for word in sys.argv[1:] if word != '--attacks']
    chosen = [proof for proof in PROOFS if not words or any(word in proof.name for word in words)]
    with tempfile.TemporaryDirectory(prefix='certpin-guards-') as tree:
        os.chmod(tree, 0o755)
        copy_tree(tree)
        subprocess.run(['meson', 'setup', 'build', '-Dtests=false'], cwd=tree, check=True,
                       stdout=subprocess.DEVNULL)
        intact = build(tree, 'intact')
        proved = [prove(tree, intact, number, proof, '--attacks' in sys.argv)
                  for number, proof in enumerate(chosen)]
    print(f'{sum(proved)} of {len(chosen)} proved')
    sys.exit(0 if chosen and all(proved) else 1)


if __name__ == '__main__':
    main()
