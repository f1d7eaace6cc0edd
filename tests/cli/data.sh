# What is in a data set. Pictures of 2x2: a header of 16 bytes, then the bytes.
mkdir set
printf '\000\000\010\003\000\000\000\006\000\000\000\002\000\000\000\002' > set/train-images-idx3-ubyte
printf '\001\002\003\004\011\011\011\011\001\002\003\004\000\000\000\377\000\000\377\000\005\006\007\010' >> set/train-images-idx3-ubyte
printf '\000\000\010\001\000\000\000\006\000\000\000\001\001\001' > set/train-labels-idx1-ubyte
printf '\000\000\010\003\000\000\000\002\000\000\000\002\000\000\000\002\001\002\003\004\001\001\001\002' > set/t10k-images-idx3-ubyte
printf '\000\000\010\001\000\000\000\002\000\001' > set/t10k-labels-idx1-ubyte
run data set
run data set:test -o sheet.png
head -c 4 sheet.png | tail -c 3; echo
run data set --json
run data digits --limit 1000 | sed -E 's|[0-9]+\.[0-9]+ +[0-9]+\.[0-9]+$|X|; s|mean=.*|X|'
run data nothing
run data set:tost
run data set -o nowhere/sheet.png
