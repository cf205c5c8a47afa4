# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers of a soak. They forget what is over, so that they do not grow themselves."""

import threading

from lib import http
from lib.server import Server
from lib.world import HOST

MIB = 1024 * 1024
LARGEST = 4 * MIB
LARGE = MIB


class SoakServer(Server):
    """`jammed`: it shakes hands and then reads nothing until it is let go."""

    def __init__(self, *arguments, jammed=False, **keywords):
        super().__init__(*arguments, **keywords)
        self.go = threading.Event()
        self.accepted = self.arrived = 0
        self.respond = self.answer
        if jammed:
            self.before_read = lambda connection: self.go.wait()

    def _serve(self, connection):
        with self.changed:
            self.accepted += 1
            self.changed.notify_all()
        super()._serve(connection)
        with self.changed:
            self.connections.remove(connection)
            self.changed.notify_all()

    def answer(self, connection, request):
        """Returns: what the path asks for"""
        with self.changed:
            connection.requests.clear()
            self.arrived += 1
            self.changed.notify_all()
        what = request.path[1:]
        if what.isdigit():
            return http.reply(200, bytes(int(what)))
        return getattr(self, 'do_' + what)(connection)

    def do_good(self, _connection):
        return http.reply(200, b'hello')

    def do_redirect(self, _connection):
        return http.redirect(302, self.url(HOST, '/good'))

    def do_stall(self, connection):
        connection.drain()

    def do_end(self, connection):
        connection.reset()

    def do_half(self, connection):
        connection.send(http.reply(200, bytes(1000))[:-500])
        connection.reset()

    def close(self):
        self.go.set()
        super().close()


def add_servers(world, identity):
    """Returns: the servers by name, and the URLs of what they do, by name"""
    def add(**keywords):
        return world.track(SoakServer(world.folder, identity, **keywords))

    servers = {'good': add(), 'mute': add(handshake=False), 'jam': add(jammed=True),
               'wrong': world.track(SoakServer(world.folder, world.impostor()))}
    good = servers['good']
    urls = {name: good.url(HOST, f'/{name}') for name in ('good', 'redirect', 'stall', 'end', 'half')}
    urls |= {'large': good.url(HOST, f'/{LARGE}'), 'largest': good.url(HOST, f'/{LARGEST}'),
             'unpinned': good.url('unpinned.localhost', '/good')}
    urls |= {name: servers[name].url(HOST, '/good') for name in ('mute', 'jam', 'wrong')}
    return servers, urls
