#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-threats.py SOURCE: fails where docs/THREATS.md names a file, a function, a test or words of one that there are
not: a table that leads nowhere proves nothing."""

import pathlib
import re
import sys

# `cpd-judge.c` (`cpd_judge_connection`), or the file alone
CODE = re.compile(r'`((?:cpd|certpin)-[\w-]+\.c)`(?: \(`(\w+)`\))?')
# `test-denied.py`: “on the caller’s socket”, “…”, or the file alone
TEST = re.compile(r'`([\w/-]+\.py)`(?:: ((?:“[^”]+”(?:, | and )?)+))?')
C_TEST = re.compile(r'`(/(?:core|bus|transport|client)/[\w/-]+)`')
WORDS = re.compile(r'“([^”]+)”')


def read(paths):
    return ''.join(path.read_text(encoding='utf-8') for path in paths)


class Source:
    def __init__(self, top):
        self.code = {path.name: path for folder in ('daemon', 'client-lib', 'cli') for path in top.glob(f'{folder}/**/*.c')}
        self.tests = {path.name: path for path in top.glob('tests/**/*.py')}
        self.c_tests = read(top.glob('tests/**/test-*.c'))
        self.attacks = read(top.glob('tests/system/attacks/*.py'))

    def check_code(self, name, function):
        if name not in self.code:
            yield f'there is no file {name}'
        elif function and not re.search(rf'^(\w+_)?{function} \(', read([self.code[name]]), re.MULTILINE):
            yield f'{name} has no function {function}'

    def check_test(self, path, words):
        name = pathlib.PurePath(path).name
        if name not in self.tests:
            yield f'there is no test {path}'
            return
        # The name of a row of the attacks is put together from several files.
        text = self.attacks if self.tests[name].parent.name == 'attacks' else read([self.tests[name]])
        yield from (f'{path} has no “{word}”' for word in WORDS.findall(words or '') if word not in text)

    def check_c_test(self, path):
        """A macro may hold the first parts of the path."""
        group, rest = '/'.join(path.split('/')[:3]), path.split('/')[3:]
        if path not in self.c_tests and (group not in self.c_tests or (rest and f'{rest[-1]}"' not in self.c_tests)):
            yield f'there is no test {path}'

    def check_row(self, row):
        for name, function in CODE.findall(row):
            yield from self.check_code(name, function)
        for path, words in TEST.findall(row):
            yield from self.check_test(path, words)
        for path in C_TEST.findall(row):
            yield from self.check_c_test(path)

    def check_guard(self, row):
        """Its last column quotes rows of the attacks."""
        yield from (f'no attack has “{word}”' for word in WORDS.findall(row) if word not in self.attacks)


def main():
    top = pathlib.Path(sys.argv[1])
    source, wrong = Source(top), []
    before, guards = (top / 'docs/THREATS.md').read_text(encoding='utf-8').split('## What each guard is worth')
    rows = [line for line in before.split('\n') if line.startswith('| ')]
    guard_rows = [line for line in guards.split('\n') if line.startswith('| ')]
    if len(rows) < 50 or len(guard_rows) < 10:
        sys.exit('the tables were not found: the check looks in the wrong place')
    for row in rows + guard_rows:
        for problem in source.check_row(row):
            wrong.append(f'{problem}: {row[:60]}…')
    for row in guard_rows:
        wrong += [f'{problem}: {row[:60]}…' for problem in source.check_guard(row)]
    if wrong:
        sys.exit('docs/THREATS.md: ' + '\ndocs/THREATS.md: '.join(wrong))


main()
