# What a run needs depends on the machine's instruction set and threads: # stands for it.
summary() {
  run summary "$@" | sed -E 's/ takes .*/ takes #/; s/"(weights|arena|packed|scratch|optimizer|total)": [0-9]+/"\1": #/'
}
summary mnist_cnn
summary lenet5
summary logistic --json --batch 3
summary mlp --set hidden=10
printf 'input ?x?x3\nconv 8 3x3 stride=2\nglobalavgpool\ndense 2\n' > open.net
summary open.net
summary open.net --input 224x224x3
summary logistic --text
summary mlp --batch 1000
summary logistic --text --batch 2
