#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files that are installed beside the programs: valid, and true to the code."""

import gettext
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / 'tests/system'))

# pylint: disable=wrong-import-position
from lib.daemon import program
from lib.tap import equal, holds, run, test

BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
MANUALS = ('certpinctl.1', 'certpind.8', 'certpind.conf.5', 'certpin.pin.5')
# "Key", offset of the field, default, least, most
LIMIT = re.compile(r'\{ "(\w+)", G_STRUCT_OFFSET \(CpdConfig, \w+\),\s*([^,]+),\s*([^,]+),\s*([^}]+?) \}')


class Folder:
    """What one test has."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self._folder.name)

    def check(self, *arguments):
        done = subprocess.run([program('CERTPIND'), '--check', f'--state-dir={self.path}',
                               *arguments], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        equal((done.returncode, done.stdout), (0, '0 problems\n'), 'what --check says')

    def describe(self):
        return ''

    def check_health(self):
        pass

    def close(self):
        self._folder.cleanup()


def read(path):
    return (SOURCE / path).read_text(encoding='utf-8')


def succeeds(*command):
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    holds(done.returncode == 0, f'{command[0]} says: {done.stdout}')


def limits():
    """Of each limit in cpd-config.c: its key, default, least and most."""
    units = {'KIB': 1024, 'MIB': 1024 * 1024}
    for key, *numbers in LIMIT.findall(read('daemon/core/base/cpd-config.c')):
        yield key, *(eval(number, units) for number in numbers)  # as in 16 * MIB


@test('the polkit actions are valid')
def _(_folder):
    succeeds('xmllint', '--noout', '--nonet', '--dtdvalid',
             '/usr/share/polkit-1/policyconfig-1.dtd',
             program('CERTPIN_POLICY'))


@test('everything that a password dialog says is there in German')
def _(folder):
    succeeds('msgfmt', '--check', '-o', folder.path / 'de.mo', SOURCE / 'po/de.po')
    with open(folder.path / 'de.mo', 'rb') as file:
        german = gettext.GNUTranslations(file)
    paths = [path for path in read('po/POTFILES').split() if not path.startswith('cli/')]
    texts = [text for path in paths
             for text in re.findall(r'\bN?_ \("([^"]+)"\)|<(?:description|message)>([^<]+)<',
                                    read(path))]
    equal(len(texts) > 10, True, 'the number of texts')
    equal([text for text in map(''.join, texts) if german.gettext(text) == text], [],
          'what is not translated')


@test('the unit leaves little exposed')
def _(folder):
    unit = folder.path / 'certpind.service'
    unit.write_text(read('data/certpind.service.in').replace('@libexecdir@', '/usr/libexec'))
    succeeds('systemd-analyze', 'security', '--offline=yes', '--threshold=15', unit)


@test('the manuals are free of warnings')
def _(_folder):
    for manual in MANUALS:
        succeeds('mandoc', '-Tlint', '-Wwarning', SOURCE / 'docs/man' / manual)


@test('certpind.conf and its manual give each limit with its default and range')
def _(_folder):
    known = list(limits())
    shipped, manual = read('data/certpind.conf'), read('docs/man/certpind.conf.5')
    equal(re.findall(r'^#(\w+)=', shipped, re.M), [key for key, *_ in known]
          + ['TrustFile', 'Deny', 'DenyForUsers', 'Allow', 'Proxy', 'NoProxy', 'ProxyCredentials'],
          'the keys of certpind.conf')
    for key, usual, least, most in known:
        holds(re.search(rf': {least} to {most}\.\n#{key}={usual}\n', shipped),
              f'certpind.conf does not give {key}={usual}, {least} to {most}')
        holds(re.search(rf'\.It Li {key}\n(?:(?!\.It)[^\n]+\n)+?{least} to {most}, default {usual}\b',
                        manual), f'certpind.conf(5) does not give {key}={usual}, {least} to {most}')


@test('the service takes every value of the shipped certpind.conf')
def _(folder):
    config = folder.path / 'certpind.conf'
    config.write_text(re.sub(r'^#(\w+=)', r'\1', read('data/certpind.conf'), flags=re.M))
    folder.check(f'--config={config}', f'--pins-dir={folder.path}')


@test('the service takes the example of certpin.pin(5)')
def _(folder):
    example, = re.findall(r'^(\[Pin File\]\n.*?)^\.Ed$', read('docs/man/certpin.pin.5'),
                          re.M | re.S)
    (folder.path / 'example.pin').write_text(example)
    first = re.search('-----BEGIN.*?END CERTIFICATE-----', pathlib.Path(BUNDLE).read_text(), re.S)
    (folder.path / 'corp-root.der').write_bytes(ssl.PEM_cert_to_DER_cert(first.group()))
    folder.check(f'--config={folder.path}/none', f'--pins-dir={folder.path}', f'--trust-file={BUNDLE}')


@test('certpind(8) gives each MESSAGE_ID')
def _(_folder):
    names, manual = read('dbus/certpin-names.h'), read('docs/man/certpind.8')
    equal(set(re.findall(r'\.It Li ([0-9a-f]{32})$', manual, re.M)),
          set(re.findall(r'"([0-9a-f]{32})"', names)), 'the MESSAGE_IDs')


if __name__ == '__main__':
    run(Folder)
