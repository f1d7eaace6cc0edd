#!/bin/sh
# results_cifar.sh CIFAR10 [FOLDER] - the CIFAR-10 table of docs/results.md: each network trained on all 50,000 pictures with the recipe
# in its file, judged on the 10,000 test pictures after the last epoch. CIFAR10 is a folder as scripts/get_cifar10.sh makes it.
#
# $FOVEA names the program, $NETS the networks, $SEEDS the seeds of cifar_speed (default 0 1 2), $EPOCHS the epochs (default the
# net's), $BF16 (any value) bf16 products, $PEER a Python with PyTorch that then times the same step (bench/cifar_peer.py); $LIMIT takes only so many pictures, to see
# that everything works.
#
# Seconds are wall clock: of the training, and of the evaluation (for cifar_speed the one with test-time augmentation). PFLOP are those
# of a run by direct sums, two for each multiply-add, three times forward for a step of training; the peak is measured beside a
# benchmark of the step right before the first run of each network.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 CIFAR10 [FOLDER]" >&2; exit 2; }
data=$1 folder=${2:-runs/cifar}
fovea=${FOVEA:-build/fovea}
short="${EPOCHS:+-e $EPOCHS} ${LIMIT:+--limit $LIMIT}"
products=${BF16:+--bf16}
views="hflip shift(1, border=reflect)" # each picture six times
mkdir -p "$folder"

number() { sed -n "s/^ *\"$1\": *\([0-9.]*\),*\$/\1/p" | head -n 1; }
# shellcheck disable=SC2086
accuracy() { "$fovea" evaluate "$run/last.safetensors" "$data:test" -q $products ${LIMIT:+--limit "$LIMIT"} --tta "$1" | sed -n 's/.*accuracy \([0-9.]*\)%.*/\1/p'; }

measure() { # NET: its cost, and what the machine gives it now
    # shellcheck disable=SC2086
    macs=$("$fovea" summary "$1" --json | number macs)
    "$fovea" bench "$1" --training $products --seconds 2 --json >"$folder/$1-bench.json"
    peak=$(number peak_gflops <"$folder/$1-bench.json")
    rate=$(number images_per_second <"$folder/$1-bench.json")
}

train() { # NET SEED VIEWS: one line of the table
    run=$folder/$1-$2 plain=
    begun=$(date +%s)
    # shellcheck disable=SC2086
    "$fovea" train "$1" "$data:train" $short $products --validation-split 0 -s "$2" -o "$run" --force --progress plain >"$run.log"
    trained=$(date +%s)
    result=$(accuracy "$3")
    ended=$(date +%s)
    [ "$3" = none ] || plain=$(accuracy none)
    epochs=$(grep -c '^epoch ' "$run.log")
    pictures=${LIMIT:-50000} tests=${LIMIT:-10000}
    [ "$3" = none ] && seen=1 || seen=6
    flop=$(awk "BEGIN {printf \"%.3f\", 2e-15 * $macs * (3 * $pictures * $epochs + $seen * $tests)}")
    part=$(awk "BEGIN {printf \"%.0f\", 100e6 * $flop / ($ended - $begun + 0.001) / $peak}")
    echo "| $1${BF16:+, bf16} | $2 | $epochs | ${plain:-$result}% | $([ "$3" = none ] || echo "$result%") | $((trained - begun)) + $((ended - trained)) |" \
        "$flop | $part% of $(printf %.0f "$peak") | $(printf %.0f "$rate") | $(sed -n 's/.*weights \([0-9a-f]*\);.*/`\1`/p' "$run.log") |"
}

echo "| network | seed | epochs | test accuracy | mirrored and shifted | seconds | PFLOP | of the peak, GFLOP/s | images/s of a step | weights |"
echo "|---|---|---|---|---|---|---|---|---|---|"
for net in ${NETS:-cifar_speed cifar_cnn resnet20_cifar plain20_cifar}; do
    measure "$net"
    if [ "$net" = cifar_speed ]; then
        for seed in ${SEEDS:-0 1 2}; do train "$net" "$seed" "$views"; done
    else
        train "$net" 0 none
    fi
done
[ -z "${PEER-}" ] || "$PEER" "$(dirname "$0")/../bench/cifar_peer.py"
