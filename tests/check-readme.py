#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-readme.py SOURCE BUILD COMPILER...: fails where the README's C example does not compile, or where its list of
members is not that of the interface."""

import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml


def list_members(source):
    """As busctl does, without interfaces and values. Returns: each as (name, kind, types of arguments, of results)"""
    for member in xml.parse(source / 'dbus/org.certpin.Certpin1.xml').iterfind('interface/*'):
        if member.tag == 'property':
            yield member.get('name'), member.tag, '-', member.get('type')
        elif member.tag in ('method', 'signal'):
            types = {'in': '', 'out': ''}
            for argument in member.iterfind('arg'):
                types[argument.get('direction', 'in')] += argument.get('type')
            yield member.get('name'), member.tag, types['in'] or '-', types['out'] or '-'


def check_members(source, readme):
    """Returns: whether the README lists them all, and no others"""
    listed = {tuple(line.split()[:4]) for line in re.findall(r'^    \.(\w.*)$', readme, re.M)}
    # Beside a property stands its type, and then its value.
    listed = {(name, kind, '-', first) if kind == 'property' else (name, kind, first, second)
              for name, kind, first, second in listed}
    members = set(list_members(source))
    for member in sorted(members ^ listed):
        print('README.md lacks' if member in members else 'only README.md has', *member)
    return members == listed


def compiles(source, build, compiler, readme):
    section = readme.split('## In C\n', 1)[1]
    lines = re.match(r'\n((?:    .*\n|\n)+)', section).group(1).splitlines()
    includes = [line for line in lines if '#include' in line]
    body = [line for line in lines if '#include' not in line]
    program = '\n'.join([*includes, 'int main (void)', '{', *body, '  return 0;', '}', ''])
    flags = subprocess.run(['pkg-config', '--cflags', 'gio-2.0'], check=True, capture_output=True,
                           text=True).stdout.split()
    command = [*compiler, '-fsyntax-only', '-Wall', '-Werror', '-Wno-unused-variable', '-x', 'c', '-',
               f'-I{source}/client-lib', f'-I{build}/client-lib', *flags]
    return subprocess.run(command, input=program, text=True, check=False).returncode == 0


def main():
    source, build, compiler = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
    readme = (source / 'README.md').read_text(encoding='utf-8')
    sys.exit(not all([check_members(source, readme), compiles(source, build, compiler, readme)]))


main()
