#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-reference.py REFERENCE: fails where a page of the reference, made by gi-docgen, links to something that is not
there, shows the source of a link, which gi-docgen does where it does not know the name, or names a function of the
library without a link."""

import pathlib
import re
import sys

LINK = re.compile(r'<a [^>]*href="([^"#:]+)(?:#[^"]*)?"')
SOURCE = re.compile(r'\[(?:class|ctor|enum|error|func|method|property|signal|struct)@[^\]]*\]')
NAME = re.compile(r'(?<!">)<code>(#?certpin_\w+\(\)|#Certpin\w+)</code>')


def problems(folder, page):
    text = page.read_text(encoding='utf-8')
    for link in sorted(set(LINK.findall(text))):
        if not (folder / link).exists():
            yield f'{page.name} links to {link}, which does not exist'
    for source in SOURCE.findall(text):
        yield f'{page.name} shows {source}'
    # The first page and those of types repeat first sentences of other pages, in which gi-docgen leaves links out.
    for name in NAME.findall(text) if not page.name.startswith(('class.', 'index.', 'struct.')) else ():
        yield f'{page.name} does not link {name}'


def main():
    folder = pathlib.Path(sys.argv[1])
    pages = sorted(folder.glob('*.html'))
    found = [problem for page in pages for problem in problems(folder, page)]
    print('\n'.join(found))
    if len(pages) < 100 or not list(folder.glob('*.devhelp2')):
        sys.exit(f'{len(pages)} pages were found: the check looks in the wrong place')
    sys.exit(1 if found else 0)


main()
