# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by scripts that show commands.

# quote WORD...: prints the command on one line, so that a shell that gets it runs the same words
quote () {
  local word line=
  for word in "$@"; do
    case $word in *[!A-Za-z0-9_./:=@%+,-]* | '') word=${word@Q} ;; esac
    line+=" $word"
  done
  printf '%s\n' "${line# }"
}
