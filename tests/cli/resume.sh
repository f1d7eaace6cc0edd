# A run that was stopped goes on, a finished one is extended, and what differs is refused.
mask() { sed -E 's/[0-9.e+-]+ s;/T s;/; s/needs .* of memory/needs SO MUCH of memory/; s/holds epoch [0-9]+/holds epoch N/; s/[0-9]+\.[0-9]+ s/T s/; s/weights [0-9a-f]{16}/weights HASH/; s/--isa [a-z0-9]+/--isa ISA/; s/(loss|accuracy) [0-9.]+%?/\1 X/g; s/  best$//; s/, [0-9a-f]{16}/, HASH/g'; }
show() { run "$@" 2>&1 | mask; }
weights() { sed -E 's/.*weights ([0-9a-f]{16}).*/\1/'; }
show train logistic digits --limit 200 --epochs 2 -o a --save-every 1
"$FOVEA" train --resume a -q > again
show train --resume a -q
show train --resume a --epochs 3
straight=$("$FOVEA" train logistic digits --limit 200 --epochs 3 --schedule constant -o b -q | weights)
"$FOVEA" train logistic digits --limit 200 --epochs 1 --schedule constant -o c -q > /dev/null
[ "$("$FOVEA" train --resume c --epochs 3 -q | weights)" = "$straight" ] && echo "1 epoch and 2 more: the same"
show train --resume a --batch 8
show train --resume a --seed 4
show train --resume a mlp digits
show train --resume a logistic digits --limit 100
show train --resume a --epochs 1
show train --resume nowhere
show train --resume a -o b
show train --resume a logistic
show train logistic digits --save-every soon
