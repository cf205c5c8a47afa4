# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by scripts, after private-bus.sh: certificate authorities, and servers on loopback with certificates from
# them. Needs $work (a folder) and $top.

openssl_quiet () { openssl "$@" 2>> "$work/openssl.log"; }

# make_authority NAME
make_authority () {
  openssl_quiet req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.pem"
}

# make_certificate NAME AUTHORITY [HOST]: for HOST, or shop.localhost, as NAME.pem, NAME.key and NAME.der
make_certificate () {
  local host=${3:-shop.localhost}
  printf 'subjectAltName=DNS:%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$host" \
    > "$work/extensions"
  openssl_quiet req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$host" \
    -keyout "$work/$1.key" -out "$work/$1.csr"
  openssl_quiet x509 -req -in "$work/$1.csr" -CA "$work/$2.pem" -CAkey "$work/$2.key" -CAcreateserial -days 90 \
    -extfile "$work/extensions" -out "$work/$1.pem"
  openssl_quiet x509 -in "$work/$1.pem" -outform DER -out "$work/$1.der"
}

# start_server NAME: with the certificate of that name; its port in $port
start_server () {
  start "$work/$1.log" /usr/bin/python3 "$top/scripts/demo-server" "$work/$1.port" "$work/$1.count" \
    "$work/$1.pem" "$work/$1.key"
  wait_for 10 test -s "$work/$1.port"
  port=$(cat "$work/$1.port")
}
