# SPDX-License-Identifier: LGPL-2.1-or-later
"""What one row of the table is: an attack, and the cells that it leaves out."""

from typing import NamedTuple

from .moments import BEFORE
from .states import VERSIONS


def everywhere(_way, _state):
    """Leaves no cell out."""


class Scenario(NamedTuple):
    """`play`: carries the attack out in a cell. `leaves_out`: (way, state) → why, or nothing.
    `versions`: of TLS, that know it. `domain`: of the hosts. `proxy`: of Lab.use_proxy."""

    name: str
    play: callable
    leaves_out: callable = everywhere
    versions: tuple = tuple(VERSIONS)
    domain: str = 'localhost'
    proxy: str = ''


def refusal(attack, errors, back=lambda cell: None, moment=BEFORE):
    """How most attacks go: from its state the cell meets the attack at that moment, and the request
    is refused with one of `errors` (by cell); once all is well again the next one arrives. No
    errors: it goes on over the connection that has proved the key."""
    def play(cell):
        cell.state.prepare(cell)
        try:
            pending = moment.begin(cell, attack)
            due = errors(cell)
            if due:
                cell.is_refused(pending, due)
            else:
                cell.arrives(pending)
        finally:
            back(cell)
        cell.server.redeem()
        cell.arrives()

    return play
