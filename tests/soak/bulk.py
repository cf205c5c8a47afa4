#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Moves many bytes, which are made and not stored, and prints their digest. No two MiB of a TiB are alike.

usage: bulk.py write SIZE    to standard output; the digest goes to standard error
       bulk.py read          from standard input to its end: how many bytes, and their digest
       bulk.py serve FILE    over TLS with the certificate and key in FILE; prints its port, and for each body that it
                             sends the digest. GET /SIZE gets that many bytes, PUT is answered with the digest of the
                             body, and whoever says “SIZE\\n” may send that many bytes and then gets as many"""

import hashlib
import os
import random
import socket
import ssl
import sys

PIECE = 1 << 20
STEP = 4099  # odd: all of the 2^20 places come before one comes again
CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'


def pieces(size):
    block = memoryview(random.Random(1).randbytes(2 * PIECE))
    for number in range(-(-size // PIECE)):
        at = number * STEP % PIECE
        yield block[at:at + min(PIECE, size - number * PIECE)]


def send(write, size):
    """Returns: the digest of what was sent"""
    digest = hashlib.sha256()
    for piece in pieces(size):
        digest.update(piece)
        while piece:
            piece = piece[write(piece):]
    return digest.hexdigest()


def receive(read_into, size=None, first=b''):
    """So many bytes, or all up to the end. Returns: how many came, and their digest"""
    digest, count, buffer = hashlib.sha256(first), len(first), memoryview(bytearray(PIECE))
    while (size is None or count < size) and (length := read_into(buffer)):
        digest.update(buffer[:length])
        count += length
    return count, digest.hexdigest()


def read_up_to(connection, end, data=b''):
    """Returns: what comes before that, and what has come behind it"""
    while end not in data:
        more = connection.recv(65536)
        if not more:
            raise OSError('the head does not end')
        data += more
    head, _, rest = data.partition(end)
    return head.decode(), rest


def answer(connection, request, head, first):
    method, path = request.split()[:2]
    if method == 'GET':
        size = int(path[1:])
        connection.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n' % size)
        print(send(connection.send, size), flush=True)
        return
    size = int(head.lower().partition('content-length:')[2].split()[0])
    if 'expect:' in head.lower():
        connection.sendall(CONTINUE)
    text = ' '.join(map(str, receive(connection.recv_into, size, first))).encode()
    connection.sendall(b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' % (len(text), text))


def tunnel(connection, size, first):
    print(*receive(connection.recv_into, size, first), flush=True)
    print(send(connection.send, size), flush=True)


def serve(file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listener = socket.create_server(('127.0.0.1', 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        with context.wrap_socket(listener.accept()[0], server_side=True) as connection:
            first, rest = read_up_to(connection, b'\n')
            if first.isdigit():
                tunnel(connection, int(first), rest)
            else:
                answer(connection, first, *read_up_to(connection, b'\r\n\r\n', rest))
            connection.unwrap()


def main():
    what, *arguments = sys.argv[1:]
    if what == 'write':
        print(send(lambda data: os.write(1, data), int(arguments[0])), file=sys.stderr)
    elif what == 'read':
        print(*receive(lambda buffer: os.readv(0, [buffer])))
    else:
        serve(arguments[0])


if __name__ == '__main__':
    main()
