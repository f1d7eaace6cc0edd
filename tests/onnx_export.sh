#!/bin/sh
# Networks of the zoo, exported: the ONNX checker accepts them, and ONNX Runtime gives what this library gives, within 1e-4 of the
# largest number. Skips with a word (exit 77) where Python has no onnx and onnxruntime; FOVEA_PYTHON names another Python.
#     onnx_export.sh EXPORT_ZOO MOST_PARAMETERS [NET ...]
set -eu
python=${FOVEA_PYTHON:-python3}
"$python" -c "import onnx, onnxruntime, numpy" 2>/dev/null || { echo "skipped: $python has no onnx and onnxruntime"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$1
shift
"$program" "$work" "$@" || { echo "FAILED: not every network could be exported"; exit 1; }
"$python" "$(dirname "$0")/onnx_export.py" "$work"
