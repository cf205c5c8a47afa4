#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""stream.py URL: gets a response of any size, and counts its bytes while they come."""

import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

PIECE = 65536


def count(stream):
    """Only an end of the stream means that the body is whole; one that was cut raises an error."""
    total = 0
    while data := stream.read_bytes(PIECE, None).get_data():
        total += len(data)
    return total


client = Certpin.Client.new()
try:
    request = Certpin.Request.new('GET', sys.argv[1], None, None)
    response = client.send(request, None, None)
    print(response.get_status(), count(response.get_stream()))
except GLib.Error as error:
    sys.exit(error.message)
