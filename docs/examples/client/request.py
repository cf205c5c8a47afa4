#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""request.py FILE URL: pins the URL's host to the key of the certificate in FILE, and gets the URL, without blocking."""

import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, Gio, GLib


class Fetch:
    def __init__(self, path, url):
        self.client = Certpin.Client.new()
        self.url = url
        self.loop = GLib.MainLoop()
        self.error = None
        host = GLib.Uri.parse(url, GLib.UriFlags.NONE).get_host()
        self.client.pin_certificate_from_file_async(host, Gio.File.new_for_path(path), None, None, self.on_pin)

    def on_pin(self, client, result):
        try:
            client.pin_certificate_from_file_finish(result)
            request = Certpin.Request.new('GET', self.url, None, None)
            client.secure_request_async(request, None, None, self.on_response)
        except GLib.Error as error:
            self.end(error)

    def on_response(self, client, result):
        try:
            response = client.secure_request_finish(result)
            print(response.get_status(), response.get_body().get_data().decode())
            self.end()
        except GLib.Error as error:
            self.end(error)

    def end(self, error=None):
        self.error = error
        self.loop.quit()


fetch = Fetch(*sys.argv[1:])
fetch.loop.run()
if fetch.error is not None:
    sys.exit(fetch.error.message)
