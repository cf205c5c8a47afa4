# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records of TLS 1.3 (RFC 8446, section 5.2) as a server may write them behind the back of its own
TLS: what no library would send."""

import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HANDSHAKE, APPLICATION_DATA = 22, 23
PLAINTEXT_MAX = 2 ** 14
# A NewSessionTicket (section 4.6.1), as short as it can be.
TICKET = b'\x04\x00\x00\x0e' + struct.pack('>IIBHBH', 7200, 1, 0, 1, 0x78, 0)


def _expand_label(secret, label, length, digest):
    """HKDF-Expand-Label (section 7.1), of no more than one digest."""
    label = b'tls13 ' + label
    info = struct.pack('>HB', length, len(label)) + label + b'\x00\x01'
    return hmac.new(secret, info, digest).digest()[:length]


class Records:
    """What a server writes from its first record after the handshake on, once prepare() was called
    for it."""

    def __init__(self, connection):
        cipher = connection.socket.cipher()[0]  # AES-GCM is what GnuTLS likes best
        with open(self._path(connection.server), encoding='ascii') as file:
            secrets = [line.split()[2] for line in file
                       if line.startswith('SERVER_TRAFFIC_SECRET_0 ')]
        secret, digest = bytes.fromhex(secrets[-1]), getattr(hashlib, cipher[-6:].lower())
        key_bytes = 32 if '256_GCM' in cipher else 16
        self._aead = AESGCM(_expand_label(secret, b'key', key_bytes, digest))
        self._iv = int.from_bytes(_expand_label(secret, b'iv', 12, digest), 'big')
        self._count = 0

    @staticmethod
    def _path(server):
        return os.path.join(server.folder, 'tls-keys')

    @classmethod
    def prepare(cls, server):
        """From its next connection on."""
        server.expose(cls._path(server))

    def seal(self, content, kind):
        """Returns: the next record"""
        inner = content + bytes([kind])
        header = struct.pack('>BHH', APPLICATION_DATA, 0x0303, len(inner) + 16)
        nonce = (self._iv ^ self._count).to_bytes(12, 'big')
        self._count += 1
        return header + self._aead.encrypt(nonce, inner, header)
