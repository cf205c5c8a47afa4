#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""certpinctl doctor where names do not resolve, or a proxy does not do its part: a line tells that apart from hosts
that are down. Runs in a network and a mount namespace of its own."""

import contextlib
import os
import socket

from attacks.resolver import ADDRESS, PORT, Resolver
from lib.certpinctl import FAILED, NO_NAME, OK, UNREACHABLE, ctl, exits
from lib.network import enter_namespace
from lib.proxy import Proxy, saying
from lib.tap import equal, holds, run, test
from lib.uplink import Uplink
from lib.world import World

FILES = {'resolv.conf': f'nameserver {ADDRESS}\noptions timeout:1 attempts:1\n',
         'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n'}
HOST = 'h.test'
USER, PASSWORD = 'certpin', 'hush-hush'


def look(world, code=FAILED):
    """Returns: the lines of doctor, by what they are about, with what is below"""
    actual, output, errors = ctl(world, 'doctor', '--timeout=5')
    equal((actual, errors), (code, ''), f'what came of it, with {output.decode()},')
    found = {}
    for line in output.decode().split('\n\n')[0].split('\n'):
        mark, name, text = line[:8].strip(), line[8:24].strip(), line[26:].strip()
        if mark:
            about = line[8:].split('  ')[0]
            found[about] = f'{mark} {line[8 + len(about):].strip()}'
        else:
            found[about] += f' {name}{text}'
    return found


def says(found, about, mark, *parts):
    holds(found[about].startswith(mark + ' '), f'{about}: {found[about]}')
    for part in parts:
        holds(part in found[about], f'of {about}, it says “{found[about]}”, not “{part}”')


def add_host(world, host=HOST):
    """Returns: what it is pinned as, and its server"""
    identity = world.issue(host)
    server = world.serve(identity)
    exits(world, OK, 'pin', f'{host}:{server.port}', f'--key={identity.pin}')
    return f'{host}:{server.port}', server


# Names

@contextlib.contextmanager
def silent_name_server():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((ADDRESS, PORT))
        yield


@test('a name server that refuses, and one that does not answer')
def _(world):
    host, _ = add_host(world)
    for broken in (contextlib.nullcontext, silent_name_server):
        with broken():
            found = look(world)
        says(found, host, 'FAILED', 'cannot be reached')
        says(found, 'names', 'FAILED', 'no name server says where ‘h.test’ is', 'The network is there',
             '$ cat /etc/resolv.conf')


@test('a name that leads nowhere, and a host that is down: only the first is about names')
def _(world):
    resolver = Resolver()
    host, _ = add_host(world)
    down, server = add_host(world, 'down.test')
    server.close()
    found = look(world)
    says(found, down, 'FAILED', 'cannot be reached')
    says(found, 'names', 'ok', '2 names resolve')
    resolver.lead('h.test', ())
    found = look(world)
    says(found, host, 'FAILED', 'cannot be reached')
    says(found, 'names', 'FAILED', '‘h.test’ has no address', 'do not know the name', '$ getent ahosts h.test')
    for target, code in ((host, NO_NAME), (down, UNREACHABLE)):  # as a request tells them apart
        exits(world, code, 'get', f'https://{target}/')
        exits(world, code, 'get', '-s', '-w', '%{exitcode}', f'https://{target}/')


# Addresses

@test('a host whose addresses are denied: the keys of certpind.conf that say so')
def _(world):
    host, _ = add_host(world, '127.0.0.1')
    for key in ('Deny', 'DenyForUsers'):
        world.daemon.configure(f'[Network]\n{key}=loopback\n')
        world.daemon.restart()
        says(look(world), host, 'FAILED', 'Deny and DenyForUsers in certpind.conf', '$ man certpind.conf')


# The proxy

def configure(world, url, more=''):
    world.daemon.configure(f'[Network]\nProxy={url}\n{more}')
    world.daemon.restart()


@test('a proxy that connects, one that wants a password, and one that is down; no password is shown')
def _(world):
    host, server = add_host(world)
    proxy = world.track(Proxy(world.folder))
    path = os.path.join(world.folder, 'secret')
    with open(path, 'w', encoding='utf-8', opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(f'[Proxy Credentials]\nProxy={proxy.url()}\nUser={USER}\nPassword={PASSWORD}\n')
    configure(world, proxy.url(), f'ProxyCredentials={path}\n')
    found = look(world, OK)
    says(found, 'proxy', 'ok', f'‘{proxy.url()}’ connects to 1 of 1 hosts')
    says(found, 'names', '-', 'no host was tried by its name')
    proxy.answer = saying(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n')
    found = look(world)
    says(found, 'proxy', 'FAILED', f'‘{proxy.url()}’ fails 1 of 1 hosts', 'ProxyCredentials in certpind.conf',
         '$ man certpind.conf')
    holds(PASSWORD not in str(found), f'it shows the password: {found}')
    with socket.create_server(('127.0.0.1', 0)) as gone:
        url = f'http://127.0.0.1:{gone.getsockname()[1]}'
    configure(world, url)
    found = look(world)
    says(found, host, 'FAILED')
    says(found, 'proxy', 'FAILED', f'‘{url}’ fails 1 of 1 hosts', 'cannot be reached', 'Nothing goes around it',
         '$ man certpind.conf')
    server.wait_until_idle()
    equal(server.bytes, 0, 'the number of bytes that the server got')


enter_namespace(FILES)
Uplink()
run(World)
