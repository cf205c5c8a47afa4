#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `certpinctl get -o FILE` does to the file: it has all of the answer afterwards, or is as it
was, and nothing is left beside it."""

import errno
import os
import signal
import stat
import subprocess
import threading

from lib import http
from lib.certpinctl import FAILED, HTTP_STATUS, OK, REFUSED, TRUNCATED, ctl, exits, interposed
from lib.network import enter_namespace
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.world import ALICE, BOB, HOST, World

OLD, NEW = b'what was there\n', b'x' * (3 * 1024 * 1024)
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


class Page:
    """A pinned page and a folder that it is written to."""

    def __init__(self, world, body=NEW, mode=0o755, size='64m'):
        self.world = world
        self.server, _ = world.serve_pinned()
        self.server.respond = lambda connection, request: http.reply(200, body)
        self.url = self.server.url(HOST)
        os.chmod(world.folder, 0o755)
        self.folder = os.path.join(world.folder, 'out')
        os.mkdir(self.folder)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={size}', 'tmpfs', self.folder],
                       check=True)
        world.track(self)
        self.own(self.folder, ALICE)
        os.chmod(self.folder, mode)
        self.path = os.path.join(self.folder, 'page')

    @staticmethod
    def own(path, uid):
        os.chown(path, uid, uid, follow_symlinks=False)

    def put(self, content=OLD, mode=0o644, uid=ALICE, name='page'):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        self.own(path, uid)
        os.chmod(path, mode)
        return path

    def link(self, target, uid=ALICE, name='page'):
        path = os.path.join(self.folder, name)
        os.symlink(target, path)
        self.own(path, uid)
        return path

    def get(self, code, *arguments, path=None, **keywords):
        return exits(self.world, code, 'get', '-o', path or self.path, *arguments, self.url,
                     **keywords)

    def fails(self, *words, **keywords):
        """The page cannot be written, which is told with these words."""
        path = keywords.pop('path', self.path)
        code, _, errors = ctl(self.world, 'get', *keywords.pop('more', ()), '-o', path, self.url, **keywords)
        equal(code, FAILED, f'the exit code, with “{errors}”,')
        equal(errors.count('\n'), 1, f'the number of lines of “{errors}”')
        for word in (path, *words):
            holds(word in errors, f'“{errors}” does not say “{word}”')

    def fails_at_once(self, *words, **keywords):
        """Nor can it be continued."""
        self.fails(*words, **keywords)
        self.fails(*words, more=('-C', '-'), **keywords)
        self.sends_nothing()

    def sends_nothing(self):
        equal(len(self.server.requests), 0, 'the number of requests')

    def holds(self, content, *names, path=None):
        """The file holds that, and the folder these files."""
        with open(path or self.path, 'rb') as file:
            holds(file.read() == content, 'the file holds something else')
        equal(sorted(os.listdir(self.folder)), sorted(names or ['page']), 'the folder')

    def mode(self):
        return stat.S_IMODE(os.stat(self.path).st_mode)

    def close(self):
        subprocess.run(['umount', '--lazy', self.folder], check=True)


# What must leave the file whole

@test('a disk that is full leaves the old file, and nothing beside it')
def _(world):
    page = Page(world, size='1m')
    page.put()
    page.fails('No space left on device')
    page.holds(OLD)
    os.unlink(page.path)
    page.fails('No space left on device')
    equal(os.listdir(page.folder), [], 'the folder')


@test('a limit on the size of files is an error, not a signal')
def _(world):
    page = Page(world)
    page.put()
    code, _, errors = ctl(world, 'get', '-o', page.path, page.url, preexec_fn=limit_files)
    equal(code, FAILED, 'the exit code')
    holds('File too large' in errors, errors)
    page.holds(OLD)


def limit_files():
    import resource  # pylint: disable=import-outside-toplevel
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


@test('a signal before the answer is written leaves the old file, and nothing beside it')
def _(world):
    page = Page(world)
    page.put()
    for call in ('write', 'fsync', 'close'):
        for number in SIGNALS:
            page.get(-number, more_environment=interposed(call, signal=number))
            page.holds(OLD)


@test('a signal at the very end finds the new file, and nothing beside it')
def _(world):
    page = Page(world)
    for number in SIGNALS:
        page.put()
        page.get(-number, more_environment=interposed('renameat', signal=number))
        page.holds(NEW)


@test('signals that whoever started the program ignores are ignored')
def _(world):
    page = Page(world)
    page.put()
    page.get(OK, more_environment=interposed('fsync', signal=signal.SIGHUP),
             preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    page.holds(NEW)


@test('a kill leaves the old file')
def _(world):
    page = Page(world)
    for call in ('write', 'fsync', 'renameat'):
        page.put()
        page.get(-signal.SIGKILL, more_environment=interposed(call, signal=signal.SIGKILL))
        with open(page.path, 'rb') as file:
            equal(file.read(), OLD, 'the file')


@test('an error of any step is told, and leaves the old file')
def _(world):
    page = Page(world)
    page.put()
    for call in ('write', 'fsync', 'close', 'renameat'):
        page.fails('Input/output error',
                   more_environment=interposed(call, errno=errno.EIO))
        page.holds(OLD)


@test('a refusal, a failed connection and, with --fail, a bad status leave the old file')
def _(world):
    page = Page(world)
    page.put()
    page.server.respond = lambda connection, request: http.reply(404, b'not here')
    page.get(HTTP_STATUS, '--fail')
    page.holds(OLD)
    document = page.get(HTTP_STATUS, '--fail', '--json')
    holds(b'"body":"bm90IGhlcmU="' in document, 'the body is neither in the file nor in JSON')
    page.holds(OLD)
    page.get(OK)
    page.holds(b'not here')
    page.put()
    page.server.respond = lambda connection, request: \
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhalf'
    page.get(TRUNCATED)
    page.holds(OLD)
    page.server.present(world.impostor())
    page.get(REFUSED)
    page.holds(OLD)


# What the file is like

@test('the file has what the standard output would have, headers too')
def _(world):
    page = Page(world)
    page.get(OK)
    page.holds(NEW)
    page.get(OK, '-i')
    page.holds(exits(world, OK, 'get', '-i', page.url))
    equal(exits(world, OK, 'get', '-o', '-', page.url), NEW, 'the standard output')
    os.chdir(page.folder)
    page.get(OK, path='relative')
    page.get(OK, path='./relative')
    os.chdir('/')
    page.holds(NEW, 'page', 'relative', path=page.folder + '/relative')


@test('an existing file keeps its permissions, a new one follows the umask')
def _(world):
    page = Page(world)
    for mode in (0o600, 0o640, 0o666, 0o755):
        page.put(mode=mode)
        page.get(OK, umask=0o077)
        page.holds(NEW)
        equal(oct(page.mode()), oct(mode), 'the mode')
    for umask, mode in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        os.unlink(page.path)
        page.get(OK, umask=umask)
        equal(oct(page.mode()), oct(mode), f'the mode with a umask of {umask:o}')


@test('nobody else can read a private file while it is written')
def _(world):
    page = Page(world)
    page.put(mode=0o600)
    page.get(-signal.SIGKILL, umask=0,
             more_environment=interposed('write', signal=signal.SIGKILL))
    modes = {oct(stat.S_IMODE(entry.stat().st_mode)) for entry in os.scandir(page.folder)}
    equal(modes, {oct(0o600)}, 'the modes of what is there')


@test('root leaves a file to its owner; a group that is not kept loses its rights')
def _(world):
    page = Page(world)
    page.put()
    exits(world, OK, 'pin', '--system', HOST, '--key', world.alice.get_pin(HOST)['keys'][0], uid=0)
    page.get(OK, uid=0)
    page.holds(NEW)
    equal((os.stat(page.path).st_uid, os.stat(page.path).st_gid), (ALICE, ALICE), 'the owner')
    for mode, then in ((0o640, 0o600), (0o664, 0o644), (0o660, 0o600)):
        page.put(mode=mode)
        os.chown(page.path, ALICE, 0)
        page.get(OK)
        equal(oct(page.mode()), oct(then), f'the mode that was {mode:o}')


# Links, pipes and devices

@test('a link in a folder where others may write is not followed, and nothing is sent')
def _(world):
    page = Page(world, mode=0o1777)
    page.put(name='target')
    for uid in (BOB, ALICE):
        page.link('target', uid=uid)
        page.fails('symbolic link')
        page.holds(OLD, 'page', 'target')
        os.unlink(page.path)
    page.link(page.folder + '/new', uid=BOB)
    page.fails('symbolic link')
    equal(sorted(os.listdir(page.folder)), ['page', 'target'], 'the folder')
    os.chmod(page.folder, 0o775)
    page.fails('symbolic link')
    page.sends_nothing()


@test('a link in somebody else’s folder is not followed')
def _(world):
    page = Page(world)
    victim = page.put(name='victim')
    folder = os.path.join(page.folder, 'theirs')
    os.mkdir(folder)
    page.link(victim, uid=BOB, name='theirs/page')
    page.own(folder, BOB)
    page.fails('symbolic link', path=folder + '/page')
    page.holds(OLD, 'theirs', 'victim', path=victim)
    page.own(folder, 0)
    page.get(OK, path=folder + '/page')
    page.holds(NEW, 'theirs', 'victim', path=victim)


@test('a link in a folder of one’s own is followed to what it names')
def _(world):
    page = Page(world)
    os.mkdir(page.folder + '/there')
    page.own(page.folder + '/there', ALICE)
    target = page.put(name='there/target')
    page.link('there/step')
    page.link('target', name='there/step')
    page.get(OK)
    page.holds(NEW, 'page', 'there', path=target)
    for link in (page.path, page.folder + '/there/step'):
        holds(os.path.islink(link), f'{link} is not a link any more')
    os.unlink(target)
    page.get(OK)
    page.holds(NEW, 'page', 'there', path=target)
    os.unlink(page.path)
    page.link(target)
    page.get(OK)
    os.unlink(page.path)
    page.link('page')
    page.fails('Too many levels of symbolic links')


@test('a link that leads to a folder where others may write is not followed beyond')
def _(world):
    page = Page(world)
    shared = page.folder + '/shared'
    os.mkdir(shared)
    os.chmod(shared, 0o1777)
    page.put(name='victim')
    page.link('shared/page')
    page.link('../victim', uid=BOB, name='shared/page')
    page.fails('symbolic link')
    page.holds(OLD, 'page', 'shared', 'victim', path=page.folder + '/victim')


@test('a pipe and a device are written to directly')
def _(world):
    page = Page(world)
    os.mkfifo(page.path)
    page.own(page.path, ALICE)
    read = []
    reader = threading.Thread(target=lambda: read.append(open(page.path, 'rb').read()), daemon=True)
    reader.start()
    page.get(OK)
    reader.join(DEADLINE_S)
    equal(read, [NEW], 'what came through the pipe')
    holds(stat.S_ISFIFO(os.stat(page.path).st_mode), 'the pipe is gone')
    page.get(OK, path='/dev/null')
    holds(stat.S_ISCHR(os.stat('/dev/null').st_mode), '/dev/null is gone')
    equal(page.get(OK, path='/dev/stdout'), NEW, 'what came through /dev/stdout')
    equal(page.get(OK, path='/dev/fd/1'), NEW, 'what came through /dev/fd/1')
    page.fails('No space left on device', path='/dev/full')


@test('the file behind /dev/stdout keeps what was in it')
def _(world):
    page = Page(world)
    page.put()
    with open(page.path, 'ab') as output:
        page.get(OK, path='/dev/stdout', stdout=output)
    page.holds(OLD + NEW)


@test('a descriptor of another program is added to, too')
def _(world):
    page = Page(world)
    exits(world, OK, 'pin', '--system', HOST, '--key', world.alice.get_pin(HOST)['keys'][0], uid=0)
    page.put()
    with open(page.path, 'ab') as output:
        page.get(OK, path=f'/proc/{os.getpid()}/fd/{output.fileno()}', uid=0)
    page.holds(OLD + NEW)


@test('a pipe of somebody else’s in a folder where others may write is not written to')
def _(world):
    page = Page(world, mode=0o1777)
    os.mkfifo(page.path)
    page.own(page.path, BOB)
    os.chmod(page.path, 0o666)
    page.fails('pipe')
    page.sends_nothing()


# What is told before anything is sent

@test('a file that cannot be written is told before anything is sent')
def _(world):
    page = Page(world, mode=0o1777)
    os.chown(page.folder, 0, 0)
    page.put(mode=0o666, uid=BOB)
    page.fails_at_once('Operation not permitted')
    page.put(mode=0o644, uid=BOB)
    page.fails_at_once('Permission denied')
    page.put(mode=0o444)
    page.fails_at_once('Permission denied')
    page.fails_at_once('Is a directory', path=page.folder)
    page.fails_at_once('Is a directory', path=page.folder + '/')
    page.fails_at_once('Is a directory', path=page.folder + '/.')
    page.fails_at_once('No such file or directory', path=page.folder + '/missing/page')
    page.fails_at_once('Not a directory', path=page.path + '/page')
    page.fails_at_once('File name too long', path=page.folder + '/' + 300 * 'n')
    os.chmod(page.folder, 0o755)
    page.fails_at_once('Permission denied', path=page.folder + '/new')
    page.fails_at_once('Is a directory', path='/tmp')
    page.holds(OLD)
    os.chmod(page.folder, 0o700)
    for path in (page.path, page.folder + '/new', page.folder + '/new/page'):
        page.fails_at_once('Permission denied', path=path)
    os.chmod(page.folder, 0o755)


@test('-o - is the standard output, and makes no file')
def _(world):
    page = Page(world)
    os.chdir(page.folder)
    equal(page.get(OK, path='-'), NEW, 'the standard output')
    equal(os.listdir(page.folder), [], 'the folder')
    page.get(OK, path='./-')
    os.chdir('/')
    page.holds(NEW, '-', path=page.folder + '/-')


enter_namespace()
run(World)
