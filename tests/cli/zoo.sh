# The list has every network, its comment in a column of its own behind the longest name; other nets may come.
run zoo > list; sed -E -n '1p; $p; s/^(logistic|mlp|lenet_mnist) +/\1  /p' list
grep -E '^[a-z0-9_]+  ' list | sed 's/ .*//' > names
"$FOVEA" zoo --json | sed -n 's/.*"name": "\(.*\)",.*/\1/p' | cmp - names && echo "all names are listed"
run zoo logistic
run zoo logistic.net
run zoo logistic --json
# Every network for pictures of 28x28 trains as its own lines say.
for net in lenet5 lenet_mnist logistic mlp mnist_cnn; do
  "$FOVEA" train $net digits --limit 40 --epochs 1 --quiet > line && echo "$net trains" || cat line
done
run zoo --markdown | sed -n '1,/^## /p' | grep -E '^(#|\| (network|logistic|\[logistic))'
run zoo logistic --markdown
