#!/usr/bin/env python3
"""Writes torchvision.txt: for each architecture of torchvision the names and shapes of its tensors, and logits.

No weights are stored or downloaded. Every number is made from the name of its tensor and its index in it, by a formula that
tests/torchvision.h repeats; so the logits tell whether every number of every tensor came to its place. Needs PyTorch:

    python3 tests/golden/make_torchvision.py > tests/golden/torchvision.txt
"""
import math

import numpy
import torch
import torchvision.models as models

# Height and width differ, so that they cannot be mixed up; those with dense layers behind pixels want 224.
ARCHITECTURES = [
    ("resnet18", 64, 96, {}),
    ("resnet34", 64, 96, {}),
    ("resnet50", 64, 96, {}),
    ("googlenet", 64, 96, dict(aux_logits=True, transform_input=False, init_weights=False)),
    ("inception_v3", 107, 139, dict(aux_logits=True, transform_input=False, init_weights=False)),
    ("densenet121", 64, 96, {}),
    ("squeezenet1_1", 64, 96, {}),
    ("mobilenet_v2", 64, 96, {}),
    ("alexnet", 224, 224, {}),
    ("vgg11", 224, 224, {}),
    ("vgg13", 224, 224, {}),
    ("vgg16", 224, 224, {}),
    ("vgg19", 224, 224, {}),
]


def uniform(name, count):
    """Numbers from 0 to below 1: splitmix64 of the name's FNV-1a hash and the index, upper 24 bits."""
    start = 0xCBF29CE484222325
    for byte in name.encode():
        start = (start ^ byte) * 0x100000001B3 % 2**64
    z = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15) + numpy.uint64(start)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> numpy.uint64(31))) >> numpy.uint64(40)).astype(numpy.float64) / 2**24


def fill(name, tensor):
    if tensor.dtype != torch.float32:
        return
    shape = tuple(tensor.shape)
    u = uniform(name, tensor.numel())
    if len(shape) > 1:
        values = (2 * u - 1) * math.sqrt(6 / (tensor.numel() // shape[0]))
    elif name.endswith("running_var"):
        values = 0.5 + u
    elif name.endswith("weight"):
        values = 0.75 + 0.5 * u
    else:
        values = 0.5 * u - 0.25
    tensor.copy_(torch.from_numpy(values.astype(numpy.float32).reshape(shape)))


def main():
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True)
    print("# Made by make_torchvision.py: a net, its input (height x width), its tensors, every 25th of its 1000 logits.")
    for name, height, width, options in ARCHITECTURES:
        net = getattr(models, name)(weights=None, **options).eval()
        print(f"net {name}\ninput {height}x{width}")
        for key, tensor in net.state_dict().items():
            fill(key, tensor)
            print("tensor", key, "x".join(map(str, tensor.shape)) or "scalar")
        picture = (4 * uniform("input", 3 * height * width) - 2).astype(numpy.float32)
        logits = net.double()(torch.from_numpy(picture).double().reshape(1, 3, height, width))[0]
        print("logits", *(f"{x:.7g}" for x in logits[::25].tolist()), flush=True)


if __name__ == "__main__":
    main()
