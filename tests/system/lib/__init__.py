# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the system tests are made of: certificates, servers, a bus, the service and its callers."""
