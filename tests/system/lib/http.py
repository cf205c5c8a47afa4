# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much of HTTP/1.1 as a test's server needs."""

from dataclasses import dataclass


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict  # names in lower case
    body: bytes


def reply(status, body=b'', headers=(), close=False):
    """An answer with its length."""
    lines = [f'HTTP/1.1 {status} Status', f'Content-Length: {len(body)}']
    lines += [f'{name}: {value}' for name, value in headers]
    if close:
        lines.append('Connection: close')
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def redirect(status, location, close=False):
    return reply(status, b'elsewhere', [('Location', location)], close)


CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'


def want(connection, request):
    """Says that the body is wanted, if that is asked (RFC 9110, section 10.1.1)."""
    if 'expect' in request.headers:
        connection.send(CONTINUE)
    return True


def read_request(connection):
    """The next request; None when the connection ended before there was a whole one, or the server
    wants no more of it."""
    data = b''
    while b'\r\n\r\n' not in data:
        chunk = connection.read()
        if not chunk:
            return None
        data += chunk
    head, _, body = data.partition(b'\r\n\r\n')
    first, *lines = head.decode('latin-1').split('\r\n')
    method, path, _ = first.split(' ', 2)
    headers = {name.strip().lower(): value.strip()
               for name, value in (line.split(':', 1) for line in lines)}
    request = Request(method, path, headers, body)
    if not connection.server.on_head(connection, request):
        return None
    parts = bytearray(request.body)  # bytes would be copied with each part
    while len(parts) < int(headers.get('content-length', 0)):
        chunk = connection.read()
        if not chunk:
            return None
        parts += chunk
    request.body = bytes(parts)
    return request
