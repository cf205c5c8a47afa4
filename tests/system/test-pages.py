#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the pages of docs/ show is true: their programs run, their tables hold, their commands work."""

import os
import pathlib
import re
import subprocess
import textwrap

from lib.caller import PINS
from lib.daemon import program
from lib.tap import equal, holds, run, test
from lib.world import ALICE, HOST, World

DOCS = pathlib.Path(__file__).parents[2] / 'docs'


def section(page, title):
    """The text under a heading of a page, without those below it."""
    text = (DOCS / page).read_text(encoding='utf-8')
    return re.search(rf'^## {re.escape(title)}\n(.*?)(?=^## |\Z)', text, re.M | re.S).group(1)


def block(page, title):
    """The one indented block of a section, as it stands there."""
    found = re.findall(r'(?:^    .*\n|^\n(?=(?:\n)*    ))+', section(page, title), re.M)
    equal(len(found), 1, f'the number of blocks under “{title}”')
    return textwrap.dedent(found[0])


def rows(page, title):
    """The rows of the one table of a section: lists of cells, without their code marks."""
    lines = [line for line in section(page, title).splitlines() if line.startswith('|')]
    cells = [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]
    return [cells[0], *cells[2:]]


def run_command(world, command):
    environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=world.shared.bus.address, LC_ALL='C.UTF-8',
                       PATH=f'{os.path.dirname(program("CERTPINCTL"))}:{os.environ["PATH"]}')
    return subprocess.run(command, env=environment, user=ALICE, group=ALICE, extra_groups=[],
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


for arguments in (('Python', ['/usr/bin/python3'], '200 hello', 'PinMismatch'),
                  ('JavaScript', ['gjs', '-m'], '200 hello', 'PinMismatch'),
                  ('Shell', ['sh'], 'hello', 'holds the key'),
                  ('Shell, with busctl', ['sh'], 'ua(ss)aya{sv} 200 ', 'holds the key'),
                  ('Shell, with gdbus', ['sh'], '(uint32 200, ', 'PinMismatch')):
    add_program_tests(*arguments)


run(World)
