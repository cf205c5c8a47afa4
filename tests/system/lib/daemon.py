# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service itself, as it is built: started, ended, killed and started again on a private bus."""

import os
import signal
import subprocess
import time



def program(variable):
    path = os.environ.get(variable)
    if path is None:
        raise SystemExit(f'set {variable} to the program that is to be tested')
    return path


class Daemon:
    def __init__(self, bus, folder, trust_file):
        self.bus = bus
        self.state_dir = os.path.join(folder, 'state')
        self.pins_dir = os.path.join(folder, 'pins.d')
        self.config_file = os.path.join(folder, 'certpind.conf')
        self.trust_file = trust_file
        self.log_file = os.path.join(folder, 'log')
        self.process = None
        self.name = ''
        self.more_environment = {}
        self.wrapper = []  # a command that runs it
        os.mkdir(self.state_dir, 0o700)
        os.mkdir(self.pins_dir, 0o755)

    def arguments(self):
        return [program('CERTPIND'), f'--bus={self.bus.address}', '--authority=uid',
                f'--config={self.config_file}', f'--state-dir={self.state_dir}',
                f'--pins-dir={self.pins_dir}', f'--trust-file={self.trust_file}']

    def environment(self):
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(('G_', 'SOUP_'))}
        return {**kept, 'G_DEBUG': 'fatal-criticals', 'LC_ALL': 'C.UTF-8', **self.more_environment}

    def spawn(self, *more):
        with open(self.log_file, 'ab') as log:
            return subprocess.Popen(self.wrapper + self.arguments() + list(more),
                                    env=self.environment(), stdout=log, stderr=log)

    def run(self, *more, seconds=10):
        """Runs one that ends by itself. Returns: exit code and output"""
        done = subprocess.run(self.arguments() + list(more), env=self.environment(), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
        return done.returncode, done.stdout.decode()

    def start(self, *more):
        self.process = self.spawn(*more)
        try:
            self.name = self.bus.wait_for_owner(self.name, self.process)
        except AssertionError as error:
            raise AssertionError(f'{error}; {self._state()}; {self.bus.describe()}; it said:\n{self.log()}'
                                 ) from error

    def _state(self):
        code = self.process.poll()
        return 'the service still runs' if code is None else f'the service ended with exit code {code}'

    def terminate(self):
        """Asks it to end. Returns: exit code and seconds"""
        started = time.monotonic()
        self.process.terminate()
        code = self.process.wait(10)
        seconds = time.monotonic() - started
        self.bus.wait_for_no_owner()
        return code, seconds

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.bus.wait_for_no_owner()

    def restart(self):
        self.terminate()
        self.start()

    def restart_on_small_disk(self):
        """Its state is on a disk of its own from now on. Returns: where that is seen from here"""
        self.wrapper = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
                        'mount -t tmpfs -o size=256k,mode=700 tmpfs "$0" && exec "$@"', self.state_dir]
        self.restart()
        return f'/proc/{self.process.pid}/root{self.state_dir}'

    def make_disk_read_only(self):
        # Its own root too: the service may be in a root of another release.
        subprocess.run(['nsenter', f'--target={self.process.pid}', '--mount', '--root', 'mount', '-o', 'remount,ro',
                        self.state_dir], check=True)

    def configure(self, text):
        with open(self.config_file, 'w', encoding='utf-8') as file:
            file.write(text)

    def processor_seconds(self):
        """How much processor time all of its threads have taken."""
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as file:
            user, system = file.read().rpartition(')')[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf('SC_CLK_TCK')

    def log(self):
        with open(self.log_file, encoding='utf-8', errors='replace') as file:
            return file.read()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.bus.wait_for_no_owner()
