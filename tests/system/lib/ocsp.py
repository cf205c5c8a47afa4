# SPDX-License-Identifier: LGPL-2.1-or-later
"""OCSP responses as `openssl ocsp` makes them."""

import os
import subprocess
import tempfile

from .own_clock import going_by


def _write(folder, name, content):
    path = os.path.join(folder, name)
    with open(path, 'wb') as file:
        file.write(content)
    return path


def _index_line(identity, revoked):
    """One certificate in the text database of `openssl ca`."""
    start, end = (time.strftime('%y%m%d%H%M%SZ') for time in (
        identity.certificate.not_valid_before, identity.certificate.not_valid_after))
    serial = f'{identity.certificate.serial_number:X}'
    serial = serial.zfill(len(serial) + len(serial) % 2)
    return f'{"R" if revoked else "V"}\t{end}\t{start if revoked else ""}\t{serial}\tunknown\t/CN=x\n'


def respond(folder, identity, issuer, *more, known=True, revoked=False, signer=None, made='-0'):
    """The path of a response about that certificate. `more`: options of openssl. `known`: to the
    responder. `signer`: another certificate, with its key, in place of the issuer. `made`: when,
    as libfaketime takes it; the response is current for a day."""
    folder = tempfile.mkdtemp(dir=folder)
    signer = signer or issuer
    paths = {name: _write(folder, name, content) for name, content in {
        'leaf': identity.pem, 'issuer': issuer.pem, 'signer': signer.pem, 'key': signer.key_pem,
        'index': _index_line(identity, revoked).encode() if known else b''}.items()}
    request, response = os.path.join(folder, 'request'), os.path.join(folder, 'response')
    subprocess.run(['openssl', 'ocsp', '-no_nonce', '-issuer', paths['issuer'],
                    '-cert', paths['leaf'], '-reqout', request], check=True, capture_output=True)
    subprocess.run(['openssl', 'ocsp', '-index', paths['index'], '-CA', paths['issuer'],
                    '-rsigner', paths['signer'], '-rkey', paths['key'], '-reqin', request,
                    '-respout', response, '-ndays', '1', *more],
                   env=os.environ | going_by(FAKETIME=made),
                   check=True, capture_output=True)
    return response
