# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever may answer in the place of TLS: the request fails, and nothing of it is said in
plain."""

import ssl

from lib import http
from lib.server import reset_when_closed

from .scenario import Scenario, refusal
from .states import DROPPED, FRESH

FAILURES = ('TlsFailed', 'Unreachable', 'Truncated')


def listen(server, raw):
    """Hears everything; a request in plain text is all wrong."""
    heard = b''
    while data := raw.recv(65536):
        heard += data
    server.wrong_bytes += len(heard) if b'HTTP/1.1' in heard else 0


def says(words):
    def instead(server, raw):
        raw.sendall(words)
        listen(server, raw)

    return instead


def resets(_server, raw):
    reset_when_closed(raw)


def hears_and_resets(server, raw):
    raw.recv(65536)
    resets(server, raw)


def only_speaks(version):
    def instead(_server, raw):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers('ALL:@SECLEVEL=0')
        context.minimum_version = ssl.TLSVersion[version]
        context.maximum_version = ssl.TLSVersion[version]
        context.wrap_socket(raw, server_side=True)

    return instead


def stranger(name, instead, errors=FAILURES, timeout_ms=5000):
    def attack(cell):
        cell.server.instead = instead
        cell.options = {'timeout_ms': timeout_ms}

    def back(cell):
        cell.server.instead = None
        cell.options = {}

    return Scenario(f'in the place of TLS the server {name}',
                    refusal(attack, lambda cell: errors, back),
                    lambda way, state: None if state in (FRESH, DROPPED)
                    else 'it is said before there is TLS')


SCENARIOS = (
    stranger('sends garbage', says(b'\x00\xff garbage' * 100)),
    stranger('answers in plain HTTP', says(http.reply(200, b'hello'))),
    stranger('greets like SSH', says(b'SSH-2.0-OpenSSH_9.2\r\n')),
    stranger('sends an alert', says(b'\x15\x03\x03\x00\x02\x02\x28')),
    stranger('sends half a record', says(b'\x16\x03\x03\x40\x00\x02\x00'), ('TimedOut',), 200),
    stranger('sends a record of 64 KiB', says(b'\x16\x03\x03\xff\xff' + bytes(65535))),
    stranger('closes', lambda server, raw: None),
    stranger('resets', resets),
    stranger('hears the greeting and resets', hears_and_resets),
    stranger('is silent', listen, ('TimedOut',), 200),
    stranger('speaks TLS 1.1 and nothing newer', only_speaks('TLSv1_1')),
    stranger('speaks TLS 1.0 and nothing newer', only_speaks('TLSv1')),
)
