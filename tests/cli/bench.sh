# Times are the machine's: # stands for every number that is measured.
bench() {
  run bench "$@" | sed -E '3s/.*/#/; 5,$s/^([a-z]+ +[0-9]+).*/\1 #/'
}
keys() { sed -E 's/^( *"(cpu|isa|version|cpus|load|steps|median|least|lower|upper|most|images_per_second|gflops|peak_gflops|of_peak|peak_bytes)":) [^,]*/\1 #/'; }
bench lenet_mnist --batch 1,3 --seconds 0.01 --threads 1
bench mlp --training --batch 2 --seconds 0.01 --threads 1 --set hidden=10
run bench mlp --inference --batch 2 --seconds 0.01 --threads 1 --json | keys
printf 'input ?x?x3\nconv 8 3x3 stride=2\nglobalavgpool\ndense 2\n' > open.net
run bench open.net --batch 1 --inference
run bench open.net --batch 1 --inference --input 9x9x3 --seconds 0.01 | wc -l
run bench mlp --batch 1,
run bench mlp --batch 0
run bench mlp --input 3x
run bench mlp --against python3 --exact
run bench mnist_cnn --against ./no_such_python
TMPDIR=./no_such_folder run bench mnist_cnn --against ./no_such_python
run bench mlp --seconds 0
run bench nothere --batch 1
