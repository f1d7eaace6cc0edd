run zoo
run zoo logistic
run zoo logistic.net
run zoo logistic --json
# Every network for pictures of 28x28 trains as its own lines say.
for net in lenet5 lenet_mnist logistic mlp mnist_cnn; do
  "$FOVEA" train $net digits --limit 40 --epochs 1 --quiet > line && echo "$net trains" || cat line
done
run zoo --markdown | sed -n '1,/^## /p' | grep -E '^(#|\| (network|logistic|\[logistic))'
run zoo logistic --markdown
