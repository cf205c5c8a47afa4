# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sandboxed apps without a sandbox of Flatpak's or snapd's: programs whose evidence in /proc the service
reads as that of an app, as tests/system/disguise.c has it."""

import os
import signal

from .caller import Caller
from .public import copy_of
from .world import ALICE, World

WEATHER = 'flatpak:org.example.Weather'
MAPS = 'flatpak:org.example.Maps'
DEMO = 'snap:demo'
# What bwrap does, as far as the service looks at it.
INSIDE = ('unshare', '--pid', '--fork', '--mount-proc')
WITHOUT_NETWORK = (*INSIDE[:1], '--net', *INSIDE[1:])


def evidence(app, uid):
    """What the process of an app has in its environment."""
    kind, name = app.split(':')
    if kind == 'snap':
        return {'CERTPIN_TEST_LABEL': f'snap.{name}.app (enforce)'}
    escaped = name.replace('-', r'\x2d')
    return {'CERTPIN_TEST_CGROUP': f'0::/user.slice/user-{uid}.slice/user@{uid}.service/app.slice/'
                                   f'app-flatpak-{escaped}-726.scope\n'}


class App(Caller):
    """Its process is the child of what made its namespace."""

    def inside(self):
        with open(f'/proc/{self.process.pid}/task/{self.process.pid}/children', encoding='utf-8') as children:
            return [int(child) for child in children.read().split()]

    def vanish(self):
        for child in self.inside():
            os.kill(child, signal.SIGKILL)
        super().vanish()

    close = vanish


class AppsWorld(World):
    def __init__(self):
        super().__init__()
        self.daemon.terminate()
        # A sanitizer would insist on being the first that is preloaded.
        options = ':'.join(filter(None, (os.environ.get('ASAN_OPTIONS'), 'verify_asan_link_order=0')))
        self.group = os.path.join(self.folder, 'cgroup.procs')
        self.list_in_group()
        self.daemon.more_environment = {'LD_PRELOAD': copy_of(os.environ['CERTPIN_DISGUISE']), 'ASAN_OPTIONS': options,
                                        'CERTPIN_TEST_PROCS': self.group}
        self.daemon.start()

    def list_in_group(self, *pids):
        """What the service is told of every control group: these processes are in it."""
        with open(self.group, 'w', encoding='utf-8') as file:
            file.writelines(f'{pid}\n' for pid in pids)

    def new_app(self, name, uid=ALICE, wrapper=INSIDE):
        """A program of the app. `wrapper`: what runs it, and so what it may use"""
        app = App(self.shared.bus.address, uid, wrapper, evidence(name, uid))
        app.subscribe()
        return self.track(app)
