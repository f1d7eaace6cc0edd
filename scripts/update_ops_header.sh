#!/bin/sh
# Writes include/fovea_ops.h anew from the operators' records: scripts/update_ops_header.sh [BUILD FOLDER]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
[ -f "$build/CMakeCache.txt" ] || cmake -S "$root" -B "$build"
cmake --build "$build" --target fovea_ops_header
"$build/fovea_ops_header" > "$build/fovea_ops.h.new"
mv "$build/fovea_ops.h.new" "$root/include/fovea_ops.h"
echo "include/fovea_ops.h written"
