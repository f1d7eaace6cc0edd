# Products of bf16 numbers: what the option excludes, what is said where there are none, and that the bits are the same as ever.
run train logistic digits --exact --bf16
run evaluate nothing.safetensors digits --exact --bf16
run predict nothing.safetensors digits:1 --exact --bf16
run bench mlp --exact --bf16
run bench mlp --bf16 --against python3
run summary mlp --plan --exact --bf16
run summary mlp --bf16
(export FOVEA_ISA=generic; run summary logistic --plan --bf16) | grep -c calls
mask() { sed -E 's/loss [0-9.]+/loss X/; s/accuracy [0-9.]+%/accuracy X/; s/[0-9.]+ s;/T s;/; s/weights [0-9a-f]{16}/weights HASH/'; }
run train logistic digits --limit 100 --epochs 1 --isa generic --bf16 -q -o a 2>&1 | mask
run evaluate a digits --limit 100 --isa generic --bf16 -q 2>&1 | mask
run bench logistic --inference --batch 1 --seconds 0.01 --isa generic --bf16 2>&1 | grep bf16
# With the instruction set of this machine, whether it has bf16 products or not.
weights() { sed -E 's/.*weights ([0-9a-f]{16}).*/\1/'; }
train() { "$FOVEA" train lenet_mnist digits --limit 300 --schedule constant --bf16 -q "$@" 2> /dev/null; }
straight=$(train --epochs 2 --threads 1 | weights)
for n in 2 3 5; do [ "$(train --epochs 2 --threads $n | weights)" = "$straight" ] && echo "$n threads: the same"; done
train --epochs 1 -o b > again
[ "$("$FOVEA" train --resume b --epochs 2 -q 2> /dev/null | weights)" = "$straight" ] && echo "1 epoch and 1 more: the same"
"$FOVEA" version --verbose | grep -q '^bf16 products *yes' && there=1 || there=0
[ "$(grep -c -e '--bf16' again)" = $there ] && echo "the command that repeats it asks for what was done"
