#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-cases.py SOURCE: fails where docs/CASES.md names a test that does not exist, has a number twice, or has a row
without a test."""

import ast
import pathlib
import re
import sys

ROW = re.compile(r'^\| (\d+) \|')
NAMED = re.compile(r'`([\w/-]+\.(?:py|c)): ([^`]+)`')
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
COLUMNS = 5
ROWS_MIN = 60  # fewer: the check looks in the wrong place


def texts_of_python(path):
    """All strings but those that only explain."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    explaining = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explaining]


def has_python(path, words):
    return any(words.strip('“”') in text for text in texts_of_python(path))


def has_c(path, name):
    """Whether the end of a path is there, in one piece or as a name of a table behind the rest of it."""
    texts = LITERAL.findall(path.read_text(encoding='utf-8'))
    *folder, last = name.split('/')
    whole = any(f'/{text}'.endswith(f'/{name}') for text in texts)
    return whole or last in texts and (not folder or any(f'{"/".join(folder)}/' in text for text in texts))


def find_problem(tests, file, name):
    """Returns: a sentence, or none"""
    paths = [path for path in tests if f'/{path}'.endswith(f'/{file}')]
    if len(paths) != 1:
        return f'there are {len(paths)} files ‘{file}’ below tests'
    has = has_python if file.endswith('.py') else has_c
    return None if has(paths[0], name) else f'‘{file}’ has no test “{name}”'


def check_row(tests, number, line):
    cells = [cell.strip() for cell in line.strip('| \n').split(' | ')]
    if len(cells) != COLUMNS or not all(cells):
        return [f'case {number} has {len(cells)} columns, or an empty one']
    named = NAMED.findall(cells[-1])
    if not named or len(named) != cells[-1].count('`') / 2:
        return [f'case {number} has no test, or names one in another way']
    problems = [find_problem(tests, file, name) for file, name in named]
    return [f'case {number}: {problem}' for problem in problems if problem]


def main():
    root = pathlib.Path(sys.argv[1])
    tests, seen, problems = sorted((root / 'tests').rglob('*.[cp]*')), [], []
    for line in (root / 'docs/CASES.md').read_text(encoding='utf-8').splitlines():
        row = ROW.match(line)
        if row:
            seen.append(int(row[1]))
            problems += check_row(tests, row[1], line)
    if seen != sorted(set(seen)):
        problems.append('the numbers are not in order, each once')
    if len(seen) < ROWS_MIN:
        problems.append(f'there are only {len(seen)} rows')
    print('\n'.join(problems))
    sys.exit(1 if problems else 0)


main()
