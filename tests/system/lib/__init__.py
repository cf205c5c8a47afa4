# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the system tests are made of: certificates, servers, a bus, the service and its callers."""

import os

os.umask(0o022)  # what tests write is for every user to read
