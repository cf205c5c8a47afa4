#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-help.py SOURCE: fails where a program in scripts/ answers --help with anything but its help, or does
something first. Programs that would install, build or become root are replaced, and say so when they are run."""

import os
import pathlib
import subprocess
import sys
import tempfile

SECONDS = 20
REPLACED = ('apt-get', 'clang', 'debootstrap', 'dpkg-query', 'git', 'meson', 'ninja', 'sudo', 'unshare')


def replace_programs(folder):
    for name in REPLACED:
        program = folder / name
        program.write_text(f'#!/bin/sh\necho {name} >> {folder}/was-run\nexit 1\n')
        program.chmod(0o755)
    return folder / 'was-run'


def problems(script, option, folder):
    was_run = replace_programs(folder)
    environment = dict(os.environ, PATH=f'{folder}:{os.environ["PATH"]}')
    done = subprocess.run([script, option], check=False, timeout=SECONDS, env=environment, cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0 or done.stderr:
        yield f'ends with status {done.returncode} and says {done.stderr!r}'
    if f'scripts/{script.name} --help' not in done.stdout:
        yield 'does not name itself'
    if '# ' in done.stdout or 'SPDX' in done.stdout or 'set -e' in done.stdout:
        yield 'prints more than its help'
    if was_run.exists():
        yield f'runs {", ".join(sorted(set(was_run.read_text().split())))}'
    left = sorted(set(os.listdir(folder)) - {*REPLACED, was_run.name})
    if left:
        yield f'makes {", ".join(left)}'


def main():
    found = [script for script in sorted((pathlib.Path(sys.argv[1]).resolve() / 'scripts').iterdir())
             if script.is_file() and os.access(script, os.X_OK)]
    wrong = []
    for script in found:
        for option in ('--help', '-h'):
            with tempfile.TemporaryDirectory() as folder:
                wrong += [f'scripts/{script.name} {option} {problem}'
                          for problem in problems(script, option, pathlib.Path(folder))]
    print('\n'.join(wrong))
    if len(found) < 10:
        sys.exit(f'only {len(found)} programs were found: the check looks in the wrong place')
    sys.exit(1 if wrong else 0)


main()
