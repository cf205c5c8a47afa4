# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program in Python finds in the library, through its introspection data."""

import sys

import gi
gi.require_version('Certpin', '1')
from gi.repository import Certpin, Gio, GLib

DIGEST = bytes(range(32))
TEXT = 'sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='


def error_of(function, *arguments):
    try:
        function(*arguments)
    except GLib.Error as error:
        return error
    raise AssertionError(f'{function} raises nothing')


def test_key():
    key = Certpin.Key.new_from_text(TEXT)
    assert bytes(key.get_digest()) == DIGEST
    assert key.equal(Certpin.Key.new_from_digest(DIGEST))
    assert key.to_text() == TEXT


def test_error():
    error = error_of(Certpin.Key.new_from_text, 'no key')
    assert error.matches(Certpin.error_quark(), Certpin.Error.INVALID_KEY)


def test_request():
    request = Certpin.Request.new('POST', 'https://shop.example/cart', None, GLib.Bytes.new(b'two'))
    assert request.get_method() == 'POST'
    assert request.get_uri().get_host() == 'shop.example'
    assert request.get_body().get_data() == b'two'


def test_response():
    headers = GLib.Variant('a(ss)', [('Content-Type', 'text/plain')])
    response = Certpin.Response.new(200, headers, GLib.Bytes.new(b'two'), GLib.Variant('a{sv}', {}))
    assert response.get_status() == 200
    assert response.get_header('content-type') == 'text/plain'
    assert response.get_body().get_data() == b'two'


def test_client():
    """No service is called: what is asked ends before."""
    cancelled = Gio.Cancellable()
    cancelled.cancel()
    error = error_of(Certpin.Client.new().list_pins, None, cancelled)
    assert error.matches(Certpin.error_quark(), Certpin.Error.CANCELLED)


def main():
    tests = [test_key, test_error, test_request, test_response, test_client]
    failed = 0
    print(f'1..{len(tests)}')
    for number, function in enumerate(tests, 1):
        try:
            function()
            print(f'ok {number} - {function.__name__}')
        except Exception as error:  # whatever goes wrong is this test's result
            failed += 1
            print(f'not ok {number} - {function.__name__}\n# {error!r}')
    sys.exit(1 if failed else 0)


main()
