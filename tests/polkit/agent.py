#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""agent.py LOCALE METHOD ARGUMENTS: a program that changes pins and may have its user asked for a
password, and the agent that would show the question; the user always closes the dialog. ARGUMENTS is a
GVariant text. Prints, as JSON, the error's name and the questions."""

import json
import os
import sys

from gi.repository import Gio, GLib

POLKIT = 'org.freedesktop.PolicyKit1'
AUTHORITY = '/org/freedesktop/PolicyKit1/Authority'
AGENT = '/org/certpin/Test/Agent'
INTERFACE = '''<node><interface name="org.freedesktop.PolicyKit1.AuthenticationAgent">
  <method name="BeginAuthentication">
    <arg type="s"/><arg type="s"/><arg type="s"/><arg type="a{ss}"/><arg type="s"/>
    <arg type="a(sa{sv})"/>
  </method>
  <method name="CancelAuthentication"><arg type="s"/></method>
</interface></node>'''


def register(bus, locale, on_begin, on_cancel):
    """Becomes the agent of this process. `on_begin` is given the message, the cookie and the
    invocation, which ends the dialog when it is answered; `on_cancel` the cookie."""
    def on_call(_bus, _sender, _path, _interface, method, arguments, invocation):
        if method == 'BeginAuthentication':
            _action, message, _icon, _details, cookie, _identities = arguments.unpack()
            on_begin(message, cookie, invocation)
        else:
            on_cancel(*arguments.unpack())
            invocation.return_value(None)
    interface = Gio.DBusNodeInfo.new_for_xml(INTERFACE).interfaces[0]
    bus.register_object(AGENT, interface, on_call, None, None)
    with open('/proc/self/stat', encoding='utf-8') as file:
        start_time = int(file.read().rpartition(')')[2].split()[19])
    process = ('unix-process', {'pid': GLib.Variant('u', os.getpid()),
                                'start-time': GLib.Variant('t', start_time)})
    bus.call_sync(POLKIT, AUTHORITY, POLKIT + '.Authority', 'RegisterAuthenticationAgent',
                  GLib.Variant('((sa{sv})ss)', (process, locale, AGENT)), None,
                  Gio.DBusCallFlags.NONE, -1, None)


def close_dialogs(bus, locale, questions):
    def on_begin(message, _cookie, invocation):
        questions.append(message)
        invocation.return_dbus_error(POLKIT + '.Error.Cancelled', 'the dialog was closed')
    register(bus, locale, on_begin, lambda _cookie: None)


def begin(bus, method, arguments, on_error):
    """Calls the service. `on_error` is given the error's name or None."""
    def on_reply(_bus, result):
        try:
            bus.call_finish(result)
        except GLib.Error as error:
            on_error(Gio.DBusError.get_remote_error(error))
        else:
            on_error(None)
    bus.call('org.certpin.Certpin1', '/org/certpin/Certpin1', 'org.certpin.Certpin1.Pins', method,
             GLib.Variant.parse(None, arguments, None, None), None,
             Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, GLib.MAXINT, None, on_reply)


def call(bus, method, arguments):
    loop, errors = GLib.MainLoop(), []

    def on_error(error):
        errors.append(error)
        loop.quit()
    begin(bus, method, arguments, on_error)
    loop.run()
    return errors[0]


def main():
    locale, method, arguments = sys.argv[1:]
    bus = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
    questions = []
    close_dialogs(bus, locale, questions)
    json.dump((call(bus, method, arguments), questions), sys.stdout)


if __name__ == '__main__':
    main()
