# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl in German: the locale, and the catalog where the program looks for it. Both are the test's own, which needs
a mount namespace for that."""

import os
import pathlib
import re
import subprocess

from .public import new_folder, put

LOCALE = 'de_DE.UTF-8'


def _build():
    return pathlib.Path(os.environ['CERTPINCTL']).resolve().parents[1]


def _place():
    """Where the program looks for catalogs."""
    config = (_build() / 'config.h').read_text(encoding='utf-8')
    return pathlib.Path(re.search(r'#define LOCALE_DIR "(.*)"', config)[1])


def install():
    """Returns: the environment in which programs speak German"""
    place = _place()
    hidden = next(folder for folder in (place, *place.parents) if folder.is_dir())
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', hidden], check=True)
    put(_build() / 'po/de/LC_MESSAGES/certpin.mo', place / 'de/LC_MESSAGES/certpin.mo')
    locales = new_folder('certpin-locale-')
    subprocess.run(['localedef', '-i', LOCALE.split('.', maxsplit=1)[0], '-f', 'UTF-8', os.path.join(locales, LOCALE)],
                   check=True)
    return {'LC_ALL': LOCALE, 'LOCPATH': locales, 'LANGUAGE': ''}
