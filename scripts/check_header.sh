#!/bin/sh
# The public header alone, and a file that uses every builder, compile without a warning as C11 and as C++20.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '#include "fovea.h"' >"$work/alone.c"
cp "$work/alone.c" "$work/alone.cpp"
cp tests/every_builder.c "$work/every_builder.c"
cp tests/every_builder.c "$work/every_builder.cpp"
for file in alone every_builder; do
    for compiler in gcc clang cc; do
        command -v "$compiler" >/dev/null 2>&1 || continue
        "$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only "$work/$file.c"
    done
    for compiler in g++ clang++ c++; do
        command -v "$compiler" >/dev/null 2>&1 || continue
        "$compiler" -std=c++20 -Wall -Wpedantic -Werror -Iinclude -fsyntax-only "$work/$file.cpp"
    done
done
for builder in $(sed -n 's/^FV_API fv_value \(fv_[a-z0-9_]*\)_with(.*/\1/p' include/fovea_ops.h); do
    grep -q "$builder(" tests/every_builder.c || { echo "tests/every_builder.c does not use $builder" >&2; exit 1; }
done
echo "header: fine as C11 and C++20"
