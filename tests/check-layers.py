#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails where a file includes what its layer may not see (docs/ARCHITECTURE.md, "Who may include whom"), and where
a file belongs to no layer."""

import pathlib
import re
import sys

# The rooms of the core, from the ground up: each sees those before it.
CORE = ('daemon/core/base', 'daemon/core/trust', 'daemon/core/pins', 'daemon/core/verdict')
IN_CORE = (r'libsoup|polkit|\bGDBus|g_dbus_|g_bus_|certpin-names\.h|certpin-dbus\.h'
           r'|certpin-client\.h|g_get_real_time|g_get_monotonic_time|g_message \(|g_warning \(')

# Layer: which of our folders it may include from, and which words may not stand in it. GDBus sits inside GIO, so
# the build cannot keep it out of a layer.
LAYERS = {
    'client-lib': ({'client-lib', 'dbus'}, r'libsoup|\bgnutls|polkit'),
    'daemon/core/base': ({'client-lib', 'daemon/core/base'}, IN_CORE + r'|gnutls'),
    'daemon/core/trust': ({'client-lib', 'daemon/core/base', 'daemon/core/trust'}, IN_CORE),
    'daemon/core/pins': ({'client-lib', 'daemon/core/base', 'daemon/core/trust', 'daemon/core/pins'},
                         IN_CORE + r'|gnutls'),
    'daemon/core/verdict': ({'client-lib', *CORE}, IN_CORE + r'|gnutls'),
    'daemon/transport': ({'client-lib', *CORE, 'daemon/transport'},
                         r'polkit|\bGDBus|g_dbus_|g_bus_|certpin-names\.h|certpin-dbus\.h|certpin-client\.h'
                         r'|"accept-certificate"|g_message \(|g_warning \('),
    'daemon/bus': ({'client-lib', 'dbus', *CORE, 'daemon/bus'},
                   r'libsoup|certpin-client\.h|gnutls'),
    'daemon': ({'client-lib', 'dbus', 'daemon', *CORE, 'daemon/transport', 'daemon/bus'}, r'certpin-client\.h'),
    'cli/reader': ({'client-lib', 'daemon/core/base', 'daemon/core/trust', 'daemon/core/pins', 'cli/reader'},
                   r'g_dbus_|g_bus_|GDBus|libsoup|polkit|certpin-client\.h'),
    'cli/doctor': ({'cli', 'cli/doctor', 'dbus'}, r'libsoup|gnutls'),
    'cli': ({'cli', 'cli/doctor'}, r'g_dbus_|g_bus_|GDBus|libsoup|gnutls|certpin-names\.h'),
}
# What certpinctl shares with the service, beside the public library.
SHARED = {'client-lib/certpin-pem.h', 'client-lib/certpin-text.h'}
# The values of the library, below its proxy, know nothing of the bus but the names of errors.
VALUES = re.compile(r'client-lib/certpin-(key|request|response)\.[ch]$')


def strip_comments(text):
    return re.sub(r'/\*.*?\*/', lambda m: re.sub(r'[^\n]', ' ', m.group()), text, flags=re.S)


def target_of(root, path, include):
    """The file of ours that an include means, relative to the root; None where it is not ours."""
    for base in (root, path.parent):
        target = (base / include).resolve()
        if target.is_file() and root in target.parents:
            return target.relative_to(root)
    return None


def read_includes(root, path):
    """Yields a number of a line and the file of ours that it includes."""
    for number, line in enumerate(strip_comments(path.read_text()).split('\n'), 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        target = match and target_of(root, path, match.group(1))
        if target:
            yield number, target


def check(root, path, layer):
    allowed, forbidden = LAYERS[layer]
    relative = path.relative_to(root)
    for number, target in read_includes(root, path):
        if str(target.parent) not in allowed and not (layer == 'cli' and str(target) in SHARED):
            yield f'{relative}:{number}: {layer} may not include {target}'
    for number, line in enumerate(strip_comments(path.read_text()).split('\n'), 1):
        if re.search(forbidden, line):
            yield f'{relative}:{number}: {layer} may not use {re.search(forbidden, line).group()}'
        if VALUES.search(str(relative)) and re.search(r'g_dbus_|g_bus_', line):
            yield f'{relative}:{number}: a value may not know the bus'


def find_strays(root):
    """Yields each file that no layer has."""
    for folder in ('client-lib', 'daemon', 'cli'):
        for path in sorted((root / folder).rglob('*.[ch]')):
            if str(path.parent.relative_to(root)) not in LAYERS:
                yield f'{path.relative_to(root)}: it belongs to no layer'


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.').resolve()
    files = [(path, layer) for layer in LAYERS for path in sorted((root / layer).glob('*.[ch]'))]
    problems = [problem for path, layer in files for problem in check(root, path, layer)]
    problems += find_strays(root)
    print('\n'.join(problems))
    if len(files) < 50:
        sys.exit(f'only {len(files)} files were found: the check looks in the wrong place')
    sys.exit(1 if problems else 0)


main()
