#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-libraries.py CERTPINCTL: fails if it links another library than those that it needs: the dynamic linker finds,
maps and binds each at every start (docs/PERFORMANCE.md)."""

import os
import re
import subprocess
import sys

NEEDED = {'libgio-2.0.so.0', 'libglib-2.0.so.0', 'libgobject-2.0.so.0', 'libjson-glib-1.0.so.0'}
# The C library's, by architecture.
C_LIBRARY = re.compile(r'(libc|ld-?linux[^.]*|ld64|ld)\.so\.\d+')

shown = subprocess.run(['readelf', '--wide', '--dynamic', sys.argv[1]], check=True, capture_output=True, text=True,
                       env={**os.environ, 'LC_ALL': 'C'}).stdout
linked = [name for name in re.findall(r'\(NEEDED\).*\[(.*)\]', shown) if not C_LIBRARY.fullmatch(name)]
for name in sorted(NEEDED.symmetric_difference(linked)):
    print(sys.argv[1], 'links' if name in linked else 'does not link', name)
if linked[:1] != ['libglib-2.0.so.0']:
    print(f'{sys.argv[1]}: most symbols are in libglib, which should be searched first, not {linked[:1]}')
sys.exit(0 if set(linked) == NEEDED and linked[0] == 'libglib-2.0.so.0' else 1)
