#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""seeds.py CORPUS VECTORS: writes what each fuzzer starts from, some by hand and some from the test
vectors, into a folder of its name below CORPUS."""

import base64
import datetime
import json
import pathlib
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DER = serialization.Encoding.DER
DAY = datetime.timedelta(days=1)
KEY = 'sha256/mjLZM/F4Hc2BGr1JKLMzsvmzzN4VpisdLNAPBEhqh5g='
HEXADECIMAL = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
FILE = '[Pin File]\nVersion=1\n'
STATUS = 'State:\tS (sleeping)\nNSpid:\t644\nNoNewPrivs:\t'
APP = '0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-flatpak-org.example.My\\x2dApp-626.scope\n'
MOUNTS = ('423 367 0:70 /newroot / rw - tmpfs tmpfs rw\n'
          '481 423 0:42 /home/a/app/org.example.My-App/x86_64/stable/0abc/files /app ro - ext4 /dev/sda rw\n')
BY_HAND = {
    'certificate': ['-----BEGIN CERTIFICATE-----\n', '\x30\x03\x02\x01\x00'],
    'config': ['[Limits]\nRunning=7\nInlineBodyBytes=65536\n[Tls]\nTrustFile=/a\n',
               '[Network]\nProxy=http://a.example:1;https://[2001:db8::1]:2, direct\n'
               'NoProxy=.h.example:443 192.0.2.0/24;[2001:db8::1]:443;*\n'],
    'confinement': [
        '\0'.join((APP, STATUS + '1\n', '1000 4294967295 1\n', MOUNTS, '', '', STATUS + '0\n', '0 0 4294967295\n')),
        '\0'.join(('1:name=systemd:/\n0::/system.slice/a.service\n', STATUS + '1\n', '0 0 1\n', '', 'unconfined',
                   'unconfined', STATUS + '0\n', '0 0 4294967295\n')),
        '\0'.join(('0::/snap.demo.app-1.scope\n', STATUS + '0\n', '0 0 4294967295\n', '', 'snap.demo.app (enforce)',
                   'snap.demo.app (enforce)', STATUS + '0\n', '0 0 4294967295\n'))],
    'host': ['h.example', '*.h.example:443', '**.h.example', '[2001:db8::1]:8443', '192.0.2.1',
             'bücher.example'],
    'http': [],
    'key': [KEY, f'pin-sha256="{KEY[7:]}"', HEXADECIMAL],
    'label': ['h_2eexample', '_2a_2eh_2eexample_3a443', '_', '_3192_2e0_2e2_2e1', '*.h.example'],
    'ocsp': [],
    'sighting-file': ["certpin sightings 1\n('*.h.example', ('CN=a', \"CN=b'c\", 1800000000), 1790000000, 0, "
                      f"{{'{KEY}': (1700000000, 1790000000)}})\n"
                      "('h.example:1', ('', '', 0), 1, 1, @a{s(xx)} {})\nend\n", 'certpin sightings 1\nend\n',
                      "certpin sightings 1\n('h.example', ('CN=a', 'CN=b', -1), -9223372036854775808, -1, "
                      f"{{'{KEY}': (-1, -1)}})\nend\n"],
    'pin-file': [f'{FILE}[a]\nHost=*.h.example:8443\nKeys={KEY};\nMode=report\nExpires=9\n',
                 f'{FILE}Account=a\n[a]\nHost=h.example\nKeys={KEY}\nMatch=path\nNote=a\\sb\n',
                 f'{FILE}[a]\nHost=h.example\nState=blocked\nReason=r\nWarnings=a;b\n'],
    'preamble': ['\0* OK hi\r\na OK go\r\n', '\x01220-hi\r\n220 x\r\n250-a\r\n250 b\r\n220 go\r\n',
                 '\x02+OK hi\r\n+OK go\r\n', '\x03S', '\x040\x0c\x02\x01\x01x\x07\n\x01\0\x04\0\x04\0'],
    'proxy-answer': ['HTTP/1.1 200 Connection established\r\n\r\n',
                     'HTTP/1.0 407 No\r\nProxy-Authenticate: Basic realm="a"\r\nContent-Length: 3\r\n\r\nabc',
                     'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n\x16'],
    'reader': ['\x01-----BEGIN PKCS7-----\n-----END PKCS7-----\n'],
    'redirect': ['https://h.example/', '/c', '//other.example', '?q#f', 'http://h.example/',
                 'https://h.example:8443/', 'https://user@h.example/', 'https://[::1]/'],
    'verdict': [],
    'wire': [],
}
CHAINS = ['limbo/limbo', 'chains/bettertls', 'chains/boringssl-pki', 'chains/pkits', 'chains/pin']
MATCH_PATH, ANY_USE, NAMED = 1, 2, 4


def verdict(case, pinned):
    """One question of fuzz-verdict.c: a chain that others take for good, one of its keys pinned."""
    ders = [base64.b64decode(text) for text in case['trusted'] + case['chain']]
    server = case['eku'][:1] == ['serverAuth'] or case['suite'] == 'limbo'
    named = case['peer'] is not None and case['peer']['value'] == 'example.com'
    options = (MATCH_PATH if pinned % 2 else 0) | (NAMED if named else 0)
    options |= 0 if server else ANY_USE
    head = [len(case['trusted']) << 5 | pinned % len(ders), options]
    return (case['time'] or int(time.time())).to_bytes(8, 'big') + bytes(head) + b''.join(
        len(der).to_bytes(2, 'big') + der for der in ders)


def response(case):
    """One input of fuzz-http.c."""
    methods, ends = ['GET', 'HEAD', 'CONNECT'], ['keep', 'close', 'close_no_notify']
    choice = methods.index(case['request_method']) | ends.index(case['then']) << 2
    return bytes([choice]) + base64.b64decode(case['raw_base64'])


def certificate(name, key, issuer, signer, purpose):
    names = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (name, issuer))
    return (x509.CertificateBuilder().subject_name(next(names)).issuer_name(next(names))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(datetime.datetime(2024, 1, 1)).not_valid_after(datetime.datetime(2044, 1, 1))
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .sign(signer, hashes.SHA256()))


def of_ocsp():
    """Inputs of fuzz-ocsp.c: all that a response can say, by the issuer and by its responder."""
    key, day = ec.generate_private_key(ec.SECP256R1()), datetime.datetime(2026, 1, 1)
    issuer, leaf, responder = (certificate(name, key, 'CA', key, purpose) for name, purpose in (
        ('CA', ExtendedKeyUsageOID.SERVER_AUTH), ('leaf', ExtendedKeyUsageOID.SERVER_AUTH),
        ('responder', ExtendedKeyUsageOID.OCSP_SIGNING)))
    head = b''.join(len(der).to_bytes(2, 'big') + der for der in (
        one.public_bytes(DER) for one in (leaf, issuer)))
    for status in ocsp.OCSPCertStatus:
        for signer, digest, until in ((issuer, hashes.SHA1(), day + DAY), (responder, hashes.SHA256(), None)):
            revoked = day if status is ocsp.OCSPCertStatus.REVOKED else None
            made = (ocsp.OCSPResponseBuilder().add_response(leaf, issuer, digest, status, day, until, revoked, None)
                    .responder_id(ocsp.OCSPResponderEncoding.HASH, signer).certificates([signer]))
            yield 'ocsp', head + made.sign(key, hashes.SHA256()).public_bytes(DER)


def of_reader():
    """Inputs of fuzz-reader.c: one certificate and several, in each format, with what else stands in such files."""
    key = ec.generate_private_key(ec.SECP256R1())
    ca, leaf = (certificate(name, key, 'CA', key, ExtendedKeyUsageOID.SERVER_AUTH) for name in ('CA', 'leaf'))
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    closed = serialization.BestAvailableEncryption(b'secret')
    request = x509.CertificateSigningRequestBuilder().subject_name(leaf.subject).sign(key, hashes.SHA256())
    files = [leaf.public_bytes(DER), leaf.public_bytes(pem), b'# text\n' + leaf.public_bytes(pem) + ca.public_bytes(pem),
             private, private + leaf.public_bytes(pem), request.public_bytes(DER), request.public_bytes(pem), b'']
    for some in ([leaf], [ca, leaf]):
        files += [pkcs7.serialize_certificates(some, encoding) for encoding in (DER, pem)]
    files += [pkcs12.serialize_key_and_certificates(b'a', key, leaf, [ca], encryption)
              for encryption in (serialization.NoEncryption(), closed)]
    for number, file in enumerate(files):
        yield 'reader', bytes([number % 2]) + file


def of_vectors(vectors):
    """(fuzzer, seed) for what the vectors hold."""
    for path in sorted((vectors / 'der/files').iterdir()):
        yield 'certificate', path.read_bytes()
    for case in json.loads((vectors / 'hosts.json').read_text())['cases']:
        yield 'host', case['pattern'].encode('utf-8', 'surrogatepass')
    with open(vectors / 'http/cases.jsonl', encoding='utf-8') as lines:  # some hold line separators of Unicode
        yield from (('http', response(json.loads(line))) for line in lines if len(line) < 8000)
    for name in CHAINS:
        for number, line in enumerate((vectors / f'{name}.jsonl').read_text().splitlines()):
            case = json.loads(line)
            if case['expected'] == 'ACCEPT' and len(case['trusted']) < 8 and len(line) < 40_000:
                yield 'verdict', verdict(case, number)


def main():
    corpus, vectors = map(pathlib.Path, sys.argv[1:])
    seeds = [(name, text.encode()) for name, texts in BY_HAND.items() for text in texts]
    seeds += of_ocsp()
    seeds += of_reader()
    seeds += of_vectors(vectors)
    for name in BY_HAND:
        (corpus / name).mkdir(parents=True, exist_ok=True)
    for number, (name, seed) in enumerate(seeds):
        (corpus / name / f'seed-{number}').write_bytes(seed)


main()
