# SPDX-License-Identifier: LGPL-2.1-or-later
"""A few transfers of one kind that begin together, come half of their way, and end together in one way."""

import os
import socket
from typing import NamedTuple

from ends_programs import Download, Stream, read_by, write_by
from ends_server import DATA, HALF, SIZE
from lib.caller import PATH, REQUEST
from lib.world import HOST

TOGETHER = 8
ENDLESS = 1 << 40
DOWN, UP, TUNNEL = 'downloads', 'uploads', 'tunnels'


class Way(NamedTuple):
    """`due`: by kind of transfer, the error with which it ends; None: in order. Kinds that are not there do not know
    the way. `act`: what ends it, a method of Batch, unless it is the server, which does `then`."""

    name: str
    due: dict
    act: str = 'nothing'
    then: str = 'drain'
    full: bool = False  # the programs that read write to a full disk
    with_library: bool = True
    library: str = ''  # the error that the library tells, if it is another one
    options: dict = {}
    asked: bool = True  # whether there is still somebody who can ask, and be told


class Finish:
    """How one asks how it ended: before it does if its number is even, and afterwards if not."""

    def __init__(self, caller, path, number):
        self.caller, self.path = caller, path
        self._pending = self._begin() if number % 2 == 0 else None

    def _begin(self):
        return self.caller.begin(REQUEST, 'Finish', '', path=self.path)

    def __call__(self):
        return (self._pending or self._begin()).wait()[0]


class Batch:
    """`ends`: the part of the soak. `user`: a caller, who is killed if that is the way."""

    kind = ''

    def __init__(self, ends, user, way):
        self.ends, self.user, self.way = ends, user, way
        self.due = way.due[self.kind]
        self.number = ends.next_number()
        self.gate = ends.servers[self.kind].new_gate(str(self.number))
        self.caller = ends.new_caller(user.uid) if way.act == 'kill_caller' else user
        self.programs, self.library = [], []
        self.finishes = []
        self.own = []  # streams and tunnels that no program has

    @property
    def url(self):
        return self.ends.servers[self.kind].url(HOST, f'/{self.number}')

    @property
    def count(self):
        return TOGETHER + len(self.library)

    def begin(self):
        for number in range(TOGETHER):
            self._begin_one(number)
        if self.way.with_library:
            self._begin_library()
        return self

    def wait(self):
        """Until all have come half of their way."""
        self.gate.wait_for(self.count)

    def act(self):
        getattr(self, self.way.act)()
        self.gate.open(self.way.then)

    def check(self):
        """Looks at what everybody makes of the end."""
        self._check_programs()
        for one in self.own:
            self._check_data(one)
        if self.way.asked:
            self._check_finishes()
        self._check_library()

    def close(self):
        self.gate.open('drain')
        for one in self.programs + self.library + self.own:
            one.close()
        if self.caller is not self.user:
            self.caller.close()
        self.caller.replies.clear()

    def _begin_one(self, number):
        raise NotImplementedError

    def _begin_library(self):
        """There are programs of the library for some kinds."""

    def _give_to_reader(self, number, end, descriptor):
        """`end`: a stream or a tunnel, of which the test reads each fourth itself."""
        if number % 4 == 3:
            self.own.append(end)
            return
        self.programs.append(read_by(number, descriptor, self.way.full))
        end.close()

    # What ends them

    def nothing(self):
        """The server does, or time."""

    def kill_programs(self):
        for one in self.programs + self.library:
            one.kill()
        for one in self.own:
            one.close()

    def kill_caller(self):
        self.caller.vanish()
        for one in self.library:
            one.kill()

    def kill_service(self):
        self.ends.world.daemon.kill()

    def block(self):
        self.caller.block(HOST)

    def cancel(self):
        for finish in self.finishes:
            self.caller.call(REQUEST, 'Cancel', '', path=finish.path)

    # What is due

    def _is_whole(self):
        """Whether a program may say that all is well."""
        return self.due is None and self.way.act != 'kill_programs' and not self.way.full

    def _check_programs(self):
        for one in self.programs:
            if one.passed() != self._is_whole():
                raise AssertionError(f'{one.name} {"fails" if self._is_whole() else "passes"}')

    def _check_data(self, one):
        """Of a stream or tunnel that the test reads itself."""

    def _compare(self, data, whole):
        """What the test has read itself: all that came, and then the end that is due."""
        expected = DATA if self._is_whole() else DATA[:HALF]
        if whole != self._is_whole() or not expected.startswith(data):
            raise AssertionError(f'{len(data)} bytes came, whole: {whole}')
        if self.way.then in ('cut', 'whole') and data != expected:
            raise AssertionError(f'only {len(data)} of {len(expected)} bytes came')

    def _check_finishes(self):
        for finish in self.finishes:
            if self.due is None:
                finish()
            else:
                self.caller.refused(self.due, finish)

    def _check_library(self):
        for one in self.library:
            passed, right = one.passed(), one.is_right(self.way.library or self.due)
            if passed != self._is_whole():
                raise AssertionError(f'{one.name} {"passes" if passed else "fails"}')
            if not right:
                raise AssertionError(f'{one.name} {one.told()}')


class Downloads(Batch):
    kind = DOWN

    def _begin_one(self, number):
        stream = self.caller.stream(self.url, **self.way.options)
        self.finishes.append(Finish(self.caller, stream.path, number))
        self._give_to_reader(number, stream, stream.descriptor)

    def _begin_library(self):
        self.library.append(Download(self.ends, self.user.uid, self.number, self.url, self.way.full))
        if not self.way.full:
            self.library.append(Stream(self.ends, self.user.uid, ('sync', 'async')[self.number % 2], self.url))

    def _check_data(self, one):
        if one.descriptor is not None and not self.way.full:
            self._compare(*one.read_all())
        one.close()  # and with the full disk it has read nothing


class Uploads(Batch):
    kind = UP

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.pending = []

    def _begin_one(self, number):
        if number % 2:
            reading, writing = (end.detach() for end in socket.socketpair())
        else:
            reading, writing = os.pipe()
        whole, token = self.way.then == 'whole', f't{self.number}_{number}'
        self.programs.append(write_by(number, writing, whole))
        self.pending.append(self.caller.begin_upload(self.url, reading, SIZE if whole else ENDLESS, handle_token=token,
                                                     **self.way.options))
        self.caller.flush()
        os.close(reading)
        os.close(writing)
        path = f'{PATH}/request/{self.caller.unique_name[1:].replace(".", "_")}/{token}'
        # Once it is over there is nobody to be asked: the call itself says how it ended.
        self.finishes.append(Finish(self.caller, path, 0))

    def _check_finishes(self):
        super()._check_finishes()
        for one in self.pending:
            if self.due is not None:
                self.caller.refused(self.due, one.wait)
            elif one.answer().status != (507 if self.way.full else 200):
                raise AssertionError(f'the answer has the status {one.answer().status}')

    def _check_library(self):
        due = TOGETHER if self._is_whole() else 0
        if self.gate.whole != due:
            raise AssertionError(f'the server has {self.gate.whole} whole bodies, and not {due}')


def read_socket(reading):
    """Returns: all bytes, and whether they ended in order"""
    data = bytearray()
    try:
        while more := reading.recv(65536):
            data += more
    except ConnectionResetError:
        return bytes(data), False
    return bytes(data), True


class Tunnels(Batch):
    kind = TUNNEL

    def _begin_one(self, number):
        tunnel = self.caller.connect(HOST, self.ends.servers[TUNNEL].port)
        tunnel.socket.setblocking(True)
        self.finishes.append(Finish(self.caller, tunnel.info['request'], number))
        self._give_to_reader(number, tunnel, tunnel.socket)

    def _check_data(self, one):
        if one.socket.fileno() >= 0 and not self.way.full:
            self._compare(*read_socket(one.socket))
        one.close()


KINDS = (Downloads, Uploads, Tunnels)
