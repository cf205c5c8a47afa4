# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs at the callers' ends of transfers: those that everybody has, and those of the library."""

import os
import shutil
import subprocess
import sys

from ends_server import SIZE
from lib.certpinctl import environment, start
from lib.public import with_library
from lib.tap import DEADLINE_S

COPY = 'import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)'
ENDLESS = 'import os\nwhile True: os.write(1, bytes(65536))'
ONCE = f'import os\nleft = {SIZE}\nwhile left: left -= os.write(1, bytes(left))'
PYTHON = [sys.executable, '-ISc']
READERS = (['cat'], ['dd', 'bs=64k', 'status=none'], [*PYTHON, COPY])
WRITERS = (['cat', '/dev/zero'], ['dd', 'if=/dev/zero', 'bs=64k', 'status=none'], [*PYTHON, ENDLESS])
WHOLE_WRITERS = (['head', '-c', str(SIZE), '/dev/zero'],
                 ['dd', 'if=/dev/zero', 'bs=64k', f'count={SIZE >> 16}', 'status=none'], [*PYTHON, ONCE])


class Program:
    """Reads a body, or writes one."""

    def __init__(self, command, **keywords):
        self.name = command[0]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **keywords)

    def kill(self):
        self.process.kill()

    def passed(self):
        """Returns: whether it says that all is well, once it has ended"""
        try:
            return self.process.wait(2 * DEADLINE_S) == 0
        except subprocess.TimeoutExpired:
            raise AssertionError(f'{self.name} does not end') from None

    def close(self):
        self.process.kill()
        self.process.wait()


def read_by(number, descriptor, full):
    """A program that reads a descriptor, to a full disk or to nowhere."""
    with open('/dev/full' if full else os.devnull, 'wb') as output:
        return Program(READERS[number % len(READERS)], stdin=descriptor, stdout=output)


def write_by(number, descriptor, whole):
    writers = WHOLE_WRITERS if whole else WRITERS
    return Program(writers[number % len(writers)], stdin=subprocess.DEVNULL, stdout=descriptor)


class OfLibrary:
    """A program that uses the library, and makes the request itself."""

    name = ''

    def __init__(self, process):
        self.process = process
        self.said = ''

    def passed(self):
        """Returns: whether it says that all is well, once it has ended"""
        self.said = self.process.communicate(timeout=2 * DEADLINE_S)[0]
        return self.process.returncode == 0

    def told(self):
        return f'said “{self.said.strip()}”, and ended with {self.process.returncode}'

    def kill(self):
        self.process.kill()

    def close(self):
        self.process.kill()
        self.process.communicate()


class Stream(OfLibrary):
    """Reads a stream of the library's."""

    def __init__(self, ends, uid, how, url):
        self.name = f'read-stream {how}'
        super().__init__(subprocess.Popen(
            [with_library(os.environ['CERTPIN_READ_STREAM']), how, url], env=environment(ends.world), user=uid,
            group=uid, extra_groups=[], stdout=subprocess.PIPE, text=True))

    def is_right(self, error):
        """Whether it said that the stream had ended with that error, if it was let; None: in order"""
        return self.process.returncode < 0 or self.said.split()[1:] == [error or 'whole']


class Download(OfLibrary):
    """certpin_client_download (), by certpinctl."""

    name = 'certpinctl get -o'

    def __init__(self, ends, uid, name, url, full):
        self.folder = os.path.join(ends.full_folder if full else ends.folder, str(name))
        os.mkdir(self.folder)
        os.chown(self.folder, uid, uid)
        self.file = os.path.join(self.folder, 'body')
        super().__init__(start(ends.world, 'get', '-o', self.file, url, uid=uid, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True))

    def is_right(self, _error):
        """Whether there is all of the file, or nothing of it; who is killed may leave a part of another name"""
        if self.process.returncode < 0:
            return not os.path.exists(self.file)
        found = [entry.stat().st_size for entry in os.scandir(self.folder)]
        return found == ([SIZE] if self.process.returncode == 0 else [])

    def close(self):
        super().close()
        shutil.rmtree(self.folder)
