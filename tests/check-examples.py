#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-examples.py SOURCE: fails where a page of the reference shows code that is not, line for line, in an example of
docs/examples/client, which tests/system/test-reference.py runs; where an example is shown on no page; and where the page
about errors does not sort each of them once, or otherwise than the example that it explains."""

import pathlib
import re
import sys
import textwrap

BLOCK = re.compile(r'^```(\w*)\n(.*?)^```$', re.M | re.S)
ENDINGS = {'c': '.c', 'cpp': '.cc', 'js': '.js', 'python': '.py', 'rust': '.rs', 'sh': '.sh', 'toml': '.toml',
           'vala': '.vala'}
KINDS = {'refused': 'ADVICE_STOP', 'network': 'ADVICE_NETWORK', 'mistake': 'ADVICE_MISTAKE', 'machine': 'ADVICE_LATER',
         'ended': 'ADVICE_NONE'}
# What is not in a list of its own, or has no title, is like what the machine cannot do.
TITLES = {'ADVICE_STOP': 'REFUSED', 'ADVICE_NETWORK': 'NETWORK', 'ADVICE_MISTAKE': 'MISTAKE'}
KIND_OF_TITLE = {'This server cannot be trusted now': 'REFUSED', 'The server does not answer as it should': 'NETWORK',
                 'This program made a mistake': 'MISTAKE'}


def is_in(excerpt, text):
    """Whether these lines follow each other there, all of them indented alike."""
    wanted = textwrap.dedent(excerpt).splitlines()
    lines = text.splitlines()
    return any(textwrap.dedent('\n'.join(lines[start:start + len(wanted)])).splitlines() == wanted
               for start in range(len(lines) - len(wanted) + 1))


def check_blocks(page, examples, quoted):
    for language, block in BLOCK.findall(page.read_text(encoding='utf-8')):
        ending = ENDINGS.get(language)
        found = [path.name for path, text in examples.items() if path.suffix == ending and is_in(block, text)]
        quoted.update(found)
        if not found:
            yield f'{page.name}: no example has these lines, of ‘{language}’:\n{textwrap.indent(block, "    ")}'


def errors_of_page(page):
    """Returns: pairs of a kind and an error of it"""
    for line in page.read_text(encoding='utf-8').splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if line.startswith('|') and cells[0] in KINDS:
            yield from ((KINDS[cells[0]], error) for error in re.findall('`([A-Z_]+)`', cells[1]))


def errors_of_example(text):
    """The same, of its switch."""
    waiting = []
    for error, advice in re.findall(r'case CERTPIN_ERROR_(\w+):|return (ADVICE_\w+);', text):
        if error:
            waiting.append(error)
        else:
            yield from ((advice, name) for name in waiting)
            waiting = []


def errors_of_titles(text):
    """Those of an example with lists, or with a switch that returns titles: pairs of a title and an error."""
    lists = re.findall(r'^(?:const )?(REFUSED|NETWORK|MISTAKE) = [(\[](.*?)[)\]]', text, re.M | re.S)
    yield from ((kind, error) for kind, names in lists for error in re.findall(r'Error\.(\w+)', names))
    waiting = []
    for error, title in re.findall(r'case Certpin\.Error\.(\w+):|return "([^"]+)";', text):
        if error:
            waiting.append(error)
        else:
            yield from ((KIND_OF_TITLE[title], name) for name in waiting)
            waiting = []


def check_errors(root):
    header = (root / 'client-lib/certpin-error.h').read_text(encoding='utf-8')
    known = sorted(re.findall(r'^  CERTPIN_ERROR_(\w+),$', header, re.M))
    page = sorted(errors_of_page(root / 'docs/reference/errors.md'))
    example = sorted(errors_of_example((root / 'docs/examples/client/errors.c').read_text(encoding='utf-8')))
    if len(known) < 25 or sorted(error for _, error in page) != known:
        yield f'errors.md does not name each error once: {sorted(error for _, error in page)}, not {known}'
    if page != example:
        yield f'errors.md and errors.c sort errors otherwise: {sorted(set(page) ^ set(example))}'
    for name in ('advice.py', 'advice.js', 'download.vala'):
        sorted_there = sorted(errors_of_titles((root / 'docs/examples/client' / name).read_text(encoding='utf-8')))
        due = sorted((TITLES[advice], error) for advice, error in page if advice in TITLES)
        if sorted_there != due:
            yield f'errors.md and {name} sort errors otherwise: {sorted(set(due) ^ set(sorted_there))}'


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    examples = {path: path.read_text(encoding='utf-8') for path in sorted((root / 'docs/examples/client').iterdir())}
    pages, quoted = sorted((root / 'docs/reference').glob('*.md')), set()
    found = [problem for page in pages for problem in check_blocks(page, examples, quoted)]
    found += [f'no page shows a line of {path.name}' for path in examples if path.name not in quoted]
    found += check_errors(root)
    print('\n'.join(found))
    if len(pages) < 5:
        sys.exit(f'only {len(pages)} pages were found: the check looks in the wrong place')
    sys.exit(1 if found else 0)


main()
