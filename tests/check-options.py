#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-options.py SOURCE: fails where the table of options in docs/CALLING.md is not what the interface describes,
or where the library's builder of pins lacks an option of a pin."""

import pathlib
import re
import sys

METHOD = re.compile(r'<!--\s+(\w+):\n((?:(?!-->).)*?)-->\s*<method name="\1"', re.S)
OPTION = re.compile(r'`([a-z-]+)` (aay|as|[a-z])\b')
ROW = re.compile(r'^\| `([a-z-]+)` \| (\w+) \| ([\w, ]+) \|', re.M)
# In words: the options of another method, without some; and some of them.
ALL_BUT = re.compile(r'those of (\w+), except (.*?)\.')
SOME = re.compile(r'((?:`[a-z-]+`(?:, | and )?)+) are those of (\w+)')


def options_of(interface):
    """Returns: the types of the options, by name, of each method"""
    texts = {}
    for name, comment in METHOD.findall(interface):
        found = re.search(r'^ +@options: (.*?)(?=^ +@|^\s*$)', comment, re.M | re.S)
        if found:
            texts[name] = ' '.join(found[1].split())
    options = {name: dict(OPTION.findall(text)) for name, text in texts.items()}
    for name, text in texts.items():
        for other, without in ALL_BUT.findall(text):
            left_out = re.findall('`([a-z-]+)`', without)
            options[name].update({key: kind for key, kind in options[other].items() if key not in left_out})
        for some, other in SOME.findall(text):
            options[name].update({key: options[other][key] for key in re.findall('`([a-z-]+)`', some)})
    return options


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    described = {(method, option, kind)
                 for method, options in options_of((root / 'dbus/org.certpin.Certpin1.xml').read_text()).items()
                 for option, kind in options.items()}
    page = (root / 'docs/CALLING.md').read_text(encoding='utf-8')
    listed = {(method, option, kind) for option, kind, methods in ROW.findall(page)
              for method in methods.split(', ')}
    for triple in sorted(described ^ listed):
        print('docs/CALLING.md lacks' if triple in described else 'only docs/CALLING.md has', *triple)
    builder = (root / 'client-lib/certpin-pin-builder.c').read_text(encoding='utf-8')
    lacking = sorted(option for method, option, kind in described
                     if method == 'PinCertificate' and f', "{option}", ' not in builder)
    for option in lacking:
        print('client-lib/certpin-pin-builder.c lacks', option)
    if len(described) < 50:
        sys.exit(f'only {len(described)} options were found: the check looks in the wrong place')
    sys.exit(0 if described == listed and not lacking else 1)


main()
