# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx and Apache, each with a configuration and a folder of the test's own, which end with the test."""

import os
import socket
import subprocess
import threading

from .public import new_folder
from .tap import DEADLINE_S

APACHE_MODULES = '/usr/lib/apache2/modules'
NGINX = '''
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr notice;
events {{ worker_connections 256; }}
http {{
  access_log off;
  server_tokens off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/chain.pem;
    ssl_certificate_key {folder}/key.pem;
    location / {{ return 200 "hello"; }}
{more}
  }}
}}
'''
APACHE = '''
ServerRoot {folder}
ServerName localhost
DefaultRuntimeDir {folder}
PidFile {folder}/pid
ErrorLog /dev/stderr
User nobody
Group nogroup
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule ssl_module {modules}/mod_ssl.so
StartServers 1
Listen 127.0.0.1:{port}
DocumentRoot {folder}/files
SSLEngine on
SSLCertificateFile {folder}/chain.pem
SSLCertificateKeyFile {folder}/key.pem
{more}
'''


def free_port():
    """One that nobody has, in this network of the test's own."""
    with socket.create_server(('127.0.0.1', 0)) as probe:
        return probe.getsockname()[1]


class RealServer:
    """`template` and `more`: its configuration; `command`: how it is started with that; `ready`: what
    it prints to stderr when it listens."""

    def __init__(self, identity, template, more, command, ready):
        self.folder = new_folder('certpin-server-')
        self.port = free_port()
        self._output, self._changed = '', threading.Condition()
        self.put('chain.pem', identity.chain_pem())
        self.put('key.pem', identity.key_pem)
        os.mkdir(os.path.join(self.folder, 'files'))
        self.put('files/hello', b'hello')
        config = template.format(folder=self.folder, port=self.port, modules=APACHE_MODULES, more=more)
        self._process = subprocess.Popen(command + [self.put('conf', config.encode())], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        threading.Thread(target=self._listen, daemon=True).start()
        with self._changed:
            if not self._changed.wait_for(lambda: ready in self._output, DEADLINE_S):
                raise AssertionError(f'{command[0]} never said {ready}, but {self._output}')

    def put(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        return path

    def _listen(self):
        for line in self._process.stderr:
            with self._changed:
                self._output += line.decode(errors='replace')
                self._changed.notify_all()

    def url(self, host, path='/hello'):
        return f'https://{host}:{self.port}{path}'

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        subprocess.run(['rm', '-r', self.folder], check=True)


def nginx(identity, more=''):
    return RealServer(identity, NGINX, more, ['nginx', '-c'], 'using the "epoll" event method')


def apache(identity, more=''):
    return RealServer(identity, APACHE, more, ['apache2', '-DFOREGROUND', '-f'], 'resuming normal operations')


class Backend:
    """A server behind another one, which sends the same bytes for every connection, and then ends that."""

    def __init__(self, answer):
        self._answer = answer
        self._listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                while b'\r\n\r\n' not in connection.recv(65536):
                    pass
                connection.sendall(self._answer)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
