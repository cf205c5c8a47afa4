# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where all attacks of one run take place: one service, which outlives them, and one good host that
leads wherever it is told."""

import atexit
import itertools
import os
import urllib.parse

from lib import http, pki
from lib.caller import PINS
from lib.proxy import Proxy
from lib.tap import equal
from lib.world import World

from .names import DENIED
from .resolver import Resolver

LEAD = 'lead.localhost'


def lead(_connection, request):
    """With the status and to the place that the request names."""
    status, _, location = request.path[1:].partition('?')
    return http.redirect(int(status), urllib.parse.unquote(location))


class Lab(World):
    def __init__(self):
        super().__init__()
        self.daemon.more_environment = {'G_DEBUG': ''}  # check_health () looks for criticals instead
        self.daemon.trust_file = os.path.join(self.folder, 'trust.pem')  # not what others share
        self._write_trust(self.authority, self.other_authority)
        self.proxy = self.track(Proxy(self.folder))
        self.secure_proxy_identity = self.other_authority.issue('127.0.0.1')
        self.secure_proxy = self.track(Proxy(self.folder, self.secure_proxy_identity))
        self._proxies = {'': 'direct', 'http': self.proxy.url(), 'https': self.secure_proxy.url()}
        self._usual_proxy = None
        self.use_proxy('')
        self.resolver = Resolver()
        self._numbers = itertools.count(1)
        self.unknown_authority = pki.Authority('Unknown Root')
        self.lead_identity = self.other_authority.issue(LEAD)
        self._lead = self.serve(self.lead_identity)
        self._lead.respond = lead
        for user in (self.alice, self.bob):
            user.pin(LEAD, self.lead_identity.der)
        atexit.register(super().close)

    def next_number(self):
        return next(self._numbers)

    def url_that_leads_to(self, url, status=302):
        return self._lead.url(LEAD, f'/{status}?' + urllib.parse.quote(url, safe=''))

    # The administrator's files

    def use_proxy(self, name):
        """Whoever does not say which one goes through that: none, `http` or `https`."""
        if name == self._usual_proxy:
            return
        self._usual_proxy = name
        ways = sorted(self._proxies, key=lambda one: one != name)
        self.daemon.configure(f'[Network]\nDenyForUsers={DENIED}\n'
                              f'Proxy={";".join(self._proxies[one] for one in ways)}\n')
        self.daemon.restart()

    def _write_trust(self, *authorities):
        with open(self.daemon.trust_file, 'wb') as file:
            file.write(b''.join(one.pem for one in authorities))

    def trust(self, *authorities):
        """No others from now on."""
        self._write_trust(*authorities)
        self.root.call(PINS, 'Reload', '')

    @property
    def _pin_file(self):
        return os.path.join(self.daemon.pins_dir, 'attack.pin')

    def write_pin_file(self, host, lines):
        with open(self._pin_file, 'w', encoding='utf-8') as file:
            file.write(f'[Pin File]\nVersion=1\n\n[attack]\nHost={host}\n{lines}\n')
        self.root.call(PINS, 'Reload', '')

    def remove_pin_file(self):
        os.unlink(self._pin_file)
        self.root.call(PINS, 'Reload', '')

    # One lab for all tests

    def check_health(self):
        equal(self.daemon.process.poll(), None, 'the exit code of the service')
        equal([line for line in self.daemon.log().splitlines()
               if 'CRITICAL' in line], [], 'what is critical')

    def close(self):
        """Not before the program ends."""
