# SPDX-License-Identifier: LGPL-2.1-or-later
"""The attack laboratory: a table of attacks, run against the real service over every way in which a
request can meet them, that counts at the attacker the decrypted bytes which arrived."""
