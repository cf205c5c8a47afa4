#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Checks that the commands which scripts/try shows can be pasted: a shell that reads one gets the same words.
#   check-show-command.sh SOURCE-FOLDER
set -euo pipefail

. "$1/scripts/show-command.sh"

# check WORD...: shown and read again, the words are the same
check () {
  local shown; shown=$(quote "$@")
  local -a words; eval "words=($shown)"
  [ "$(printf '%s|' "${words[@]}")" = "$(printf '%s|' "$@")" ] || { echo "not the same command: $shown" >&2; exit 1; }
}

check busctl call name /path interface SecureRequest 'ssa(ss)aya{sv}' GET 'https://h.localhost:1/a?b=c&d' 0 0 0
check certpinctl pin 'a b' '' '*' "it's" '$HOME' '"' '\' '~' '#' $'two\nlines' 'ä'
[ "$(quote certpinctl get https://h.example/)" = 'certpinctl get https://h.example/' ] || { echo 'it quotes too much' >&2; exit 1; }
