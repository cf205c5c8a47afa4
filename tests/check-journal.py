#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-journal.py SOURCE: fails where certpind(8), the message catalogue and the code do not have the same message ids,
fields and events."""

import pathlib
import re
import sys


def compare(what, code, place, text):
    """Returns: whether both have the same"""
    for one in sorted(code - text):
        print(f'{place} lacks the {what} {one}')
    for one in sorted(text - code):
        print(f'only {place} has the {what} {one}')
    return code == text


def main():
    root = pathlib.Path(sys.argv[1])
    names, audit, manual, catalogue = ((root / path).read_text(encoding='utf-8') for path in (
        'dbus/certpin-names.h', 'daemon/bus/cpd-audit.c', 'docs/man/certpind.8', 'data/certpin.catalog'))
    journal = manual.split('.Sh JOURNAL\n')[1].split('\n.Sh ')[0]
    ids = set(re.findall(r'"([0-9a-f]{32})"', names))
    fields = set(re.findall(r'"(CERTPIN_(?!MESSAGE)[A-Z_]+)"', audit))
    events = set(re.findall(r'begin \([^;]*?"([a-z-]+)"\);', audit)) | set(re.findall(r'blocked \? "([a-z]+)" : "([a-z]+)";', audit)[0])
    events |= set(re.findall(r'tell_problem \([^;"]*"([a-z-]+)"', audit))
    good = [
        bool(ids) and bool(fields) and bool(events),
        compare('message id', ids, 'certpind(8)', set(re.findall(r'^\.It Li ([0-9a-f]{32})$', journal, re.M))),
        compare('message id', ids, 'certpin.catalog', set(re.findall(r'^-- ([0-9a-f]{32})$', catalogue, re.M))),
        compare('field', fields, 'certpind(8)', set(re.findall(r'CERTPIN_[A-Z_]+', journal))),
        set(re.findall(r'@(CERTPIN_[A-Z_]+)@', catalogue)) <= fields,
        compare('event', events, 'certpind(8)', set(re.findall(r'^\.Em ([a-z-]+) ?[.,:;]?', journal, re.M))),
    ]
    sys.exit(not all(good))


main()
