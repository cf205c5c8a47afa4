#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fails where a file includes what its layer may not see (docs/ARCHITECTURE.md, "Who may include whom")."""

import pathlib
import re
import sys

# Layer: which of our folders it may include from, and which words may not stand in it. GDBus sits inside GIO, so
# the build cannot keep it out of a layer.
LAYERS = {
    'client-lib': ({'client-lib', 'dbus'}, r'libsoup|\bgnutls|polkit'),
    'daemon/core': ({'client-lib', 'daemon/core'},
                    r'libsoup|polkit|\bGDBus|g_dbus_|g_bus_|certpin-names\.h|certpin-dbus\.h'
                    r'|certpin-client\.h|g_get_real_time|g_get_monotonic_time|g_message \(|g_warning \('),
    'daemon/transport': ({'client-lib', 'daemon/core', 'daemon/transport'},
                         r'polkit|\bGDBus|g_dbus_|g_bus_|certpin-names\.h|certpin-dbus\.h|certpin-client\.h'
                         r'|"accept-certificate"|g_message \(|g_warning \('),
    'daemon/bus': ({'client-lib', 'dbus', 'daemon/core', 'daemon/bus'},
                   r'libsoup|certpin-client\.h|gnutls'),
    'daemon': ({'client-lib', 'dbus', 'daemon', 'daemon/core', 'daemon/transport', 'daemon/bus'}, r'certpin-client\.h'),
    'cli': ({'cli'}, r'g_dbus_|g_bus_|GDBus|libsoup|gnutls|certpin-names\.h'),
}
# The values of the library, below its proxy, know nothing of the bus but the names of errors.
VALUES = re.compile(r'client-lib/certpin-(key|request|response)\.[ch]$')


def strip_comments(text):
    return re.sub(r'/\*.*?\*/', lambda m: re.sub(r'[^\n]', ' ', m.group()), text, flags=re.S)


def folder_of(root, path, include):
    """The folder of ours that an include leads into, or None where it is not ours."""
    for base in (root, path.parent):
        target = (base / include).resolve()
        if target.is_file() and root in target.parents:
            return str(target.parent.relative_to(root))
    return None


def check(root, path, layer):
    allowed, forbidden = LAYERS[layer]
    relative = path.relative_to(root)
    text = strip_comments(path.read_text())
    for number, line in enumerate(text.split('\n'), 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        folder = match and folder_of(root, path, match.group(1))
        if folder and folder not in allowed:
            yield f'{relative}:{number}: {layer} may not include {match.group(1)}'
        if re.search(forbidden, line):
            yield f'{relative}:{number}: {layer} may not use {re.search(forbidden, line).group()}'
        if VALUES.search(str(relative)) and re.search(r'g_dbus_|g_bus_', line):
            yield f'{relative}:{number}: a value may not know the bus'


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.').resolve()
    files = [(path, layer) for layer in LAYERS for path in sorted((root / layer).glob('*.[ch]'))]
    problems = [problem for path, layer in files for problem in check(root, path, layer)]
    print('\n'.join(problems))
    if len(files) < 50:
        sys.exit(f'only {len(files)} files were found: the check looks in the wrong place')
    sys.exit(1 if problems else 0)


main()
