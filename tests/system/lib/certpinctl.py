# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl as a program of somebody's on a private bus."""

import os
import signal
import subprocess

from .public import certpinctl, copy_of
from .tap import equal
from .world import ALICE

OK, FAILED, USAGE, REFUSED, BAD_INPUT, UNREACHABLE, NOT_AUTHORIZED, NO_SERVICE, OFFLINE, NO_NAME = range(10)
NOT_PINNED, BLOCKED, PIN_EXPIRED, PIN_CHANGED, ADDRESS_DENIED, NOT_SECURE, PROXY_FAILED, PROXY_AUTH = range(10, 18)
TRUNCATED, PROTOCOL, LIMIT, STORE, HTTP_STATUS = range(18, 23)
TIMED_OUT, TLS_FAILED, REDIRECTS, UNTRUSTED, TOO_LARGE = 28, 35, 47, 60, 63
INTERRUPTED = -signal.SIGINT  # which is 130 to a shell

# A shell has what it starts in the background ignore two of these, nohup one, and whatever that starts as well.
for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(ignored) == signal.SIG_IGN:
        signal.signal(ignored, signal.SIG_DFL)


def environment(world, **more):
    return {**os.environ, 'DBUS_SYSTEM_BUS_ADDRESS': world.shared.bus.address, 'LC_ALL': 'C.UTF-8',
            'G_DEBUG': 'fatal-criticals', 'COLUMNS': '', **more}


def start(world, *arguments, uid=ALICE, more_environment=None, **keywords):
    return subprocess.Popen([certpinctl(), *arguments],
                            env=environment(world, **(more_environment or {})),
                            user=uid, group=uid, extra_groups=[], **keywords)


def run_raw(world, *arguments, stdin=b'', **keywords):
    """Returns: exit code, negative for a signal, and the bytes that were printed"""
    process = start(world, *arguments, stdin=subprocess.PIPE,
                    **{'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **keywords})
    try:
        output, errors = process.communicate(stdin, timeout=30)
    finally:
        process.kill()
        process.wait()
    return process.returncode, output, errors


def ctl(world, *arguments, **keywords):
    """Returns: exit code and what was printed"""
    code, output, errors = run_raw(world, *arguments, **keywords)
    return code, output, (errors or b'').decode()


def exits(world, code, *arguments, **keywords):
    actual, output, errors = ctl(world, *arguments, **keywords)
    equal(actual, code, f'the exit code of {arguments}, which said “{errors}”,')
    return output


def put(world, name, content):
    path = os.path.join(world.folder, name)
    os.chmod(world.folder, 0o755)
    with open(path, 'wb') as file:
        file.write(content)
    return path


def interposed(call, **happens):
    """The environment in which something happens to certpinctl at that call."""
    # A sanitizer would insist on being the first that is preloaded.
    options = ':'.join(filter(None, (os.environ.get('ASAN_OPTIONS'), 'verify_asan_link_order=0')))
    return {'LD_PRELOAD': copy_of(os.environ['CERTPIN_INTERPOSE']), 'CERTPIN_TEST_AT': call,
            'ASAN_OPTIONS': options,
            **{f'CERTPIN_TEST_{name.upper()}': str(int(value)) for name, value in happens.items()}}
