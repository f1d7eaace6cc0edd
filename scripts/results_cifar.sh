#!/bin/sh
# results_cifar.sh CIFAR10 [FOLDER] - the CIFAR-10 table of docs/results.md: each network trained on all 50,000 pictures with the recipe
# in its file, judged on the 10,000 test pictures after the last epoch; wall clock with evaluation. CIFAR10 is a folder as
# scripts/get_cifar10.sh makes it. $FOVEA names the program, $SEEDS the seeds of cifar_speed (default 0 1 2), $NETS the networks.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 CIFAR10 [FOLDER]" >&2; exit 2; }
data=$1 folder=${2:-runs/cifar}
fovea=${FOVEA:-build/fovea}
nets=${NETS:-cifar_speed cifar_cnn resnet20_cifar plain20_cifar}
mkdir -p "$folder"

train() { # NET SEED [TTA]
    run=$folder/$1-$2
    begun=$(date +%s)
    "$fovea" train "$1" "$data:train" --validation-split 0 -s "$2" -o "$run" --force --progress plain >"$run.log"
    plain=$("$fovea" evaluate "$run/last.safetensors" "$data:test" -q | sed 's/ *(.*//')
    line="$1 seed $2: $plain"
    [ -z "${3-}" ] || line="$line; with --tta \"$3\": $("$fovea" evaluate "$run/last.safetensors" "$data:test" -q --tta "$3" | sed 's/ *(.*//')"
    echo "$line; $(($(date +%s) - begun)) s; $(sed -n 's/.*weights \([0-9a-f]*\);.*/weights \1/p' "$run.log")"
}

"$fovea" version --verbose 2>/dev/null | head -n 3 || true
for net in $nets; do
    if [ "$net" = cifar_speed ]; then
        # 8 epochs of 50,000 pictures, three times 118 million multiply-adds each: 0.28 PFLOP by direct sums.
        for seed in ${SEEDS:-0 1 2}; do train "$net" "$seed" "hflip shift(1)"; done
    else
        train "$net" 0
    fi
done
