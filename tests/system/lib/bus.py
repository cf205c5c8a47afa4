# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private system bus: a real dbus-daemon in a folder of its own, open to every user."""

import os
import subprocess

from .caller import NAME, Caller

CONFIGURATION = '''<!DOCTYPE busconfig PUBLIC
 "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="false"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
'''


class Bus:
    def __init__(self, folder):
        configuration = os.path.join(folder, 'bus.conf')
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(CONFIGURATION.format(folder=folder))
        self.process = subprocess.Popen(
            ['dbus-daemon', f'--config-file={configuration}', '--nofork', '--nopidfile',
             '--print-address=1'], stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        self._watcher = Caller(self.address, 0)
        self._watcher.watch_name()

    def _owner(self):
        changes = [arguments for what, arguments in self._watcher.signals
                   if what == 'NameOwnerChanged' and arguments[0] == NAME]
        return changes[-1][2] if changes else ''

    def wait_for_owner(self, unlike=''):
        """Waits for the service to have its name. Returns: its unique name"""
        return self._watcher.wait(lambda: self._owner() != unlike and self._owner(),
                                  f'an owner of {NAME}')

    def wait_for_no_owner(self):
        self._watcher.wait(lambda: self._owner() == '', f'{NAME} to be free')

    def close(self):
        self._watcher.close()
        self.process.kill()
        self.process.wait()
