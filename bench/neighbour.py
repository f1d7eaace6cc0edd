#!/usr/bin/env python3
"""neighbour.py - beside a process that holds a CPU for itself: are all threads still no slower than one less?

    neighbour.py --fovea build/fovea [--turns N] [--seconds S] [NET...]

The other process computes without end, bound to the last CPU that this one may use. One thread and all threads take turns; a figure is
the median over the turns of `fovea bench`'s medians. Alone: the same without the other process.
"""
import argparse
import os
import statistics
import subprocess
import sys

from networks import measure
from peers import milliseconds

CASES = [("lenet_mnist", "training", 64), ("mnist_cnn", "training", 64), ("resnet20_cifar", "training", 128),
         ("resnet34", "training", 8), ("resnet34", "inference", 1), ("vgg16", "inference", 1)]
BUSY = "x = 1\nwhile True: x = x * 3 % 1000003"


def median_of(fovea, case, threads, turns, seconds):
    """Median step for each number of threads, in turns."""
    steps = {n: [] for n in threads}
    for _ in range(turns):
        for n in threads:
            steps[n].append(measure(fovea, *case, n, seconds)[0]["median"])
    return {n: statistics.median(s) for n, s in steps.items()}


def beside(cpu, work):
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    os.sched_setaffinity(busy.pid, {cpu})
    try:
        return work()
    finally:
        busy.kill()
        busy.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fovea", default="fovea", help="the program")
    parser.add_argument("nets", nargs="*", help="only these")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    options = parser.parse_args()
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
    if len(cpus) < 2:
        print("neighbour.py: needs two CPUs, and to bind a process to one (Linux)", file=sys.stderr)
        return 0
    threads = (1, len(cpus))
    head = ["work", "batch", "1 thread, ms", f"{threads[1]} threads, ms", "gain", "beside a busy process: 1 thread, ms",
            f"{threads[1]} threads, ms", "gain"]
    print("| " + " | ".join(head) + " |\n| " + " | ".join(["---"] * len(head)) + " |")
    for case in [case for case in CASES if not options.nets or case[0] in options.nets]:
        def run(case=case):
            return median_of(options.fovea, case, threads, options.turns, options.seconds)
        cells = [f"{case[0]} {case[1]}", str(case[2])]
        for step in (run(), beside(cpus[-1], run)):
            cells += [milliseconds(step[1]), milliseconds(step[threads[1]]), f"{step[1] / step[threads[1]]:.2f}x"]
        print("| " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
