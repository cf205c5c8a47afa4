# SPDX-License-Identifier: LGPL-2.1-or-later
"""tinyproxy and squid, each with a configuration and a folder of the test's own, which end with the test."""

import os
import pwd
import shutil
import socket
import subprocess
import threading
import time

from .public import new_folder
from .real_servers import free_port
from .tap import DEADLINE_S

USER, PASSWORD = 'certpin', 'hush'
NOBODY = pwd.getpwnam('nobody')
TINYPROXY = '''
User nobody
Group nogroup
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 100
{more}
'''
SQUID = '''
{listen} 127.0.0.1:{port} {tls}
cache_effective_user nobody
cache_effective_group nogroup
pid_filename none
visible_hostname localhost
cache deny all
cache_mem 8 MB
access_log none
cache_log {folder}/log
coredump_dir {folder}
pinger_enable off
{more}
http_access deny all
'''
SQUID_AUTHENTICATION = '''
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/users
auth_param basic children 1
acl known proxy_auth REQUIRED
http_access allow known
'''


class RealProxy:
    scheme = 'http'

    def __init__(self):
        self.folder = new_folder('certpin-proxy-')
        os.chown(self.folder, NOBODY.pw_uid, NOBODY.pw_gid)
        self.port = free_port()
        self._process = None

    def put(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        return path

    def start(self, command, config, **values):
        """Neither of them says when it listens: it is asked until it does."""
        config = config.format(folder=self.folder, port=self.port, **values)
        with open(os.path.join(self.folder, 'output'), 'wb') as output:
            self._process = subprocess.Popen(command + [self.put('conf', config.encode())],
                                             stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        deadline, tick = time.monotonic() + DEADLINE_S, threading.Event()
        while not self._listens():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError(f'{command[0]} does not listen, and said: {self._output()}')
            tick.wait(0.01)
        return self

    def _listens(self):
        try:
            socket.create_connection(('127.0.0.1', self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def _output(self):
        with open(os.path.join(self.folder, 'output'), encoding='utf-8', errors='replace') as file:
            return file.read()

    def url(self):
        return f'{self.scheme}://127.0.0.1:{self.port}'

    def close(self):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.folder)


def tinyproxy(authenticates=False, more=''):
    if authenticates:
        more += f'\nBasicAuth {USER} {PASSWORD}'
    return RealProxy().start(['tinyproxy', '-d', '-c'], TINYPROXY, more=more)


def squid(authenticates=False, identity=None, more=''):
    """`identity`: of one that is spoken to over TLS."""
    proxy = RealProxy()
    hashed = subprocess.run(['openssl', 'passwd', '-apr1', PASSWORD], check=True, stdout=subprocess.PIPE).stdout
    proxy.put('users', USER.encode() + b':' + hashed)
    more += SQUID_AUTHENTICATION.format(folder=proxy.folder) if authenticates else '\nhttp_access allow all'
    listen, tls = 'http_port', ''
    if identity:
        proxy.scheme, listen = 'https', 'https_port'
        tls = (f'tls-cert={proxy.put("chain.pem", identity.chain_pem())} '
               f'tls-key={proxy.put("key.pem", identity.key_pem)}')
    return proxy.start(['squid', '-N', '-f'], SQUID, listen=listen, tls=tls, more=more)
