#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# request.sh FILE URL: pins the URL's host to the key of the certificate in FILE, and gets the URL.
set -e

host=$(printf '%s' "$2" | sed -E 's|^https://([^/:?#]+).*|\1|')
certpinctl pin "$host" "$1" > /dev/null

status=0
certpinctl get "$2" || status=$?
case $status in
  0) ;;
  3 | 10 | 11 | 12 | 14 | 15 | 35 | 60) echo 'Refused: nothing was sent.' >&2 ;;
  *) echo 'Not refused, but no answer came: try again later.' >&2 ;;
esac
exit "$status"
