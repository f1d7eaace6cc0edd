# What is said to those who ask wrongly: exit 2.
run
run --help
run help train
run trian
run train
run train mnist_cnn
run train mnist_cnn digits more
run train mnist_cnn digits --epocs 3
run train mnist_cnn digits --epochs
run train mnist_cnn digits --epochs x
run train mnist_cnn digits --epochs 0
run train mnist_cnn digits --epochs=-1
run train mnist_cnn digits --batch 0
run train mnist_cnn digits --rate 1e99
run train mnist_cnn digits --validation-split 1.5
run train mnist_cnn digits --validation digits --validation-tail
run train mnist_cnn digits --set width
run train mnist_cnn digits --force=yes
run train mnist_cnn digits -z
run train mnist_cnn digits --limit 0
run train mnist_cnn digits --threads 0
run summary
run summary mnist_cnn --input 3x
run evaluate run
run predict run
run version verbose
run zoo --jsn
