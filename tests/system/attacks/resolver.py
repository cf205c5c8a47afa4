# SPDX-License-Identifier: LGPL-2.1-or-later
"""The name server of the laboratory's namespace: names lead where the attacker likes, and when."""

import ipaddress
import socket
import struct
import threading

from lib.tap import DEADLINE_S

ADDRESS, PORT = '127.0.0.1', 53
HOME = ('127.0.0.1',)
KINDS = {1: 4, 28: 6}  # of questions: A and AAAA; and the addresses that answer them
FILES = {'resolv.conf': f'nameserver {ADDRESS}\noptions timeout:{DEADLINE_S} attempts:1\n',
         'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n'}


def _read_name(question):
    """Returns: the name, and where it ends"""
    labels, at = [], 12
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return '.'.join(labels).lower(), at + 1


class Resolver:
    def __init__(self):
        self._addresses = {}  # by name; else it is at home
        self._asked = set()  # names
        self._held = set()
        self._changed = threading.Condition()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((ADDRESS, PORT))
        threading.Thread(target=self._listen, daemon=True).start()

    def lead(self, name, addresses=HOME):
        """From now on the name is there."""
        self._addresses[name] = addresses

    def hold(self, name):
        """Questions about it wait until they are let go."""
        with self._changed:
            self._asked.discard(name)
            self._held.add(name)

    def let_go(self, name):
        with self._changed:
            self._held.discard(name)
            self._changed.notify_all()

    def wait_for_question(self, name):
        with self._changed:
            if not self._changed.wait_for(lambda: name in self._asked, DEADLINE_S):
                raise AssertionError(f'nobody asked where {name} is')

    def was_asked(self, name):
        with self._changed:
            return name in self._asked

    def _listen(self):
        while True:
            question, peer = self._socket.recvfrom(512)
            threading.Thread(target=self._answer, args=(question, peer), daemon=True).start()

    def _answer(self, question, peer):
        name, end = _read_name(question)
        kind, = struct.unpack_from('!H', question, end)
        with self._changed:
            self._asked.add(name)
            self._changed.notify_all()
            self._changed.wait_for(lambda: name not in self._held, DEADLINE_S)
        found = [ipaddress.ip_address(one) for one in self._addresses.get(name, HOME)]
        records = [struct.pack('!HHHIH', 0xc00c, kind, 1, 0, len(one.packed)) + one.packed
                   for one in found if one.version == KINDS.get(kind)]
        head = question[:2] + struct.pack('!HHHHH', 0x8580, 1, len(records), 0, 0)
        self._socket.sendto(head + question[12:end + 4] + b''.join(records), peer)
