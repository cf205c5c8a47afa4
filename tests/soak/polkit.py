# SPDX-License-Identifier: LGPL-2.1-or-later
"""A polkit that allows everything at once, but for what a password is needed for: that question stays open until it is
cancelled."""

import threading

from gi.repository import Gio, GLib

from lib.tap import DEADLINE_S

NAME = 'org.freedesktop.PolicyKit1'
PATH = '/org/freedesktop/PolicyKit1/Authority'
MAY_INTERACT = 1
NEEDS_PASSWORD = 'org.certpin.manage-system-pins'
_NODE = Gio.DBusNodeInfo.new_for_xml(f'''<node><interface name="{NAME}.Authority">
<method name="CheckAuthorization">
  <arg type="(sa{{sv}})" direction="in"/><arg type="s" direction="in"/><arg type="a{{ss}}" direction="in"/>
  <arg type="u" direction="in"/><arg type="s" direction="in"/><arg type="(bba{{ss}})" direction="out"/>
</method>
<method name="CancelCheckAuthorization"><arg type="s" direction="in"/></method>
<signal name="Changed"/>
<property name="BackendName" type="s" access="read"/>
<property name="BackendVersion" type="s" access="read"/>
<property name="BackendFeatures" type="u" access="read"/>
</interface></node>''')
_PROPERTIES = {'BackendName': GLib.Variant('s', 'soak'), 'BackendVersion': GLib.Variant('s', '1'),
               'BackendFeatures': GLib.Variant('u', 0)}


class FakePolkit:
    def __init__(self, address):
        self.changed = threading.Condition()
        self.open = {}   # cancellation id → the question
        self.asked = 0   # questions for a password
        self._context = GLib.MainContext()
        self._loop = GLib.MainLoop(self._context)
        self._context.push_thread_default()
        self._connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self._connection.set_exit_on_close(False)
        self._connection.register_object(PATH, _NODE.interfaces[0], self._on_call,
                                         lambda *arguments: _PROPERTIES[arguments[4]], None)
        self._context.pop_thread_default()
        self._connection.call_sync('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus',
                                   'RequestName', GLib.Variant('(su)', (NAME, 0)), None, 0, -1, None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self._context.push_thread_default()
        self._loop.run()

    def _on_call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        with self.changed:
            getattr(self, '_on_' + method)(invocation, *arguments.unpack())
            self.changed.notify_all()

    def _on_CheckAuthorization(self, invocation, _subject, action, _details, flags, cancellation):
        password = action == NEEDS_PASSWORD
        if password and flags & MAY_INTERACT:
            self.asked += 1
            self.open[cancellation] = invocation
        else:
            invocation.return_value(GLib.Variant('((bba{ss}))', ((not password, password, {}),)))

    def _on_CancelCheckAuthorization(self, invocation, cancellation):
        question = self.open.pop(cancellation, None)
        if question is not None:
            question.return_dbus_error(NAME + '.Error.Cancelled', 'cancelled')
        invocation.return_value(None)

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, DEADLINE_S):
                raise AssertionError(f'polkit waited in vain for {what}')

    def close(self):
        self._context.invoke_full(GLib.PRIORITY_DEFAULT, lambda *_: self._loop.quit())
        self._thread.join()
        self._connection.close_sync()
