# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by scripts: a private system bus in a folder, with certpind on it. Everything that it starts ends with the
# script. Needs $work (a folder) and $build.

children=()

end_children () {
  local child
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
}

# start LOG COMMAND...: in the background, until the script ends
start () {
  local log=$1; shift
  "$@" > "$log" 2>&1 &
  children+=($!)
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for () {
  local until=$((SECONDS + $1)); shift
  until "$@" > /dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || { echo "gave up waiting for: $*" >&2; return 1; }
    sleep 0.05
  done
}

start_bus () {
  cat > "$work/bus.conf" <<CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=$work/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*" eavesdrop="false"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
CONF
  export DBUS_SYSTEM_BUS_ADDRESS="unix:path=$work/bus"
  start "$work/bus.log" dbus-daemon --config-file="$work/bus.conf" --nofork
  wait_for 10 busctl list
}

# start_certpind ARGUMENTS...
start_certpind () {
  start "$work/certpind.log" "$build/daemon/certpind" --authority=uid --bus="$DBUS_SYSTEM_BUS_ADDRESS" \
    --state-dir="$work/state" --pins-dir="$work/pins.d" "$@"
  wait_for 10 busctl status org.certpin.Certpin1
}
