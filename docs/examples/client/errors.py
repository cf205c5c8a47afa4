#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""errors.py URL: gets the URL, and tells a person what went wrong."""

import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

from advice import title_of

url = sys.argv[1]
client = Certpin.Client.new()
try:
    response = client.secure_request(Certpin.Request.new('GET', url, None, None), None, None)
    print(response.get_status())
except GLib.Error as error:
    sys.exit(f'{title_of(error)}: {error.message}.')
