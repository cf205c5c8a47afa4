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
    assert Certpin.Error(error.code) == Certpin.Error.INVALID_KEY
    assert Certpin.Error.INVALID_KEY.value_nick == 'invalid-key'
    assert Certpin.error_get_name(Certpin.Error.INVALID_KEY) == 'InvalidKey'


def test_request():
    request = Certpin.Request.new('POST', 'https://shop.example/cart', None, GLib.Bytes.new(b'two'))
    assert request.get_method() == 'POST'
    assert request.get_uri().get_host() == 'shop.example'
    assert request.get_body().get_data() == b'two'


def test_request_builder():
    builder = Certpin.RequestBuilder.new('https://shop.example/cart')
    builder.set_method('POST')
    builder.set_header('Accept', 'text/plain')
    builder.set_body_json('{"count": 2}')
    request = builder.build()
    assert request.get_method() == 'POST' and request.get_body().get_data() == b'{"count": 2}'
    assert dict(request.get_headers().unpack()) == {'Accept': 'text/plain', 'Content-Type': 'application/json'}
    builder.set_body_file('text/plain', Gio.File.new_for_path('/proc/self/cmdline'))
    builder.set_body_stream('text/plain', Gio.MemoryInputStream.new_from_data(b'two'), -1)
    assert builder.build().get_body().get_data() in (None, b'')
    builder.set_header('Host', 'other.example')
    assert error_of(builder.build).matches(Certpin.error_quark(), Certpin.Error.INVALID_ARGUMENT)


def test_pin_builder():
    builder = Certpin.PinBuilder.new()
    builder.set_scope(Certpin.Scope.SYSTEM)
    builder.set_match(Certpin.Match.PATH)
    builder.set_mode(Certpin.Mode.REPORT)
    builder.set_expires(GLib.DateTime.new_from_unix_utc(2208988800))
    builder.set_note('for the shop')
    builder.add_backup_certificate(GLib.Bytes.new(b'der'))
    assert builder.build().unpack() == {
        'scope': 'system', 'match': 'path', 'mode': 'report', 'expires': 2208988800, 'note': 'for the shop',
        'backup-certificates': [list(b'der')]}


def test_response():
    headers = GLib.Variant('a(ss)', [('Content-Type', 'text/plain')])
    evidence = Certpin.Evidence.new(GLib.Variant('a{sv}', {'url': GLib.Variant('s', 'https://shop.example/')}))
    response = Certpin.Response.new(200, headers, GLib.Bytes.new(b'two'), evidence)
    assert response.get_status() == 200
    assert response.get_header('content-type') == 'text/plain'
    assert response.get_body().get_data() == b'two'
    assert response.get_stream() is None
    assert response.get_evidence().props.url == 'https://shop.example/'


def test_client():
    """No service is called: what is asked ends before."""
    cancelled = Gio.Cancellable()
    cancelled.cancel()
    error = error_of(Certpin.Client.new().list_pins, None, cancelled)
    assert error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)


def test_records():
    """Values with types: properties, enumerations, times, lists and records in records."""
    seen = GLib.Variant('a{s(xx)}', {TEXT: (1, 2)})
    pin = Certpin.Pin.new(GLib.Variant('a{sv}', {
        'host': GLib.Variant('s', 'shop.example'), 'state': GLib.Variant('s', 'paused'),
        'scope': GLib.Variant('s', 'tenant'), 'keys': GLib.Variant('as', [TEXT]),
        'not-after': GLib.Variant('x', 1700000000), 'seen': seen, 'colour': GLib.Variant('s', 'blue')}))
    assert pin.props.host == pin.get_host() == 'shop.example'
    assert pin.props.state == Certpin.State.PAUSED and pin.props.state.value_nick == 'paused'
    assert pin.props.scope == Certpin.Scope.UNKNOWN
    assert pin.props.keys == pin.get_keys() == [TEXT]
    assert pin.props.warnings == [] and pin.props.expires is None and pin.props.note is None
    assert pin.props.not_after.format_iso8601() == '2023-11-14T22:13:20Z'
    assert [time.to_unix() for time in pin.lookup_seen(TEXT)[1:]] == [1, 2]
    assert pin.props.description.unpack()['colour'] == 'blue'
    failure = Certpin.Failure.new(GLib.Variant('a{sv}', {'error': GLib.Variant('s', 'PinMismatch')}))
    assert failure.props.error == 'PinMismatch' and failure.get_code() == Certpin.Error.PIN_MISMATCH
    evidence = Certpin.Evidence.new(GLib.Variant('a{sv}', {'report': GLib.Variant('a{sv}', {'error': GLib.Variant('s', 'Untrusted')})}))
    assert evidence.props.report.get_code() == Certpin.Error.UNTRUSTED
    chain = Certpin.Chain.new(GLib.Variant('a{sv}', {'certificates': GLib.Variant(
        'aa{sv}', [{'subject': GLib.Variant('s', 'CN=a')}, {'fault': GLib.Variant('s', 'b')}])}), [GLib.Bytes.new(b'a'), GLib.Bytes.new(b'b')])
    assert [(c.props.subject, c.props.fault) for c in chain.dup_certificates()] == [('CN=a', None), (None, 'b')]
    assert [der.get_data() for der in chain.get_der()] == [b'a', b'b']


def test_watching():
    """The property and the signals are there; nobody has to be."""
    client, heard = Certpin.Client.new(), []
    client.connect('pin-changed', lambda client, host, change: heard.append((host, change.get_change())))
    client.connect('pin-failed', lambda client, host, failure: heard.append((host, failure.get_code())))
    client.connect('key-seen', lambda client, host, sighting: heard.append((host, sighting.get_position())))
    client.emit('pin-changed', 'shop.example', Certpin.PinChange.new(GLib.Variant('a{sv}', {'change': GLib.Variant('s', 'keys-added')})))
    client.emit('pin-failed', 'shop.example', Certpin.Failure.new(GLib.Variant('a{sv}', {'error': GLib.Variant('s', 'PinMismatch')})))
    client.emit('key-seen', 'shop.example', Certpin.Sighting.new(GLib.Variant('a{sv}', {'position': GLib.Variant('u', 1)})))
    assert heard == [('shop.example', Certpin.Change.KEYS_ADDED), ('shop.example', Certpin.Error.PIN_MISMATCH), ('shop.example', 1)]
    client.set_watching(True)
    assert client.get_watching() and client.props.watching
    client.props.watching = False
    assert not client.get_watching()
    assert not client.get_connected() and not client.props.connected


def test_interactive():
    """A property with getter and setter, which notifies of changes."""
    client, changes = Certpin.Client.new(), []
    client.connect('notify::interactive', lambda client, pspec: changes.append(client.props.interactive))
    assert not client.props.interactive
    client.set_interactive(True)
    assert client.get_interactive() and client.props.interactive
    client.props.interactive = False
    assert changes == [True, False] and not client.get_interactive()


def raises_invalid_argument(function, *arguments):
    error = error_of(function, *arguments)
    return error.matches(Certpin.error_quark(), Certpin.Error.INVALID_ARGUMENT)


def test_wrong_types():
    """Of all that takes a GVariant: an error, whatever is in it, before any service is called."""
    client = Certpin.Client.new()
    request = Certpin.Request.new('GET', 'https://shop.example/', None, None)
    wrong = [GLib.Variant('s', 'scope'), GLib.Variant('as', ['scope']), GLib.Variant('a{ss}', {'scope': 'user'}),
             GLib.Variant('v', GLib.Variant('a{sv}', {})), GLib.Variant('()', ()),
             GLib.Variant('a{sv}', {'scope': GLib.Variant('mi', 1)})]
    for options in wrong:
        assert raises_invalid_argument(client.list_pins, options, None)
        assert raises_invalid_argument(client.get_pin, 'shop.example', options, None)
        assert raises_invalid_argument(client.pin_keys, 'shop.example', [TEXT], options, None)
        assert raises_invalid_argument(client.secure_request, request, options, None)
        assert raises_invalid_argument(client.send, request, options, None)
        assert raises_invalid_argument(client.upload, request, Gio.MemoryInputStream(), 0, options, None, None)
        assert raises_invalid_argument(client.download, request, Gio.File.new_for_path('/tmp/x'), options, None, None)
        assert raises_invalid_argument(client.verify_chain, '', [GLib.Bytes.new(b'der')], options, None)
        if options.get_type_string() != 'a{sv}':
            assert raises_invalid_argument(Certpin.Request.new, 'GET', 'https://shop.example/', options, None)


def test_wrong_objects():
    """What is not of an argument's type at all does not reach the library."""
    client = Certpin.Client.new()
    request = Certpin.Request.new('PUT', 'https://shop.example/', None, None)
    for function, arguments in [(client.get_pin, (None, None, None)), (client.get_pin, (1, None, None)),
                                (client.get_pin, ('shop.example', {}, None)),
                                (client.get_pin, ('shop.example', None, client)),
                                (client.pin_keys, ('shop.example', None, None, None)),
                                (client.pin_keys, ('shop.example', [1], None, None)),
                                (client.pin_certificate, ('shop.example', b'der', None, None)),
                                (client.pin_certificate_from_file, ('shop.example', None, None, None)),
                                (client.pin_certificate_from_file, ('shop.example', 'shop.der', None, None)),
                                (client.secure_request, (None, None, None)), (client.send, (None, None, None)),
                                (client.upload, (request, None, 1, None, None, None)),
                                (client.download, (None, None, None, None, None)),
                                (Certpin.Key.new_from_digest, (DIGEST[1:],)),
                                (Certpin.Response.new, (200, None, None, None)),
                                (Certpin.Client.new_for_connection, (None,))]:
        try:
            function(*arguments)
        except (TypeError, ValueError):
            continue
        raise AssertionError(f'{function} takes {arguments}')


def main():
    tests = [test_key, test_records, test_error, test_request, test_request_builder, test_pin_builder, test_response,
             test_client, test_interactive, test_watching, test_wrong_types, test_wrong_objects]
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
