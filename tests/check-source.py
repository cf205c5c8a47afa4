#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails where a source file breaks the budgets and forms of HACKING.md."""

import pathlib
import re
import sys

FUNCTION_LINES = 50
FILE_LINES = 500
PARAMETERS = 5
NESTING = 3
COLUMNS = 100
# What GIO's own conventions add to a function's parameters.
CONVENTIONAL = re.compile(r'GCancellable|GAsyncReadyCallback|gpointer user_data|GError \*\*')
# Their signatures are given by GObject, GIO or code generation.
GIVEN = re.compile(r'^(\w+_verify_chain|certpin_client_|on_name_lost$)')
FORBIDDEN = [(re.compile(r'\bgoto\b'), 'goto'), (re.compile(r'\bg(int|char)\b'), ''),
             (re.compile(r'\bexit \('), 'exit'), (re.compile(r'\bg_(assert|error) \('), 'g_assert or g_error'),
             (re.compile(r'\bgetenv|g_getenv'), 'getenv')]


def blank(text):
    """The text without comments and strings, its lines kept."""
    keep = lambda m: re.sub(r'[^\n]', ' ', m.group())
    return re.sub(r'/\*.*?\*/|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\])\'', keep, text, flags=re.S)


def check_functions(name, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{' and re.search(r'\)\s*$', lines[number - 2]):
            start, depth, deepest = number, 0, 0
        elif line == '}' and start:
            if number - start > FUNCTION_LINES + 1:
                yield f'{name}:{start}: a function of {number - start - 1} lines, {FUNCTION_LINES} are the limit'
            if deepest > NESTING:
                yield f'{name}:{start}: nested {deepest} deep, {NESTING} are the limit'
            start = None
        elif start:
            depth += line.count('{') - line.count('}')
            deepest = max(deepest, depth)


def check_parameters(name, text):
    for match in re.finditer(r'^(\w+) \(([^;{}]*?)\)\n\{', text, flags=re.M | re.S):
        parameters = [p for p in match.group(2).split(',') if not CONVENTIONAL.search(p)]
        if re.search(r'GDBusMethodInvocation \*|GDBusConnection \*connection, const char \*sender', match.group(2)):
            continue
        if len(parameters) > PARAMETERS and not match.group(1).isupper() and not GIVEN.match(match.group(1)):
            yield f'{name}: {match.group(1)} has {len(parameters)} parameters, {PARAMETERS} are the limit'


def check_comments(name, raw):
    for match in re.finditer(r'^/\*(?!\*).*?\*/', raw, flags=re.M | re.S):
        number = raw.count('\n', 0, match.start()) + 1
        if re.search(r'\n \*/$', match.group()):
            yield f'{name}:{number}: the end of a comment stands alone on a line'
        if '\n' in match.group() and re.search(r'[^*/\s] +(Returns|Errors):', match.group()):
            yield f'{name}:{number}: what is returned, and which errors there are, begin a line'


def check(root, path):
    name, raw = str(path.relative_to(root)), path.read_text()
    text = blank(raw)
    lines = text.split('\n')
    code = sum(1 for line in lines if line.strip())
    if 'SPDX-License-Identifier: LGPL-2.1-or-later' not in raw.split('\n')[0]:
        yield f'{name}: no SPDX line'
    if path.suffix == '.c' and code > FILE_LINES:
        yield f'{name}: {code} lines of code, {FILE_LINES} are the limit'
    for number, line in enumerate(raw.split('\n'), 1):
        if len(line) > COLUMNS:
            yield f'{name}:{number}: {len(line)} columns, {COLUMNS} are the limit'
        if line != line.rstrip() or '\t' in line:
            yield f'{name}:{number}: a tab, or space at the end of the line'
    for number, line in enumerate(lines, 1):
        for pattern, word in FORBIDDEN:
            if name.startswith('daemon') and pattern.search(line):
                yield f'{name}:{number}: {word or pattern.search(line).group()} is not used here'
    yield from check_comments(name, raw)
    yield from check_functions(name, lines)
    yield from check_parameters(name, text)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.').resolve()
    files = [p for f in ('client-lib', 'daemon', 'cli', 'tests') for p in sorted((root / f).rglob('*.[ch]'))]
    problems = [problem for path in files for problem in check(root, path)]
    print('\n'.join(problems))
    if len(files) < 50:
        sys.exit(f'only {len(files)} files were found: the check looks in the wrong place')
    sys.exit(1 if problems else 0)


main()
