#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-readme.py SOURCE BUILD COMPILER...: fails where the README's C example does not compile, or where its lists of
members are not those of the interfaces."""

import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml


PREFIX = 'org.certpin.Certpin1.'
FILES = ('org.certpin.Certpin1.xml', 'org.certpin.Certpin1.Pin.xml', 'org.certpin.Certpin1.Channel.xml')
ROW = re.compile(r'^    (org\.certpin\.Certpin1\.|\.)(\w+) +(interface|method|signal|property) +(\S+) +(\S+)', re.M)


def list_members(interface):
    """As busctl does, without values. Returns: each as (interface, name, kind, types of arguments, of results)"""
    for member in interface:
        if member.tag == 'property':
            yield interface.get('name'), member.get('name'), member.tag, '-', member.get('type')
        elif member.tag in ('method', 'signal'):
            types = {'in': '', 'out': ''}
            for argument in member.iterfind('arg'):
                types[argument.get('direction', 'in')] += argument.get('type')
            yield interface.get('name'), member.get('name'), member.tag, types['in'] or '-', types['out'] or '-'


def list_rows(readme):
    """Those of the README, in the same shape."""
    interface = None
    for _, name, kind, first, second in ROW.findall(readme):
        if kind == 'interface':
            interface = PREFIX + name
        elif kind == 'property':  # beside it stands its type, and then its value
            yield interface, name, kind, '-', first
        else:
            yield interface, name, kind, first, second


def check_members(source, readme):
    """Returns: whether the README lists them all, and no others"""
    interfaces = [interface for file in FILES for interface in xml.parse(source / 'dbus' / file).iterfind('interface')]
    members = {member for interface in interfaces for member in list_members(interface)}
    listed = set(list_rows(readme))
    for member in sorted(members ^ listed, key=str):
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
