#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""weather.py URL CITY: asks a weather service for the weather of a city, without blocking, and shows how much of the
answer has come. Ctrl+C cancels it."""

import json
import signal
import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, Gio, GLib

from advice import title_of

PIECE = 4096
ANSWER_MAX = 1024 * 1024


class Weather:
    def __init__(self, url, city):
        self.city = city
        self.loop = GLib.MainLoop()
        self.cancellable = Gio.Cancellable()
        self.response = None
        self.body = b''
        self.problem = None
        request = Certpin.Request.new('GET', f'{url}?city={GLib.uri_escape_string(city, None, False)}', None, None)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGINT, self.on_interrupt)
        Certpin.Client.new().send_async(request, None, self.cancellable, self.on_response)

    def on_interrupt(self):
        self.cancellable.cancel()
        return GLib.SOURCE_CONTINUE

    def on_response(self, client, result):
        """A status such as 404 is a response like any other."""
        try:
            self.response = client.send_finish(result)
        except GLib.Error as error:
            self.end(f'{title_of(error)}: {error.message}.')
            return
        if self.response.get_status() == 200:
            self.read()
        else:
            self.end(f'The server answered with status {self.response.get_status()}.')

    def read(self):
        self.response.get_stream().read_bytes_async(PIECE, GLib.PRIORITY_DEFAULT, self.cancellable, self.on_piece)

    def on_piece(self, stream, result):
        """Only an end without an error means that the answer is whole."""
        try:
            piece = stream.read_bytes_finish(result).get_data()
        except GLib.Error as error:
            self.end(f'{title_of(error)}: {error.message}.')
            return
        self.body += piece
        if not piece:
            self.show()
        elif len(self.body) > ANSWER_MAX:
            self.end('The answer is too long.')
        else:
            length = self.response.get_header('Content-Length') or '?'
            print(f'\r{len(self.body)} of {length} bytes', end='', file=sys.stderr, flush=True)
            self.read()

    def show(self):
        """Takes nothing for granted: an answer that has no temperature is an error."""
        try:
            print(f'{self.city}: {json.loads(self.body)["temperature"]:.1f} °C')
            self.end()
        except (ValueError, KeyError, TypeError):
            self.end('The answer is not what a weather service sends.')

    def end(self, problem=None):
        self.problem = problem
        self.loop.quit()


try:
    weather = Weather(*sys.argv[1:])
except GLib.Error as wrong:
    sys.exit(f'{title_of(wrong)}: {wrong.message}.')
weather.loop.run()
if weather.problem and weather.cancellable.is_cancelled():
    sys.exit(130)
if weather.problem:
    sys.exit(f'\n{weather.problem}')
