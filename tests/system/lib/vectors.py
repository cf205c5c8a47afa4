# SPDX-License-Identifier: LGPL-2.1-or-later
"""The chains that others made, from tests/vectors; its README says what a case holds."""

import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parents[2] / 'vectors'


def load(name):
    """The cases of a file of chains."""
    return [json.loads(line) for line in (FOLDER / name).read_text(encoding='utf-8').splitlines()]
