# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

# Completion of certpinctl(1) for bash. The program itself knows what may come next.

# The line is split only at spaces: bash would also split hosts and options at : and =, and replaces
# only what comes after the last of those.
_certpinctl ()
{
  local line=${COMP_LINE:0:COMP_POINT} words word replaced

  COMPREPLY=()
  read -ra words <<< "$line"
  [[ $line != *[[:space:]] ]] || words+=('')
  replaced=${words[-1]}
  replaced=${replaced%"${replaced##*[:=]}"}
  [[ $COMP_WORDBREAKS == *:* ]] || replaced=''

  while IFS=$'\t' read -r word _; do
    case $word in
      :files) _certpinctl_files f ;;
      :folders) _certpinctl_files d ;;
      *) COMPREPLY+=("${word#"$replaced"}") ;;
    esac
  done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[=/:] ]] || compopt -o nospace 2>/dev/null
}

# $1: f: files; d: folders only
_certpinctl_files ()
{
  local line

  compopt -o filenames 2>/dev/null
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(compgen "-$1" -- "${words[-1]#"$replaced"}")
}

complete -F _certpinctl certpinctl
