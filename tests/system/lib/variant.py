# SPDX-License-Identifier: LGPL-2.1-or-later
"""A value with its D-Bus type, which can cross from one process to another."""

from typing import NamedTuple


class V(NamedTuple):
    signature: str
    value: object
