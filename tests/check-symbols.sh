#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-symbols.sh LIBRARY LIST: fails where the library exports anything else than the list says.
set -eu
actual=$(nm -D --defined-only "$1" | awk '{ print $3 }' | grep -v -e '^_' -e '^__asan' -e '^__ubsan' | LC_ALL=C sort)
[ -n "$actual" ]
printf '%s\n' "$actual" | diff -u "$2" -
