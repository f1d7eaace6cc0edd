#!/bin/sh
# results_mnist_committee.sh MNIST [FOLDER] - five members of examples/mnist_committee.net, seeds 0 to 4 with kernels of 3x3, 5x5, 7x7,
# 3x3 and 5x5, trained on all 60,000 pictures; the error of each and of the committee (the mean of their probabilities) over the 10,000
# test pictures.
#
#   results_mnist_committee.sh MNIST choose [FOLDER]    how the recipe is chosen: each candidate trained on nine tenths of the training
#                                                       pictures and judged on the last tenth; the test pictures are not opened
#
# MNIST is a folder with the four files. $FOVEA names the program, $SEEDS the members, $EPOCHS the epochs (default the net's); $LIMIT
# takes only so many pictures, to see that everything works. $BF16 (any text) trains with products of bf16 numbers.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 MNIST [choose] [FOLDER]" >&2; exit 2; }
data=$1
shift
net=$(dirname "$0")/../examples/mnist_committee.net
fovea=${FOVEA:-build/fovea}
short="${EPOCHS:+-e $EPOCHS} ${LIMIT:+--limit $LIMIT} ${BF16:+--bf16}"

error_of() { tail -n 1 | sed -n 's/.*accuracy \([0-9.]*\)%.*/\1/p' | awk '{printf "%.2f%%", 100 - $1}'; }

if [ "${1-}" = choose ]; then
    folder=${2:-runs/mnist_choose}
    mkdir -p "$folder"
    echo "| augmentation | error on the tenth held back, seeds ${SEEDS:-0 1} | seconds |"
    echo "|---|---|---|"
    number=0
    # one candidate a line; the first is the net's own
    while read -r list; do
        errors= begun=$(date +%s)
        for seed in ${SEEDS:-0 1}; do
            run=$folder/$number-$seed
            # shellcheck disable=SC2086
            "$fovea" train "$net" "$data:train" $short -s "$seed" --augment "$list" --validation-split 0.1 -o "$run" --force \
                --progress plain >"$run.log" </dev/null
            errors="$errors $(sed -n 's/^epoch .*val_accuracy \([0-9.]*\)%.*/\1/p' "$run.log" | tail -n 1 | awk '{printf "%.2f%%", 100 - $1}')"
        done
        echo "| \`$list\` |$errors | $(($(date +%s) - begun)) |"
        number=$((number + 1))
    done <<'LISTS'
elastic(alpha=20, sigma=5) rotate(8) zoom(0.08) shift(1)
elastic(alpha=30, sigma=5) rotate(12) zoom(0.12) shift(2)
elastic(alpha=34, sigma=4) rotate(15) zoom(0.15) shear(10) shift(2)
rotate(12) zoom(0.12) shift(2)
LISTS
    exit 0
fi

folder=${1:-runs/mnist_committee}
mkdir -p "$folder"
all= begun=$(date +%s)
echo "| member | kernels | test error | seconds | weights |"
echo "|---|---|---|---|---|"
for seed in ${SEEDS:-0 1 2 3 4}; do
    run=$folder/$seed start=$(date +%s) kernel=$((3 + seed % 3 * 2))
    # shellcheck disable=SC2086
    "$fovea" train "$net" "$data:train" --set "kernel=$kernel" $short -s "$seed" --validation-split 0 -o "$run" --force --progress plain >"$run.log"
    error=$("$fovea" evaluate "$run/last.safetensors" "$data:test" -q | error_of)
    echo "| seed $seed | ${kernel}x$kernel | $error | $(($(date +%s) - start)) | $(sed -n 's/.*weights \([0-9a-f]*\);.*/\1/p' "$run.log") |"
    all="$all $run/last.safetensors"
done
# shellcheck disable=SC2086
echo "| committee | | $("$fovea" evaluate $all "$data:test" -q | error_of) | $(($(date +%s) - begun)) | |"
