# Folds, fine-tuning, frozen layers, a teacher and the ways of showing progress, from outside. Numbers are masked.
mask() { sed -E 's/[0-9.e+-]+ s;/T s;/; s/needs .* of memory/needs SO MUCH of memory/; s/[0-9]+\.[0-9]+ s/T s/; s/holds epoch [0-9]+/holds epoch N/; s/weights [0-9a-f]{16}/weights HASH/; s/--isa [a-z0-9]+/--isa ISA/; s/(loss|accuracy|top[0-9]) [0-9.]+%?/\1 X/g; s/  best$//; s/[0-9]+\.[0-9]+%?/X/g; s/Validation loss.*/VERDICT/; s/, [0-9,]+ images\/s//'; }
show() { run "$@" 2>&1 | mask; }
show train logistic digits --limit 300 -e 1 --folds 3 -o folds
ls folds
show train logistic digits --limit 300 -e 1 --folds 1
show train logistic digits --limit 300 -e 1 -q -o first
printf 'input 28x28x1\nflatten\ndense 10\npreprocess scale=1/255\n' > head.net
show train head.net digits --limit 300 -e 1 --from first -q -o second
show train head.net digits --limit 300 -e 1 --from first --freeze 'dense*' -q
show train head.net digits --limit 300 -e 1 --from nowhere -q
show train head.net digits --limit 300 -e 1 --freeze 'conv*' -q
show train head.net digits --limit 300 -e 1 --teacher first --temperature 4 -q
show train head.net digits --limit 300 -e 1 --progress none
show train head.net digits --limit 300 -e 1 --progress fancy
show train head.net digits --limit 300 -e 2 --early-stop 'val_los' -q
show train head.net digits --limit 300 -e 1 --clip-norm -1 -q
