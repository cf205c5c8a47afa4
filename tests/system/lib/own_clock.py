# SPDX-License-Identifier: LGPL-2.1-or-later
"""A clock that a test sets, for the service and for programs: a fixed distance from the real one."""

import datetime
import os

FAKETIME = '/usr/$LIB/faketime/libfaketime.so.1'


def going_by(**settings):
    """The environment of a program that goes by another clock: `settings` of libfaketime. Timers stay real."""
    return {'LD_PRELOAD': FAKETIME, 'FAKETIME_DONT_FAKE_MONOTONIC': '1', 'NO_FAKE_STAT': '1',
            # The library comes before the sanitizer's.
            'ASAN_OPTIONS': ':'.join(filter(None, (os.environ.get('ASAN_OPTIONS'), 'verify_asan_link_order=0'))),
            **settings}


class OwnClock:
    """`environment`: of a program that goes by it."""

    def __init__(self, folder):
        self._path = os.path.join(folder, 'clock')
        self.distance = datetime.timedelta()
        self.environment = going_by(FAKETIME_TIMESTAMP_FILE=self._path, FAKETIME_NO_CACHE='1')
        self.set(self.distance)

    def set(self, distance):
        """Jumps so far from the real time."""
        self.distance = distance
        with open(self._path + '.new', 'w', encoding='utf-8') as file:
            file.write(f'{distance.total_seconds():+.0f}\n')
        os.replace(self._path + '.new', self._path)

    def now(self):
        return datetime.datetime.utcnow().replace(microsecond=0) + self.distance
