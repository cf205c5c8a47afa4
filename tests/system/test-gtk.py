#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The app of examples/gtk on a virtual screen: what people see of the right server, of a wrong one and of none, as a
screen reader reads it. It takes pictures of them to the folder that CERTPIN_TEST_PICTURES names."""

import os
import pathlib

from lib import http
from lib.daemon import program
from lib.desktop import Desktop, enter_screens
from lib.public import with_library
from lib.server import Gate
from lib.tap import equal, holds, run, test
from lib.world import ALICE, HOST, World

PICTURES = os.environ.get('CERTPIN_TEST_PICTURES')
READINGS = 'Hamburg\t11\tLight rain\nBerlin\t14\tCloudy\nPrague\t17\tSunny\nVienna\t19\tSunny\nZurich\t13\tFog\n'
TITLE = 'This may not be our server'
JARGON = ('ertificate', 'pin', 'TLS', 'sha256', 'D-Bus')


def photograph(desktop, name):
    if PICTURES:
        desktop.photograph(pathlib.Path(PICTURES, f'{name}.png'))


class Weather:
    """The app of a user, on a screen of its own."""

    def __init__(self, world, url, identity):
        os.chmod(world.folder, 0o755)
        certificate = pathlib.Path(world.folder, 'server.der')
        certificate.write_bytes(identity.der)
        certificate.chmod(0o644)
        app = with_library(program('CERTPIN_WEATHER'))
        self.desktop = world.track(Desktop(ALICE, {
            'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address,
            'LD_LIBRARY_PATH': str(pathlib.Path(app).parents[2] / 'client-lib')}))
        self.desktop.start([app, url, certificate])

    def sees(self, text):
        return self.desktop.wait_for(text)


def serve_readings(server):
    server.respond = lambda connection, request: http.reply(200, READINGS.encode())


@test('pins the certificate that came with it, and shows what its server sends')
def _(world):
    identity = world.issue()
    server = world.serve(identity)
    gate = Gate(http.reply(200, READINGS.encode()))
    server.respond = gate.respond
    weather = Weather(world, server.url(HOST), identity)
    weather.sees('Asking the weather server…')
    gate.open()
    words = weather.sees('Hamburg: 11 degrees, Light rain')
    holds('Vienna: 19 degrees, Sunny' in words and HOST in words, f'it shows {words}')
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the keys of the pin')
    photograph(weather.desktop, 'weather')


@test('tells people of an impostor, which is not sent a byte, and shows readings once the right server is back')
def _(world):
    identity = world.issue()
    server = world.serve(world.impostor())
    serve_readings(server)
    weather = Weather(world, server.url(HOST), identity)
    words = weather.sees(TITLE)
    server.wait_until_idle()
    equal((server.bytes, server.handshakes > 0), (0, True), 'the bytes that the server got, and whether it was asked')
    said = '\n'.join(words)
    for text in ('What happened', 'What it means', 'What to do', 'Nothing was sent', 'Try another network', 'Try Again',
                 'Details', 'Refresh'):
        holds(text in said, f'it does not say ‘{text}’, but {words}')
    holds(not any(word in said for word in JARGON), f'it tells of what few people know: {words}')
    photograph(weather.desktop, 'weather-mismatch')

    weather.desktop.click('Details')
    weather.sees(f'host ‘{HOST}’ holds the key {server.presented.pin}')
    server.present(identity)
    weather.desktop.click('Try Again')
    weather.sees('Hamburg: 11 degrees, Light rain')


@test('does not replace a pin that is there')
def _(world):
    server, identity = world.serve_pinned()
    serve_readings(server)
    weather = Weather(world, server.url(HOST), world.impostor())
    weather.sees('Hamburg: 11 degrees, Light rain')
    equal(world.alice.get_pin(HOST)['keys'], [identity.pin], 'the keys of the pin')


@test('tells people of a server that does not answer')
def _(world):
    server, identity = world.serve_pinned()
    url = server.url(HOST)
    server.close()
    words = Weather(world, url, identity).sees('The weather server does not answer')
    holds(TITLE not in words, f'it accuses somebody: {words}')


@test('tells people of an answer that is none')
def _(world):
    server, identity = world.serve_pinned()
    server.respond = lambda connection, request: http.reply(503, READINGS.encode())
    words = Weather(world, server.url(HOST), identity).sees('The weather server does not answer')
    holds('Hamburg' not in '\n'.join(words), f'it shows readings: {words}')


enter_screens()
run(World)
