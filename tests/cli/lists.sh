# Everything that is listed has a page.
for op in $("$FOVEA" ops | sed '/^$/,$d; s/ .*//'); do "$FOVEA" help "$op" > page || echo "no help for $op"; grep -q "$op" page || echo "$op: empty page"; done
for command in train evaluate report predict data bench summary zoo ops selftest help version; do
  "$FOVEA" $command --help | head -3 | sed -n '3p'
  "$FOVEA" help $command > a; "$FOVEA" $command --help > b; cmp a b
done
"$FOVEA" version
"$FOVEA" --version
"$FOVEA" version --verbose | sed 's/ .*//'
"$FOVEA" selftest --quiet > result && echo "selftest: good" || cat result
