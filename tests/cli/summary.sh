run summary mnist_cnn
run summary lenet5
run summary logistic --json
run summary mlp --set hidden=10
printf 'input ?x?x3\nconv 8 3x3 stride=2\nglobalavgpool\ndense 2\n' > open.net
run summary open.net
run summary open.net --input 224x224x3
run summary logistic --text
