#!/bin/sh
# Puts the figures that bench/all.sh wrote into docs/performance.md, between the lines <!-- figures: FILE --> and <!-- end -->,
# and its plots into docs/pictures. What the folder lacks stays as it is.
#   scripts/performance_page.sh OUTDIR
set -eu
[ $# = 1 ] && [ -d "$1" ] || { echo "usage: scripts/performance_page.sh OUTDIR" >&2; exit 2; }
from=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
page=$(mktemp docs/performance.XXXXXX)
trap 'rm -f "$page"' EXIT
awk -v from="$from" '
  /^<!-- figures: / {
    print
    file = from "/" $3
    inside = 0
    if ((getline line < file) > 0) {
      code = $3 ~ /\.txt$/
      print ""
      do print code ? "    " line : line; while ((getline line < file) > 0)
      print ""
      inside = 1
    }
    close(file)
    next
  }
  /^<!-- end -->/ { inside = 0 }
  !inside' docs/performance.md > "$page"
chmod 644 "$page"
mv "$page" docs/performance.md
for plot in growth_time growth_memory; do
  if [ -f "$from/$plot.svg" ]; then cp "$from/$plot.svg" "docs/pictures/$plot.svg"; fi
done
