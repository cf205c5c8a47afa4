#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-waits.py SOURCE: fails where a test sleeps and is not listed here. A test waits for an event, with a deadline:
one that sleeps for a while and hopes is slow where the machine is fast, and fails where it is slow."""

import pathlib
import re
import sys

SLEEP = re.compile(r'\b(?:g_usleep|usleep|nanosleep|time\.sleep|test_loop_run_for) ?\(|\bsleep [\d.]'
                   r'|\bEvent\(\)\.wait\(|\btick\.wait\(')
# What no event announces is looked for again and again, until a deadline.
POLLS = ('scripts/private-bus.sh', 'tests/bench/bench-change.c', 'tests/bench/bench-floods/world.py',
         'tests/bench/bench-world.c', 'tests/boot/operation', 'tests/boot/who-may', 'tests/bus/test-link.c',
         'tests/bus/test-outlet.c', 'tests/core/verdict/test-upload.c', 'tests/lib/test-loop.c', 'tests/polkit/machine.py', 'tests/soak/figures.py',
         'tests/package/tutorial', 'tests/system/held-reads.c', 'tests/system/lib/real_proxies.py', 'tests/system/lib/server.py', 'tests/system/lib/tunnel_servers.py',
         'tests/system/lib/window_reader.py')
# The passing of time is the event: the end of a certificate or a pin, a connection that has idled or
# been silent long enough, a server that had a second to say something.
CLOCKS = ('tests/system/lib/world.py', 'tests/system/test-network.py', 'tests/transport/test-channel-changes.c',
          'tests/transport/test-channels.c', 'tests/transport/test-http-exchange.c')
# Something must not happen: a request that may not be sent, a name that may not be looked up, a body whose turn it is
# not to be read, an answer that nobody may see yet, a folder that may not be read twice, a loop that may not turn.
NOTHING = ('tests/bus/test-inbox.c', 'tests/core/pins/test-drop-ins.c', 'tests/transport/test-channel-changes.c',
           'tests/transport/test-channel.c', 'tests/transport/test-channel-validation.c', 'tests/transport/test-attempt.c',
           'tests/transport/test-lent-socket.c', 'tests/transport/test-stream.c')
# The pace is what the test is about: a server that drips, a file that is touched again and again, a
# caller that tries again later, a server that is far away, a service that is killed at any moment.
PACES = ('tests/bench/bench-floods/probe.c', 'tests/bench/bench-relay.c', 'tests/lib/late.c', 'tests/system/attacks/manners.py',
         'tests/system/test-abuse.py', 'tests/system/test-answers.py', 'tests/system/test-certpinctl-streams.py',
         'tests/system/test-kill.py', 'tests/system/test-proxy.py', 'tests/system/test-reload.py', 'tests/system/test-stream-uploads.py',
         'tests/system/test-streams.py', 'tests/system/test-denied.py')
MAY_SLEEP = {*POLLS, *CLOCKS, *NOTHING, *PACES}


def sources(root):
    for folder in ('tests', 'scripts'):
        for path in sorted((root / folder).rglob('*')):
            name = str(path.relative_to(root))
            if path.is_file() and not name.startswith('tests/vectors/') and '__pycache__' not in name:
                yield name, path


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    found = dict(sources(root))
    sleeping = {}
    for name, path in found.items():
        for number, line in enumerate(path.read_text(encoding='utf-8', errors='replace').splitlines(), 1):
            if SLEEP.search(line) and name not in ('tests/check-waits.py', 'tests/lib/test-loop.h'):
                sleeping.setdefault(name, f'{name}:{number}')
    wrong = [f'{where}: sleeps; wait for an event, or say in tests/check-waits.py why there is none'
             for name, where in sleeping.items() if name not in MAY_SLEEP]
    wrong += [f'{name} does not sleep: take it out of tests/check-waits.py'
              for name in sorted(MAY_SLEEP & found.keys() - sleeping.keys())]
    print('\n'.join(wrong))
    if len(found) < 100:
        sys.exit(f'only {len(found)} files were found: the check looks in the wrong place')
    sys.exit(1 if wrong else 0)


main()
