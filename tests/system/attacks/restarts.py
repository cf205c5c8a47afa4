# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service itself ends and comes back between two requests, and with it every connection."""

from .scenario import Scenario, refusal
from .servers import impostor


def between(name, end):
    def attack(cell):
        end(cell.lab.daemon)
        cell.lab.daemon.start()
        cell.server.become(impostor(cell))

    return Scenario(f'the service {name}, and another key answers',
                    refusal(attack, lambda cell: ('PinMismatch',)))


SCENARIOS = (between('is ended', lambda daemon: daemon.terminate()),
             between('is killed', lambda daemon: daemon.kill()))
