"""For onnx_export.sh: what an exported network gives in ONNX Runtime, against what came out here."""
import os
import sys

import numpy as np
import onnx
import onnxruntime

folder = sys.argv[1]
failed = 0
for name in sorted(f[:-5] for f in os.listdir(folder) if f.endswith(".onnx")):
    path = os.path.join(folder, name + ".onnx")
    try:
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        value = np.load(os.path.join(folder, name + ".in.npy"))
        expected = np.load(os.path.join(folder, name + ".out.npy"))
        got = session.run(None, {session.get_inputs()[0].name: value})[0]
        if got.shape != expected.shape:
            raise ValueError(f"expected {expected.shape}, got {got.shape}")
        apart = np.abs(got - expected).max() / max(1e-6, np.abs(expected).max())
        if not apart <= 1e-4:
            raise ValueError(f"results are {apart:.2g} apart, of the largest")
        batch = session.get_inputs()[0].shape[0]
        if not isinstance(batch, str):
            raise ValueError(f"expected a symbolic batch, got {batch}")
        nodes = len(onnx.load(path).graph.node)
        print(f"ok: {name}: {nodes} operators, {apart:.1e} apart")
    except Exception as problem:  # each network by itself
        failed += 1
        print(f"FAILED: {name}: {str(problem)[:600]}")
sys.exit(failed > 0)
