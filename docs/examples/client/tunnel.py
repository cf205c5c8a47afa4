#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tunnel.py HOST PORT TEXT: sends a text over a pinned connection, and shows what comes back."""

import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

host, port, text = sys.argv[1:]
client = Certpin.Client.new()
try:
    connection = client.open_connection(host, int(port), None, None, None)
    connection.get_output_stream().write_all(text.encode(), None)
    connection.get_socket().shutdown(False, True)
    while data := connection.get_input_stream().read_bytes(4096, None).get_data():
        print(data.decode(), end='')
except GLib.Error as error:
    sys.exit(error.message)
