# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates made at run time: authorities, what they issue, and what is wrong on purpose."""

import base64
import datetime
import hashlib
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM
DER = serialization.Encoding.DER


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def key_text(public_key):
    """A key as certpin writes it."""
    spki = public_key.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return 'sha256/' + base64.b64encode(hashlib.sha256(spki).digest()).decode()


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Identity:
    """A certificate, its private key, and the certificates that are sent along with it."""

    def __init__(self, certificate, key, issuers):
        self.certificate = certificate
        self.key = key
        self.issuers = issuers  # nearest first, without the root

    @property
    def der(self):
        return self.certificate.public_bytes(DER)

    @property
    def pem(self):
        return self.certificate.public_bytes(PEM)

    @property
    def pin(self):
        return key_text(self.certificate.public_key())

    @property
    def key_pem(self):
        return self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())

    def chain_pem(self):
        return self.pem + b''.join(issuer.pem for issuer in self.issuers)

    def with_chain(self, issuers):
        """The same certificate, sent with others behind it."""
        return Identity(self.certificate, self.key, list(issuers))


def make(subject, issuer_name, public_key, signing_key, names=(), ca=False, start=None, end=None,
         purposes=(ExtendedKeyUsageOID.SERVER_AUTH,), extensions=()):
    """One certificate of which everything is given. `purposes`: of one that is no authority's."""
    builder = (x509.CertificateBuilder()
               .subject_name(_name(subject)).issuer_name(_name(issuer_name))
               .public_key(public_key).serial_number(x509.random_serial_number())
               .not_valid_before(start or now() - DAY).not_valid_after(end or now() + 90 * DAY)
               .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signing_key, hashes.SHA256())


class Authority(Identity):
    """A certificate authority: a root, or one below another."""

    def __init__(self, name, parent=None, key=None, **dates):
        self.name = name
        self.parent = parent
        key = key or new_key()
        signer = parent or self
        certificate = make(name, signer.name, key.public_key(), parent.key if parent else key,
                           ca=True, **dates)
        super().__init__(certificate, key, parent.chain() if parent else [])

    def chain(self):
        """What is sent behind a certificate of this authority's: never the root."""
        return [self] + self.issuers if self.parent else []

    def issue(self, *names, key=None, subject=None, **dates):
        """A server's certificate. `key`: of an earlier one, to renew it."""
        key = key or new_key()
        certificate = make(subject or (names[0] if names else 'server'), self.name,
                           key.public_key(), self.key, names, **dates)
        return Identity(certificate, key, self.chain())


def self_signed(*names, ca=False):
    key = new_key()
    return Identity(make(names[0], names[0], key.public_key(), key, names, ca=ca), key, [])


def forged(subject, public_key=None, issuer=None):
    """A certificate that says it holds somebody else's public key, or that somebody else issued it,
    signed by nobody of note."""
    key = new_key()
    certificate = make(subject, issuer or subject, public_key or key.public_key(), key, ca=True)
    return Identity(certificate, key, [])
