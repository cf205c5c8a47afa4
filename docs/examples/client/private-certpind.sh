#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# private-certpind.sh TRUST.pem COMMAND...: runs a command with a certpind of its own, on a bus of its own. That
# certpind trusts only the authorities in TRUST.pem, has no pins, and forgets all when the command ends.
# CERTPIND names the program, by default that of the package.
set -e

certpind=${CERTPIND:-/usr/libexec/certpind}
[ -x "$certpind" ] || { echo "$0: there is no certpind at $certpind; let CERTPIND name it" >&2; exit 1; }
trust=$(realpath "$1")
shift
folder=$(mktemp -d)
service= bus=

end () {
  # shellcheck disable=SC2086 # what was not started is no word
  { kill $service; wait $service; kill $bus; wait $bus; } 2> /dev/null
  rm -rf "$folder"
}
trap 'set +e; end' EXIT
trap 'exit 1' INT TERM

mkdir -m 700 "$folder/state"
mkdir "$folder/pins.d"

cat > "$folder/bus.conf" << CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=$folder/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="false"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
CONF
mkfifo "$folder/address"
dbus-daemon --config-file="$folder/bus.conf" --nofork --print-address=1 > "$folder/address" 2>> "$folder/log" &
bus=$!
read -r DBUS_SYSTEM_BUS_ADDRESS < "$folder/address" || { cat "$folder/log" >&2; exit 1; }
export DBUS_SYSTEM_BUS_ADDRESS

"$certpind" --authority=uid --bus="$DBUS_SYSTEM_BUS_ADDRESS" --config="$folder/certpind.conf" \
  --state-dir="$folder/state" --pins-dir="$folder/pins.d" --trust-file="$trust" >> "$folder/log" 2>&1 &
service=$!
gdbus wait --address "$DBUS_SYSTEM_BUS_ADDRESS" --timeout 10 org.certpin.Certpin1 || { cat "$folder/log" >&2; exit 1; }

"$@"
