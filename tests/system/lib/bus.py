# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private system bus: a real dbus-daemon in a folder of its own, open to every user."""

import os
import select
import subprocess
import threading

from .caller import NAME, CallError, Caller
from .tap import holds

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
  {more}
</busconfig>
'''


class Bus:
    """`more`: of its configuration"""

    def __init__(self, folder, more=''):
        configuration = os.path.join(folder, 'bus.conf')
        with open(configuration, 'w', encoding='utf-8') as file:
            file.write(CONFIGURATION.format(folder=folder, more=more))
        self.process = subprocess.Popen(
            ['dbus-daemon', f'--config-file={configuration}', '--nofork', '--nopidfile',
             '--print-address=1'], stdout=subprocess.PIPE, text=True)
        self._watch()

    def _watch(self):
        """Watches the service's name from the moment in which the bus is there."""
        self.watcher = None
        try:
            self.address = self.process.stdout.readline().strip()
            self.watcher = Caller(self.address, 0)
            self.watcher.watch_name()
        except BaseException:
            self.close()
            raise

    def _owner(self):
        changes = [arguments for what, arguments in self.watcher.signals
                   if what == 'NameOwnerChanged' and arguments[0] == NAME]
        return changes[-1][2] if changes else ''

    def wait_for_owner(self, unlike='', process=None):
        """Waits for the service to have its name, or for its process to end. Returns: its unique name"""
        def new_owner():
            return self._owner() != unlike and self._owner()

        def ended():
            return process is not None and process.poll() is not None

        if process is not None:
            threading.Thread(target=self._announce_end, args=[os.pidfd_open(process.pid)], daemon=True).start()
        self.watcher.wait(lambda: new_owner() or ended(), f'an owner of {NAME}')
        holds(new_owner(), f'the service ended before it had {NAME}')
        return new_owner()

    def _announce_end(self, pidfd):
        """Has whoever waits look again when the process has ended."""
        select.select([pidfd], [], [])
        os.close(pidfd)
        with self.watcher.changed:
            self.watcher.changed.notify_all()

    def wait_for_no_owner(self):
        self.watcher.wait(lambda: self._owner() == '', f'{NAME} to be free')

    def describe(self):
        """What the bus itself says of the name, which may be more than what the watcher was told."""
        if self.process.poll() is not None:
            return f'the bus ended with exit code {self.process.returncode}'
        try:
            return f'the name is owned by {self.watcher.ask_bus("GetNameOwner", "(s)", NAME)[0]}'
        except CallError as error:
            return f'the name is owned by nobody ({error.name})'

    def close(self):
        if self.watcher is not None:
            self.watcher.close()
        self.process.kill()
        self.process.wait()
