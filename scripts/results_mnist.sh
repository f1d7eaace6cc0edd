#!/bin/sh
# The MNIST table of docs/results.md: every network, three seeds, all 60,000 training pictures, tested on the 10,000.
#
#   scripts/results_mnist.sh FOLDER_WITH_MNIST [NETWORK ...]
set -eu
fovea=${FOVEA:-build/fovea}
data=${1:?"usage: scripts/results_mnist.sh FOLDER_WITH_MNIST [NETWORK ...]"}
shift
[ $# -gt 0 ] || set -- logistic mlp lenet_mnist mnist_cnn lenet5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "| network | seed | test error | seconds | weights |"
echo "|---|---|---|---|---|"
for net in "$@"; do
    for seed in 0 1 2; do
        start=$(date +%s)
        hash=$("$fovea" train "$net" "$data" --validation-split 0 --seed $seed -o "$work/run" --force --quiet | sed -n 's/.*weights \([0-9a-f]*\).*/\1/p')
        accuracy=$("$fovea" evaluate "$work/run/last.safetensors" "$data" | sed -n 's/.*accuracy \([0-9.]*\)%.*/\1/p')
        echo "| $net | $seed | $(echo "100 - $accuracy" | bc)% | $(($(date +%s) - start)) | $hash |"
    done
done
