# SPDX-License-Identifier: LGPL-2.1-or-later
"""What servers say in plaintext before TLS, and expect to hear: by protocol, the steps and what certpinctl greets its
clients with."""

DIALOGUES = {
    'imap': ([(b'* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n', b'a STARTTLS\r\n'), (b'a OK begin\r\n', b'')],
             b'* OK ready\r\n'),
    'smtp': ([(b'220-hi\r\n220 there\r\n', b'EHLO localhost\r\n'), (b'250-x\r\n250 STARTTLS\r\n', b'STARTTLS\r\n'),
              (b'220 go\r\n', b'')], b'220 localhost ready\r\n'),
    'pop3': ([(b'+OK hi\r\n', b'STLS\r\n'), (b'+OK begin\r\n', b'')], b'+OK ready\r\n'),
    'postgres': ([(b'', b'\0\0\0\x08\x04\xd2\x16\x2f'), (b'S', b'')], b''),
    'ldap': ([(b'', b'\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037'),
              (b'\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\0\x04\0\x04\0', b'')], b''),
}


def hold_dialogue(server, steps):
    """The server speaks so before TLS."""
    wrap = server.wrap

    def wrap_later(connection):
        for say, expect in steps:
            connection.socket.sendall(say)
            heard = b''
            while len(heard) < len(expect):
                more = connection.socket.recv(len(expect) - len(heard))
                if not more:
                    raise OSError('the client has gone')
                heard += more
            if heard != expect:
                raise OSError(f'the client says {heard!r}')
        return wrap(connection)

    server.wrap = wrap_later


def hear_no_more(server):
    """In place of a handshake. Returns: all that it hears then, of what was to be nothing"""
    heard = []

    def hear(connection):
        heard.append(connection.socket.recv(65536))
        raise OSError('this is no handshake')

    server.wrap = hear
    return heard
