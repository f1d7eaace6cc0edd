#!/bin/sh
# fuzz.sh [SECONDS [NAME ...]] - every reader of foreign bytes against libFuzzer for so long (30 s), two at a time, from the files that
# the tests have. Needs clang with its runtime; skips with a word where that is missing. A find stops it: the file that did it lies in
# build-fuzz/found.
set -u
cd "$(dirname "$0")/.."
seconds=${1:-30}
[ $# -gt 0 ] && shift
. scripts/setup.sh
if ! setup_fuzzer; then
    echo "skipped: no clang with libFuzzer (Debian: clang libclang-rt-dev libfuzzer-14-dev)"
    exit 0
fi

log=$(mktemp)
if ! { cmake --preset fuzz && cmake --build build-fuzz --target fuzzers -j "$(setup_jobs)"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    setup_fail "The fuzz targets cannot be built; the last lines are above."
fi
rm -f "$log"

# What each starts from.
seeds() {
    case $1 in
    language) ls zoo/*.net ;;
    names) ls zoo/torchvision/*.names ;;
    npy | safetensors | onnx | idx | csv | gzip | npz | cifar) ls tests/golden/*."$1" tests/golden/"$1"* ;;
    picture | jpeg) ls tests/golden/*.png tests/golden/*.jpg ;;
    esac 2>/dev/null
}

work=build-fuzz/found
rm -rf "$work"
mkdir -p "$work"
run() {
    mkdir -p "$work/$1.start" "$work/$1.corpus"
    for seed in $(seeds "$1"); do cp "$seed" "$work/$1.start/"; done
    if build-fuzz/fuzz/fuzz_"$1" -max_total_time="$seconds" -seed=1 -timeout=60 -rss_limit_mb=3000 -max_len=65536 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$work/$1-" "$work/$1.corpus" "$work/$1.start" >"$work/$1.log" 2>&1; then
        echo "ok: $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log") inputs"
    else
        tail -n 30 "$work/$1.log"
        echo "FAILED: $1; the input is in $work"
        touch "$work/failed"
    fi
    rm -rf "$work/$1.start"
}

[ $# -gt 0 ] || set -- $(ls fuzz/fuzz_*.c | sed 's|fuzz/fuzz_\(.*\)\.c|\1|')
while [ $# -gt 0 ]; do
    run "$1" &
    shift
    if [ $# -gt 0 ]; then
        run "$1" &
        shift
    fi
    wait
done
[ ! -e "$work/failed" ]
