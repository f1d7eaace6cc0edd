#!/bin/sh
# Installs into an empty folder, then builds and runs the smallest example from there: shared and static.
set -eu
cmake=$1 build=$2 source=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$cmake" --install "$build" --prefix "$work/moved" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work/moved" -name fovea.pc)")
export PKG_CONFIG_PATH
cc -std=c11 "$source/examples/own_operator.c" $(pkg-config --cflags --libs fovea) -lm -o "$work/shared"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir fovea) DYLD_LIBRARY_PATH=$(pkg-config --variable=libdir fovea) "$work/shared" >/dev/null
cc -std=c11 "$source/examples/own_operator.c" $(pkg-config --cflags fovea) "$(pkg-config --variable=libdir fovea)/libfovea.a" \
    $(pkg-config --static --libs-only-l fovea | sed 's/-lfovea//') -o "$work/static"
"$work/static" >/dev/null
foreign=$(nm -D --defined-only "$(pkg-config --variable=libdir fovea)"/libfovea.so 2>/dev/null | awk '$2 != "A" && $3 !~ /^fv_/ { print $3 }' | grep -v '^_' || true)
[ -z "$foreign" ] || { echo "the shared library shows foreign names: $foreign" >&2; exit 1; }
echo "installed, linked and run"
