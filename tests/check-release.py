#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-release.py SOURCE VERSION: fails where the release contradicts meson.build."""

import pathlib
import re
import sys

source, version = pathlib.Path(sys.argv[1]), sys.argv[2]


def text(path):
    return (source / path).read_text(encoding='utf-8')


def problems():
    for path, pattern in (('NEWS', r'^certpin (\S+)'),
                          ('debian/changelog', r'^certpin \(([^)]+)\)')):
        said = re.search(pattern, text(path), re.MULTILINE)
        if not said or said.group(1) != version:
            yield f'{path} begins with {said and said.group(1)}, not {version}'
    exported = text('client-lib/certpin.symbols').split()
    packaged = re.findall(r'^ (\w+)@Base \S+$', text('debian/libcertpin0.symbols'), re.MULTILINE)
    for symbol in sorted(set(exported) ^ set(packaged)):
        yield f'{symbol} is in one of client-lib/certpin.symbols and debian/libcertpin0.symbols'


found = list(problems())
print('\n'.join(found))
sys.exit(1 if found else 0)
