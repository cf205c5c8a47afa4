#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""many.py URL WRONG ROUND..., as many.c. Eight requests are under way at a time, with asyncio."""

import asyncio
import gc
import sys
import threading

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, GLib

AT_A_TIME = 8


async def send(client, url):
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def settle(result):
        try:
            future.set_result(client.secure_request_finish(result))
        except GLib.Error as error:
            future.set_exception(error)

    request = Certpin.Request.new('GET', url, None, None)
    client.secure_request_async(request, None, None, lambda _, result: loop.call_soon_threadsafe(settle, result))
    return await future


async def ask(client, url, passes):
    try:
        response = await send(client, url)
        if not passes or len(response.get_body().get_data()) != 1000:
            sys.exit('another answer')
    except GLib.Error as error:
        if passes or not error.matches(Certpin.error_quark(), Certpin.Error.PIN_MISMATCH):
            raise


async def make_round(client, url, wrong, count):
    for at in range(0, count, AT_A_TIME):
        await asyncio.gather(*(ask(client, wrong if i % 10 == 9 else url, i % 10 != 9)
                               for i in range(at, min(at + AT_A_TIME, count))))


async def main(url, wrong, *rounds):
    threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
    client = Certpin.Client.new()
    for count in rounds:
        await make_round(client, url, wrong, int(count))
        gc.collect()
        print(count, flush=True)
        sys.stdin.readline()


asyncio.run(main(*sys.argv[1:]))
