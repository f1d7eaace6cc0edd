run summary mnist_cnn --answers
run summary lenet_relu --answers
run summary mlp --answers
printf 'input ?x?x3\nconv 8 3x3 stride=2 padding=1\nmaxpool 2x2\nglobalavgpool\ndense 2\n' > open.net
run summary open.net --answers
run summary open.net --answers --input 32x32x3
# Answers as people type them.
printf '%s\n' '5 5 64' 8 '28x28' '18,496' '2 230 272' 'CONV 2' 'dense1' > good
run summary mnist_cnn --quiz < good
printf '%s\n' '(5, 5, 64)' ten '' q > some
run summary mnist_cnn --quiz < some
printf '99999999999999999999999x1\n-8\n1x2x3x4x5x6x7x8x9x10' | run summary mnist_cnn --quiz
run summary mnist_cnn --quiz < /dev/null
run summary mnist_cnn --quiz --json
