#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""download.py URL FILE: downloads a file with asyncio, and shows how far it is. Ctrl+C cancels it."""

import asyncio
import contextlib
import signal
import sys
import threading

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, Gio, GLib

from advice import title_of


async def call(begin, finish):
    """Waits for a call of the library. If the task is cancelled, so is the call, and the task ends when that has ended.
    GLib calls back in its own thread."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    cancellable = Gio.Cancellable()

    def settle(result):
        try:
            future.set_result(finish(result))
        except GLib.Error as error:
            future.set_exception(error)

    begin(cancellable, lambda _source, result: loop.call_soon_threadsafe(settle, result))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        cancellable.cancel()
        with contextlib.suppress(GLib.Error):
            await future
        raise


async def download(client, url, path, on_progress):
    loop = asyncio.get_running_loop()
    request = Certpin.Request.new('GET', url, None, None)
    file = Gio.File.new_for_commandline_arg(path)

    def tell(done, total, *_data):
        loop.call_soon_threadsafe(on_progress, done, total)

    def begin(cancellable, callback):
        client.download_async(request, file, None, cancellable, tell, callback=callback)

    return await call(begin, client.download_finish)


def show(done, total):
    print(f'\r{done} of {total} bytes' if total >= 0 else f'\r{done} bytes', end='', file=sys.stderr)


async def main(url, path):
    threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, asyncio.current_task().cancel)
    try:
        response = await download(Certpin.Client.new(), url, path, show)
    except asyncio.CancelledError:
        sys.exit(130)
    except GLib.Error as error:
        sys.exit(f'\n{title_of(error)}: {error.message}.')
    print(response.get_status())


asyncio.run(main(*sys.argv[1:]))
