#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# build.sh: builds the examples in C, C++ and Vala, in this folder. One needs libjson-glib-dev.
set -e

for name in request errors download stream upload tunnel pins thread; do
  cc -Wall $name.c $(pkg-config --cflags --libs certpin-1) -o $name
done
cc -Wall weather.c $(pkg-config --cflags --libs certpin-1 json-glib-1.0) -o weather
for name in request download; do
  c++ -Wall -std=c++17 $name.cc $(pkg-config --cflags --libs certpin-1) -o $name-cc
done
valac --pkg gio-2.0 --pkg certpin-1 request.vala -o request-vala
valac --pkg gio-unix-2.0 --pkg posix --pkg certpin-1 download.vala -o download-vala
