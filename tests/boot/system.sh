# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by the tests of this folder, which run as root in a system that was booted for them (see run).
# shellcheck shell=bash

top=/source
work=/run/boot-test
state=/var/lib/certpin
key=sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
other_key=sha256/ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=
mkdir -p "$work"
. "$top/scripts/private-bus.sh" # for processes that end with the test
. "$top/scripts/demo-servers.sh"
. "$top/tests/package/packages.sh"
certpin_files () { printf '%s\n' "$1"/certpind_*.deb "$1"/libcertpin0_*.deb; }

for user in alice bob; do
  getent passwd "$user" > /dev/null || useradd --create-home "$user"
done

fail () { printf '%s\n' "$*"; exit 1; }
quietly () { "$@" > "$work/log" 2>&1 || { cat "$work/log"; fail "$*"; }; }

# check SENTENCE COMMAND...: one test. The command runs as a program of its own would: what it sets is gone with it,
# and what fails in it ends it. Of what it prints, lines that begin with | are shown, and all if it fails.
check () {
  local sentence=$1 status=0 began=${EPOCHREALTIME/[.,]/} took; shift
  set +e
  (set -e; "$@") > "$work/output" 2>&1
  status=$?
  set -e
  took=$(((${EPOCHREALTIME/[.,]/} - began) / 100000))
  took="$((took / 10)).$((took % 10)) s"
  sed -n 's/^|/#/p' "$work/output"
  if [ "$status" -eq 0 ]; then
    printf 'ok - %s (%s)\n' "$sentence" "$took"
  else
    printf 'not ok - %s (%s)\n' "$sentence" "$took"
    { sed '/^|/d' "$work/output"; journalctl -u certpind --no-pager -n 20 -o cat; } | sed 's/^/#   /'
  fi
}

# The end of a test: without it, something was left out.
finish () { printf '1..%d\n' "$(grep -c -E '^(not )?ok ' /test-output)"; }

# as USER COMMAND...
as () { runuser -u "$1" -- "${@:2}"; }

# fails_with STATUS TEXT COMMAND...: insists on the exit status and on what is said
fails_with () {
  local wanted=$1 text=$2 status=0; shift 2
  "$@" > "$work/said" 2>&1 || status=$?
  cat "$work/said"
  [ "$status" -eq "$wanted" ] || fail "exit status $status, not $wanted: $*"
  grep -q -- "$text" "$work/said" || fail "it does not say ‘$text’: $*"
}

# within SECONDS COMMAND...: insists that it succeeds, and that soon
within () {
  local limit=$1 began=${EPOCHREALTIME/[.,]/} took; shift
  "$@"
  took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
  printf '| %s: %d ms\n' "$*" "$took"
  [ "$took" -le $((limit * 1000)) ] || fail "it took $took ms: $*"
}

# keys_of USER HOST: the keys that user has pinned, one a line
keys_of () { as "$1" certpinctl --json show "$2" | grep -o 'sha256/[A-Za-z0-9+/]*=' | sort -u; }

# property NAME: of the service, as systemd tells
property () { systemctl show --property="$1" --value certpind; }

# drop_in LINE...: more of the service's unit, in force at once; without a line, none
drop_in () {
  rm -rf /run/systemd/system/certpind.service.d
  if [ $# -gt 0 ]; then
    mkdir -p /run/systemd/system/certpind.service.d
    printf '%s\n' '[Service]' "$@" > /run/systemd/system/certpind.service.d/test.conf
  fi
  systemctl daemon-reload
  systemctl reset-failed certpind 2> /dev/null || true
  systemctl restart certpind
}

# call INTERFACE.METHOD ARGUMENT...: of the service
call () { busctl call org.certpin.Certpin1 /org/certpin/Certpin1 "org.certpin.Certpin1.${1%.*}" "${1##*.}" "${@:2}"; }
reload () { call Pins.Reload; }

# trust_authority NAME: this system does, from now on
trust_authority () {
  make_authority "$1"
  cp "$work/$1.pem" "/usr/local/share/ca-certificates/${1// /-}.crt"
  quietly update-ca-certificates
  reload # which the service would do by itself, but later
}

# name_hosts HOST...: they are here
name_hosts () { printf '127.0.0.1 %s\n' "$@" >> /etc/hosts; }

# make_shop: a server of shop.example, whose certificate the system trusts, pinned by nobody; its address in $work/url
make_shop () {
  trust_authority 'Trusted CA'
  name_hosts shop.example
  make_certificate shop 'Trusted CA' shop.example
  start_server shop
  echo "https://shop.example:$port/cart" > "$work/url"
}
