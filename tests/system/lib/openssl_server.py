# SPDX-License-Identifier: LGPL-2.1-or-later
"""openssl s_server: a second implementation, which sends a chain exactly as it is given and prints
what it receives."""

import os
import re
import subprocess
import threading

from .tap import DEADLINE_S


ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n'


class OpensslServer:
    """`answers`: whether it answers the first request that reaches it."""

    def __init__(self, folder, identity, *more, answers=False):
        paths = [os.path.join(folder, f'openssl-{name}.pem') for name in ('leaf', 'key', 'chain')]
        contents = [identity.pem, identity.key_pem, b''.join(one.pem for one in identity.issuers)]
        for path, content in zip(paths, contents):
            with open(path, 'wb') as file:
                file.write(content)
        chain = ['-cert_chain', paths[2]] if identity.issuers else []
        self._answers = answers
        self._output = ''
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            ['openssl', 's_server', '-accept', '127.0.0.1:0', '-cert', paths[0], '-key', paths[1],
             *chain, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        threading.Thread(target=self._listen, daemon=True).start()
        self.port = int(re.search(r'ACCEPT 127\.0\.0\.1:(\d+)\n', self.wait_for('ACCEPT')).group(1))

    def _listen(self):
        for line in self._process.stdout:
            with self._changed:
                self._output += line.decode(errors='replace')
                self._changed.notify_all()
            if self._answers and line.startswith(b'GET '):
                self._process.stdin.write(ANSWER)
                self._process.stdin.flush()

    def url(self, host, path='/'):
        return f'https://{host}:{self.port}{path}'

    def wait_for(self, text):
        """Waits until it has printed that. Returns: all that it has printed"""
        with self._changed:
            if not self._changed.wait_for(lambda: text in self._output, DEADLINE_S):
                raise AssertionError(f'openssl never said {text}, but {self._output}')
            return self._output

    @property
    def was_asked(self):
        """Whether anything that looks like a request arrived. It has, once its client is gone."""
        return 'HTTP/1.1' in self._output

    def close(self):
        """Ends it. Returns: all that it has printed"""
        self._process.kill()
        self._process.wait()
        return self._output
