# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table: all attacks, in their order."""

from . import pins, servers

SCENARIOS = servers.SCENARIOS + pins.SCENARIOS
