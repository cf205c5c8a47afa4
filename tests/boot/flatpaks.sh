# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by tests of this folder, after system.sh: Flatpaks that are made of files of this system, without a network.
# shellcheck shell=bash

repository=$work/repository
architecture=$(flatpak --default-arch)

# allow_sandboxes: bubblewrap wants to mount a /proc of its own, which the kernel allows where a whole one can be seen:
# that of systemd-nspawn is in part read-only.
allow_sandboxes () { mount -t proc proc /proc; }

# The session of a user's own that flatpak wants to see. env -C: where that user may be.
alice () {
  as alice env -C /home/alice "XDG_RUNTIME_DIR=/run/user/$(id -u alice)" \
    "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$(id -u alice)/bus" "$@"
}
start_session_of_alice () {
  loginctl enable-linger alice
  wait_for 10 test -S "/run/user/$(id -u alice)/bus"
}

# add_libraries FOLDER FILE: those that this program or library needs, into a runtime's /usr
add_libraries () {
  local library
  for library in $(ldd "$2" 2> /dev/null | grep -o '/[^ ]*' || true); do
    install -D "$library" "$1/${library#/usr/}"
  done
}

# add_programs FOLDER NAME...: programs of this system, and the libraries they need
add_programs () {
  local folder=$1 name program; shift
  for name; do
    program=$(readlink -f "$(command -v "$name")")
    install -D "$program" "$folder/bin/$name"
    add_libraries "$folder" "$program"
  done
}

# export_runtime FOLDER NAME BRANCH: a runtime whose /usr is FOLDER/usr, which is its own SDK
export_runtime () {
  local ref=$2/$architecture/$3
  mkdir -p "$1/files"
  printf '[Runtime]\nname=%s\nruntime=%s\nsdk=%s\n' "$2" "$ref" "$ref" > "$1/metadata"
  flatpak build-export --runtime "$repository" "$1" "$3"
}

# install_for USER APP...: USER is a function that runs a command as that user
install_for () {
  "$1" flatpak remote-add --user --if-not-exists --no-gpg-verify example "$repository"
  "$1" flatpak install --user --noninteractive example "${@:2}"
}
