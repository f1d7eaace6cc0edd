# How a model does, class by class. The reference kernels give the same numbers everywhere.
"$FOVEA" train logistic digits --limit 300 --epochs 3 --isa reference -o a -q > /dev/null
"$FOVEA" train mlp digits --limit 400 --epochs 2 --seed 1 --isa reference -o b -q > /dev/null
on() { run evaluate "$@" --limit 200 --isa reference; }
on a digits
on a digits --confusion -q
on a digits --metrics "top3 f1 weighted_precision" -q
on a b digits -q
on a digits -q --min-accuracy 0.3
on a digits -q --min-accuracy 97/100
on a digits -q --metrics none --min-accuracy 0.99
on a digits --metrics auc
on a digits --metrics f2
on a
on a nothing.safetensors digits
on a digits --min-accuracy 97
"$FOVEA" evaluate a b digits --limit 50 --isa reference --json > j
grep '"model"' j; for key in recall answers confusion members; do echo "$key $(grep -c "\"$key\"" j)"; done
