# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tickets that invite to say the next request at once, before any key is proved (TLS 1.3's early
data): nobody takes them up."""

import os
import subprocess

from lib.gnutls import Tickets, Tls
from lib.tap import DEADLINE_S, equal

from .scenario import Scenario, refusal
from .servers import impostor
from .states import TLS_1_3, echo_and_close


EARLY = b'GET / HTTP/1.1\r\n\r\n'


def invite(server):
    tickets = Tickets()
    server.tls = lambda raw, identity: Tls(raw, identity, 'TLS1.3', tickets)


def invited(name, attack, error=()):
    def play(cell):
        invite(cell.server)
        refusal(attack, lambda cell: () if cell.rides_on else error)(cell)

    return Scenario(f'tickets invite early data, and {name} answers', play, versions=(TLS_1_3,))


def take_up(server, folder):
    """As a client would who says that early, and then once more."""
    server.respond = echo_and_close
    request, session = (os.path.join(folder, name) for name in ('request', 'session'))
    with open(request, 'wb') as file:
        file.write(EARLY)
    for more in (['-sess_out', session], ['-sess_in', session, '-early_data', request]):
        subprocess.run(['openssl', 's_client', '-quiet', '-connect', f'127.0.0.1:{server.port}',
                        *more], input=EARLY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       timeout=DEADLINE_S, check=False)
    server.wait_until_idle()
    equal(server.resumptions, 1, 'the number of sessions that were resumed')


SCENARIOS = (invited('another key', lambda cell: cell.server.become(impostor(cell)),
                     ('PinMismatch',)),
             invited('the right key', lambda cell: None))
