#!/bin/sh
# Writes docs/zoo.md from the networks in zoo/, and with --pictures also docs/pictures/NAME.svg (needs a program built with
# Graphviz). $FOVEA names the program; default build/fovea.
set -eu
cd "$(dirname "$0")/.."
program=${FOVEA:-build/fovea}
case ${1-} in
'' | --pictures) ;;
*)
  echo "usage: scripts/zoo_page.sh [--pictures]" >&2
  exit 2
  ;;
esac
page=$(mktemp docs/zoo.XXXXXX)
trap 'rm -f "$page"' EXIT
"$program" zoo --markdown >"$page"
chmod 644 "$page"
mv "$page" docs/zoo.md
[ "${1-}" = --pictures ] || exit 0
mkdir -p docs/pictures
for file in zoo/*.net; do
  name=$(basename "$file" .net)
  "$program" draw "$file" -o "docs/pictures/$name.svg"
done
