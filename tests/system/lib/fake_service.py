# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service of certpin's name that answers whatever the test wants, and the world of those who talk
to it: what the real one would never say."""

import os
import shutil
import tempfile
import threading

from gi.repository import Gio, GLib

from .bus import Bus
from .caller import ERROR, NAME, PATH

_NODE = Gio.DBusNodeInfo.new_for_xml('<node>' + ''.join(
    f'<interface name="{NAME}.{interface}">'
    + ''.join(f'<method name="{method}">'
              + ''.join(f'<arg type="{kind}" direction="in"/>' for kind in kinds) + '</method>'
              for method, kinds in methods.items())
    + properties + '</interface>'
    for interface, properties, methods in (
        ('Pins', '',
         {'PinCertificate': ('s', 'ay', 'a{sv}'), 'PinKeys': ('s', 'as', 'a{sv}'),
          'AddKeys': ('s', 'as', 'a{sv}'), 'RemoveKeys': ('s', 'as', 'a{sv}'),
          'PausePin': ('s', 'a{sv}'), 'ResumePin': ('s', 'a{sv}'), 'ImportPins': ('s', 'a{sv}'),
          'Unpin': ('s', 'a{sv}'), 'BlockHost': ('s', 's', 'a{sv}'),
          'GetPin': ('s', 'a{sv}'), 'GetStatus': ('a{sv}',), 'ListPins': ('a{sv}',), 'LastFailure': ('s',),
          'ExplainHost': ('s', 'a{sv}'), 'VerifyChain': ('s', 'aay', 'a{sv}')}),
        ('Requests', '<property name="Version" type="s" access="read"/>',
         {'SecureRequest': ('s', 's', 'a(ss)', 'ay', 'a{sv}'), 'FetchChain': ('s', 'a{sv}')}),
    )) + '</node>')


class Refusal(Exception):
    """An error that the service answers with."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name if '.' in name else ERROR + name
        self.message = message


class FakeService:
    """`answer`: of a method's name and its arguments: what becomes the reply, of whatever type."""

    def __init__(self, address):
        self.answer = lambda method, arguments: GLib.Variant('()', ())
        self.version = ''
        self._context = GLib.MainContext()
        self._loop = GLib.MainLoop(self._context)
        self._context.push_thread_default()
        self._connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self._connection.set_exit_on_close(False)
        for interface in _NODE.interfaces:
            self._connection.register_object(PATH, interface, self._on_call, self._on_get, None)
        self._context.pop_thread_default()
        self._connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus',
                                   'org.freedesktop.DBus', 'RequestName',
                                   GLib.Variant('(su)', (NAME, 0)), None, 0, -1, None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self._context.push_thread_default()
        self._loop.run()

    def _on_call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        call = invocation.get_message()
        try:
            body = self.answer(method, arguments.unpack())
            reply = Gio.DBusMessage.new_method_reply(call)
            if body.n_children() > 0:
                reply.set_body(body)
        except Refusal as refusal:
            reply = Gio.DBusMessage.new_method_error_literal(call, refusal.name, refusal.message)
        # By hand: an invocation would insist on the right type.
        self._connection.send_message(reply, Gio.DBusSendMessageFlags.NONE)

    def _on_get(self, *_):
        return GLib.Variant('s', self.version)

    def close(self):
        self._context.invoke_full(GLib.PRIORITY_DEFAULT, lambda *_: self._loop.quit())
        self._thread.join()
        self._connection.close_sync()


class FakeWorld:
    """A bus with that service on it, and an empty folder."""

    def __init__(self):
        self.shared = self  # as tests of the real service find its bus
        self.folder = tempfile.mkdtemp(prefix='certpin-fake-')
        os.chmod(self.folder, 0o755)
        self.bus = Bus(self.folder)
        self.service = FakeService(self.bus.address)

    def answers(self, answer):
        self.service.answer = answer

    def check_health(self):
        pass

    @staticmethod
    def describe():
        return 'with a service that is none'

    def close(self):
        self.service.close()
        self.bus.close()
        shutil.rmtree(self.folder)


# What the service would say

KEY = 'sha256/litlCtImEVS2AdMrP4m7N2WBE0BeNEyFv88RDBvdQJA='


def pin(host='h.example', **more):
    """Values of other types than these as GLib.Variant; what is None is left out."""
    return members({'host': host, 'scope': 'user', 'keys': ['sha256/AA='], 'match': 'leaf',
                    'mode': 'enforce', 'expires': GLib.Variant('x', 0), 'state': 'active',
                    'generation': GLib.Variant('t', 1), 'created': GLib.Variant('x', 0), **more})


def failure(**more):
    return members({'error': 'PinMismatch', 'message': 'another key', 'reason': 'wrong-key',
                    'scope': 'user', 'mode': 'enforce', 'host': 'h.example',
                    'time': GLib.Variant('x', 4102444800), 'offered-keys': [], 'pinned-keys': [],
                    'subject': 'CN=h', 'issuer': 'CN=i', 'likely-cause': 'a test', **more})


def explanation(*pins, **more):
    return members({'host': 'h.example:443', 'policy': 'one pin applies',
                    'pins': GLib.Variant('aa{sv}', pins), **more})


def status(**more):
    states = {'active': 1, 'paused': 0, 'blocked': 0, 'expired': 0}
    return members({'version': '0.1.0', 'started': GLib.Variant('x', 1801396800),
                    'pins': GLib.Variant('a{sa{su}}', {'system': states, 'user': states}),
                    'blocked': GLib.Variant('aa{sv}', []), 'problems': [], 'warnings': [], 'advice': [],
                    'last-reload': GLib.Variant('x', 0), 'requests-today': GLib.Variant('t', 2),
                    'refusals-today': GLib.Variant('t', 1), 'trust-anchors': GLib.Variant('u', 1),
                    'trust-file': '/etc/trust.pem', 'state-folder': '/var/lib/state', 'unstored': GLib.Variant('u', 0),
                    **more})


def verdict(**more):
    return members({'trusted': True, 'verdict': 'Pass', 'reason': 'it passes', 'offered-keys': [],
                    'path-keys': ['sha256/AA='], 'matched-key': 'sha256/AA=',
                    'matched-position': GLib.Variant('u', 0), **more})


def certificate(**more):
    return members({'subject': 'CN=h', 'issuer': 'CN=i', 'key': KEY, 'not-before': GLib.Variant('x', 1),
                    'not-after': GLib.Variant('x', 4102444800), **more})


def chain_info(*certificates, **more):
    return members({'host': 'h.example:443', 'certificates': GLib.Variant('aa{sv}', certificates or (certificate(),)),
                    'trusted': True, 'verdict': 'NotPinned', 'reason': 'nothing is pinned', 'path-keys': [KEY],
                    **more})


def chain(evidence):
    """What FetchChain answers with."""
    return GLib.Variant.new_tuple(GLib.Variant('aay', [b'der']), GLib.Variant('a{sv}', evidence))


def info(**more):
    return members({'url': 'https://h.example/', 'http-version': '1.1', 'tls-version': '1.3',
                    'matched-key': 'sha256/AA=', 'matched-position': GLib.Variant('u', 0),
                    'path-keys': ['sha256/AA='], 'connection-reused': False,
                    'timings': GLib.Variant('a{st}', {'total': 1000}), **more})


def members(values):
    kinds = {str: 's', bool: 'b', list: 'as'}
    return {name: value if isinstance(value, GLib.Variant)
            else GLib.Variant(kinds[type(value)], value)
            for name, value in values.items() if value is not None}


def one(dictionary):
    """A reply of one dictionary."""
    return GLib.Variant('(a{sv})', (dictionary,))


def several(*dictionaries):
    return GLib.Variant('(aa{sv})', (dictionaries,))


def response(headers=(), body=b'hello', status=200, evidence=None):
    return GLib.Variant.new_tuple(
        GLib.Variant('u', status), GLib.Variant('a(ss)', headers),
        GLib.Variant.new_from_bytes(GLib.VariantType('ay'), GLib.Bytes(body), True),
        GLib.Variant('a{sv}', info() if evidence is None else evidence))
