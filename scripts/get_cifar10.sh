#!/bin/sh
# get_cifar10.sh FROM TO - unpacks CIFAR-10 (data_batch_1.bin.xz ... test_batch.bin.xz and batches.meta.txt in FROM) into the
# folder TO, which `fovea train NET TO` then reads. Files that are there and whole are left alone.
set -eu
[ $# = 2 ] || { echo "usage: $0 FROM TO" >&2; exit 2; }
from=$1 to=$2 size=30730000
command -v xz >/dev/null 2>&1 || { echo "xz is missing: install xz-utils (apt), xz (dnf, brew)" >&2; exit 1; }
mkdir -p "$to"
for name in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
    file=$to/$name.bin
    [ -f "$file" ] && [ "$(wc -c <"$file")" -eq $size ] && continue
    [ -f "$from/$name.bin.xz" ] || { echo "$from/$name.bin.xz is missing" >&2; exit 1; }
    xz -dc "$from/$name.bin.xz" >"$file.part"
    [ "$(wc -c <"$file.part")" -eq $size ] || { rm -f "$file.part"; echo "$from/$name.bin.xz: not $size bytes" >&2; exit 1; }
    mv "$file.part" "$file"
done
if [ -f "$from/batches.meta.txt" ]; then cp "$from/batches.meta.txt" "$to/"; fi
echo "$to: CIFAR-10"
