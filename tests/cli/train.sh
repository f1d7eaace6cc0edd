# A small run from training to prediction. Numbers that depend on the machine are masked.
mask() { sed -E 's/[0-9.e+-]+ s;/T s;/; s/needs .* of memory/needs SO MUCH of memory/; s/[0-9]+\.[0-9]+ s/T s/; s/holds epoch [0-9]+/holds epoch N/; s/weights [0-9a-f]{16}/weights HASH/; s/--isa [a-z0-9]+/--isa ISA/; s/(loss|accuracy|top[0-9]) [0-9.]+%?/\1 X/g; s/  best$//; s/^(A run|Training with).* takes .*/\1 takes #/'; }
show() { run "$@" 2>&1 | mask; }
show train logistic digits --limit 300 --epochs 2 -o runs/a
ls runs/a
wc -l < runs/a/history.jsonl | tr -d ' '
show train logistic digits --limit 300 -o runs/a
show train logistic digits --limit 300 --epochs 1 -o runs/a --force --quiet
wc -l < runs/a/history.jsonl | tr -d ' '
show train logistic digits --limit 100 --epochs 1 --validation digits:test --quiet
show train logistic digits --limit 100 --epochs 1 --validation-split 0 --metrics 'accuracy top3'
show train logistic digits --limit 100 --epochs 1 --validation-split 0.2 --validation-tail
show evaluate runs/a digits --limit 100 -q
show evaluate runs/a digits:train --limit 50 -q
show evaluate runs/a/last.safetensors digits --limit 50 --metrics top3 -q
show summary runs/a
rm runs/a/report.html
show report runs/a
grep -c '</html>' runs/a/report.html
show report runs/b
show train logistic digits --limit 100 --epochs 1 --tensorboard
show train logistic digits --limit 100 --epochs 1 --tensorboard -q -o runs/t
ls runs/t/tensorboard/train | sed 's/[0-9]\{10\}/TIME/'
"$FOVEA" predict runs/a digits:0 digits:train:1 | sed -E 's/[0-9] +[0-9.]+%/G P%/g; s/: wrong//'
"$FOVEA" predict runs/a digits:0 --top 1 --json | sed -E 's/(class|name|probability|truth)":"?[0-9.]+"?/\1":X/g'
show predict runs/a digits:100000
show predict runs/a nothing.png
show predict runs/a digits:test
