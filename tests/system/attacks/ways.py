# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ways in: how a program's bytes come to a server. Each begins a request for a cell and knows
what it is answered by a server that echoes."""

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


WAYS = (Direct('GET', 'GET'), Direct('POST', 'POST', b'secret' * 100), Redirected('redirect'))
