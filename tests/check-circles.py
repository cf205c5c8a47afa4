#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails where files refer to each other in a circle: each can then only be understood with all the others. A file and
its headers, public and private, are one; it refers to a file by including a header of it, or by a name that is defined
there."""

import pathlib
import re
import sys

FOLDERS = ('cli', 'cli/doctor', 'client-lib', 'daemon', 'daemon/bus', 'daemon/core/base', 'daemon/core/pins', 'daemon/core/trust',
           'daemon/core/verdict', 'daemon/transport')
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|"(\\.|[^"\\\n])*"', re.S)
# As clang-format writes them: a function's name begins a line, behind the line of its type; a constant's stands behind
# its type.
DEFINITION = re.compile(r'^(?!static\b)[\w *]+\n(\w+) \([^;]*?\)\n\{|^(?:const|extern const) [\w *]*?(\w+)\[', re.M)


def name_of(path):
    """Returns: what a file and its headers have in common"""
    return pathlib.Path(path).stem.removesuffix('-private')


def names_in(files):
    """Returns: where each name is defined"""
    found = {}
    for path in files:
        if path.suffix == '.c':
            for match in DEFINITION.finditer(COMMENT_OR_STRING.sub('', path.read_text())):
                found[match.group(1) or match.group(2)] = name_of(path)
    return found


def references(files):
    """Returns: of each file, the set of those that it refers to"""
    names = names_in(files)
    graph = {name_of(path): set() for path in files}
    for path in files:
        text = path.read_text()
        included = {name_of(header) for header in re.findall(r'#include [<"]([^>"]+)[>"]', text)}
        # A header only promises what another file may define.
        words = re.findall(r'\w+', COMMENT_OR_STRING.sub('', text)) if path.suffix == '.c' else []
        graph[name_of(path)] |= (included & graph.keys()) | {names[word] for word in words if word in names}
        graph[name_of(path)].discard(name_of(path))
    return graph


def circles(graph):
    """Takes away the files that refer to none that is left, until none or only circles are."""
    left = dict(graph)
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    return left


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.').resolve()
    seen, found = 0, []
    for folder in FOLDERS:
        graph = references(sorted((root / folder).glob('*.[ch]')))
        seen += sum(map(len, graph.values()))
        left = circles(graph)
        found += [f'{folder}/{name}: in a circle, or behind one, with {", ".join(sorted(others & left.keys()))}'
                  for name, others in sorted(left.items())]
    print('\n'.join(found))
    if seen < 50:
        sys.exit(f'only {seen} references were found: the check looks in the wrong place')
    sys.exit(1 if found else 0)


main()
