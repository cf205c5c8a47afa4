#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The example in Rust, built offline with Debian's crates, and run by a user against the right server and an impostor."""

import atexit
import functools
import os
import pathlib
import shutil
import subprocess

from lib.public import new_folder, put
from lib.tap import equal, holds, run, test
from lib.world import ALICE, HOST, World

EXAMPLES = pathlib.Path(__file__).parents[2] / 'docs/examples/client'
CRATES = '/usr/share/cargo/registry'
BUILD_DEADLINE_S = 240  # it needs 20 s of one processor


@functools.cache
def example():
    """The program, where every user can run it."""
    folder = pathlib.Path(new_folder('certpin-rust-'))
    atexit.register(shutil.rmtree, folder)
    for name in ('Cargo.toml', 'request.rs'):
        put(EXAMPLES / name, folder / name)
    done = subprocess.run(
        ['/usr/bin/cargo', 'build', '--offline', '--config', 'source.crates-io.replace-with="debian"',
         '--config', f'source.debian.directory="{CRATES}"'],
        cwd=folder, env={**os.environ, 'CARGO_HOME': str(folder / 'cargo'), 'RUSTC': '/usr/bin/rustc',
                         'RUSTFLAGS': '-D warnings'},
        check=False, capture_output=True, text=True, timeout=BUILD_DEADLINE_S)
    equal(done.returncode, 0, f'the status of cargo, which said {done.stderr}')
    return folder / 'target/debug/request-rust'


def call(world, identity, url):
    path = pathlib.Path(world.folder, 'server.der')
    os.chmod(world.folder, 0o755)
    path.write_bytes(identity.der)
    path.chmod(0o644)
    return subprocess.run([example(), path, url], user=ALICE, group=ALICE, extra_groups=[], cwd='/',
                          env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address},
                          check=False, capture_output=True, text=True, timeout=60)


@test('request in Rust: pins, asks, and shows the answer')
def _(world):
    identity = world.issue()
    done = call(world, identity, world.serve(identity).url(HOST))
    equal((done.returncode, done.stdout, done.stderr), (0, '200 hello\n', ''), 'exit code, output and errors')


@test('request in Rust: tells of an impostor, which is not sent a byte')
def _(world):
    server = world.serve(world.impostor())
    done = call(world, world.issue(), server.url(HOST))
    server.wait_until_idle()
    equal(server.bytes, 0, 'the number of bytes that reached the server')
    equal(done.returncode, 1, 'the exit code')
    holds(done.stderr.startswith('another key: nothing was sent\nhost ') and 'holds the key' in done.stderr
          and 'org.certpin' not in done.stderr, f'it says {done.stderr}')


@test('request in Rust: tells of a file that is not there')
def _(world):
    done = subprocess.run([example(), '/nonexistent', 'https://h.localhost/'], check=False, capture_output=True, text=True)
    equal(done.returncode, 1, 'the exit code')
    holds('No such file' in done.stderr, f'it says {done.stderr}')


run(World)
