# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ways in: how a program's bytes come to a server. Each begins a request for a cell and knows
what it is answered by a server that echoes."""

import os
from dataclasses import replace
from typing import NamedTuple

OPTIONS = {'timeout_ms': 8000}


class Direct(NamedTuple):
    name: str
    method: str
    body: bytes = b''

    def begin(self, cell):
        return cell.caller.begin_request(cell.url, self.method, body=self.body,
                                         **OPTIONS | cell.options)

    def echo(self, cell):
        return f'{self.method} {cell.path} '.encode() + self.body


class Redirected(NamedTuple):
    """Another pinned host, which is asked first, leads there."""

    name: str
    method: str = 'GET'

    def begin(self, cell):
        return cell.caller.begin_request(cell.lab.url_that_leads_to(cell.url), self.method,
                                         **OPTIONS | cell.options)

    def echo(self, cell):
        return f'{self.method} {cell.path} '.encode()


class WholeStream:
    """A call whose answer comes by a descriptor, as if it came in the reply."""

    def __init__(self, pending):
        self._pending = pending

    def answer(self):
        answer = self._pending.answer()
        if 'body' not in answer.info:  # a redirect that is not followed
            return answer
        stream = self._pending.stream_of(answer)
        body, whole = stream.read_all()
        stream.close()
        totals = stream.finish()  # fails if it was cut
        if not whole or totals['bytes-received'] != len(body):
            raise AssertionError(f'{len(body)} bytes came, whole: {whole}, but {totals}')
        return replace(answer, body=body)

    def wait(self):
        return self.answer()


class Streamed(NamedTuple):
    """The answer comes by a descriptor, and has no more time than it has in a reply."""

    name: str
    method: str = 'GET'

    def begin(self, cell):
        options = OPTIONS | cell.options
        return WholeStream(cell.caller.begin_request(
            cell.url, self.method, stream='always', stream_timeout_ms=options['timeout_ms'], **options))

    def echo(self, cell):
        return f'{self.method} {cell.path} '.encode()


class Uploaded(NamedTuple):
    """The body is read from a pipe."""

    name: str
    body: bytes
    method: str = 'POST'

    def begin(self, cell):
        reading, writing = os.pipe()
        os.write(writing, self.body)
        os.close(writing)
        pending = cell.caller.begin_upload(cell.url, reading, len(self.body), self.method,
                                           **OPTIONS | cell.options)
        os.close(reading)
        return pending

    def echo(self, cell):
        return f'{self.method} {cell.path} '.encode() + self.body


WAYS = (Direct('GET', 'GET'), Direct('POST', 'POST', b'secret' * 100), Redirected('redirect'),
        Streamed('stream'), Uploaded('upload', b'secret' * 100))
