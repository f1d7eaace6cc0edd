#!/bin/sh
# Installs what the tests need, builds everything and runs the tests. `./test.sh NAME` runs only tests whose name matches.
set -eu
cd "$(dirname "$0")"
. scripts/setup.sh

setup_packages required tests
echo "Building ..."
setup_build tests build-tests
ctest --test-dir build-tests --output-on-failure -LE slow -j "$(setup_jobs)" ${1:+-R "$1"}
