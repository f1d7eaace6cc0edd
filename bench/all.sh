#!/bin/sh
# All tables and plots of docs/performance.md, ready to paste, in at most half an hour; what matters most first.
#   bench/all.sh OUTDIR
# $FOVEA: the program (default build/fovea); $BENCH_CONV: build/bench/bench_conv beside it; $PYTHON: one that has torch and
# onnxruntime, if any does (default python3); $MINUTES: for everything (default 29).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 1 ] || { echo "usage: bench/all.sh OUTDIR" >&2; exit 2; }
out=$1
fovea=${FOVEA:-$here/../build/fovea}
bench_conv=${BENCH_CONV:-$(dirname "$fovea")/bench/bench_conv}
python=${PYTHON:-python3}
began=$(date +%s)
end=$((began + 60 * ${MINUTES:-29}))
for program in "$fovea" "$bench_conv"; do
  [ -x "$program" ] || { echo "bench/all.sh: there is no $program: make bench-all builds it" >&2; exit 1; }
done
mkdir -p "$out"
cpus=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

say() { echo "$(($(date +%s) - began)) s: $1" >&2; }
left() { echo $((end - $(date +%s))); }

say "machine"
{ "$fovea" version --verbose; uptime; } > "$out/machine.txt"

say "layers, 1 thread"
"$bench_conv" --markdown 1 > "$out/layers_1.md"

"$python" -c '' 2>/dev/null || { echo "no $python: no comparison, no networks, no growth" >&2; exit 0; }
if [ "$(left)" -gt 600 ]; then
  say "against the others, $cpus threads"
  # What is left behind is for the parts below.
  "$python" "$here/peers.py" --fovea "$fovea" --threads "$cpus" --json "$out/peers_$cpus.json" \
    --budget $((($(left) - 540) / 60)) > "$out/peers_$cpus.md"
fi
if [ "$cpus" -gt 1 ]; then
  say "layers, $cpus threads"
  # Else oneDNN's threads spin on while ours work.
  OMP_WAIT_POLICY=passive "$bench_conv" --markdown "$cpus" > "$out/layers_$cpus.md"
fi
say "layers with products of bf16, 1 thread"
"$bench_conv" --markdown --bf16 1 b16 > "$out/layers_bf16.md"
say "networks"
"$python" "$here/networks.py" --fovea "$fovea" --seconds 0.5 --json "$out/networks.json" > "$out/networks.md"
if [ "$cpus" -gt 1 ]; then
  say "beside a busy process"
  "$python" "$here/neighbour.py" --fovea "$fovea" > "$out/neighbour.md"
fi
say "growth"
"$python" "$here/growth.py" --fovea "$fovea" --out "$out" --json "$out/growth.json" > "$out/growth.md"
if [ "$cpus" -gt 1 ] && [ "$(left)" -gt 120 ]; then
  say "against the others, 1 thread"
  "$python" "$here/peers.py" --fovea "$fovea" --threads 1 --turns 3 --seconds 0.3 --json "$out/peers_1.json" \
    --budget $((($(left) - 45) / 60)) > "$out/peers_1.md"
fi
say "LeNet part by part"
"$bench_conv" 1 lenet > "$out/lenet.txt"
say "done"
