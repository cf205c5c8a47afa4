#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-release.py SOURCE VERSION: fails where a file names another version or day of release than meson.build."""

import datetime
import email.utils
import pathlib
import re
import sys

source, version = pathlib.Path(sys.argv[1]), sys.argv[2]


def text(path):
    return (source / path).read_text(encoding='utf-8')


def release_day():
    seconds = int(re.search(r"'CPD_RELEASE_UNIX_S', (\d+)", text('meson.build')).group(1))
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).date()


def changelog_day():
    written = re.search(r'^ -- .*>  (.*)$', text('debian/changelog'), re.MULTILINE).group(1)
    return email.utils.parsedate_to_datetime(written).date()


def problems():
    for path, pattern in (('NEWS', r'^certpin (\S+)'),
                          ('README.md', r'^ *\.Version [^"\n]*"([^"\n]+)"'),
                          ('debian/changelog', r'^certpin \(([^)]+)\)')):
        said = re.search(pattern, text(path), re.MULTILINE)
        if not said or said.group(1) != version:
            yield f'{path} names version {said and said.group(1)} first, but meson.build says {version}'
    if release_day() != changelog_day():
        yield f'debian/changelog gives {changelog_day()} as the day of release, but meson.build {release_day()}'
    exported = text('client-lib/certpin.symbols').split()
    packaged = re.findall(r'^ (\w+)@Base \S+$', text('debian/libcertpin0.symbols'), re.MULTILINE)
    for symbol in sorted(set(exported) ^ set(packaged)):
        yield f'{symbol} is in only one of client-lib/certpin.symbols and debian/libcertpin0.symbols'


found = list(problems())
print('\n'.join(found))
sys.exit(1 if found else 0)
