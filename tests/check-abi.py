#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-abi.py SCRIPT LIBRARY LACKING: fails where the library is not compatible with that of the last release, and
where SCRIPT, scripts/abi, would not notice. LACKING is the same library without one function."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

REMOVED = 'certpin_client_unpin'
# One returns a gboolean, the other one a pointer.
CHANGED, OTHER = 'certpin_client_get_watching', 'certpin_client_new'


def run(script, *arguments, baseline=None):
    """Returns: the exit status, and what was printed"""
    settings = os.environ if baseline is None else os.environ | {'CERTPIN_ABI': str(baseline)}
    done = subprocess.run([script, *arguments], env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    return done.returncode, done.stdout


def change_type(text):
    """Returns: the file of a release, with one function that returned what another one returns"""
    def returned(name):
        return re.search(f"<function-decl name='{name}'.*?<return type-id='([^']*)'/>", text, re.S)

    changed = returned(CHANGED)
    return text[:changed.start(1)] + returned(OTHER)[1] + text[changed.end(1):]


def check(what, result, passes, says=''):
    """Returns: whether it is as it should be"""
    status, printed = result
    if (status == 0) == passes and says in printed:
        return True
    print(f'{what}: status {status}\n{printed}')
    return False


def main():
    script, library, lacking = sys.argv[1:]
    good = check('the last release', run(script, library), True)
    with tempfile.TemporaryDirectory() as folder:
        whole, less = pathlib.Path(folder, 'whole'), pathlib.Path(folder, 'less')
        good &= check('none yet', run(script, library, baseline=whole), True, 'No release yet')
        good &= check('written', run(script, '--write', library, baseline=whole), True)
        good &= check('written', run(script, '--write', lacking, baseline=less), True)
        good &= check('the same', run(script, library, baseline=whole), True)
        good &= check('one function more', run(script, library, baseline=less), True)
        good &= check('one function less', run(script, lacking, baseline=whole), False, REMOVED)
        text = whole.read_text(encoding='utf-8')
        whole.write_text(change_type(text), encoding='utf-8')
        good &= check('another type', run(script, library, baseline=whole), False, CHANGED)
        other = text.replace("soname='libcertpin.so.0'", "soname='libcertpin.so.9'")
        whole.write_text(other, encoding='utf-8')
        good &= check('another soname', run(script, library, baseline=whole), False, 'libcertpin.so.9')
    sys.exit(0 if good else 1)


main()
