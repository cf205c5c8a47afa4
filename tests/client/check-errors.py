#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-errors.py SOURCE: fails where a function of the client documents other errors than its D-Bus method, or where
a method of the service has no function."""

import pathlib
import re
import sys

# The errors that a function has beside those of its method.
OWN = {'certpin_client_pin_certificate_from_file': {'FileNotFound'}}
# The method of a function that is not named after one.
METHODS = {'certpin_client_pin_certificate_from_file': 'PinCertificate', 'certpin_client_send': 'SecureRequest',
           'certpin_client_download': 'SecureRequest', 'certpin_client_upload': 'SecureRequest',
           'certpin_client_get_connection_end': 'Finish'}
# Those of its method that are about something else: Finish is also that of streams.
OTHERS = {'certpin_client_get_connection_end': {'BodyTooLarge', 'LimitExceeded'}}
# A property of the client calls these.
BY_PROPERTY = {'Subscribe', 'Unsubscribe'}

source = pathlib.Path(sys.argv[1])


def camel(name):
    """`PIN_MISMATCH`, or `pin_mismatch`, as `PinMismatch`."""
    return ''.join(word.capitalize() for word in name.split('_'))


def errors_of_methods():
    known = set(map(camel, re.findall(r'^  CERTPIN_ERROR_(\w+),$',
                                      (source / 'client-lib/certpin-error.h').read_text(), re.M)))
    xml = ''.join(path.read_text() for path in sorted((source / 'dbus').glob('*.xml')))
    for name, text in re.findall(r'<!--\s+(\w+):\n((?:(?!-->).)*?)-->\s*<method name="\1"', xml, re.S):
        listed = re.search(r'^ +Errors.*?\n\s*\n', text, re.M | re.S)
        yield name, known.intersection(re.findall(r'\w+', listed.group())) if listed else set()


def errors_of_functions():
    for path in sorted((source / 'client-lib').glob('certpin-client*.c')):
        for name, text in re.findall(r'/\*\*\n \* (certpin_client_\w+):\n(.*?)\*/', path.read_text(), re.S):
            listed = set(map(camel, re.findall(r'^ \* - `CERTPIN_ERROR_(\w+)`:', text, re.M)))
            if ' * @cancellable:' in text or name.endswith('_finish'):
                yield name, listed


def problems():
    methods = dict(errors_of_methods())
    functions = dict(errors_of_functions())
    bases = {name.removesuffix('_finish') for name in functions if name.endswith('_finish')}
    if len(bases) < 11:
        yield f'only {len(bases)} methods of the client were found: the check looks in the wrong place'
    there = set(re.findall('<method name="(\\w+)"', (source / 'dbus/org.certpin.Certpin1.xml').read_text()))
    for method in sorted(there - BY_PROPERTY - {camel(base.removeprefix('certpin_client_')) for base in bases}):
        yield f'no function of the client calls {method}'
    for base in sorted(bases):
        method = METHODS.get(base, camel(base.removeprefix('certpin_client_')))
        expected = (methods.get(method, set()) | OWN.get(base, set())) - OTHERS.get(base, set())
        if not methods.get(method):
            yield f'the errors of {method} were not found'
        for name in (base, base + '_finish'):
            for error in sorted(expected ^ functions.get(name, set())):
                yield f'{name}: {error} is documented here or for {method}, but not for both'


found = list(problems())
print('\n'.join(found))
sys.exit(1 if found else 0)
