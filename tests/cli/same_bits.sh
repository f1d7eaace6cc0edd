# The same command gives the same weights, at any number of threads.
weights() { "$FOVEA" train lenet_mnist digits --limit 300 --epochs 1 --quiet "$@" | sed -E 's/.*weights ([0-9a-f]{16}).*/\1/'; }
one=$(weights --threads 1)
for n in 1 2 3 5; do [ "$(weights --threads $n)" = "$one" ] && echo "$n threads: the same" || echo "$n threads: DIFFERENT"; done
[ "$(weights --seed 1)" != "$one" ] && echo "another seed: others"
[ "$(weights --data-seed 1)" != "$one" ] && echo "other data: others"
