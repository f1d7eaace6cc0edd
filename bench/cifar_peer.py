#!/usr/bin/env python3
"""cifar_peer.py - the network and the training step of zoo/cifar_speed.net in PyTorch, as fast as it gets there: images a second.

    cifar_peer.py                          batches of 2000, 2 threads, channels last
    cifar_peer.py --batch 500 --steps 5    smaller steps, more of them
    cifar_peer.py --contiguous             the other layout
    cifar_peer.py --bf16                   forward and backward under autocast to bfloat16
    cifar_peer.py --compile                torch.compile on top

A step is what a step of training costs beyond its data: forward, loss with smoothing, backward, Muon on the filters, SGD with
Nesterov's momentum on the rest. The median of the steps counts; the first one warms up. `--fovea PROGRAM` times `fovea bench` on
the same batch right after each step, so that both see the same machine. Denormals are flushed and memory is kept between steps.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "-1", "MALLOC_MMAP_THRESHOLD_": str(1 << 30)}
MACS = 118_147_360  # of one picture


def network(torch):
    """The net of the zoo file, with its initial weights (the whitening layer drawn at random)."""
    from torch import nn

    def group(c, f):
        layers = []
        for i, inputs in enumerate((c, f)):
            conv = nn.Conv2d(inputs, f, 3, padding=1, bias=False)
            nn.init.dirac_(conv.weight.data[:inputs])
            norm = nn.BatchNorm2d(f, eps=1e-12, momentum=0.4)
            norm.weight.requires_grad = False
            layers += [conv] + ([nn.MaxPool2d(2)] if i == 0 else []) + [norm, nn.GELU()]
        return layers

    whiten = nn.Conv2d(3, 24, 2)
    whiten.weight.requires_grad = False
    net = nn.Sequential(whiten, nn.GELU(), *group(24, 64), *group(64, 256), *group(256, 256), nn.MaxPool2d(3), nn.Flatten(),
                        nn.Linear(256, 10, bias=False))
    nn.init.uniform_(net[-1].weight, -0.00677, 0.00677)
    return net


def orthogonal(torch, g, steps=3):
    """The orthogonal matrix nearest to g, by Newton-Schulz iterations (Jordan 2024)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (g.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Steps:
    """The optimizers of the recipe. Rates are those of the net file, for a mean over the batch."""

    def __init__(self, torch, net):
        self.torch = torch
        self.filters = [p for p in net.parameters() if p.ndim == 4 and p.requires_grad]
        self.momenta = [torch.zeros_like(p) for p in self.filters]
        biases = [p for p in net.parameters() if p.ndim == 1 and p.requires_grad]
        self.sgd = torch.optim.SGD([dict(params=biases, lr=106, weight_decay=3.8e-5),
                                    dict(params=[net[-1].weight], lr=0.02, weight_decay=0.2)],
                                   momentum=0.85, nesterov=True, fused=True)
        self.first = [g["lr"] for g in self.sgd.param_groups]

    def step(self, factor=1.0):
        torch = self.torch
        for group, rate in zip(self.sgd.param_groups, self.first):
            group["lr"] = rate * factor
        self.sgd.step()
        with torch.no_grad():
            for p, momentum in zip(self.filters, self.momenta):
                momentum.mul_(0.6).add_(p.grad)
                along = p.grad.add(momentum, alpha=0.6)
                p.mul_(len(p) ** 0.5 / p.norm())
                p.add_(orthogonal(torch, along.reshape(len(p), -1)).view(p.shape), alpha=-0.24 * factor)


def fovea_rate(program, batch, threads):
    out = subprocess.run([program, "bench", "cifar_speed", "--training", "--batch", str(batch), "--threads", str(threads),
                          "--seconds", "1", "--json"], capture_output=True, text=True, check=True).stdout
    return json.loads(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--contiguous", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fovea", metavar="PROGRAM")
    args = parser.parse_args()
    if any(os.environ.get(k) != v for k, v in KEEP_MEMORY.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP_MEMORY})

    import torch
    import torch.nn.functional as F
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    layout = torch.contiguous_format if args.contiguous else torch.channels_last
    net = network(torch).to(memory_format=layout).train()
    steps = Steps(torch, net)
    forward = torch.compile(net) if args.compile else net
    x = torch.randn(args.batch, 3, 32, 32).to(memory_format=layout)
    y = torch.randint(0, 10, (args.batch,))
    seconds = []
    for i in range(args.steps + 1):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            loss = F.cross_entropy(forward(x).float(), y, label_smoothing=0.2)
        loss.backward()
        steps.step(1e-3)
        net.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
        if args.fovea and i:
            print("fovea:", json.dumps(fovea_rate(args.fovea, args.batch, args.threads)))
    median = statistics.median(seconds[1:])
    print(f"PyTorch {torch.__version__}, {args.threads} threads, batch {args.batch}: {args.batch / median:.0f} images/s"
          f" ({6e-9 * MACS * args.batch / median:.0f} GFLOP/s; steps {min(seconds[1:]):.2f} .. {max(seconds[1:]):.2f} s)")


if __name__ == "__main__":
    main()
