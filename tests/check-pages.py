#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-pages.py SOURCE: fails where a page names a file or a heading that does not exist."""

import pathlib
import re
import sys

PAGES = ('README.md', 'HACKING.md', 'SECURITY.md', 'docs/*.md', 'docs/reference/*.md')
LINK = re.compile(r'\]\(([^)\s]+)\)')
# A path from the top, or the name of a source file alone, in `code`.
PATH = re.compile(r'`((?:\.ci|cli|client-lib|daemon|data|dbus|debian|docs|policy|scripts|tests)/[\w./-]*\w/?)`')
NAME = re.compile(r'`((?:cpd|certpin|certpinctl|test|prove)-[\w-]+\.(?:c|h|py))`')
# docs/SPLIT.md says in which commit they are.
ELSEWHERE = {'tests/trials/split'}


def anchors(page):
    """The headings of a page as they are linked to."""
    heads = re.findall(r'^#+ (.*)$', page.read_text(encoding='utf-8'), re.M)
    return {re.sub(r'[^\w\- ]', '', head.lower()).replace(' ', '-') for head in heads}


def problems(root, page, names):
    text = page.read_text(encoding='utf-8')
    for link in LINK.findall(text):
        path, _, anchor = link.partition('#')
        target = page.parent / path if path else page
        if target.suffix == '.html':  # which gi-docgen makes
            target = target.with_suffix('.md')
        if '://' in link:
            continue
        if not target.exists():
            yield f'links to {link}, which does not exist'
        elif anchor and anchor not in anchors(target):
            yield f'links to {link}, but there is no such heading'
    for path in PATH.findall(text):
        if path not in ELSEWHERE and not (root / path).exists():
            yield f'names {path}, which does not exist'
    for name in NAME.findall(text):
        if name not in names:
            yield f'names {name}, which does not exist'


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = [page for pattern in PAGES for page in sorted(root.glob(pattern))]
    names = {path.name for folder in ('cli', 'client-lib', 'daemon', 'tests') for path in (root / folder).rglob('*.*')}
    wrong = [f'{page.relative_to(root)} {problem}' for page in pages for problem in problems(root, page, names)]
    print('\n'.join(wrong))
    if len(pages) < 8:
        sys.exit(f'only {len(pages)} pages were found: the check looks in the wrong place')
    sys.exit(1 if wrong else 0)


main()
