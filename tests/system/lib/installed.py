# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library as ‘meson install’ puts it, in a folder that every user can read: a program that is built and run with
it sees what is installed, and nothing of the build."""

import re
import subprocess

from .daemon import program


def _find(folder, name):
    return next((folder / 'installed').rglob(name))


def install_library(folder):
    """Installs it there, below `installed`."""
    subprocess.run(['meson', 'install', '-C', program('CERTPIN_BUILD'), '--no-rebuild', '--quiet',
                    '--tags=runtime,devel,typelib', '--destdir', folder / 'installed'], check=True)
    # It was configured for another place.
    description = _find(folder, 'certpin-1.pc')
    text = description.read_text(encoding='utf-8')
    description.write_text(re.sub('^prefix=', f'prefix={folder}/installed', text, flags=re.M), encoding='utf-8')


def find_library(folder):
    """Where compilers and programs look for it."""
    libraries = _find(folder, 'libcertpin.so').parent
    data = _find(folder, 'certpin-1.vapi').parents[2]
    return {'PKG_CONFIG_PATH': str(libraries / 'pkgconfig'), 'LD_LIBRARY_PATH': str(libraries),
            'GI_TYPELIB_PATH': str(libraries / 'girepository-1.0'),
            'XDG_DATA_DIRS': f'{data}:/usr/local/share:/usr/share'}
