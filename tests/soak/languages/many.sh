#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# many.sh URL WRONG ROUND..., as many.c, with a certpinctl for each request.
set -e

ask () {
  if [ $(($1 % 10)) -ne 9 ]; then
    [ "$(certpinctl get "$2" | wc -c)" -eq 1000 ]
  else
    status=0
    certpinctl get "$3" 2> /dev/null || status=$?
    [ $status -eq 3 ]
  fi
}

url=$1 wrong=$2
shift 2
for count; do
  i=0
  while [ $i -lt "$count" ]; do
    ask $i "$url" "$wrong"
    i=$((i + 1))
  done
  echo "$count"
  read -r _
done
