# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server's end of TLS as GnuTLS speaks it, for what Python's own cannot do: shaking hands anew in
TLS 1.2 (RFC 5246, section 7.4.1.1), taking early data in TLS 1.3 (RFC 8446, section 2.3), and
stapling an OCSP response (RFC 6066, section 8)."""

import ctypes

SERVER, ALLOW_ID_CHANGE, ENABLE_EARLY_DATA = 1, 1 << 7, 1 << 20
CERTIFICATE, PEM, END_WRITING = 1, 1, 1
FATAL, INTERNAL_ERROR = 2, 80  # an alert (RFC 8446, section 6.2)
PASSING = (-16, -28, -37, -52)  # a warning, not yet, a new greeting, interrupted: called once more
GOT_APPLICATION_DATA, NOT_AVAILABLE = -38, -56
EARLY_BYTES_MAX = 16384

_library = ctypes.CDLL('libgnutls.so.30')
_libc = ctypes.CDLL(None)
_libc.malloc.restype = ctypes.c_void_p
_library.gnutls_strerror.restype = ctypes.c_char_p
for _function in ('recv', 'send', 'recv_early_data'):
    getattr(_library, 'gnutls_record_' + _function).restype = ctypes.c_ssize_t


class Datum(ctypes.Structure):
    _fields_ = [('data', ctypes.c_char_p), ('size', ctypes.c_uint)]


class OwnedDatum(ctypes.Structure):
    """One that GnuTLS frees."""

    _fields_ = [('data', ctypes.c_void_p), ('size', ctypes.c_uint)]


StatusFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(OwnedDatum))


def _call(name, *arguments, fine=()):
    """Returns: what the function does, which is a failure only in `fine`"""
    while True:
        result = getattr(_library, 'gnutls_' + name)(*arguments)
        if result >= 0 or result in fine:
            return result
        if result not in PASSING:
            raise OSError(f'{name}: {_library.gnutls_strerror(result).decode()}')


class Tickets:
    """Invitations to early data. Servers that share them resume what another has begun."""

    def __init__(self):
        self.key, self.replays = Datum(), ctypes.c_void_p()
        self._is_new = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_long,
                                        ctypes.c_void_p, ctypes.c_void_p)(lambda *_: 0)
        _call('session_ticket_key_generate', ctypes.byref(self.key))
        _call('anti_replay_init', ctypes.byref(self.replays))  # else it takes no early data
        _library.gnutls_anti_replay_set_add_function(self.replays, self._is_new)

    def enable(self, session):
        _call('session_ticket_enable_server', session, ctypes.byref(self.key))
        _call('record_set_max_early_data_size', session, ctypes.c_size_t(EARLY_BYTES_MAX))
        _library.gnutls_anti_replay_enable(session, self.replays)


def _credentials(identity):
    credentials = ctypes.c_void_p()
    chain, key = (Datum(pem, len(pem)) for pem in (identity.chain_pem(), identity.key_pem))
    _call('certificate_allocate_credentials', ctypes.byref(credentials))
    _call('certificate_set_x509_key_mem', credentials, ctypes.byref(chain), ctypes.byref(key), PEM)
    return credentials


class Tls:
    """As much of an SSLSocket as a test's server needs. `version`: TLS1.2 or TLS1.3. `tickets`:
    invite early data, which is then in `early`. `staple`: the path of an OCSP response."""

    def __init__(self, raw, identity, version, tickets=None, staple=None):
        self.raw = raw
        self.early = b''
        self._waiting = b''  # what came in the midst of a handshake
        self._held = []  # what GnuTLS points to
        self._session = ctypes.c_void_p()
        flags = SERVER | ALLOW_ID_CHANGE | (ENABLE_EARLY_DATA if tickets else 0)
        _call('init', ctypes.byref(self._session), flags)
        _call('priority_set_direct', self._session,
              f'NORMAL:-VERS-ALL:+VERS-{version}'.encode(), None)
        if tickets:
            tickets.enable(self._session)
        _library.gnutls_transport_set_int2(self._session, raw.fileno(), raw.fileno())
        self.present(identity)
        if staple:
            self._staple(staple)

    def __getattr__(self, name):
        return getattr(self.raw, name)

    def present(self, identity):
        self._held.append(_credentials(identity))
        _call('credentials_set', self._session, CERTIFICATE, self._held[-1])

    def _staple(self, path):
        """Whatever it says: from a file, GnuTLS would only take a good one."""
        with open(path, 'rb') as file:
            response = file.read()

        def give(_session, _data, datum):
            datum[0].data, datum[0].size = _libc.malloc(len(response)), len(response)
            ctypes.memmove(datum[0].data, response, len(response))
            return 0

        self._held.append(StatusFunction(give))
        _library.gnutls_certificate_set_ocsp_status_request_function(self._held[-2], self._held[-1], None)

    @property
    def session_reused(self):
        return _call('session_is_resumed', self._session) != 0

    def do_handshake(self):
        while _call('handshake', self._session, fine=[GOT_APPLICATION_DATA]) != 0:
            self._waiting += self._receive('recv')
        while (more := self._receive('recv_early_data')):
            self.early += more

    def ask_for_handshake(self, identity):
        """For one more, in which it will show that certificate."""
        self.present(identity)
        _call('rehandshake', self._session)

    def _receive(self, function, size=65536):
        buffer = ctypes.create_string_buffer(size)
        count = _call('record_' + function, self._session, buffer, ctypes.c_size_t(size),
                      fine=[NOT_AVAILABLE])
        return buffer.raw[:max(count, 0)]

    def recv(self, size):
        waiting, self._waiting = self._waiting, b''
        return waiting or self._receive('recv', size)

    def sendall(self, data):
        while data:
            data = data[_call('record_send', self._session, data, ctypes.c_size_t(len(data))):]

    def give_up(self):
        """Ends it, and not in order."""
        _call('alert_send', self._session, FATAL, INTERNAL_ERROR)

    def unwrap(self):
        _call('bye', self._session, END_WRITING)
