# What is said when something is not there or not right: one line, exit 1, nothing written.
run train no_such_net digits
run train lenet6 digits
run train mnist_cnn no_such_data
run train mnist_cnn digits:tset
run train mnist_cnn digits --set width=3
run train mlp digits --set hiden=3
run train mlp digits --set hidden=many
run train mlp digits --optimizer adamm
run train mlp digits --optimizer 'sgd(rte=1)'
run train mlp digits --loss crosentropy
run train mlp digits --metrics acuracy
run train mlp digits --schedule cosin
run train mlp digits --isa mmx 2>&1 | sed 's/ (expected.*)$//'
run train lenet_relu digits
run evaluate nothing digits
run predict nothing digits:1
run summary nothing
run help covn
run zoo lenet
printf 'input 28x28x1\nconv 8 30x30\n' > large.net
run summary large.net
printf 'input 28x28x1\nconv 8 3x3 strid=2\n' > key.net
run summary key.net
printf 'input 28x28x1\ncnov 8 3x3\n' > op.net
run summary op.net
printf 'input 28x28x1\nconv 8 3x3 stride=0\n' > stride.net
run summary stride.net
printf 'input 28x28x3\nconv 8 3x3 groups=2\n' > groups.net
run summary groups.net
printf 'input 28x28x1\0conv 8 3x3\n' > binary.net
run summary binary.net
printf 'no model at all' > damaged.onnx
run summary damaged.onnx
mkdir empty
run train mlp empty
run train mlp large.net
echo x > file
run train mlp digits --limit 10 -o file
run train mlp digits --limit 10 -o file/run
run train mlp digits --limit 10 --schedule cosin -o new/folder/run
ls
