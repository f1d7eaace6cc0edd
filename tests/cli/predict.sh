# Many files: an answer a line, as soon as it is there; a file that cannot be read; the same as one by one.
"$FOVEA" train logistic digits --limit 200 --epochs 1 -o run -q > /dev/null
for k in 1 2 3; do "$FOVEA" predict run digits:$k --show-input $k.png > /dev/null; done
echo "no picture" > broken.png
"$FOVEA" predict run 1.png 2.png 3.png --top 2 > all.txt
for k in 1 2 3; do "$FOVEA" predict run $k.png --top 2; done > each.txt
cmp all.txt each.txt && echo "the same answers"
"$FOVEA" predict run 1.png broken.png 2.png --skip-bad --json | sed -E 's/(class|name|probability)":"?[0-9.e-]+"?/\1":X/g'
"$FOVEA" predict run 1.png 2.png --show-input x.png
"$FOVEA" predict run 1.png --invert --json --top 1 | sed -E 's/(class|name|probability)":"?[0-9.e-]+"?/\1":X/g; s/[0-9]+\.[0-9]+/N/g'
"$FOVEA" predict run digits:1 --tta "shift(1" --json
"$FOVEA" predict run digits:1 --tta "shift(1)" --json --top 1 | sed -E 's/(class|name|probability)":"?[0-9.e-]+"?/\1":X/g'
