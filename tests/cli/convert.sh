# PyTorch's layout: [out][in][kh][kw] and [out][in]; the dense layer stands behind a flatten of 1x2x2.
cat > my.net <<'NET'
input 1x2x3
conv 2 1x1
flatten
dense 2
NET
cat > my.names <<'NAMES'
conv1 -> features.0
dense1 -> fc
NAMES
# write NAME HEADER BYTES: a safetensors file of zeros (its header is shorter than 256 bytes)
write() {
  { printf "\\$(printf %03o ${#2})"; printf '\0\0\0\0\0\0\0'; printf %s "$2"; head -c "$3" /dev/zero; } > "$1"
}
write good.safetensors '{"features.0.weight":{"dtype":"F32","shape":[2,3,1,1],"data_offsets":[0,24]},"features.0.bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]},"fc.weight":{"dtype":"F32","shape":[2,4],"data_offsets":[32,64]}}' 64
run convert good.safetensors --net my.net --names my.names -o model.safetensors
sed 's/dense 2/dense 2 bias=no/' my.net > no_bias.net
run convert good.safetensors --net no_bias.net --names my.names -o model.safetensors -v
run summary model.safetensors --json | grep '"parameters"' | head -1
sed 's/dense 2/dense 3 bias=no/' my.net > three.net
run convert good.safetensors --net three.net --names my.names -o three.safetensors
sed 's/^dense.*/globalavgpool/; /^flatten/d' my.net > short.net
run convert good.safetensors --net short.net --names my.names --preprocess 'scale=1/255 mean=0.5' -o short.safetensors
printf 'cat\ndog\nbird\n' > classes
run convert good.safetensors --net no_bias.net --names my.names --classes classes -o classes.safetensors
run convert good.safetensors --net my.net --names none -o x.safetensors
run convert good.safetensors --net lenet5 -o x.safetensors
run convert nothing.safetensors --net my.net -o x.safetensors
run convert good.safetensors -o x.safetensors
run convert good.safetensors --net my.net
ls
