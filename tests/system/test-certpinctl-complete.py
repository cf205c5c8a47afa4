#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Completion of certpinctl: what may come next, as the program says it, and in each shell."""

import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

from lib import fake_service as fake
from lib.certpinctl import OK, environment, exits
from lib.daemon import program
from lib.fake_service import FakeWorld
from lib.tap import equal, holds, run, test

SCRIPTS = pathlib.Path(__file__).parents[2] / 'data/completions'
FOLDER = pathlib.Path(program('CERTPINCTL')).parent
DEADLINE_S = 60

ODD_HOSTS = ['$(touch${IFS}ran)', '`touch${IFS}ran`', '$HOME', '~', '{a,b}', 'x\x1b[31m', '']
HOSTS = ['*.h.example:8443', '[::1]:443', 'h.example']


def pins(world, *hosts):
    world.answers(lambda method, arguments: fake.several(
        *([] if 'start-after' in arguments[0] else
          [fake.pin(host, scope=scope) for host in sorted(hosts) for scope in ('system', 'user')])))


def offered(world, *words):
    """Returns: the candidates, without what they are"""
    return [line.split('\t')[0] for line in exits(world, OK, 'complete', *words).decode().splitlines()]


def verbs(world):
    text = exits(world, OK, '--help').decode().split('\nVerbs\n')[1].split('\n\n')[0]
    return [name.rstrip(',') for line in text.split('\n') if line[2] != ' '
            for name in re.split(' {2,}', line.strip())[0].split() if name.rstrip(',').islower()]


def options_of(world, *verb):
    """Returns: the long options in the help of the verb, or of the program"""
    text = exits(world, OK, *verb, '--help').decode().split('\nExamples')[0]
    return {re.split(r'[\[=]', word)[0] for line in text.split('\n') if line.startswith('  ')
            for word in line.split()[:2] if word.startswith('--')}


# What the program says

@test('every verb and every option is offered, with what it is')
def _(world):
    equal(offered(world, ''), [*verbs(world), 'help'], 'the verbs')
    equal(offered(world, 'help', ''), verbs(world), 'the verbs of help')
    equal(offered(world, 'help', 'pin', ''), [], 'what follows a verb behind help')
    holds(b'pin\tPin a host' in exits(world, OK, 'complete', 'p'), 'no word says what it is')
    of_all = options_of(world)
    equal({word for word in offered(world, '--')}, of_all, 'the options before a verb')
    for verb in verbs(world):
        words = offered(world, verb, '--')
        equal({word.rstrip('=') for word in words}, options_of(world, verb) | of_all, f'the options of {verb}')


@test('the values of an option, wherever they are written')
def _(world):
    for words in (('verify', '--match=l'), ('verify', '--json', '--match=l')):
        equal(offered(world, *words), ['--match=leaf'], f'behind {words}')
    equal(offered(world, 'pin', '--match', ''), ['leaf', 'path'], 'in a word of their own')
    equal(offered(world, 'export', '-o', ''), [':folders'], 'of a letter')
    equal(offered(world, 'connect', '--starttls=i'), ['--starttls=imap'], 'a protocol')
    equal(offered(world, 'pause', '--reason', ''), [], 'of free text')
    equal(offered(world, 'list', '--json=x'), [], 'of an option that takes none')


@test('arguments by their places, and none too many')
def _(world):
    pins(world, 'h.example')
    for words, expected in ((('pin', ''), ['h.example']), (('pin', 'x', ''), [':files']),
                            (('pin', '--match', 'leaf', ''), ['h.example']), (('pin', '-v', '--match=leaf', ''), ['h.example']),
                            (('pin', 'x', 'y', ''), []), (('unpin', 'x', ''), ['h.example']), (('status', ''), []),
                            (('import', 'a', 'b', ''), [':files']), (('export', 'a', 'b', ''), ['h.example']),
                            (('request', 'DE'), ['DELETE']), (('request', 'GET', ''), ['https://h.example/']),
                            (('request', '-X', 'GET', ''), ['https://h.example/']), (('request', '-X', 'DE'), ['DELETE']),
                            (('request', '--request=GET', ''), ['https://h.example/']),
                            (('get', '-fsSLo', ''), [':files']), (('get', '-oof', ''), ['https://h.example/']),
                            (('get', '-C', ''), ['-']), (('put', '-T', ''), [':files']),
                            (('head', ''), ['https://h.example/']), (('get', 'x', ''), ['https://h.example/']),
                            (('key', ''), [':files', 'h.example']), (('pin', '--', '--'), []),
                            (('rotate', 'h.example', ''), [':files']),
                            (('compare', 'x', ''), [':files', 'h.example']), (('connect', ''), ['h.example:']),
                            (('connect', 'h.example:'), []), (('-v', 'unpin', ''), ['h.example']), (('nonsense', ''), []), (('nonsense', '-'), [])):
        equal(offered(world, *words), expected, f'behind {words}')


@test('hosts are those that are pinned, each once, and no text that a shell could run')
def _(world):
    pins(world, *HOSTS, *ODD_HOSTS)
    for verb in ('pin', 'unpin', 'block', 'pause', 'resume', 'show', 'explain'):
        equal(offered(world, verb, ''), HOSTS, f'the hosts of {verb}')
    equal(offered(world, 'connect', ''), ['[::1]:443', 'h.example:'], 'the hosts that have a port, or get one')
    equal(offered(world, 'unpin', '*.'), ['*.h.example:8443'], 'those that begin so')
    equal(offered(world, 'get', ''), ['https://[::1]:443/', 'https://h.example/'], 'URLs')


@test('without a service, nothing fails and nothing is said')
def _(world):
    world.answers(lambda method, arguments: None)
    equal(exits(world, OK, 'complete', 'unpin', '', more_environment={
        'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent'}), b'', 'the output')


# In each shell

def shell_environment(world):
    return environment(world, PATH=f'{FOLDER}:/usr/bin:/bin', HOME=world.folder, TERM='vt100', ZDOTDIR=world.folder,
                       XDG_CONFIG_HOME=world.folder, XDG_DATA_HOME=world.folder)


def in_bash(world, line, breaks=' :='):
    script = ('source "$0"; COMP_LINE=$1 COMP_POINT=${#1} COMP_WORDBREAKS=$2; _certpinctl;'
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(['bash', '-c', script, SCRIPTS / 'certpinctl.bash', line, breaks], check=True,
                          timeout=DEADLINE_S, env=shell_environment(world), cwd=world.folder, stdout=subprocess.PIPE)
    return sorted(done.stdout.decode().split())


def in_fish(world, line):
    script = 'source $argv[1]; complete --do-complete $argv[2]'
    done = subprocess.run(['fish', '--no-config', '-c', script, SCRIPTS / 'certpinctl.fish', line], check=True,
                          timeout=DEADLINE_S, env=shell_environment(world), cwd=world.folder, stdout=subprocess.PIPE)
    return sorted(row.split('\t')[0] for row in done.stdout.decode().splitlines())


class Shell:
    """It runs on a terminal, as its users have it. Each answer is the line after a TAB, and what was shown."""

    def __init__(self, world, words, file, settings):
        """`file`: what the shell reads then, with these settings; {answer} in them is where ^X^X writes the line"""
        self.answer = pathlib.Path(world.folder, 'answer')
        pathlib.Path(world.folder, file).write_text(settings.replace('{answer}', str(self.answer)), encoding='utf-8')
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(world.folder)
            os.execvpe(words[0], words, shell_environment(world))
        self.wait_for(b'ready> ')

    def wait_for(self, text):
        shown, end = b'', time.monotonic() + DEADLINE_S
        while text not in shown:
            holds(select.select([self.terminal], [], [], end - time.monotonic())[0], f'only {shown} was shown')
            shown += os.read(self.terminal, 65536)
        return shown

    def complete(self, line):
        """Returns: the line then, and what was shown"""
        os.write(self.terminal, line.encode() + b'\t\x18\x18')
        shown = self.wait_for(b'told')
        return self.answer.read_text(encoding='utf-8').rstrip('|'), shown.decode(errors='replace')

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.terminal)


def new_zsh(world):
    return Shell(world, ['zsh', '-i'], '.zshrc',
                 f'fpath=({SCRIPTS} $fpath)\nautoload -Uz compinit\ncompinit -u -D\nunset zle_bracketed_paste\n'
                 'tell () { print -rn -- "$BUFFER|" > {answer}; zle kill-buffer; zle -M told }\n'
                 'zle -N tell\nbindkey "^X^X" tell\nsetopt no_beep no_list_beep\nLISTMAX=10000\nPROMPT="ready> "\n')


def new_bash(world):
    return Shell(world, ['bash', '--noprofile', '--rcfile', '.bashrc', '-i'], '.bashrc',
                 f'source {SCRIPTS}/certpinctl.bash\n'
                 'tell () { printf "%s|" "$READLINE_LINE" > {answer}; READLINE_LINE=; printf told; }\n'
                 """bind -x '"\\C-x\\C-x": tell'\nbind "set bell-style none"\nPS1="ready> "\n""")


@test('bash')
def _(world):
    pins(world, *HOSTS, *ODD_HOSTS)
    equal(in_bash(world, 'certpinctl '), sorted([*verbs(world), 'help']), 'the verbs')
    equal(in_bash(world, 'certpinctl unpin '), HOSTS, 'the hosts')
    equal(in_bash(world, 'certpinctl verify --match='), ['leaf', 'path'], 'the values')
    equal(in_bash(world, 'certpinctl unpin *.h.example:8'), ['8443'], 'what follows the colon')
    equal(in_bash(world, 'certpinctl unpin *.h.example:8', breaks=' '), ['*.h.example:8443'], 'without colons')
    equal(in_bash(world, 'certpinctl get https://h'), ['//h.example/'], 'a URL')
    equal(in_bash(world, 'certpinctl connect h'), ['h.example:'], 'a host that gets a port')
    pathlib.Path(world.folder, 'server.pem').touch()
    equal(in_bash(world, 'certpinctl pin h.example ser'), ['server.pem'], 'a file')
    equal(in_bash(world, 'certpinctl pin h.example --backup=ser'), ['server.pem'], 'a file of an option')
    holds(not pathlib.Path(world.folder, 'ran').exists(), 'a host was run')


@test('bash, also in quotes')
def _(world):
    pins(world, *HOSTS, *ODD_HOSTS)
    for name in ('server.pem', 'my key.pem'):
        pathlib.Path(world.folder, name).touch()
    bash = new_bash(world)
    try:
        for line, expected in (('unp', 'unpin '), ('unpin h', 'unpin h.example '), ('unpin \\*.', 'unpin *.h.example:8443 '),
                               ('unpin "h', 'unpin "h.example" '), ("unpin 'h", "unpin 'h.example' "),
                               ('unpin "*.h.example:8', 'unpin "*.h.example:8443" '),
                               ('verify --match=l', 'verify --match=leaf '), ('verify "--match=l', 'verify "--match=leaf" '),
                               ('verify --match="l', 'verify --match="leaf" '),
                               ('get https://h', 'get https://h.example/'), ('get "https://h', 'get "https://h.example/"'),
                               ("get 'https://h", "get 'https://h.example/'"), ('get "https:"//h', 'get https://h.example/'),
                               ('get "https://h"', 'get https://h.example/'),
                               ('pin h.example ser', 'pin h.example server.pem '),
                               ('pin h.example "ser', 'pin h.example "server.pem" '),
                               ('pin h.example my', 'pin h.example my\\ key.pem '),
                               ('pin h.example "my k', 'pin h.example "my key.pem" '),
                               ('pin h.example --backup="my', 'pin h.example --backup="my key.pem" '),
                               ('pin h.example --note "two words" ser', 'pin h.example --note "two words" server.pem '),
                               ('pin h.example --note it\\\'s\\ mine ser', 'pin h.example --note it\\\'s\\ mine server.pem ')):
            equal(bash.complete(f'certpinctl {line}')[0], f'certpinctl {expected}', f'behind “{line}”')
    finally:
        bash.close()
    holds(not pathlib.Path(world.folder, 'ran').exists(), 'a host was run')


@test('fish')
def _(world):
    pins(world, *HOSTS, *ODD_HOSTS)
    equal(in_fish(world, 'certpinctl '), sorted([*verbs(world), 'help']), 'the verbs')
    equal(in_fish(world, 'certpinctl unpin '), HOSTS, 'the hosts')
    equal(in_fish(world, 'certpinctl verify --match='), ['--match=leaf', '--match=path'], 'the values')
    equal(in_fish(world, 'certpinctl get https://h'), ['https://h.example/'], 'a URL')
    equal(in_fish(world, 'certpinctl connect h'), ['h.example:'], 'a host that gets a port')
    pathlib.Path(world.folder, 'server.pem').touch()
    equal(in_fish(world, 'certpinctl pin h.example ser'), ['server.pem'], 'a file')
    equal(in_fish(world, 'certpinctl pin h.example --backup=ser'), ['--backup=server.pem'], 'a file of an option')
    for quote in ('"', "'"):
        equal(in_fish(world, f'certpinctl get {quote}https://h'), ['https://h.example/'], f'a URL behind {quote}')
        equal(in_fish(world, f'certpinctl verify --match={quote}l'), ['--match=leaf'], f'a value behind {quote}')
        equal(in_fish(world, f'certpinctl pin h.example {quote}ser'), ['server.pem'], f'a file behind {quote}')
        equal(in_fish(world, f'certpinctl pin h.example --note {quote}two words{quote} ser'), ['server.pem'],
              f'a file behind words in {quote}')
    holds(not pathlib.Path(world.folder, 'ran').exists(), 'a host was run')


@test('zsh')
def _(world):
    pins(world, *HOSTS, *ODD_HOSTS)
    pathlib.Path(world.folder, 'server.pem').touch()
    zsh = new_zsh(world)
    try:
        for line, expected in (('unp', 'unpin '), ('unpin h', 'unpin h.example '),
                               ("unpin \\*.", "unpin \\*.h.example:8443 "), ('verify --match=l', 'verify --match=leaf '),
                               ('verify --hos', 'verify --host='), ('get https://h', 'get https://h.example/'),
                               ('connect h', 'connect h.example:'),
                               ('get "https://h', 'get "https://h.example/'), ("unpin 'h", "unpin 'h.example' "),
                               ('pin h.example ser', 'pin h.example server.pem '),
                               ('pin h.example "ser', 'pin h.example "server.pem" '),
                               ('pin h.example --note "two words" ser', 'pin h.example --note "two words" server.pem '),
                               ('pin h.example --backup=ser', 'pin h.example --backup=server.pem ')):
            equal(zsh.complete(f'certpinctl {line}')[0], f'certpinctl {expected}', f'behind “{line}”')
        shown = zsh.complete('certpinctl ')[1]
        for verb in verbs(world):
            holds(verb in shown, f'{verb} is not shown: {shown}')
        holds('-- Pin a host' in shown, f'no verb says what it is: {shown}')
    finally:
        zsh.close()
    holds(not pathlib.Path(world.folder, 'ran').exists(), 'a host was run')


run(FakeWorld)
