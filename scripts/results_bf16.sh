#!/bin/sh
# results_bf16.sh MNIST [FOLDER] - what products of bf16 numbers cost in accuracy, two tables:
# (a) mnist_cnn by the recipe in its file on all 60,000 pictures, with f32 and with bf16 products: accuracy over the 10,000 test
#     pictures (evaluated as trained), and the means;
# (b) the weights that f32 trained, asked about every test picture with f32 and with bf16 products: on how many the surest class is
#     the same.
#
# MNIST is a folder with the four files. $FOVEA names the program, $NET the network, $SEEDS the seeds (default 0 1 2), $EPOCHS the
# epochs (default the net's); $LIMIT takes only so many pictures, to see that everything works.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 MNIST [FOLDER]" >&2; exit 2; }
data=$1 folder=${2:-runs/bf16}
fovea=${FOVEA:-build/fovea} net=${NET:-mnist_cnn} seeds=${SEEDS:-0 1 2} tests=${LIMIT:-10000}
short="${EPOCHS:+-e $EPOCHS} ${LIMIT:+--limit $LIMIT}"
mkdir -p "$folder"
"$fovea" version --verbose | grep -q '^bf16 products *yes' || echo "$0: no bf16 products here: f32 is compared with itself" >&2

train() { # SEED KIND [--bf16]
    # shellcheck disable=SC2086
    "$fovea" train "$net" "$data:train" $short -s "$1" --validation-split 0 -o "$folder/$2-$1" --force --progress plain ${3-} \
        >"$folder/$2-$1.log"
}

accuracy() { # SEED KIND [--bf16]
    # shellcheck disable=SC2086
    "$fovea" evaluate "$folder/$2-$1/last.safetensors" "$data:test" -q ${LIMIT:+--limit "$LIMIT"} ${3-} |
        sed -n 's/.*accuracy \([0-9.]*\)%.*/\1/p'
}

classes() { # SEED [--bf16]: the surest class of every test picture, a line each
    # shellcheck disable=SC2086
    seq 0 $((tests - 1)) | sed "s|^|$data:test:|" | tr '\n' '\0' |
        xargs -0 "$fovea" predict ${2-} --top 1 --json "$folder/f32-$1/last.safetensors" |
        sed -n 's/.*"class":\([0-9]*\).*/\1/p'
}

mean() { awk '{for (i = 1; i <= NF; i++) sum += $i; printf "%.3f", sum / NF}'; }

all_f32='' all_bf16=''
echo "| $net | f32 | bf16 | weights, f32 and bf16 |"
echo "|---|--:|--:|---|"
for seed in $seeds; do
    train "$seed" f32
    train "$seed" bf16 --bf16
    f32=$(accuracy "$seed" f32) bf16=$(accuracy "$seed" bf16 --bf16)
    # shellcheck disable=SC2016
    echo "| seed $seed | $f32% | $bf16% | $(sed -n 's/.*weights \([0-9a-f]*\);.*/`\1`/p' "$folder/f32-$seed.log" "$folder/bf16-$seed.log" | tr '\n' ' ')|"
    all_f32="$all_f32 $f32" all_bf16="$all_bf16 $bf16"
done
echo "| mean | $(echo "$all_f32" | mean)% | $(echo "$all_bf16" | mean)% | |"
echo
echo "| weights trained with f32 | the same class with bf16 |"
echo "|---|--:|"
for seed in $seeds; do
    classes "$seed" >"$folder/f32-$seed.classes"
    classes "$seed" --bf16 >"$folder/bf16-$seed.classes"
    asked=$(wc -l <"$folder/f32-$seed.classes")
    [ "$asked" -eq "$tests" ] || { echo "$0: $asked answers to $tests pictures" >&2; exit 1; }
    same=$(paste "$folder/f32-$seed.classes" "$folder/bf16-$seed.classes" | awk '$1 == $2 && NF == 2 {n++} END {print n + 0}')
    echo "| seed $seed | $same of $tests, $(awk "BEGIN {printf \"%.2f\", 100 * $same / $tests}")% |"
done
