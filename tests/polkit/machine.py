# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine of its own, as far as these tests can tell: namespaces in which /run, /var, /etc and /usr
may be written to without a trace, with the service installed, its users, the system bus and polkitd."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lib.bus import Bus
from lib.caller import CallError, Caller
from lib.daemon import Daemon, program
from lib.public import put
from lib.tap import DEADLINE_S, equal, holds

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BINARY = '/usr/libexec/certpind'
RULES = pathlib.Path('/etc/polkit-1/rules.d/10-test.rules')
SYSTEM_SERVICES = pathlib.Path('/usr/share/dbus-1/system-services')
ALICE, BOB, WEBADMIN = 'certpin-alice', 'certpin-bob', 'certpin-webadmin'
POLKIT = 'org.freedesktop.PolicyKit1'
BUS = 'org.freedesktop.DBus'
INSIDE = '--inside'


def enter():
    """Returns only within the machine; outside, runs this program there and ends as it does."""
    if INSIDE in sys.argv:
        folder = sys.argv.pop()
        sys.argv.remove(INSIDE)
        set_up(folder)
        return
    if os.geteuid() != 0:
        print('1..0 # SKIP only root can make namespaces')
        sys.exit(0)
    folder = tempfile.mkdtemp(prefix='certpin-polkit-')
    done = subprocess.run(['unshare', '--mount', '--pid', '--fork', '--net', '--ipc', '--uts',
                           '--propagation', 'private', '--kill-child', '--mount-proc',
                           sys.executable, *sys.argv, INSIDE, folder], check=False)
    os.rmdir(folder)
    sys.exit(done.returncode)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def set_up(folder):
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', folder)
    for top in ('/run', '/var', '/etc', '/usr'):
        upper, work = folder + top + '/upper', folder + top + '/work'
        os.makedirs(upper)
        os.makedirs(work)
        run('mount', '-t', 'overlay', '-o', f'lowerdir={top},upperdir={upper},workdir={work}',
            'overlay', top)
    os.makedirs('/run/dbus', exist_ok=True)
    os.environ.pop('DBUS_SYSTEM_BUS_ADDRESS', None)
    install()


def install():
    put(program('CERTPIND'), BINARY)
    put(program('CERTPIN_POLICY'), '/usr/share/polkit-1/actions/org.certpin.Certpin1.policy')
    put(program('CERTPIN_GERMAN'), '/usr/share/locale/de/LC_MESSAGES/certpin.mo')
    put(SOURCE / 'policy/org.certpin.Certpin1.conf', '/usr/share/dbus-1/system.d/org.certpin.Certpin1.conf')
    activation = (SOURCE / 'data/org.certpin.Certpin1.service.in').read_text()
    (SYSTEM_SERVICES / 'org.certpin.Certpin1.service').write_text(
        activation.replace('@libexecdir@', os.path.dirname(BINARY)))
    run('systemd-sysusers', SOURCE / 'data/certpin.sysusers')
    run('groupadd', '--force', 'webadmins')
    for user in (ALICE, BOB):
        run('useradd', user)
    run('useradd', '--groups', 'webadmins', WEBADMIN)


def uid_of(user):
    return pwd.getpwnam(user).pw_uid


def as_user(user):
    return ['setpriv', f'--reuid={user}', f'--regid={pwd.getpwnam(user).pw_gid}', '--clear-groups']


def eventually(function, *arguments, seconds=DEADLINE_S, **keywords):
    """Calls until it goes through: for what the bus tells nobody."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return function(*arguments, **keywords)
        except (AssertionError, CallError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


class SystemBus(Bus):
    """The machine's bus, with the machine's configuration."""

    def __init__(self):
        self.process = subprocess.Popen(
            ['dbus-daemon', '--system', '--nofork', '--nopidfile', '--print-address=1'],
            stdout=subprocess.PIPE, text=True)
        self._watch()

    def ask(self, method, signature='', *arguments):
        """Calls the bus itself, as root."""
        reply = self.ask_of(BUS, '/org/freedesktop/DBus', BUS, method, signature, *arguments)
        return reply[0] if reply else None

    def ask_of(self, destination, path, interface, method, signature, *arguments):
        """Calls another service, as root."""
        return self.watcher.call(interface, method, signature, *arguments, path=path,
                                  destination=destination)


class InstalledDaemon(Daemon):
    """The service as its unit starts it, but for its folders."""

    def __init__(self, bus, folder):
        super().__init__(bus, folder, '/dev/null')
        shutil.chown(self.state_dir, 'certpin', 'certpin')

    def arguments(self):
        return as_user('certpin') + [
            BINARY, '--bus=system', '--authority=polkit', f'--config={self.config_file}',
            f'--state-dir={self.state_dir}', f'--pins-dir={self.pins_dir}']


class Machine:
    """What one test has: a bus, the service, and users who call it."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(dir='/run')
        os.chmod(self._folder, 0o755)
        self._callers = []
        self.bus = SystemBus()
        self.daemon = InstalledDaemon(self.bus, self._folder)
        self.daemon.start()

    def user(self, name):
        """A new program of that user's."""
        caller = Caller(self.bus.address, uid_of(name))
        self._callers.append(caller)
        return caller

    def polkitd(self):
        """Its process id; starts it where it does not run."""
        self.bus.ask('StartServiceByName', '(su)', POLKIT, 0)
        return self.bus.ask('GetConnectionUnixProcessID', '(s)', POLKIT)

    def kill(self, polkitd):
        os.kill(polkitd, signal.SIGKILL)
        eventually(lambda: holds(not self.bus.ask('NameHasOwner', '(s)', POLKIT), 'polkitd is there'))

    def describe(self):
        return self.daemon.log()

    def check_health(self):
        if self.daemon.process.poll() is None:
            code, seconds = self.daemon.terminate()
            equal(code, 0, 'the service’s exit status')
            holds(seconds < 2, f'the service took {seconds:.1f} s to end')
        holds('CRITICAL' not in self.daemon.log(), 'the service logged something critical')

    def close(self):
        for caller in self._callers:
            caller.close()
        self.daemon.close()
        RULES.unlink(missing_ok=True)
        self.bus.close()
        shutil.rmtree(self._folder)
