#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails where docs/ARCHITECTURE.md is not about these sources: where a module of the daemon or the library is in no table
of its room or in another's, and where a step of a walk has no module, or one that has nothing to do with those before."""

import pathlib
import re
import sys

HEADINGS = {'## Transport, file by file': 'daemon/transport', '## Bus, file by file': 'daemon/bus',
            '## The library, file by file': 'client-lib'}
WALKS = ('## The life of one SecureRequest', '## The life of one PinCertificate')
# Where modules meet that do not see each other.
PORTS = {'cpd-fetcher', 'cpd-store'}


def read_tables(text):
    """Returns: the room that each module is said to be in"""
    rooms, room = {}, None
    for line in text.split('\n'):
        heading = re.match(r'\| (\w+)/ \|', line)
        if heading:
            room = f'daemon/core/{heading[1]}'
        elif line.startswith('## '):
            room = HEADINGS.get(line)
        elif line.startswith('| `') and room:
            for module in re.findall(r'`((?:cpd-|certpin)[a-z-]*)`', line.split(' | ')[0]):
                rooms[module] = room
    return rooms


def read_walk(text, heading):
    """Returns: the modules that a walk comes by"""
    section = text[text.index(heading):].split('\n## ')[0]
    return re.findall(r'^    ([a-z][a-z-]+) {2,}\S', section, flags=re.M)


def read_sources(root):
    """Returns: each module's room, and what it includes"""
    rooms, includes = {}, {}
    for path in sorted((root / 'daemon').rglob('cpd-*.[ch]')):
        rooms[path.stem] = str(path.parent.relative_to(root))
        found = re.findall(r'#include "daemon/(?:\w+/)*(cpd-[a-z-]+)\.h"', path.read_text())
        includes.setdefault(path.stem, set()).update(found)
    for path in sorted((root / 'client-lib').glob('*.[ch]')):
        rooms[path.stem.removesuffix('-private')] = 'client-lib'
    return rooms, includes


def reach(includes, module):
    """Returns: all that a module includes, directly or not, and itself"""
    reached, left = set(), [module]
    while left:
        one = left.pop()
        if one not in reached:
            reached.add(one)
            left += includes[one]
    return reached


def are_joined(includes, one, other):
    """Whether one module knows the other, or both meet at a port."""
    reached, others = reach(includes, one), reach(includes, other)
    return other in reached or one in others or bool(PORTS & reached & others)


def check_walk(text, heading, includes):
    steps = [step if step.startswith('cpd-') else f'cpd-{step}' for step in read_walk(text, heading)]
    if len(steps) < 4:
        yield f'{heading}: {len(steps)} steps were found'
    for step in steps:
        if step not in includes:
            yield f'{heading}: there is no module {step}'
    known = [step for step in steps if step in includes]
    for number, step in enumerate(known[1:], 1):
        if not any(are_joined(includes, step, before) for before in known[:number]):
            yield f'{heading}: nothing leads to {step}'


def check(text, root):
    rooms, includes = read_sources(root)
    told = read_tables(text)
    for module, room in rooms.items():
        if room != 'daemon' and told.get(module) != room:
            yield f'{module} is in {room}, not in {told.get(module, "any table")}'
    for module in told.keys() - rooms.keys():
        yield f'there is no module {module}'
    for heading in WALKS:
        yield from check_walk(text, heading, includes)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.').resolve()
    problems = list(check((root / 'docs/ARCHITECTURE.md').read_text(), root))
    print('\n'.join(problems))
    sys.exit(1 if problems else 0)


main()
