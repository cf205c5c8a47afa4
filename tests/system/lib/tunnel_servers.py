# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers of other protocols than HTTP, each with a configuration and a folder of the test's own, which end with the
test: Redis, PostgreSQL, Dovecot and OpenLDAP. None of them lets anybody in without TLS."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import time

from .public import new_folder
from .real_servers import free_port
from .tap import DEADLINE_S, Skipped

DOVECOT = '''
base_dir = {folder}/run
log_path = /dev/stderr
protocols = imap pop3
ssl = required
ssl_cert = <{folder}/chain.pem
ssl_key = <{folder}/key.pem
disable_plaintext_auth = yes
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3_port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
'''
SLAPD = '''
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_ldif
pidfile {folder}/pid
TLSCertificateFile {folder}/chain.pem
TLSCertificateKeyFile {folder}/key.pem
security tls=1
database ldif
suffix "dc=example"
rootdn "cn=admin,dc=example"
rootpw secret
directory {folder}/data
'''


def find(program, package):
    """Returns: its path"""
    found = shutil.which(program, path=os.pathsep.join([os.environ['PATH'], '/usr/sbin',
                                                        *glob.glob('/usr/lib/postgresql/*/bin')]))
    if found is None:
        raise Skipped(f'{program} is not installed; install {package}, or run scripts/dependencies servers')
    return found


class Child:
    """A server that is a child of the test, of that user."""

    def __init__(self, identity, user='nobody'):
        self.folder = new_folder('certpin-server-')
        self.user = pwd.getpwnam(user)
        self.port, self.tls_port, self.pop3_port = free_port(), free_port(), free_port()
        self.process = None
        self.log = open(os.path.join(self.folder, 'log'), 'wb')
        os.mkdir(os.path.join(self.folder, 'data'), 0o700)
        self.put('chain.pem', identity.chain_pem())
        self.put('key.pem', identity.key_pem)
        for path in ('data', ''):
            os.chown(os.path.join(self.folder, path), self.user.pw_uid, self.user.pw_gid)

    def put(self, name, content):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as file:
            file.write(content)
        os.chmod(path, 0o600)
        os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def put_config(self, template):
        return self.put('conf', template.format(folder=self.folder, port=self.port, tls_port=self.tls_port,
                                                pop3_port=self.pop3_port).encode())

    def keywords(self, as_root):
        whose = {} if as_root else {'user': self.user.pw_uid, 'group': self.user.pw_gid, 'extra_groups': []}
        return {'cwd': self.folder, 'stdin': subprocess.DEVNULL, 'stdout': self.log, 'stderr': self.log, **whose}

    def start(self, *command, port=None, as_root=False):
        """Starts it, and waits until it listens."""
        self.process = subprocess.Popen(command, **self.keywords(as_root))
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                socket.create_connection(('127.0.0.1', port or self.port)).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f'{command[0]} does not listen: {self.read_log()}') from None
            time.sleep(0.02)

    def read_log(self):
        with open(self.log.name, encoding='utf-8', errors='replace') as file:
            return file.read()[-3000:]

    def close(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder)


def redis(identity):
    program = find('redis-server', 'redis-server')
    server = Child(identity)
    return server.start(program, '--port', '0', '--tls-port', str(server.port), '--bind', '127.0.0.1',
                        '--tls-cert-file', f'{server.folder}/chain.pem', '--tls-key-file', f'{server.folder}/key.pem',
                        '--tls-ca-cert-file', f'{server.folder}/chain.pem', '--tls-auth-clients', 'no',
                        '--dir', server.folder, '--save', '')


def postgres(identity):
    initdb, program = find('initdb', 'postgresql'), find('postgres', 'postgresql')
    server = Child(identity)
    data = f'{server.folder}/data'
    subprocess.run([initdb, '-D', data, '-A', 'trust', '-U', 'shop', '--no-sync'], check=True,
                   **server.keywords(as_root=False))
    with open(f'{data}/pg_hba.conf', 'w', encoding='utf-8') as file:
        file.write('hostssl all all 127.0.0.1/32 trust\n')
    return server.start(program, '-D', data, '-p', str(server.port), '-c', 'listen_addresses=127.0.0.1',
                        '-c', 'unix_socket_directories=', '-c', 'ssl=on', '-c', 'fsync=off',
                        '-c', f'ssl_cert_file={server.folder}/chain.pem',
                        '-c', f'ssl_key_file={server.folder}/key.pem')


def dovecot(identity):
    program = find('dovecot', 'dovecot-imapd and dovecot-pop3d')
    server = Child(identity)
    return server.start(program, '-F', '-c', server.put_config(DOVECOT), as_root=True)


def openldap(identity):
    program = find('slapd', 'slapd')
    server = Child(identity)
    return server.start(program, '-d', '0', '-h', f'ldap://127.0.0.1:{server.port}', '-f', server.put_config(SLAPD))
