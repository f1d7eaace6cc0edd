#!/bin/sh
# test_arm.sh [FOLDER] - builds for 64-bit ARM in FOLDER (build-arm) and runs the tests of the kernels and the operators there, one
# processor emulating the other. On Debian: its cross-compiler, qemu, and its ARM packages of the libraries, unpacked in FOLDER
# (nothing of them is installed). Where they cannot be had it skips with a word and exit status 77.
set -u
cd "$(dirname "$0")/.."
folder=${1:-build-arm}
tests="test_kernels test_conv_kernels test_groups_kernels test_place_kernels test_picture_kernels test_ops"
. scripts/setup.sh

skip() {
    echo "skipped: $*"
    exit 77
}

mkdir -p "$folder" || exit 1
folder=$(cd "$folder" && pwd)
root=$folder/root
log=$folder/log

(setup_packages arm) || skip "no cross-compiler for ARM, or no qemu"
if ! [ -f "$root/complete" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "ARM libraries are taken from Debian's packages"
    mkdir -p "$root" "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/packages"
    apt="apt-get -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=
         -o Dir::State=$folder/apt -o Dir::Cache=$folder/apt -o Dir::State::status=/dev/null"
    libraries="zlib1g zlib1g-dev libpng16-16 libpng-dev libjansson4 libjansson-dev libcmocka0 libcmocka-dev"
    $apt update >"$log" 2>&1 && (cd "$folder/packages" && $apt download $libraries) >>"$log" 2>&1 ||
        skip "ARM packages of zlib, libpng, jansson and cmocka cannot be fetched ($log)"
    for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$root" || exit 1; done
    # Links to where the packages would have been installed.
    for link in "$root"/usr/lib/aarch64-linux-gnu/*.so; do
        case $(readlink "$link") in /*) ln -sf "$root$(readlink "$link")" "$link" ;; esac
    done
    touch "$root/complete"
fi

echo "building for ARM"
if ! { cmake -S . -B "$folder/build" -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux.cmake -DARM_ROOT="$root" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O2 \
    -DFOVEA_JPEG=OFF -DFOVEA_ARCHIVE=OFF -DFOVEA_GRAPHVIZ=OFF &&
    cmake --build "$folder/build" -j "$(setup_jobs)" --target $tests; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    setup_fail "The build for ARM failed; the last lines are above."
fi

export FOVEA_SOURCE="$PWD"
status=0
for test in $tests; do
    if qemu-aarch64-static -L /usr/aarch64-linux-gnu -E \
        LD_LIBRARY_PATH="$root/lib/aarch64-linux-gnu:$root/usr/lib/aarch64-linux-gnu" "$folder/build/tests/$test" >"$log" 2>&1; then
        echo "$test: passed"
    else
        tail -n 30 "$log"
        echo "$test: FAILED"
        status=1
    fi
done
exit $status
