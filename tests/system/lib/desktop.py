# SPDX-License-Identifier: LGPL-2.1-or-later
"""A virtual screen and a session bus of a user's own, on which apps show themselves to people: as a picture, and as the
words that a screen reader reads."""

import ctypes
import json
import os
import pathlib
import pwd
import subprocess
import sys

from .public import copy_of, new_folder
from .tap import DEADLINE_S, holds

SOCKETS = '/tmp/.X11-unix'
CLONE_NEWNS = 0x00020000
READER = pathlib.Path(__file__).parent / 'window_reader.py'


def enter_screens():
    """Leaves the machine's folder of screens for an empty one. In a network of its own, each test has a screen :0, whose
    socket would replace that of another test. Comes before the first thread."""
    if not os.path.exists(SOCKETS):
        os.makedirs(SOCKETS, exist_ok=True)
        os.chmod(SOCKETS, 0o1777)
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), 'cannot have mounts of its own')
    for command in (['mount', '--make-rprivate', '/'], ['mount', '-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', SOCKETS]):
        subprocess.run(command, check=True)


class Desktop:
    def __init__(self, uid, more=None):
        self.uid = uid
        self.processes = []
        self.home = new_folder('certpin-desktop-')
        os.chown(self.home, uid, uid)
        os.chmod(self.home, 0o700)
        self.environment = {
            'PATH': os.environ['PATH'], 'HOME': self.home, 'USER': pwd.getpwuid(uid).pw_name, 'LC_ALL': 'C.UTF-8',
            'XDG_RUNTIME_DIR': self.home, 'GDK_BACKEND': 'x11', 'GSK_RENDERER': 'cairo', 'GSETTINGS_BACKEND': 'memory',
            'GTK_THEME': 'Adwaita', 'MESA_SHADER_CACHE_DISABLE': 'true', **(more or {})}
        self.environment['DISPLAY'] = self._start_screen()
        self.environment['DBUS_SESSION_BUS_ADDRESS'] = self._start_bus()
        self.reader = self.start([sys.executable, '-B', copy_of(READER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start(self, command, **keywords):
        process = subprocess.Popen(command, user=self.uid, group=self.uid, extra_groups=[], cwd='/',
                                   env=self.environment, text=True, **keywords)
        self.processes.append(process)
        return process

    def _start_screen(self):
        """Xvfb says when it can be used, and as which display."""
        ours, theirs = os.pipe()
        self.processes.append(subprocess.Popen(
            ['Xvfb', '-displayfd', str(theirs), '-screen', '0', '420x560x24', '-nolisten', 'tcp', '-ac'],
            pass_fds=[theirs], stderr=subprocess.DEVNULL))
        os.close(theirs)
        with open(ours, encoding='ascii') as numbers:
            number = numbers.readline().strip()
        holds(number, 'Xvfb does not start')
        return f':{number}'

    def _start_bus(self):
        bus = self.start(['dbus-daemon', '--session', '--nofork', '--print-address=1'], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
        return bus.stdout.readline().strip()

    def _ask(self, *words):
        self.reader.stdin.write(json.dumps(words) + '\n')
        self.reader.stdin.flush()
        return json.loads(self.reader.stdout.readline())

    def wait_for(self, text):
        """Waits until people see that text. Returns: all texts and names that they see, from top to bottom"""
        found, words = self._ask('wait', text, DEADLINE_S)
        holds(found, f'the screen does not show ‘{text}’, but {words}')
        return words

    def click(self, name):
        holds(self._ask('click', name)[0], f'there is nothing called ‘{name}’ to click on')

    def photograph(self, path):
        subprocess.run(['import', '-window', 'root', '-depth', '8', 'png:' + str(path)], check=True,
                       env={**os.environ, 'DISPLAY': self.environment['DISPLAY']})

    def close(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
