# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Sourced by what installs the packages: what must be there then, and what may be left. Needs fail, which is told what
# is wrong, and quietly, which runs a command and shows what it prints only if it fails.

# shellcheck disable=SC2034 # used by who sources it
packages=(certpind libcertpin0 libcertpin-dev gir1.2-certpin-1 certpin-doc libcertpin-doc)

# install_packages FILE...: or others in their place
install_packages () {
  quietly apt-get install -y --no-install-recommends --allow-downgrades --reinstall "$@"
}

# check_installed FILE...: certpind, and these of other packages
check_installed () {
  local file
  for file in /usr/libexec/certpind /usr/libexec/certpin-reader /usr/bin/certpinctl \
      /usr/share/dbus-1/system.d/org.certpin.Certpin1.conf \
      /usr/share/dbus-1/system-services/org.certpin.Certpin1.service /usr/lib/sysusers.d/certpin.conf \
      /usr/share/polkit-1/actions/org.certpin.Certpin1.policy /etc/apparmor.d/certpind /etc/certpin/certpind.conf \
      /etc/certpin/pins.d /usr/lib/certpin/pins.d \
      /lib/systemd/system/certpind.service /usr/share/man/man8/certpind.8.gz "$@"; do
    [ -e "$file" ] || fail "$file is not installed"
  done
  getent passwd certpin > /dev/null || fail 'there is no user certpin'
  grep -q '^ExecStart=/usr/libexec/certpind$' /lib/systemd/system/certpind.service \
    || fail 'the unit starts another program'
}

# list_left FOLDER...: what bears the name of certpin, but not below these folders
list_left () {
  local folder pruned=(-path /proc)
  for folder; do pruned+=(-o -path "$folder"); done
  find / -xdev \( "${pruned[@]}" \) -prune -o -iname '*certpin*' -print
}
