#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-documented.py GIR: fails where something public has no documentation: a type, a function, a parameter, a result,
a constant, a property or a signal; or where the documentation does not say since when it is there."""

import sys
import xml.etree.ElementTree as ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'
DATED = [CORE + tag for tag in ('class', 'record', 'enumeration', 'constant', 'function', 'constructor', 'method',
                                'property')] + [GLIB + 'signal']
UNDATED = [CORE + tag for tag in ('member', 'parameter', 'instance-parameter', 'return-value')]


def is_generated(element):
    """Whether a macro of GObject declares it, or there is nothing to say."""
    kind = element.find(CORE + 'type')
    returns_nothing = element.tag == CORE + 'return-value' and kind is not None and kind.get('name') == 'none'
    return returns_nothing or element.get(GLIB + 'is-gtype-struct-for') is not None


def problems(element, path, seen):
    name = f'{path}.{element.get("name", element.tag.rpartition("}")[2])}'
    if element.tag in DATED + UNDATED and not is_generated(element):
        seen.append(name)
        if element.find(CORE + 'doc') is None:
            yield f'{name}: no documentation'
        if element.tag in DATED and element.get('version') is None:
            yield f'{name}: no “Since:”'
    for child in element:
        yield from problems(child, name, seen)


seen = []
found = list(problems(ElementTree.parse(sys.argv[1]).getroot().find(CORE + 'namespace'), '', seen))
print('\n'.join(found))
if len(seen) < 200:
    sys.exit(f'only {len(seen)} public things were found: the check looks in the wrong place')
sys.exit(1 if found else 0)
