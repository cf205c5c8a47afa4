# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thousands of bodies through descriptors, which end in every way that there is."""

import collections
import os
import socket

from crowd import USERS
from figures import Broken, at_rest, check_given_back
from lib import http
from lib.caller import CallError
from lib.server import Server
from lib.world import HOST

STREAMS = 20000
SIZE = 256 * 1024
DATA = bytes(SIZE)
HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n' % SIZE


class StreamServer(Server):
    """Answers as the path says, and forgets what is over."""

    def _serve(self, connection):
        super()._serve(connection)
        with self.changed:
            self.connections.remove(connection)

    def answer(self, connection, request):
        connection.requests.clear()
        return getattr(self, 'do_' + request.path[1:])(connection)

    def do_whole(self, _connection):
        return http.reply(200, DATA)

    def do_half(self, connection):
        connection.send(HEAD + DATA[:SIZE // 2])
        connection.reset()

    def do_silent(self, connection):
        connection.send(HEAD + DATA[:SIZE // 2])
        connection.drain()


class Streams:
    """Begins streams of one caller, and ends each in its own way."""

    def __init__(self, soak, caller, server, identity):
        self.soak, self.world, self.caller, self.server = soak, soak.world, caller, server
        self.identity = identity

    def _stream(self, path):
        return self.caller.stream(self.server.url(HOST, path))

    def _end(self, stream, error=None):
        """Reads to the end, which is one of these kinds."""
        _, whole = stream.read_all()
        stream.close()
        try:
            stream.finish()
            found = None
        except CallError as wrong:
            found = wrong.name
        if whole != (error is None) or found != error:
            raise Broken(f'a stream ended with {found}, whole: {whole}, and {error} was due')

    def whole(self):
        self._end(self._stream('/whole'))

    def breaks(self):
        try:
            self._end(self._stream('/half'), 'Truncated')
        except CallError as error:  # where it broke before it began
            if error.name != 'Truncated':
                raise

    def is_left(self):
        stream = self._stream('/silent')
        stream.read()
        stream.close()
        self.caller.refused('Cancelled', stream.finish)

    def is_cancelled(self):
        stream = self._stream('/silent')
        stream.cancel()
        self._end(stream, 'Cancelled')

    def loses_its_pin(self):
        stream = self._stream('/silent')
        self.caller.block(HOST)
        self._end(stream, 'PinChanged')
        self.caller.pin(HOST, self.identity.der)

    def is_forgotten(self):
        """Nobody asks how it ended."""
        self._stream('/whole').close()

    def _upload(self, data, length):
        reading, writing = socket.socketpair()
        pending = self.caller.begin_upload(self.server.url(HOST, '/whole'), reading.fileno(), length,
                                           stream='auto')
        self.caller.flush()
        reading.close()
        try:
            writing.sendall(data)
        finally:
            writing.close()
        return pending

    def uploads(self):
        self._end(self._upload(DATA, SIZE).stream())

    def upload_breaks(self):
        self.caller.refused('InvalidArgument', self._upload(DATA[:1000], SIZE).wait)


KINDS = ('whole', 'breaks', 'is_left', 'is_cancelled', 'loses_its_pin', 'is_forgotten', 'uploads', 'upload_breaks')


def count_threads(world):
    return len(os.listdir(f'/proc/{world.daemon.process.pid}/task'))


def load(soak, users, count, counts):
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        getattr(users[number // len(KINDS) % len(users)], kind)()
        counts[kind] += 1
        soak.progress()
    for user in users:
        user.caller.replies.clear()


def run(soak):
    count = soak.scaled(STREAMS, 800)
    soak.expect(count)
    world, counts = soak.world, collections.Counter()
    identity = world.issue()
    server = world.track(StreamServer(world.folder, identity))
    server.respond = server.answer
    users = [Streams(soak, world.new_caller(uid), server, identity) for uid in USERS]
    for user in users:
        user.caller.pin(HOST, identity.der)
    before = soak.take('before')
    load(soak, users, count // 10, counts)
    tenth, threads = at_rest(world, 'after a tenth'), count_threads(world)
    load(soak, users, count - count // 10, counts)
    after = at_rest(world, 'after all')
    soak.report(f'{counts.total()} streams of {len(users)} users', [before, tenth, after],
                {**counts, 'threads of certpind after a tenth, and after all': f'{threads}, {count_threads(world)}'})
    check_given_back(tenth, after)
    if count_threads(world) > threads:
        raise Broken(f'certpind has {count_threads(world)} threads, and had {threads}')
