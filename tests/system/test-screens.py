#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-screens.py [--write]: what certpinctl and busctl show on a terminal, with a real service and real servers, is what
docs/SCREENS.md shows: at 80 columns, and some of it in German, in colours and at 120. Hosts, keys and the clock are always
the same. --write writes the page anew."""

import dataclasses
import datetime
import difflib
import os
import pathlib
import re
import subprocess
import sys

from cryptography.hazmat.primitives.asymmetric import ec

from lib import language, pki
from lib.certpinctl import FAILED, OK, REFUSED, environment, exits, put
from lib.network import enter_namespace
from lib.own_clock import going_by
from lib.server import Server
from lib.tap import DEADLINE_S, equal, holds, run, test
from lib.terminal import dialog
from lib.world import ALICE, World

PAGE = pathlib.Path(__file__).parents[2] / 'docs/SCREENS.md'
STATE = '/var/lib/certpin'
TRUST = '/etc/ssl/certs/ca-certificates.crt'
COLUMNS, WIDE = 80, 120
# After the release of any version that this test is for; it stands still.
NOW = datetime.datetime(2030, 3, 1, 10, 0, 0)
CLOCK = going_by(FAKETIME=f'{NOW:%Y-%m-%d %H:%M:%S}', TZ='UTC')
ADDRESSES = {'shop.example': '127.0.0.2', 'mail.example': '127.0.0.3', 'corp.example': '127.0.0.4'}
HEAD = '''# Screens

What `certpinctl` and `busctl` show on a terminal of 80 columns; [at the end](#other-terminals), some of it in German, in
colours and at 120 columns. Some say more on a terminal than in a pipe, where `certpinctl` uses no symbols and breaks no
lines. This page is written by `tests/system/test-screens.py --write`, with a real service and real servers, and the same
test fails if it is out of date.
'''
OTHERS = '''
# Other terminals

Some of the screens above, as other people see them at the same moment. ⟨red⟩ stands for the escape sequence of a colour, and ⟨/⟩
for its end. What the service says, such as why a request is refused, is English in every language, behind the kind
of failure in that of the user.
Red and green are those of the terminal's own palette, and the background is never set: on a light and on a dark one, the
same bytes are seen in the shades that its theme has for them. There is no yellow, which cannot be read on a light one.
'''
# By the parameter of their escape sequence.
COLOURS = {'0': '/', '1': 'bold', '31': 'red', '1;31': 'bold red', '32': 'green'}


def key(number):
    """Always the same one."""
    return ec.derive_private_key(number, ec.SECP256R1())


class Story(World):
    """A service whose clock stands still, and the servers of some hosts."""

    def __init__(self):
        super().__init__()
        years = {'start': NOW - 1000 * pki.DAY, 'end': NOW + 3000 * pki.DAY}
        self.root_authority = pki.Authority('Example Root', key=key(1), **years)
        self.issuer = pki.Authority('Example Issuing Authority', parent=self.root_authority, key=key(2), **years)
        self.next_issuer = pki.Authority('Another Authority', parent=self.root_authority, key=key(3), **years)
        self.daemon.trust_file = TRUST
        pathlib.Path(self.daemon.trust_file).write_bytes(self.root_authority.pem)
        self.daemon.state_dir = STATE
        self.daemon.more_environment.update(CLOCK)
        self.daemon.restart()
        self.servers = {}
        for number, (host, port) in enumerate((('shop.example', 443), ('mail.example', 993), ('corp.example', 443)), 10):
            identity = self.identity(host, number)
            self.servers[host] = self.track(Server(self.folder, identity, ADDRESSES[host], port=port))

    def identity(self, host, number, issuer=None):
        return (issuer or self.issuer).issue(host, key=key(number), start=NOW - 30 * pki.DAY, end=NOW + 60 * pki.DAY)

    def certpinctl(self, *words, uid=ALICE, code=OK):
        return exits(self, code, *words, uid=uid, more_environment=CLOCK)

    def show(self, screen, way=None):
        """Runs its command. `way`: on which terminal, if not on the usual one. Returns: what the terminal shows"""
        if screen.words[0] == 'busctl':
            done = subprocess.run(screen.words, check=True, stdout=subprocess.PIPE, timeout=DEADLINE_S,
                                  user=ALICE, group=ALICE, extra_groups=[],
                                  env=environment(self, COLUMNS=str(COLUMNS), SYSTEMD_COLORS='0'))
            return done.stdout.decode().replace('─ /', '─/')  # as later versions draw it
        code, shown = dialog(self, *screen.words[1:], answers=screen.answers,
                             environment={**CLOCK, **(way.environment() if way else {})},
                             columns=way.columns if way else COLUMNS)
        equal(code, screen.code, f'the exit status of {screen.words}, which shows {shown},')
        return shown


# What happens before a screen

def pin_others(world):
    mail, corp = world.servers['mail.example'].presented, world.servers['corp.example'].presented
    world.certpinctl('pin', 'mail.example:993', f'--key={mail.pin}', f'--key={pki.key_text(key(20).public_key())}',
                     '--note=the next key is ready')
    world.certpinctl('pin', '--system', '--match=path', '--expires=2031-01-01', '**.corp.example',
                     f'--key={corp.issuers[0].pin}', uid=0)
    world.certpinctl('block', 'old.example', 'replaced by shop.example')


def unblock(world):
    world.certpinctl('unpin', 'old.example')


def change_key(world):
    world.servers['shop.example'].present(world.identity('shop.example', 21))


def change_authority(world):
    world.servers['corp.example'].present(world.identity('corp.example', 12, world.next_issuer))


def put_pin_file(world):
    os.chdir(os.path.dirname(put(world, 'mine.pin', f'''[Pin File]
Version=1

[new]
Host=new.example
Keys={pki.key_text(key(30).public_key())}

[mail]
Host=mail.example:993
Keys={pki.key_text(key(20).public_key())}
'''.encode())))


@dataclasses.dataclass(frozen=True)
class Way:
    """A terminal, and who sits before it."""

    title: str
    columns: int = COLUMNS
    german: bool = False
    colours: bool = False

    def environment(self):
        return {**(GERMAN if self.german else {}), **({'TERM': 'xterm', 'PAGER': ''} if self.colours else {})}


IN_GERMAN, IN_COLOURS = Way('in German', german=True), Way('in colours', colours=True)
AT_120 = Way('at 120 columns', columns=WIDE)
IN_GERMAN_COLOURS_AT_120 = Way('in German, in colours, at 120 columns', columns=WIDE, german=True, colours=True)


@dataclasses.dataclass
class Screen:
    title: str
    text: str
    words: tuple
    answers: tuple = ()
    code: int = OK
    before: object = lambda world: None
    ways: tuple = ()


# In the order of the story, of which each is a step.
SCREENS = (
    Screen('The verbs', 'Each has a screen of its own, with `certpinctl VERB --help`.', ('certpinctl', '--help'),
           ways=(IN_GERMAN,)),
    Screen('Pin a host', 'No file is needed: `pin --fetch` looks at the server, asks, and tries the pin.',
           ('certpinctl', 'pin', '--fetch', 'shop.example'), answers=('y',)),
    Screen('List the pins', 'The keys of a pin, or the reason of a block, stand below it.',
           ('certpinctl', 'list'), before=pin_others, ways=(IN_GERMAN, IN_COLOURS, AT_120, IN_GERMAN_COLOURS_AT_120)),
    Screen('Show a pin', 'All that is known of it.', ('certpinctl', 'show', 'mail.example:993'), ways=(IN_GERMAN,)),
    Screen('Which pins apply', 'The most specific one of each scope, and why.',
           ('certpinctl', 'explain', 'www.corp.example')),
    Screen('Is all well?', 'Each pinned host gets a handshake, and nothing else.', ('certpinctl', 'doctor'),
           before=unblock),
    Screen('The service as a whole', 'The exit status is 0 only if all is well.', ('certpinctl', 'status'),
           ways=(IN_GERMAN,)),
    Screen('A mismatch', 'The server has another key, so nothing is sent.',
           ('certpinctl', 'get', 'https://shop.example/'), code=REFUSED, before=change_key,
           ways=(IN_GERMAN, IN_COLOURS, AT_120)),
    Screen('Why it was refused', 'The same, later.', ('certpinctl', 'show', 'shop.example'), ),
    Screen('Pause a pin', 'While nobody can say which key is right, and it cannot wait.',
           ('certpinctl', 'pause', '--for=1h', "--reason='asked the operator'", 'shop.example')),
    Screen('A pause is a warning', 'Each reply has it as well.', ('certpinctl', 'status'), code=REFUSED),
    Screen('End the pause', 'It would also end by itself.', ('certpinctl', 'resume', 'shop.example')),
    Screen('What does not work, and what helps',
           'One server has another key, and that of another host is from another authority.',
           ('certpinctl', 'doctor'), code=FAILED, before=change_authority),
    Screen('Accept the new key', 'The operator has said that it is right. The old one stays until it is removed.',
           ('certpinctl', 'pin', '--add', 'shop.example', pki.key_text(key(21).public_key()))),
    Screen('Announce the next key', 'It is accepted as well, and waits.',
           ('certpinctl', 'rotate', 'shop.example', pki.key_text(key(22).public_key()))),
    Screen('Take the pins along', 'As a pin file, which another machine imports.', ('certpinctl', 'export', '--scope=system')),
    Screen('See what an import would change', 'Nothing is changed.', ('certpinctl', 'import', '--dry-run', 'mine.pin'),
           before=put_pin_file),
    Screen('The objects on the bus', 'What `busctl` finds.', ('busctl', 'tree', 'org.certpin.Certpin1')),
    Screen('The methods', 'What a program can call.',
           ('busctl', 'introspect', 'org.certpin.Certpin1', '/org/certpin/Certpin1')),
)


def command_of(screen):
    """The command as it is typed, on two lines if one is too short."""
    command = '$ ' + ' '.join(screen.words)
    return command if len(command) <= COLUMNS else '$ ' + ' '.join(screen.words[:-1]) + ' \\\n      ' + screen.words[-1]


def spell(shown):
    """Returns: it, with names for its escape sequences; each word has its own, of which one is enough in a row"""
    named = re.sub('\x1b' r'\[([\d;]*)m', lambda match: f'⟨{COLOURS[match[1]]}⟩', shown)
    return re.sub(r'⟨/⟩(\s+)(⟨([a-z ]+)⟩)', lambda match: match[1] if _is_open(named, match) else match[0], named)


def _is_open(named, match):
    """Whether what ends there has the colour of what begins"""
    return re.findall(r'⟨([a-z ]+)⟩', named[:match.start()])[-1] == match[3]


def code_of(screen, shown, columns):
    lines = (command_of(screen) + '\n' + shown).rstrip().split('\n')
    for line in lines:
        width = len(re.sub('\x1b' r'\[[\d;]*m', '', line))
        holds(width <= columns, f'‘{screen.title}’ has a line of {width} columns: {line}')
    return '\n'.join(f'    {line}'.rstrip() for line in spell('\n'.join(lines)).split('\n'))


def block_of(screen, shown):
    return f'\n## {screen.title}\n\n{screen.text}\n\n{code_of(screen, shown, COLUMNS)}\n'


def blocks_of(screen, world):
    """Returns: what the others see"""
    return ''.join(f'\n## {screen.title}, {way.title}\n\n{code_of(screen, world.show(screen, way), way.columns)}\n'
                   for way in screen.ways)


@test('docs/SCREENS.md shows what is shown, and no line is wider than a terminal')
def _(world):
    page, others = HEAD, OTHERS
    for screen in SCREENS:
        screen.before(world)
        page += block_of(screen, world.show(screen))
        others += blocks_of(screen, world)
    page += others
    equal([server.bytes for server in world.servers.values()], [0, 0, 0], 'the bytes that the servers got')
    if WRITES:
        PAGE.write_text(page, encoding='utf-8')
    changes = '\n'.join(difflib.unified_diff(PAGE.read_text(encoding='utf-8').split('\n'), page.split('\n'),
                                             'docs/SCREENS.md', 'what is shown', lineterm=''))
    holds(not changes, f'if this is meant, write it with {sys.argv[0]} --write:\n{changes}')


WRITES = '--write' in sys.argv
if __name__ == '__main__':
    enter_namespace({'hosts': '127.0.0.1 localhost\n' + ''.join(f'{address} {host}\n'
                                                                for host, address in ADDRESSES.items())})
    # In here nobody else sees that.
    for path in (STATE, TRUST):
        subprocess.run(['mount', '-t', 'tmpfs', 'tmpfs', os.path.dirname(path)], check=True)
    os.mkdir(STATE, 0o700)
    GERMAN = language.install()
    if WRITES:
        sys.argv.remove('--write')
    run(Story)
