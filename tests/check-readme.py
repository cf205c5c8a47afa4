#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-readme.py SOURCE BUILD COMPILER...: fails where the README's C example does not compile."""

import pathlib
import re
import subprocess
import sys

source, build, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
section = (source / 'README.md').read_text(encoding='utf-8').split('## In C\n', 1)[1]
lines = re.match(r'\n((?:    .*\n|\n)+)', section).group(1).splitlines()
includes = [line for line in lines if '#include' in line]
body = [line for line in lines if '#include' not in line]
program = '\n'.join([*includes, 'int main (void)', '{', *body, '  return 0;', '}', ''])
flags = subprocess.run(['pkg-config', '--cflags', 'gio-2.0'], check=True, capture_output=True, text=True).stdout.split()
command = [*compiler, '-fsyntax-only', '-Wall', '-Werror', '-Wno-unused-variable', '-x', 'c', '-',
           f'-I{source}/client-lib', f'-I{build}/client-lib', *flags]
sys.exit(subprocess.run(command, input=program, text=True, check=False).returncode)
