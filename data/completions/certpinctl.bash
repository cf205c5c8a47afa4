# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash

# Completion of certpinctl(1) for bash. The program itself knows what may come next.

# The line is split at spaces only, where nothing quotes them. Bash would also split hosts and options
# at : and =, and it replaces only what follows the last of those, or a quote that is open.
_certpinctl ()
{
  local line=${COMP_LINE:0:COMP_POINT} words=() word replaced

  COMPREPLY=()
  _certpinctl_split
  while IFS=$'\t' read -r word _; do
    case $word in
      :files) _certpinctl_files f ;;
      :folders) _certpinctl_files d ;;
      *) COMPREPLY+=("${word#"$replaced"}") ;;
    esac
  done < <("${words[0]}" complete "${words[@]:1}" 2>/dev/null)
  [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[=/:] ]] || compopt -o nospace 2>/dev/null
}

# Sets words, without what quotes them, and replaced: the part of the last one that bash keeps
_certpinctl_split ()
{
  local i c word='' begun='' quote='' before

  replaced=''
  for ((i = 0; i < ${#line}; i++)); do
    c=${line:i:1}
    if [[ $c == "$quote" ]]; then
      quote='' replaced=$before
    elif [[ $c == \\ && $quote != \' ]]; then
      i=$((i + 1)) begun=yes
      word+=${line:i:1}
    elif [[ -n $quote ]]; then
      word+=$c
    elif [[ $c == [\'\"] ]]; then
      quote=$c before=$replaced replaced=$word begun=yes
    elif [[ $c == [[:space:]] ]]; then
      [[ -z $begun ]] || words+=("$word")
      word='' replaced='' begun=''
    else
      word+=$c begun=yes
      [[ $c != [:=] || $COMP_WORDBREAKS != *"$c"* ]] || replaced=$word
    fi
  done
  words+=("$word")
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
