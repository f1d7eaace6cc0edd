#!/bin/sh
# Golden tests of the commands: every case NAME.sh here prints what NAME.expected holds. Cases run in a folder of their own with
# $FOVEA set; standard output and errors are compared together, and `run` prints exit codes.
#   run.sh            all cases
#   run.sh --update   writes the expected files anew (look at the difference before keeping it)
#   run.sh NAME ...   some cases
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${FOVEA:?the program to test}"
FOVEA=$(cd "$(dirname "$FOVEA")" && pwd)/$(basename "$FOVEA")
export FOVEA LC_ALL=C
unset FOVEA_ISA || true
update=no
[ "${1-}" = --update ] && update=yes && shift
[ $# -gt 0 ] || set -- $(cd "$here" && ls ./*.sh | sed -n 's|^\./\(.*\)\.sh$|\1|p' | grep -v '^run$')

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for name in "$@"; do
  mkdir -p "$work/$name"
  # Cases use: run ARGUMENTS, which prints the command, its output, and the exit code if it is not 0.
  { cat <<'TOOLS'
run() {
  printf '$ fovea'; printf ' %s' "$@"; printf '\n'
  "$FOVEA" "$@"; code=$?
  [ $code = 0 ] || echo "(exit $code)"
}
TOOLS
    cat "$here/$name.sh"; } > "$work/$name.case"
  (cd "$work/$name" && sh "$work/$name.case") > "$work/$name.got" 2>&1
  if [ $update = yes ]; then
    cp "$work/$name.got" "$here/$name.expected"
  elif ! diff -u "$here/$name.expected" "$work/$name.got"; then
    echo "FAILED: $name (- expected, + got)"
    failed=$((failed + 1))
  else
    echo "ok: $name"
  fi
done
[ $failed = 0 ]
