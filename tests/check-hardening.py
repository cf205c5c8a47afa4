#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-hardening.py BINARY...: fails where one was built without what makes exploits harder."""

import os
import re
import subprocess
import sys

# What each binary must show, as readelf prints it.
EXPECTED = {
    'position-independent code': r'^\s+Type:\s+DYN ',
    'relocations that are read-only': r'^\s+GNU_RELRO ',
    'symbols that are bound at start': r'\(FLAGS(_1)?\).*\bNOW\b',
    'a stack that is not executable': r'^\s+GNU_STACK .* RW +0x',
    'a stack protector': r'\b__stack_chk_fail\b',
    'fortified functions': r'\b__(?!stack_chk)\w+_chk\b',
}
# Call nothing that could be fortified.
EXEMPT = {('libcertpin.so', 'fortified functions'), ('certpinctl', 'fortified functions')}


def missing(path):
    command = ['readelf', '--wide', '--file-header', '--program-headers', '--dynamic', '--dyn-syms',
               path]
    shown = subprocess.run(command, check=True, capture_output=True, text=True,
                           env={**os.environ, 'LC_ALL': 'C'}).stdout
    name = re.sub(r'\.so\..*', '.so', os.path.basename(path))
    for what, pattern in EXPECTED.items():
        if (name, what) not in EXEMPT and not re.search(pattern, shown, re.MULTILINE):
            yield f'{path}: without {what}'


problems = [problem for path in sys.argv[1:] for problem in missing(path)]
print('\n'.join(problems))
sys.exit(1 if problems or len(sys.argv) < 2 else 0)
