#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-documented.py GIR SOURCE: fails where something public has no documentation: a type, a function, a member of an
enumeration, a parameter, a result, a constant, a property or a signal; where the documentation does not say since when
it is there; or where it does not say who owns what a pointer leads to."""

import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
CALLABLE = [CORE + tag for tag in ('function', 'constructor', 'method')]
DATED = CALLABLE + [CORE + tag for tag in ('alias', 'bitfield', 'callback', 'class', 'constant', 'enumeration',
                                           'interface', 'property', 'record', 'union')] + [GLIB + 'signal']
UNDATED = [CORE + tag for tag in ('member', 'field', 'parameter', 'instance-parameter', 'return-value')]


def is_generated(element):
    """Whether a macro of GObject declares it, or there is nothing to say."""
    kind = element.find(CORE + 'type')
    returns_nothing = element.tag == CORE + 'return-value' and kind is not None and kind.get('name') == 'none'
    parent = element.tag == CORE + 'field' and element.get('name') == 'parent_instance'
    return returns_nothing or parent or element.get(GLIB + 'is-gtype-struct-for') is not None


def is_pointer(value):
    """Whether it leads to something that somebody has to free: not a plain value."""
    kind = next((child for child in value if child.tag in (CORE + 'type', CORE + 'array')), None)
    return kind is not None and kind.get(C + 'type', '').endswith('*')


def find_comments(source):
    """Returns: the documentation of each function, as it is in the source"""
    comments = {}
    for path in sorted(pathlib.Path(source).glob('*.c')):
        for name, text in re.findall(r'/\*\*\n \* (\w+):[^\n]*\n(.*?)\*/', path.read_text(), re.S):
            comments[name] = text
    return comments


def annotations(comment, name):
    """What stands in parentheses behind the name of a parameter, or `Returns`."""
    found = re.search(rf'^ \* @?{name}:((?:\s*(?:\*\s*)?\([^)]*\))*)', comment, re.M)
    return found[1] if found else ''


def unowned(function, comments):
    """Returns: the result and the results by parameters, where the source does not say who owns them"""
    comment = comments.get(function.get(C + 'identifier'), '')
    values = [('Returns', function.find(CORE + 'return-value'))]
    values += [(value.get('name'), value) for value in function.iterfind(f'{CORE}parameters/{CORE}parameter')
               if value.get('direction') in ('out', 'inout')]
    return [name for name, value in values
            if value is not None and is_pointer(value) and '(transfer ' not in annotations(comment, name)]


def problems(element, path, seen, comments):
    name = f'{path}.{element.get("name", element.tag.rpartition("}")[2])}'
    if element.tag in DATED + UNDATED and not is_generated(element):
        seen.append(name)
        doc = element.find(CORE + 'doc')
        if doc is None or not (doc.text or '').strip():
            yield f'{name}: no documentation'
        if element.tag in DATED and element.get('version') is None:
            yield f'{name}: no “Since:”'
    if element.tag in CALLABLE:
        for value in unowned(element, comments):
            yield f'{name}: no “(transfer …)” for {value}'
    for child in element if element.get(GLIB + 'is-gtype-struct-for') is None else ():
        yield from problems(child, name, seen, comments)


def main():
    seen, comments = [], find_comments(sys.argv[2])
    namespace = ElementTree.parse(sys.argv[1]).getroot().find(CORE + 'namespace')
    found = list(problems(namespace, '', seen, comments))
    print('\n'.join(found))
    if len(seen) < 200 or len(comments) < 90:
        sys.exit(f'only {len(seen)} public things and {len(comments)} comments were found: '
                 'the check looks in the wrong place')
    sys.exit(1 if found else 0)


main()
