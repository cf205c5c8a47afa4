# SPDX-License-Identifier: LGPL-2.1-or-later
"""What other users read and run. The tree may be in a folder that only root can enter, and its files may
be readable by root alone, so those users get copies, in a folder below /tmp."""

import atexit
import functools
import os
import pathlib
import shutil
import tempfile

from .daemon import program


def new_folder(prefix):
    """Makes a folder that every user can enter, wherever TMPDIR would have it, until the test ends."""
    folder = tempfile.mkdtemp(prefix=prefix, dir='/tmp')
    os.chmod(folder, 0o755)
    # A server that still writes into it is no failure.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def put(source, target):
    """Copies a file for every user to read, and to run if it is a program. Returns: the copy"""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if os.access(source, os.X_OK) else 0o644)
    return target


@functools.cache
def _copies():
    return new_folder('certpin-public-')


@functools.cache
def copy_of(path):
    """A copy that every user can reach, until the test ends."""
    return put(path, os.path.join(_copies(), os.path.basename(path)))


@functools.cache
def with_library(path):
    """A copy of a program that uses the library, and of the library where the program looks for it."""
    tool = pathlib.Path(path)
    build = next(folder for folder in tool.parents if (folder / 'client-lib').is_dir())
    for library in (build / 'client-lib').glob('libcertpin.so.*'):
        if library.is_file():
            put(library, os.path.join(_copies(), 'client-lib', library.name))
    # What certpinctl runs is below its folder.
    for helper in (tool.parent / 'reader').glob('certpin-reader'):
        put(helper, os.path.join(_copies(), helper.relative_to(build)))
    return put(tool, os.path.join(_copies(), tool.relative_to(build)))


@functools.cache
def library():
    """A copy of the library, and of what other languages read of it. Returns: its folder"""
    copies = pathlib.Path(certpinctl()).parents[1] / 'client-lib'
    for typelib in (pathlib.Path(program('CERTPINCTL')).parents[1] / 'client-lib').glob('*.typelib'):
        put(typelib, copies / typelib.name)
    return str(copies)


def certpinctl():
    """A copy of the tool."""
    return with_library(program('CERTPINCTL'))
