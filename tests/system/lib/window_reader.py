# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the windows of the screen as a screen reader does, through AT-SPI, and clicks in them. Takes commands as lines of
JSON on its standard input, and answers each with a line: ["wait", TEXT, SECONDS], ["click", NAME]."""

import json
import sys
import time

import gi
gi.require_version('Atspi', '2.0')
from gi.repository import Atspi, GLib  # noqa: E402

PERIOD_S = 0.05


def children(thing):
    for number in range(thing.get_child_count()):
        child = thing.get_child_at_index(number)
        if child is not None:
            yield child


def shown(thing):
    """Everything on the screen below that, from top to bottom."""
    for child in children(thing):
        try:
            if child.get_role() == Atspi.Role.APPLICATION or child.get_state_set().contains(Atspi.StateType.VISIBLE):
                yield child
                yield from shown(child)
        except GLib.Error:  # it has gone away meanwhile
            continue


def texts_of(thing):
    texts = [thing.get_name() or '']
    if 'Text' in thing.get_interfaces():
        texts.append(Atspi.Text.get_text(thing, 0, -1))
    return [text for text in dict.fromkeys(texts) if text]


def read():
    Atspi.get_desktop(0).clear_cache()
    try:
        return [text for thing in shown(Atspi.get_desktop(0)) for text in texts_of(thing)]
    except GLib.Error:
        return []


def wait(text, seconds):
    deadline = time.monotonic() + seconds
    while True:
        words = read()
        if any(text in word for word in words) or time.monotonic() > deadline:
            return [any(text in word for word in words), words]
        time.sleep(PERIOD_S)  # not every change of a window is announced


def click(name):
    for thing in shown(Atspi.get_desktop(0)):
        if thing.get_name() == name and 'Action' in thing.get_interfaces():
            return [Atspi.Action.do_action(thing, 0)]
    return [False]


for line in sys.stdin:
    command, *arguments = json.loads(line)
    print(json.dumps({'wait': wait, 'click': click}[command](*arguments)), flush=True)
