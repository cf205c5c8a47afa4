#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the pages of docs/ show is true: their programs run, their tables hold, and their commands
work."""

import os
import pathlib
import re
import shlex
import subprocess
import textwrap

from lib.caller import PINS
from lib.public import certpinctl
from lib.tap import equal, holds, run, test
from lib.world import ALICE, HOST, World

DOCS = pathlib.Path(__file__).parents[2] / 'docs'


def section(page, title):
    """The text under a heading of a page, without those below it."""
    text = (DOCS / page).read_text(encoding='utf-8')
    return re.search(rf'^## {re.escape(title)}\n(.*?)(?=^## |\Z)', text, re.M | re.S).group(1)


def block(page, title):
    """The one indented block of a section, as it stands there."""
    found = re.findall(r'^    .*\n(?:\n*    .*\n)*', section(page, title), re.M)
    equal(len(found), 1, f'the number of blocks under “{title}”')
    return textwrap.dedent(found[0])


def rows(page, title):
    """The rows of the one table of a section: lists of cells, the heads first."""
    lines = [line for line in section(page, title).splitlines() if line.startswith('|')]
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    return [cells[0], *cells[2:]]


def run_command(world, command, uid=ALICE):
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=world.shared.bus.address,
                       LC_ALL='C.UTF-8',
                       PATH=f'{os.path.dirname(certpinctl())}:{os.environ["PATH"]}')
    return subprocess.run(command, env=environment, user=uid, group=uid, extra_groups=[],
                          cwd=world.folder, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=30)


def put(world, name, content):
    """Writes a file that the first user can read."""
    os.chmod(world.folder, 0o755)
    pathlib.Path(world.folder, name).write_bytes(content)


def add_program_tests(title, command, answer, refusal):
    def call(world, server, identity):
        put(world, 'program', block('CALLING.md', title).encode())
        put(world, 'server.der', identity.der)
        return run_command(world, [*command, 'program', 'server.der', server.url(HOST)])

    @test(f'{title}: pins, asks, and shows the answer')
    def _(world):
        identity = world.issue()
        done = call(world, world.serve(identity), identity)
        equal((done.returncode, done.stderr), (0, ''), 'exit code and errors')
        holds(answer in done.stdout, f'it printed {done.stdout}')

    @test(f'{title}: tells of an impostor, which is not sent a byte')
    def _(world):
        server = world.serve(world.impostor())
        done = call(world, server, world.issue())
        server.wait_until_idle()
        equal(server.bytes, 0, 'the number of bytes that reached the server')
        holds(done.returncode != 0 and refusal in done.stderr,
              f'exit code {done.returncode}, errors: {done.stderr}')
        holds('GDBus' not in done.stderr and 'org.certpin' not in done.stderr, f'it shows a name: {done.stderr}')


for arguments in (('Python', ['/usr/bin/python3'], '200 hello', 'another key: nothing was sent\nhost '),
                  ('Python, without blocking', ['/usr/bin/python3'], '200 hello', 'holds the key'),
                  ('JavaScript', ['gjs', '-m'], '200 hello', 'another key: nothing was sent\nhost '),
                  ('JavaScript, with promises', ['gjs', '-m'], '200 hello', 'holds the key'),
                  ('Shell', ['sh'], 'hello', 'holds the key'),
                  ('Shell, with busctl', ['sh'], 'ua(ss)aya{sv} 200 ', 'holds the key'),
                  ('Shell, with gdbus', ['sh'], '(uint32 200, ', 'holds the key')):
    add_program_tests(*arguments)


def codes(cell):
    return re.findall('`([^`]+)`', cell)


def key(letter):
    return f'sha256/{letter * 43}='


def explained(world, host):
    """The patterns that match a host, the one that applies first."""
    told = world.alice.call(PINS, 'ExplainHost', '(sa{sv})', host, {})[0]
    return [pin['host'] for pin in told['pins']]


@test('HOSTS.md: what a pattern matches')
def _(world):
    (_, *heads), *lines = rows('HOSTS.md', 'What a pattern matches')
    equal((len(heads), len(lines)), (5, 6), 'the size of the table')
    for pattern, *cells in lines:
        pattern = codes(pattern)[0]
        world.alice.pin_keys(pattern, key('E'))
        for head, cell in zip(heads, cells, strict=True):
            matches = explained(world, codes(head)[0]) == [pattern]
            equal('yes' if matches else '–', cell, f'{pattern} and {head}')
        world.alice.unpin(pattern)


@test('HOSTS.md: which one applies')
def _(world):
    order = block('HOSTS.md', 'Which one applies').split()
    for pattern in sorted(order):
        world.alice.pin_keys(pattern, key('E'))
    equal(len(order), 10, 'the number of patterns')
    equal(explained(world, order[0]), order, 'the order')


@test('HOSTS.md: how a host may be written')
def _(world):
    _, *lines = rows('HOSTS.md', 'How a host may be written')
    holds(len(lines) > 10, 'the table is short')
    for written, outcome in lines:
        written = codes(written)[0]
        if outcome == 'refused':
            world.alice.refused('InvalidHost', world.alice.pin_keys, written, key('E'))
        else:
            equal(world.alice.pin_keys(written, key('E'))['host'], codes(outcome)[0], written)


def add_move_test(product, configuration, commands):
    """The server's own key is KEY1, its authority's KEY2."""
    host = f'a.{HOST}' if '*' in commands else HOST

    @test(f'HOSTS.md: moving from {product}: {configuration}')
    def _(world):
        identity = world.issue(HOST, f'a.{HOST}')
        server = world.serve(identity)
        impostor = world.serve(world.other_authority.issue(HOST, f'a.{HOST}'))
        words = {'KEY1': identity.pin, 'KEY2': world.authority.pin, 'DATE': '2100-01-31',
                 'URL': server.url(host), 'h.example': HOST}
        for command in codes(commands):
            # All at once: a key may have one of the words in it.
            command = re.sub('|'.join(map(re.escape, words)), lambda found: words[found[0]], command)
            done = run_command(world, shlex.split(command), uid=0)
            # Nobody listens at the port of the pins of the system, which is all that may be noted.
            errors = [line for line in done.stderr.splitlines()
                      if not line.startswith('certpinctl: note: cannot see whether the pin would shut out')]
            equal((done.returncode, errors), (0, []), f'exit code and errors of {command}')
        world.arrives(server, caller=world.root, host=host)
        if 'EnforcePinning: NO' in configuration:
            world.arrives(impostor, caller=world.root, host=host)
        else:
            world.nothing_arrives(impostor, 'PinMismatch', caller=world.root, host=host)


for line in rows('HOSTS.md', 'Moving to certpin')[1:]:
    add_move_test(*line)


run(World)
