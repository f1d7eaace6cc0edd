#!/bin/sh
# Writes tests/golden/hashes.txt anew: the weights' hashes of short trainings, by instruction set. Only where a change of the
# arithmetic is meant; levels that this machine lacks keep their lines. The program test_golden must be built.
#   scripts/update_hashes.sh [BUILD]    default build-tests
set -eu
cd "$(dirname "$0")/.."
FOVEA_SOURCE=$PWD "${1:-build-tests}/tests/test_golden" --update
git --no-pager diff --stat -- tests/golden/hashes.txt || true
