run draw logistic
run draw mlp --set hidden=20 -o mlp.dot
grep -c 'dense 20' mlp.dot
printf 'block unit(n)\n  conv n 3x3 padding=same\n  relu\n  conv n 3x3 padding=same\n  add <- it, in\ninput ?x?x4\nrepeat 3\n  unit 4\n' > units.net
run draw units.net
run draw units.net --blocks --across --input 32x32x4
run draw units.net --all -o units.gv
grep -c subgraph units.gv
run draw units.net --input 32x
run draw units.net -o picture
run draw units.net -o no/such/folder/x.dot
run draw nothing
# A picture, or the text and where to go with it.
mkdir made
# Graphviz and its fonts keep memory for the next picture: no leak of ours.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
"$FOVEA" draw units.net -o made/units.svg 2> made/said
if [ $? = 0 ]; then grep -c '</svg>' made/units.svg; else grep -c 'units.dot instead' made/said; fi
if [ -e made/units.svg ]; then "$FOVEA" draw units.net -o made/units.nonsense 2>&1 | grep -c 'nonsense.*units.dot instead'; else echo 1; fi
