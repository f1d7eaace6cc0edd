#!/bin/sh
# Writes the tables of docs/onnx.md anew from a run of the suite: scripts/onnx_page.sh SUITE. $FOVEA names the program; default
# build/fovea.
set -eu
cd "$(dirname "$0")/.."
program=${FOVEA:-build/fovea}
[ $# -eq 1 ] || { echo "usage: scripts/onnx_page.sh SUITE" >&2; exit 2; }
table=$(mktemp)
page=$(mktemp docs/onnx.XXXXXX)
trap 'rm -f "$table" "$page"' EXIT
"$program" conformance "$1" --markdown >"$table"
awk -v table="$table" '
  /^<!-- tables end -->/ { while ((getline line < table) > 0) print line; inside = 0 }
  !inside { print }
  /^<!-- tables begin -->/ { inside = 1 }' docs/onnx.md >"$page"
chmod 644 "$page"
mv "$page" docs/onnx.md
