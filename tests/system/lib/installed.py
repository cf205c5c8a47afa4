# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library as its packages would install it, in a folder that every user can read."""

import os
import pathlib
import re

from .daemon import program
from .public import put

TOP = pathlib.Path(__file__).parents[3]


def install_library(folder):
    """Puts the library there, as its packages would put it below /usr."""
    build = pathlib.Path(program('CERTPIN_BUILD'))
    library = build / 'client-lib'
    kinds = {'lib': ('libcertpin.so*', '*.typelib'), 'share/vala/vapi': ('certpin-1.vapi', 'certpin-1.deps'),
             'include/certpin-1': ('certpin-version.h',)}
    for target, patterns in kinds.items():
        for path in (path for pattern in patterns for path in library.glob(pattern) if path.is_file()):
            put(path, folder / target / path.name)
    for path in (TOP / 'client-lib').glob('certpin*.h'):
        put(path, folder / 'include' / 'certpin-1' / path.name)
    text = (build / 'meson-private' / 'certpin-1.pc').read_text(encoding='utf-8')
    for name, value in (('prefix', folder), ('libdir', '${prefix}/lib'), ('includedir', '${prefix}/include')):
        text = re.sub(f'^{name}=.*', f'{name}={value}', text, flags=re.M)
    (folder / 'certpin-1.pc').write_text(text, encoding='utf-8')
    os.chmod(folder / 'certpin-1.pc', 0o644)


def find_library(folder):
    """Where compilers and programs look for it."""
    return {'PKG_CONFIG_PATH': str(folder), 'LD_LIBRARY_PATH': str(folder / 'lib'),
            'GI_TYPELIB_PATH': str(folder / 'lib'), 'XDG_DATA_DIRS': f'{folder}/share:/usr/local/share:/usr/share'}
