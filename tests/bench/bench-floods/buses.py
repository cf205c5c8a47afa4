# SPDX-License-Identifier: LGPL-2.1-or-later
"""Private buses like the system's: dbus-daemon or dbus-broker, with the rules and limits of the
system's own configuration and with the project's policy."""

import os
import pathlib
import socket
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET

from lib import network

SYSTEM_CONFIGURATION = '/usr/share/dbus-1/system.conf'
POLICY = pathlib.Path(__file__).resolve().parents[3] / 'policy/org.certpin.Certpin1.conf'
DOCTYPE = ('<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"\n'
           ' "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">\n')
# What of the system's configuration belongs to its place and not to its rules.
LEFT_OUT = ('fork', 'pidfile', 'syslog', 'listen', 'includedir', 'include',
            'standard_system_servicedirs', 'servicehelper')
ECHO_POLICY = '''<policy context="default"><allow own="org.certpin.Echo"/>
<allow send_destination="org.certpin.Echo" send_type="method_call"/></policy>'''
INSIDE = 'CERTPIN_BENCH_NAMESPACE'
JOURNAL = '/run/systemd/journal/socket'

# Of the range for people: the pins of users that systemd makes up are in memory alone.
USERS = {'certpin': 59000, 'bystander': 59001, 'flooder': 59002, 'control': 59003, 'echo': 59004,
         'newcomer': 59005}


def enter_namespace():
    """Starts the program again in namespaces that end with it, with a network, users and a name
    server of its own."""
    if os.environ.get(INSIDE) is None:
        os.environ[INSIDE] = '1'
        os.execvp('unshare', ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc',
                              sys.executable, *sys.argv])
    with open('/etc/passwd', encoding='utf-8') as file:
        kept = [line for line in file if line.split(':')[0] not in USERS]
    made = [f'{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n'
            for name, uid in USERS.items()]
    network.enter_namespace({'passwd': ''.join(kept + made),
                             'resolv.conf': 'nameserver 127.0.0.1\noptions timeout:5 attempts:2\n'})
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run'], check=True)


def write_configuration(folder):
    """Returns: the file, whose bus listens on `folder`/socket"""
    configuration = ET.parse(SYSTEM_CONFIGURATION).getroot()
    for element in list(configuration):
        if element.tag in LEFT_OUT:
            configuration.remove(element)
    ET.SubElement(configuration, 'listen').text = f'unix:path={folder}/socket'
    configuration.extend(ET.parse(POLICY).getroot())
    configuration.append(ET.fromstring(ECHO_POLICY))
    path = os.path.join(folder, 'bus.conf')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(DOCTYPE + ET.tostring(configuration, encoding='unicode'))
    return path


class Bus:
    def __init__(self, folder):
        self.folder = folder
        self.socket = os.path.join(folder, 'socket')
        self.address = f'unix:path={self.socket}'
        self.process = None

    def close(self):
        self.process.terminate()
        self.process.wait()


class Daemon(Bus):
    """dbus-daemon."""

    calls_in_flight = 127  # max_replies_per_connection is 128, and the bus counts before it looks

    def __init__(self, folder):
        super().__init__(folder)
        with open(os.path.join(folder, 'bus.log'), 'wb') as log:
            self.process = subprocess.Popen(
                ['dbus-daemon', f'--config-file={write_configuration(folder)}', '--nofork',
                 '--nopidfile', '--print-address=1'], stdout=subprocess.PIPE, stderr=log, text=True)
        self.process.stdout.readline()


class Journal:
    """Receives dbus-broker's log: without a journal it does not start."""

    def __init__(self):
        os.makedirs(os.path.dirname(JOURNAL), exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(JOURNAL)
        os.chmod(JOURNAL, 0o666)
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self):
        while True:
            self._socket.recv(65536)


class Broker(Bus):
    """dbus-broker, by dbus-broker-launch, which reads the same configuration. Without systemd it
    needs a listening socket as descriptor 3, a socket where the journal's would be, and the address
    of the system bus: there it looks for systemd, does not find it, and does without activation."""

    # It limits only a user's bytes and objects: this makes half a million calls on 250 connections.
    calls_in_flight = 2000
    journal = None

    def __init__(self, folder):
        super().__init__(folder)
        Broker.journal = Broker.journal or Journal()
        configuration = write_configuration(folder)
        with socket.socket(socket.AF_UNIX) as listener, \
                open(os.path.join(folder, 'bus.log'), 'wb') as log:
            listener.bind(self.socket)
            os.chmod(self.socket, 0o666)
            listener.listen(4096)
            self.process = subprocess.Popen(
                ['bash', '-c', 'LISTEN_FDS=1 LISTEN_PID=$$ exec "${@:2}" 3<&"$1"', 'launch',
                 str(listener.fileno()), 'dbus-broker-launch', '--scope', 'system', '--config-file',
                 configuration],
                pass_fds=[listener.fileno()], stdout=log, stderr=log,
                env={**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': self.address})


BUSES = {'dbus-daemon': Daemon, 'dbus-broker': Broker}
